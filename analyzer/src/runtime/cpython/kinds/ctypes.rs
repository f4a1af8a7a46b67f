//! Values of C that the module `ctypes` holds: what their classes say they are is read where they point.

use std::rc::Rc;

use dpdb_snapshot::Avma;

use super::arrays::{native, size_of};
use super::{Kind, Shown, Subject, call};
use crate::runtime::cpython::class::Entry;
use crate::runtime::cpython::heap::TypeFacts;
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::{Items, PythonValue};

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("_ctypes._SimpleCData", simple),
    ("ctypes.c_char_p", simple),
    ("ctypes.c_wchar_p", simple),
    ("_ctypes.Structure", aggregate),
    ("_ctypes.Union", aggregate),
    ("_ctypes.Array", aggregate),
    ("_ctypes._Pointer", aggregate),
];

/// Fields of a structure, and values inside of values.
const MOST_FIELDS: u64 = 256;
const DEEPEST: usize = 8;
const LONGEST_TEXT: usize = 256;

/// `c_int(5)`, texts also where Python shows their address; classes derived from the simple types are plain objects for ctypes.
fn simple(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let at = reader.heap.object(of.at, "CDataObject.b_ptr")?;
    let value = value(reader, of.facts, at, 0)?;
    let base = reader.heap.pointer(of.facts.at, "PyTypeObject.tp_base")?;
    let direct = base.is_some_and(|base| reader.heap.class(base).is_ok_and(|base| base.name == "_SimpleCData"));
    if direct {
        return Ok(call(of.facts.simple_name(), vec![value]));
    }
    Ok(object(of, vec![("value".to_owned(), value)]))
}

fn aggregate(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let at = reader.heap.object(of.at, "CDataObject.b_ptr")?;
    let children = match value(reader, of.facts, at, 0)? {
        PythonValue::Call { args, .. } => args.into_iter().filter_map(|(name, value)| Some((name?, value))).collect(),
        whole => vec![("contents".to_owned(), whole)],
    };
    Ok(object(of, children))
}

fn object(of: &Subject<'_>, attributes: Vec<(String, PythonValue)>) -> PythonValue {
    PythonValue::Object { type_name: of.facts.full_name(), at: of.at, text: None, attributes }
}

/// The value of the C type that `class` stands for, at `at`.
fn value(reader: &Reader<'_, '_>, class: &TypeFacts, at: Avma, depth: usize) -> Shown {
    if depth > DEEPEST {
        return Ok(PythonValue::Truncated("depth"));
    }
    let heap = reader.heap;
    if let Some(fields) = entry(reader, class, "_fields_") {
        return structure(reader, class, fields, at, depth);
    }
    let kind = entry(reader, class, "_type_").ok_or(Unreadable::NotA { expected: "ctypes type", at: class.at })?;
    if let Some(length) = entry(reader, class, "_length_") {
        let length = heap.small_integer(length)?.try_into().unwrap_or(0);
        return array(reader, &heap.class(kind)?, at, length, depth);
    }
    if heap.expect(kind, "str").is_err() {
        let to = Avma(heap.memory.read_u64(at)?);
        let kind = heap.class(kind)?;
        if to.0 == 0 {
            return Ok(PythonValue::Constant("None"));
        }
        let target = value(reader, &kind, to, depth + 1).unwrap_or_else(PythonValue::Missing);
        return Ok(call(format!("pointer to {}", kind.name), vec![target]));
    }
    number_or_text(reader, heap.name(kind)?.bytes().next().unwrap_or(0), at)
}

fn entry(reader: &Reader<'_, '_>, class: &TypeFacts, name: &str) -> Option<Avma> {
    match reader.heap.class_entry(class.at, name).ok()??.entry {
        Entry::Object(object) => Some(object),
        _ => None,
    }
}

fn number_or_text(reader: &Reader<'_, '_>, code: u8, at: Avma) -> Shown {
    let heap = reader.heap;
    if let Some(size) = size_of(code).filter(|_| code != b'P') {
        let bytes = heap.read(at, size as u64)?;
        return native(code, &bytes).ok_or(Unreadable::Damaged { what: "ctypes value", at });
    }
    let word = heap.memory.read_u64(at)?;
    match code {
        b'u' => {
            let point = u32::from_le_bytes(heap.bytes(at)?);
            Ok(PythonValue::Str { points: vec![point], length: 1 })
        }
        _ if word == 0 => Ok(PythonValue::Constant("None")),
        b'z' => {
            let (bytes, _) = heap.memory.read_c_string(Avma(word), LONGEST_TEXT)?;
            Ok(PythonValue::Bytes { length: bytes.len() as u64, bytes, array: false })
        }
        b'Z' => {
            let mut points = Vec::new();
            while points.len() < LONGEST_TEXT {
                match u32::from_le_bytes(heap.bytes(Avma(word).wrapping_add(points.len() as u64 * 4))?) {
                    0 => break,
                    point => points.push(point),
                }
            }
            Ok(PythonValue::Str { length: points.len() as u64, points })
        }
        b'O' => Ok(reader.value(Avma(word))),
        _ => Ok(PythonValue::Int(word.into())),
    }
}

/// Where a field is, its descriptor in the class tells (`CFieldObject`, Modules/_ctypes/ctypes.h): the offset first.
fn structure(reader: &Reader<'_, '_>, class: &TypeFacts, fields: Avma, at: Avma, depth: usize) -> Shown {
    let heap = reader.heap;
    let mut args = Vec::new();
    for field in heap.first_items(fields, MOST_FIELDS)?.items {
        let field = heap.first_items(field, 3)?.items;
        let [name, kind, bits @ ..] = field.as_slice() else { continue };
        let name = heap.name(*name)?;
        let descriptor =
            entry(reader, class, &name).ok_or(Unreadable::Damaged { what: "ctypes field", at: class.at })?;
        let place = at.wrapping_add(reader.behind_header(descriptor, 0)?.0);
        let kind = heap.class(*kind)?;
        let shown = if bits.is_empty() {
            value(reader, &kind, place, depth + 1).unwrap_or_else(PythonValue::Missing)
        } else {
            PythonValue::Truncated("bit field")
        };
        args.push((Some(name), shown));
    }
    Ok(PythonValue::Call { callee: class.simple_name(), args })
}

fn array(reader: &Reader<'_, '_>, kind: &Rc<TypeFacts>, start: Avma, length: u64, depth: usize) -> Shown {
    let size = size_of_class(reader, kind, 0)?;
    if let Some(code) = entry(reader, kind, "_type_").and_then(|code| reader.heap.name(code).ok())
        && code == "c"
    {
        let bytes = reader.heap.read(start, length.min(reader.limits.bytes))?;
        return Ok(PythonValue::Bytes { bytes, length, array: false });
    }
    let item = |index: u64| value(reader, kind, start.wrapping_add(index * size), depth + 1);
    let items = (0..length.min(reader.limits.elements)).map(|index| item(index).unwrap_or_else(PythonValue::Missing));
    Ok(PythonValue::Items { kind: Items::List, items: items.collect(), length })
}

/// The size of the C type that a class stands for, from its parts: the class keeps it where no offset is known.
fn size_of_class(reader: &Reader<'_, '_>, class: &TypeFacts, depth: usize) -> Result<u64, Unreadable> {
    let unknown = || Unreadable::NotA { expected: "ctypes type of known size", at: class.at };
    if depth > DEEPEST {
        return Err(unknown());
    }
    if let Some(fields) = entry(reader, class, "_fields_") {
        let (mut end, mut alignment) = (0, 1);
        for field in reader.heap.first_items(fields, MOST_FIELDS)?.items {
            let field = reader.heap.first_items(field, 3)?.items;
            let [name, kind] = field.as_slice() else { return Err(unknown()) };
            let kind = reader.heap.class(*kind)?;
            let descriptor = entry(reader, class, &reader.heap.name(*name)?).ok_or_else(unknown)?;
            let size = size_of_class(reader, &kind, depth + 1)?;
            end = end.max(reader.behind_header(descriptor, 0)?.0.saturating_add(size));
            alignment = alignment.max(alignment_of(reader, &kind, depth + 1)?);
        }
        return end.checked_next_multiple_of(alignment).ok_or_else(unknown);
    }
    let kind = entry(reader, class, "_type_").ok_or_else(unknown)?;
    if let Some(length) = entry(reader, class, "_length_") {
        let length: u64 = reader.heap.small_integer(length)?.try_into().map_err(|_| unknown())?;
        return size_of_class(reader, &*reader.heap.class(kind)?, depth + 1)?.checked_mul(length).ok_or_else(unknown);
    }
    Ok(match reader.heap.name(kind) {
        Ok(code) if code == "u" => 4,
        Ok(code) => size_of(code.bytes().next().unwrap_or(0)).unwrap_or(8) as u64,
        Err(_) => 8,
    })
}

fn alignment_of(reader: &Reader<'_, '_>, class: &TypeFacts, depth: usize) -> Result<u64, Unreadable> {
    let mut most = 1;
    if depth > DEEPEST {
        return Ok(most);
    }
    if let Some(fields) = entry(reader, class, "_fields_") {
        for field in reader.heap.first_items(fields, MOST_FIELDS)?.items {
            let [_, kind, ..] = reader.heap.first_items(field, 3)?.items[..] else { continue };
            most = most.max(alignment_of(reader, &*reader.heap.class(kind)?, depth + 1)?);
        }
        return Ok(most);
    }
    match entry(reader, class, "_length_").and(entry(reader, class, "_type_")) {
        Some(kind) => alignment_of(reader, &*reader.heap.class(kind)?, depth + 1),
        None => size_of_class(reader, class, depth + 1),
    }
}
