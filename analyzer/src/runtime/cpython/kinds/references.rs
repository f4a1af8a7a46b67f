//! Objects that lead to others: cells, weak references, static and class methods.

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::layout::Minor;
use crate::runtime::cpython::objects::Reader;

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("cell", cell),
    ("weakref", weak_reference),
    ("weakref.ReferenceType", weak_reference),
    ("staticmethod", static_method),
    ("classmethod", class_method),
    ("_contextvars.ContextVar", context_variable),
    ("ContextVar", context_variable),
];

fn cell(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let text = match reader.heap.pointer(of.at, "PyCellObject.ob_ref")? {
        None => format!("<cell at {}: empty>", of.at),
        Some(value) => {
            format!("<cell at {}: {} object at {value}>", of.at, reader.heap.tp_name(reader.heap.type_of(value)?.at)?)
        }
    };
    Ok(reader.described(of, text))
}

/// `weakref_repr` (Objects/weakrefobject.c): a referent with a name is shown with it.
fn weak_reference(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let referent = reader.heap.object(of.at, "PyWeakReference.wr_object")?;
    let facts = reader.heap.type_of(referent)?;
    if facts.builtin.as_deref() == Some("NoneType") {
        return Ok(reader.plain(of, format!("<weakref at {}; dead>", of.at)));
    }
    let name = reader.name_of(referent).map(|name| format!(" ({name})")).unwrap_or_default();
    let plain = reader.heap.layout.minor < Minor(13) || facts.module.as_deref() == Some("__main__");
    let kind = if plain { reader.heap.tp_name(facts.at)? } else { facts.full_name() };
    Ok(reader.plain(of, format!("<weakref at {}; to '{kind}' at {referent}{name}>", of.at)))
}

fn wrapped(reader: &Reader<'_, '_>, of: &mut Subject<'_>, field: &'static str) -> Shown {
    let callable = reader.heap.object(of.at, field)?;
    if reader.heap.layout.minor < Minor(10) {
        return Ok(reader.plain(of, format!("<{} object at {}>", of.facts.name, of.at)));
    }
    let callable = reader.nested(callable, of.path);
    Ok(reader.plain(of, format!("<{}({callable})>", of.facts.name)))
}

fn static_method(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    wrapped(reader, of, "staticmethod.sm_callable")
}

fn class_method(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    wrapped(reader, of, "classmethod.cm_callable")
}

fn context_variable(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let name = reader.nested(reader.heap.object(of.at, "PyContextVar.var_name")?, of.path);
    Ok(reader.plain(of, format!("<ContextVar name={name} at {}>", of.at)))
}
