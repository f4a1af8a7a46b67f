//! `pyheap`: the objects that Python's garbage collector knows.

use dpdb_analyzer::{PythonObjects, PythonTypeCount, PythonValue, ValueLimits};
use dpdb_snapshot::Avma;
use serde::Serialize;

use super::{CommandError, Engine, Reply};

/// Types or objects that are shown unless another number is asked for.
const SHOWN: usize = 20;

/// Types, or objects.
#[derive(Debug, Serialize)]
pub struct PythonHeap {
    /// How many objects the collector knows.
    pub total: usize,
    /// How many objects each type has.
    pub types: Vec<PythonTypeCount>,
    /// Objects.
    pub objects: Vec<HeapObject>,
    /// How many types or objects more there are.
    pub more: usize,
    /// Why there may be more objects than were counted.
    pub end: Option<String>,
}

/// An object.
#[derive(Debug, Serialize)]
pub struct HeapObject {
    /// Where it is.
    pub address: String,
    /// Its type with its module.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The bytes it takes itself, without what it refers to.
    pub bytes: u64,
    /// What it is.
    pub value: PythonValue,
}

/// What of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapQuestion<'q> {
    /// How many objects each type has.
    Types,
    /// The largest objects.
    Largest,
    /// The objects of a type.
    Objects(&'q str),
    /// The objects that refer to one: an address, or a name with attributes in the selected frame.
    Referrers(&'q str),
}

impl Engine {
    /// Types or objects that the garbage collector knows, at most `limit` of them.
    ///
    /// # Errors
    /// There is no Python whose collector keeps lists, or nothing of the name that was asked for.
    pub fn python_heap(&mut self, question: HeapQuestion<'_>, limit: Option<usize>) -> Result<Reply, CommandError> {
        let limit = limit.unwrap_or(SHOWN);
        let all = self.session.python_objects().map_err(|why| CommandError::refused(why.to_string()))?;
        let found = match question {
            HeapQuestion::Types => {
                let mut types = self.session.python_type_counts(&all);
                let more = types.len().saturating_sub(limit);
                types.truncate(limit);
                return Ok(reply(&all, types, Vec::new(), more));
            }
            HeapQuestion::Largest => {
                let largest = self.session.python_largest(&all, limit);
                let more = all.objects.len().saturating_sub(largest.len());
                return Ok(reply(&all, Vec::new(), self.heap_objects(&largest), more));
            }
            HeapQuestion::Objects(type_name) => self.session.python_objects_of(&all, type_name),
            HeapQuestion::Referrers(object) => {
                let target = self.heap_target(object)?;
                self.session.python_referrers(&all, target, usize::MAX)
            }
        };
        let more = found.len().saturating_sub(limit);
        let shown = self.heap_objects(&found[..found.len().min(limit)]);
        Ok(reply(&all, Vec::new(), shown, more))
    }

    fn heap_target(&mut self, object: &str) -> Result<Avma, CommandError> {
        if let Some(digits) = object.strip_prefix("0x") {
            let parsed = u64::from_str_radix(digits, 16).map(Avma);
            return parsed.map_err(|_| CommandError::refused(format!("{object} is no address")));
        }
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let stack = self.stack(tid, usize::MAX)?;
        let number = (number..stack.numbered.len()).find(|number| stack.python_frame(*number).is_some());
        let frame = number.and_then(|number| stack.python_frame(number).cloned());
        let at = frame.and_then(|frame| self.session.python_object_named(&frame, object));
        at.ok_or_else(|| CommandError::refused(format!("the selected Python frame knows no object {object}")))
    }

    fn heap_objects(&self, at: &[Avma]) -> Vec<HeapObject> {
        let limits = ValueLimits { depth: 2, elements: 8, ..ValueLimits::default() };
        let objects = at.iter().filter_map(|at| self.session.python_object(*at, limits));
        let shown = objects.map(|object| HeapObject {
            address: object.at.to_string(),
            type_name: object.type_name,
            bytes: object.bytes,
            value: object.value,
        });
        shown.collect()
    }
}

fn reply(all: &PythonObjects, types: Vec<PythonTypeCount>, objects: Vec<HeapObject>, more: usize) -> Reply {
    Reply::PythonHeap(PythonHeap { total: all.objects.len(), types, objects, more, end: all.end.clone() })
}
