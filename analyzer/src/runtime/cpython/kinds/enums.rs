//! Enumerations: `<Color.RED: 1>`.

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::layout::Minor;
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[("enum.Enum", member), ("enum.EnumMeta", class), ("enum.EnumType", class)];

/// The name and the value stand in the member itself (Lib/enum.py). Up to 3.10 a combination of flags has no name.
fn member(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let damaged = || Unreadable::Damaged { what: "member of an enumeration", at: of.at };
    let value = reader.kept(of.at, "_value_").ok_or_else(damaged)?;
    let class = of.facts.simple_name();
    let name = reader.kept(of.at, "_name_").and_then(|name| reader.heap.name(name).ok());
    let value = reader.nested(value, of.path);
    let text = match name {
        Some(name) => format!("<{class}.{name}: {value}>"),
        None => format!("<{class}: {value}>"),
    };
    Ok(reader.plain(of, text))
}

/// `<enum 'Color'>`, from 3.11 on `<flag 'Access'>`.
fn class(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let class = reader.heap.class(of.at)?;
    let mro = reader.heap.mro(of.at)?;
    let is_flag = |base| reader.heap.class(base).is_ok_and(|base| base.full_name() == "enum.Flag");
    let flag = reader.heap.layout.minor >= Minor(11) && mro.into_iter().any(is_flag);
    Ok(PythonValue::Named { kind: if flag { "flag" } else { "enum" }, name: class.simple_name(), at: None })
}
