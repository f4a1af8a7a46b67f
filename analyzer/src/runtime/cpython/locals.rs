//! The variables of a Python frame.

use dpdb_snapshot::Avma;
use serde::Serialize;

use super::frames::PythonFrame;
use super::heap::Heap;
use super::layout::Minor;
use super::objects::Reader;
use super::unreadable::Unreadable;
use super::value::PythonValue;

/// `CO_VARARGS` and `CO_VARKEYWORDS`, `CO_OPTIMIZED` (Include/cpython/code.h).
const VARARGS: i32 = 4;
const VARKEYWORDS: i32 = 8;
const OPTIMIZED: i32 = 1;

/// Bits of `co_localspluskinds` (Include/internal/pycore_code.h).
const CELL: u8 = 0x40;
const FREE: u8 = 0x80;
const HIDDEN: u8 = 0x10;

/// More variables than any function has.
const MOST_VARIABLES: u64 = 4096;

/// A variable of a Python frame that has a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PythonVariable {
    /// Its name.
    pub name: String,
    /// It is a parameter of the function.
    pub argument: bool,
    /// It belongs to a function further out.
    pub free: bool,
    /// What it is.
    pub value: PythonValue,
}

/// A slot of a frame: a name, what kind of variable it is, and what was found in it.
struct Slot {
    name: Avma,
    kind: u8,
    object: u64,
}

/// A name of a frame, and what it is bound to.
pub(super) struct Binding {
    pub(super) name: String,
    /// It is a parameter of the function.
    pub(super) argument: bool,
    /// It belongs to a function further out.
    pub(super) free: bool,
    /// None before the first assignment, and after `del`.
    pub(super) bound: Option<Bound>,
}

/// The variables of a frame that are bound: those of a function by their slots, those of a module or a class body by
/// its dictionary, without the names with two underscores that each module has.
pub(super) fn locals(
    heap: &Heap<'_>,
    reader: &Reader<'_, '_>,
    frame: &PythonFrame,
) -> Result<Vec<PythonVariable>, Unreadable> {
    let mut found = Vec::new();
    for Binding { name, argument, free, bound } in bindings(heap, frame)? {
        let hidden = !argument && !free && name.starts_with("__") && name.ends_with("__");
        if let Some(bound) = bound.filter(|_| !hidden || is_optimized(heap, frame)) {
            found.push(PythonVariable { name, argument, free, value: object_value(reader, bound) });
        }
    }
    Ok(found)
}

fn is_optimized(heap: &Heap<'_>, frame: &PythonFrame) -> bool {
    heap.int(frame.code, "PyCodeObject.co_flags").is_ok_and(|flags| flags & OPTIMIZED != 0)
}

/// All local names of a frame: the slots of a function, the dictionary of a module or a class body.
pub(super) fn bindings(heap: &Heap<'_>, frame: &PythonFrame) -> Result<Vec<Binding>, Unreadable> {
    heap.expect(frame.code, "code")?;
    let flags = heap.int(frame.code, "PyCodeObject.co_flags")?;
    let mut found: Vec<Binding> = Vec::new();
    let arguments = argument_count(heap, frame.code, flags)?;
    for (index, slot) in slots(heap, frame)?.into_iter().enumerate() {
        let free = slot.kind & FREE != 0;
        // Python counts what a class body takes from the function around it to that function only.
        if free && flags & OPTIMIZED == 0 || slot.kind & HIDDEN != 0 {
            continue;
        }
        // Up to 3.10 cells of arguments stand apart from the arguments' own slots.
        let argument = (index as u64) < arguments && !free;
        let (name, bound) = (heap.name(slot.name)?, bound(heap, &slot));
        match found.iter_mut().find(|known| known.name == name) {
            Some(known) => known.bound = bound.or(known.bound.take()),
            None => found.push(Binding { name, argument, free, bound }),
        }
    }
    if flags & OPTIMIZED == 0 {
        found.extend(of_dictionary(heap, frame)?);
    }
    Ok(found)
}

/// The object in the variable of this name, of a function or of a module.
pub(super) fn object_named(heap: &Heap<'_>, frame: &PythonFrame, name: &str) -> Result<Option<Avma>, Unreadable> {
    heap.expect(frame.code, "code")?;
    let slot = slots(heap, frame)?.into_iter().find(|slot| heap.is_text(slot.name, name));
    if let Some(Bound::Object(at)) = slot.and_then(|slot| bound(heap, &slot)) {
        return Ok(Some(at));
    }
    let field = if heap.layout.minor < Minor(11) { "PyFrameObject.f_globals" } else { "_PyInterpreterFrame.f_globals" };
    let globals = Avma(heap.object(frame.at, field)?.0 & !3);
    heap.expect(globals, "dict")?;
    Ok(heap.dict_get(globals, name))
}

/// The objects in the variables of a frame, those of a module or a class body excepted.
pub(super) fn objects(heap: &Heap<'_>, frame: &PythonFrame) -> Result<Vec<Avma>, Unreadable> {
    heap.expect(frame.code, "code")?;
    let bound = slots(heap, frame)?.into_iter().filter_map(|slot| bound(heap, &slot));
    Ok(bound.filter_map(|bound| if let Bound::Object(at) = bound { Some(at) } else { None }).collect())
}

fn argument_count(heap: &Heap<'_>, code: Avma, flags: i32) -> Result<u64, Unreadable> {
    let count = |field| Ok::<u64, Unreadable>(u64::try_from(heap.int(code, field)?).unwrap_or(0));
    let starred = u64::from(flags & VARARGS != 0) + u64::from(flags & VARKEYWORDS != 0);
    Ok(count("PyCodeObject.co_argcount")? + count("PyCodeObject.co_kwonlyargcount")? + starred)
}

/// A tagged small integer has no object (3.14).
pub(super) enum Bound {
    Object(Avma),
    Tagged(i64),
}

fn object_value(reader: &Reader<'_, '_>, bound: Bound) -> PythonValue {
    match bound {
        Bound::Object(at) => reader.value(at),
        Bound::Tagged(number) => PythonValue::Int(number.into()),
    }
}

/// What a slot holds, looked up in its cell where it has one.
fn bound(heap: &Heap<'_>, slot: &Slot) -> Option<Bound> {
    if slot.kind & HIDDEN != 0 || slot.object == 0 {
        return None;
    }
    let object = match heap.layout.minor {
        Minor(..=13) => Avma(slot.object),
        _ => match slot.object & 3 {
            _ if slot.object == 1 => return None,
            3 => return Some(Bound::Tagged(slot.object as i64 >> 2)),
            _ => Avma(slot.object & !3),
        },
    };
    let is_cell = slot.kind & (CELL | FREE) != 0 && heap.expect(object, "cell").is_ok();
    if !is_cell {
        return Some(Bound::Object(object));
    }
    heap.pointer(object, "PyCellObject.ob_ref").ok().flatten().map(Bound::Object)
}

fn slots(heap: &Heap<'_>, frame: &PythonFrame) -> Result<Vec<Slot>, Unreadable> {
    if heap.layout.minor < Minor(11) {
        return slots_of_three(heap, frame);
    }
    let names = heap.object(frame.code, "PyCodeObject.co_localsplusnames")?;
    heap.expect(names, "tuple")?;
    let names = heap.first_items(names, MOST_VARIABLES)?.items;
    let kinds = heap.object(frame.code, "PyCodeObject.co_localspluskinds")?;
    heap.expect(kinds, "bytes")?;
    let (kinds, _) = heap.byte_string(kinds, names.len() as u64)?;
    let objects = heap.words(heap.field(frame.at, "_PyInterpreterFrame.localsplus")?, names.len() as u64)?;
    let all = names.into_iter().zip(kinds).zip(objects);
    Ok(all.map(|((name, kind), object)| Slot { name, kind, object }).collect())
}

/// Up to 3.10: the function's own variables, then its cells, then those of functions further out. An argument that
/// has a cell has its value only there.
fn slots_of_three(heap: &Heap<'_>, frame: &PythonFrame) -> Result<Vec<Slot>, Unreadable> {
    let mut names = Vec::new();
    for (field, kind) in
        [("PyCodeObject.co_varnames", 0), ("PyCodeObject.co_cellvars", CELL), ("PyCodeObject.co_freevars", FREE)]
    {
        let tuple = heap.object(frame.code, field)?;
        heap.expect(tuple, "tuple")?;
        names.extend(heap.first_items(tuple, MOST_VARIABLES)?.items.into_iter().map(|name| (name, kind)));
    }
    let objects = heap.words(heap.field(frame.at, "PyFrameObject.f_localsplus")?, names.len() as u64)?;
    Ok(names.into_iter().zip(objects).map(|((name, kind), object)| Slot { name, kind, object }).collect())
}

fn of_dictionary(heap: &Heap<'_>, frame: &PythonFrame) -> Result<Vec<Binding>, Unreadable> {
    let field = if heap.layout.minor < Minor(11) { "PyFrameObject.f_locals" } else { "_PyInterpreterFrame.f_locals" };
    let Some(locals) = heap.pointer(frame.at, field)? else { return Ok(Vec::new()) };
    // From 3.14 on it is a tagged reference in some frames; the tag is in the lowest two bits of an aligned address.
    let locals = Avma(locals.0 & !3);
    heap.expect(locals, "dict")?;
    let pairs = heap.dict(locals, MOST_VARIABLES)?.pairs.into_iter();
    let binding = |(name, value)| {
        Some(Binding { name: heap.name(name).ok()?, argument: false, free: false, bound: Some(Bound::Object(value)) })
    };
    Ok(pairs.filter_map(binding).collect())
}

/// The dictionaries of a frame's global and built-in names.
pub(super) fn namespaces(heap: &Heap<'_>, frame: &PythonFrame) -> Result<(Avma, Avma), Unreadable> {
    let fields = match heap.layout.minor {
        Minor(..=10) => ["PyFrameObject.f_globals", "PyFrameObject.f_builtins"],
        _ => ["_PyInterpreterFrame.f_globals", "_PyInterpreterFrame.f_builtins"],
    };
    let [globals, builtins] = fields.map(|field| heap.object(frame.at, field).map(|at| Avma(at.0 & !3)));
    Ok((globals?, builtins?))
}
