//! The global names of a frame: those of its module.

use dpdb_snapshot::Avma;
use serde::Serialize;

use super::PythonFrame;
use super::expression::Value;
use super::heap::{Heap, TYPE};
use super::locals;
use super::objects::Reader;
use super::unreadable::Unreadable;
use super::value::PythonValue;
use crate::session::Session;
use crate::value::ValueLimits;

/// More names than any module has.
const MOST_NAMES: u64 = 1 << 14;

/// A global name of a module.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PythonGlobal {
    /// The name.
    pub name: String,
    /// `module`, `function`, `class`, or `variable` for anything else.
    pub role: &'static str,
    /// What it is.
    pub value: PythonValue,
}

/// The global names of a frame and what they are bound to; none where its dictionary is damaged.
pub(super) fn values(heap: &Heap<'_>, frame: &PythonFrame) -> Vec<(String, Value)> {
    let pairs = locals::namespaces(heap, frame).and_then(|(globals, _)| heap.dict(globals, MOST_NAMES));
    let pairs = pairs.unwrap_or_default().pairs.into_iter();
    pairs.filter_map(|(name, value)| Some((heap.name(name).ok()?, Value::Object(value)))).collect()
}

impl Session {
    /// The global names of a frame that are `wanted`, in the order in which they were first assigned.
    ///
    /// # Errors
    /// The frame or its dictionary is damaged.
    pub fn python_globals(
        &self,
        frame: &PythonFrame,
        wanted: &dyn Fn(&str) -> bool,
        limits: ValueLimits,
    ) -> Result<Vec<PythonGlobal>, Unreadable> {
        let Some((_, heap)) = self.python_heap() else { return Ok(Vec::new()) };
        let (globals, _) = locals::namespaces(&heap, frame)?;
        let mut found = Vec::new();
        for (name, value) in heap.dict(globals, MOST_NAMES)?.pairs {
            let Ok(name) = heap.name(name) else { continue };
            if !wanted(&name) {
                continue;
            }
            let role = match heap.type_of(value) {
                Ok(facts) if facts.has(TYPE) => "class",
                Ok(facts) => match facts.builtin.as_deref() {
                    Some("module") => "module",
                    Some("function" | "builtin_function_or_method") => "function",
                    _ => "variable",
                },
                Err(_) => "variable",
            };
            // Each has limits of its own, so that a large one in front does not hide those behind it.
            found.push(PythonGlobal { name, role, value: Reader::new(&heap, limits).value(value) });
        }
        Ok(found)
    }
}

impl Heap<'_> {
    /// The names of a module that an interpreter has imported.
    pub(super) fn names_of_module(&self, interpreter: Avma, module: &str) -> Option<Avma> {
        let sys = self.pointer(interpreter, "PyInterpreterState.sysdict").ok()??;
        let modules = self.dict_get(sys, "modules")?;
        let module = self.dict_get(modules, module)?;
        self.expect(module, "module").ok()?;
        self.pointer(module, "PyModuleObject.md_dict").ok()?
    }
}
