//! Objects of named fields: named tuples, the tuples of system calls, data classes, namespaces.

use std::rc::Rc;

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::attributes::Attribute;
use crate::runtime::cpython::class::Entry;
use crate::runtime::cpython::heap::{TUPLE, TypeFacts};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[("types.SimpleNamespace", namespace)];

/// Fields of a record.
const MOST_FIELDS: u64 = 256;

/// What a class is that only its structure tells, not its name.
pub(super) fn kind_of(reader: &Reader<'_, '_>, facts: &Rc<TypeFacts>) -> Option<Kind> {
    if facts.has(TUPLE) && facts.builtin.as_deref() != Some("tuple") {
        return match reader.method_source(facts, "__repr__") {
            Some((file, _)) => file.ends_with("collections/__init__.py").then_some(named_tuple),
            None => {
                (reader.heap.pointer(facts.at, "PyTypeObject.tp_members").ok()?.is_some()).then_some(struct_sequence)
            }
        };
    }
    if reader.heap.class_entry(facts.at, "__dataclass_fields__").ok()?.is_some() {
        let (file, name) = reader.method_source(facts, "__repr__")?;
        let generated = file.ends_with("dataclasses.py") || file.ends_with("reprlib.py");
        return (generated && name == "wrapper").then_some(data_class);
    }
    None
}

fn named_tuple(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let damaged = Unreadable::Damaged { what: "named tuple", at: of.at };
    let Some(Entry::Object(names)) = reader.heap.class_entry(of.facts.at, "_fields")?.map(|found| found.entry) else {
        return Err(damaged);
    };
    let names = reader.heap.first_items(names, MOST_FIELDS)?.items;
    let names = names.into_iter().map(|name| reader.heap.name(name)).collect::<Result<_, _>>()?;
    record(reader, of, of.facts.simple_name(), names)
}

/// `os.stat_result` and the like (Objects/structseq.c): the fields' names are those of the members in C.
fn struct_sequence(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let names = reader.heap.members_of_class(of.facts.at)?;
    let mut names: Vec<(u64, String)> = names
        .iter()
        .filter_map(|(name, row)| Some((reader.heap.word(*row, "PyMemberDef.offset").ok()?, name.clone())))
        .collect();
    names.sort();
    record(reader, of, of.facts.full_name(), names.into_iter().map(|(_, name)| name).collect())
}

fn record(reader: &Reader<'_, '_>, of: &mut Subject<'_>, callee: String, names: Vec<String>) -> Shown {
    let items = reader.heap.first_items(of.at, MOST_FIELDS)?.items;
    let args = names.into_iter().zip(items).map(|(name, item)| (Some(name), reader.nested(item, of.path))).collect();
    Ok(PythonValue::Call { callee, args })
}

/// By the fields that its own `__repr__` shows (`_repr_fn`, Lib/dataclasses.py).
fn data_class(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let damaged = || Unreadable::Damaged { what: "data class", at: of.facts.at };
    let heap = reader.heap;
    let found = heap.class_entry(of.facts.at, "__dataclass_fields__")?.map(|found| found.entry);
    let Some(Entry::Object(fields)) = found else { return Err(damaged()) };
    heap.expect(fields, "dict")?;
    let mut args = Vec::new();
    for (name, field) in heap.dict(fields, MOST_FIELDS)?.pairs {
        if !is_shown(reader, field) {
            continue;
        }
        let name = heap.name(name)?;
        let value = match heap.attribute(of.at, &name)? {
            Some(Attribute::Object(value)) => reader.nested(value, of.path),
            Some(Attribute::Plain(value)) => value,
            _ => PythonValue::Truncated("attribute"),
        };
        args.push((Some(name), value));
    }
    Ok(PythonValue::Call { callee: of.facts.name.clone(), args })
}

/// Neither `repr=False`, nor of the class or for `__init__` only.
fn is_shown(reader: &Reader<'_, '_>, field: Avma) -> bool {
    let is_true = |at| reader.heap.int_size(at).is_ok_and(|size| size.digits != 0);
    let ordinary = || {
        let kind = reader.kept(field, "_field_type")?;
        reader.heap.name(reader.kept(kind, "name")?).ok()
    };
    reader.kept(field, "repr").is_none_or(is_true) && ordinary().is_none_or(|kind| kind == "_FIELD")
}

fn namespace(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let found = reader.heap.instance_dict(of.at, of.facts, reader.limits.elements)?.unwrap_or_default();
    let mut args = Vec::new();
    for (name, value) in found.pairs {
        args.push((Some(reader.heap.name(name)?), reader.nested(value, of.path)));
    }
    let exact = of.facts.full_name() == "types.SimpleNamespace";
    Ok(PythonValue::Call { callee: if exact { "namespace".to_owned() } else { of.facts.simple_name() }, args })
}
