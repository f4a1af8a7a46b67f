//! The objects that the cyclic garbage collector knows, by its lists (Modules/gcmodule.c, from 3.13 on Python/gc.c):
//! containers and instances, and neither texts nor numbers, which cannot be parts of cycles.

use std::collections::{HashMap, HashSet};

use dpdb_snapshot::Avma;
use serde::Serialize;

use super::attributes::Attribute;
use super::heap::{DICT, Heap, LIST, TypeFacts};
use super::layout::Minor;
use super::objects::Reader;
use super::unreadable::Unreadable;
use super::value::PythonValue;
use super::{Python, PythonAbsent, PythonFrame, locals, threads};
use crate::session::Session;
use crate::value::ValueLimits;

/// Generations, besides the permanent one of `gc.freeze()`.
const GENERATIONS: u64 = 3;
/// `struct gc_generation`: a head and two numbers.
const GENERATION: u64 = 24;
/// More objects than these are not looked at.
const MOST_OBJECTS: usize = 1 << 24;
/// What is kept in the lowest bits of the links (Include/internal/pycore_gc.h).
const FLAGS: u64 = 3;
/// Bytes of an object that are searched for references.
const MOST_SEARCHED: u64 = 1 << 16;

/// What the collector of a process has under its eyes.
#[derive(Clone, Debug, Default)]
pub struct PythonObjects {
    /// The objects, by their addresses in the order of the lists: the oldest generation last.
    pub objects: Vec<Avma>,
    /// Why there are more than these.
    pub end: Option<String>,
}

/// The objects of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PythonTypeCount {
    /// The type with its module.
    pub type_name: String,
    /// How many objects it has.
    pub count: u64,
    /// The bytes they take themselves, without what they refer to.
    pub bytes: u64,
}

/// One of the objects.
#[derive(Clone, Debug, PartialEq)]
pub struct PythonObject {
    /// Where it is.
    pub at: Avma,
    /// Its type with its module.
    pub type_name: String,
    /// The bytes it takes itself.
    pub bytes: u64,
    /// What it is.
    pub value: PythonValue,
}

impl Session {
    /// The objects that the garbage collector of the process knows, in the lists of all its interpreters.
    ///
    /// # Errors
    /// There is no interpreter that can be read, or it is a free-threaded one, which has no such lists.
    pub fn python_objects(&self) -> Result<PythonObjects, PythonAbsent> {
        let python = self.python().map_err(Clone::clone)?;
        let refused = |reason: String| PythonAbsent::Refused(reason);
        if python.layout.free_threaded {
            return Err(refused("a free-threaded build keeps no lists of its objects".to_owned()));
        }
        objects(python, &Heap::new(self.memory(), &python.layout)).map_err(|why| refused(why.to_string()))
    }

    /// How many objects each type has, the most numerous first.
    pub fn python_type_counts(&self, objects: &PythonObjects) -> Vec<PythonTypeCount> {
        self.python_heap().map(|(_, heap)| count(&heap, &objects.objects)).unwrap_or_default()
    }

    /// The objects of the types of this name, with or without its module.
    pub fn python_objects_of(&self, objects: &PythonObjects, type_name: &str) -> Vec<Avma> {
        let Some((_, heap)) = self.python_heap() else { return Vec::new() };
        let is = |facts: &TypeFacts| facts.name == type_name || facts.full_name() == type_name;
        objects.objects.iter().filter(|at| heap.type_of(**at).is_ok_and(|facts| is(&facts))).copied().collect()
    }

    /// The largest objects, at most `limit` of them.
    pub fn python_largest(&self, objects: &PythonObjects, limit: usize) -> Vec<Avma> {
        let Some((_, heap)) = self.python_heap() else { return Vec::new() };
        let sized = |at: &Avma| Some((size(&heap, *at, &*heap.type_of(*at).ok()?).ok()?, *at));
        let mut sizes: Vec<(u64, Avma)> = objects.objects.iter().filter_map(sized).collect();
        sizes.sort_by_key(|(size, at)| (std::cmp::Reverse(*size), *at));
        sizes.into_iter().take(limit).map(|(_, at)| at).collect()
    }

    /// The objects that refer to the one at `target`, at most `limit` of them.
    pub fn python_referrers(&self, objects: &PythonObjects, target: Avma, limit: usize) -> Vec<Avma> {
        self.python_heap().map(|(_, heap)| referrers(&heap, &objects.objects, target, limit)).unwrap_or_default()
    }

    /// What an object is.
    pub fn python_object(&self, at: Avma, limits: ValueLimits) -> Option<PythonObject> {
        let (_, heap) = self.python_heap()?;
        let facts = heap.type_of(at).ok()?;
        let value = Reader::new(&heap, limits).value(at);
        Some(PythonObject { at, type_name: facts.full_name(), bytes: size(&heap, at, &facts).unwrap_or(0), value })
    }

    /// The object that a name of a frame, with attributes of it behind points, leads to.
    pub fn python_object_named(&self, frame: &PythonFrame, path: &str) -> Option<Avma> {
        let (_, heap) = self.python_heap()?;
        let mut names = path.split('.').map(str::trim);
        let mut at = locals::object_named(&heap, frame, names.next()?).ok()??;
        for name in names {
            at = match heap.attribute(at, name) {
                Ok(Some(Attribute::Object(value))) => value,
                _ => return None,
            };
        }
        Some(at)
    }
}

/// The objects in the lists of all interpreters.
fn objects(python: &Python, heap: &Heap<'_>) -> Result<PythonObjects, Unreadable> {
    let mut found = PythonObjects::default();
    for interpreter in threads::interpreters(python, heap).0 {
        let owner = if heap.layout.has("_PyRuntimeState.gc.generation0") { python.runtime } else { interpreter };
        let field = |names: [&'static str; 2]| heap.layout.any_of(&names).map(|offset| owner.wrapping_add(offset));
        // A pointer to the first of the generations: their own place moved between 3.13.0 and 3.13.5.
        let young = field(["PyInterpreterState.gc.generation0", "_PyRuntimeState.gc.generation0"])?;
        let young = Avma(heap.memory.read_u64(young)?);
        let permanent = field([
            "PyInterpreterState.gc.permanent_generation.head._gc_next",
            "_PyRuntimeState.gc.permanent_generation.head._gc_next",
        ])?;
        let heads = (0..GENERATIONS).map(|number| young.wrapping_add(number * GENERATION)).chain([permanent]);
        for head in heads {
            if let Err(why) = list(heap, head, &mut found.objects) {
                found.end = Some(format!("a list of the collector is cut: {why}"));
            }
        }
        if owner == python.runtime {
            break;
        }
    }
    Ok(found)
}

fn list(heap: &Heap<'_>, head: Avma, found: &mut Vec<Avma>) -> Result<(), Unreadable> {
    let size = heap.layout.offset("PyGC_Head.sizeof")?;
    let next = |at: Avma| Ok::<_, Unreadable>(Avma(heap.word(at, "PyGC_Head._gc_next")? & !FLAGS));
    let mut seen = HashSet::new();
    let mut at = next(head)?;
    while at != head {
        if found.len() >= MOST_OBJECTS {
            return Err(Unreadable::TooLarge { what: "list of objects", at: head });
        }
        if at.0 == 0 || !seen.insert(at) {
            return Err(Unreadable::Damaged { what: "list of objects", at: head });
        }
        found.push(at.wrapping_add(size));
        at = next(at)?;
    }
    Ok(())
}

/// How many objects each type has, the most numerous first.
fn count(heap: &Heap<'_>, objects: &[Avma]) -> Vec<PythonTypeCount> {
    let mut types: HashMap<Avma, PythonTypeCount> = HashMap::new();
    for object in objects {
        let Ok(facts) = heap.type_of(*object) else { continue };
        let counted = types.entry(facts.at).or_insert_with(|| PythonTypeCount {
            type_name: facts.full_name(),
            count: 0,
            bytes: 0,
        });
        counted.count += 1;
        counted.bytes = counted.bytes.saturating_add(size(heap, *object, &facts).unwrap_or(0));
    }
    let mut types: Vec<PythonTypeCount> = types.into_values().collect();
    types.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.type_name.cmp(&b.type_name)));
    types
}

/// The bytes of an object and of the table or the buffer that is its own; without the collector's header.
fn size(heap: &Heap<'_>, object: Avma, facts: &TypeFacts) -> Result<u64, Unreadable> {
    let own = structure_size(heap, object, facts)?;
    let (_, extra) = buffer(heap, object, facts)?.unwrap_or_default();
    Ok(own.saturating_add(extra))
}

fn structure_size(heap: &Heap<'_>, object: Avma, facts: &TypeFacts) -> Result<u64, Unreadable> {
    let basic = heap.word(facts.at, "PyTypeObject.tp_basicsize")?;
    let item = heap.word(facts.at, "PyTypeObject.tp_itemsize")?;
    // A generator's items are those of its frame, and no number says how many.
    if item == 0 || matches!(facts.builtin.as_deref(), Some("generator" | "coroutine" | "async_generator")) {
        return Ok(basic);
    }
    let items = (heap.word(object, "PyVarObject.ob_size")? as i64).unsigned_abs();
    Ok(basic.saturating_add(items.saturating_mul(item)).saturating_add(7) & !7)
}

/// The memory apart from its structure in which a list, a set or a dictionary keeps what it refers to.
fn buffer(heap: &Heap<'_>, object: Avma, facts: &TypeFacts) -> Result<Option<(Avma, u64)>, Unreadable> {
    Ok(match facts.builtin.as_deref() {
        _ if facts.has(LIST) => {
            let items = heap.pointer(object, "PyListObject.ob_item")?;
            let count = heap.word(object, "PyVarObject.ob_size")?;
            items.map(|items| (items, count.saturating_mul(8)))
        }
        Some("set" | "frozenset") => {
            let slots = heap.word(object, "PySetObject.mask")?.saturating_add(1);
            let table = heap.object(object, "PySetObject.table")?;
            // A small table is a part of the set itself.
            (slots > 8).then(|| (table, slots.saturating_mul(16)))
        }
        _ if facts.has(DICT) => Some(heap.table_of_dict(object)?),
        _ => None,
    })
}

/// The objects of `objects` that have `target` in a word of theirs: those that refer to it.
fn referrers(heap: &Heap<'_>, objects: &[Avma], target: Avma, limit: usize) -> Vec<Avma> {
    let refers = |object: &&Avma| **object != target && refers(heap, **object, target).unwrap_or(false);
    objects.iter().filter(refers).take(limit).copied().collect()
}

fn refers(heap: &Heap<'_>, object: Avma, target: Avma) -> Result<bool, Unreadable> {
    let facts = heap.type_of(object)?;
    let header = heap.layout.offset("PyObject.sizeof")?;
    let size = structure_size(heap, object, &facts)?.min(MOST_SEARCHED);
    let has = |start: Avma, size: u64| {
        let words = heap.words(start, size.min(MOST_SEARCHED) / 8)?;
        Ok::<_, Unreadable>(words.iter().any(|word| untagged(heap, *word) == target.0))
    };
    if has(object.wrapping_add(header), size.saturating_sub(header))? {
        return Ok(true);
    }
    if let Some((start, size)) = buffer(heap, object, &facts)?
        && has(start, size)?
    {
        return Ok(true);
    }
    let kept = heap.instance_dict(object, &facts, MOST_SEARCHED)?.unwrap_or_default();
    Ok(heap.keeps_values_inline(object, &facts)? && kept.pairs.iter().any(|(_, value)| *value == target))
}

/// References in frames of generators have a tag from 3.14 on.
fn untagged(heap: &Heap<'_>, word: u64) -> u64 {
    if heap.layout.minor < Minor(14) { word } else { word & !FLAGS }
}
