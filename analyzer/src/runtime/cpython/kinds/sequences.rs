//! Ranges, slices, views of dictionaries, and the aliases that stand in annotations.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject, call};
use crate::runtime::cpython::heap::TYPE;
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::{Items, PythonValue};

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("range", range),
    ("slice", slice),
    ("mappingproxy", mapping_proxy),
    ("dict_keys", dict_keys),
    ("dict_values", dict_values),
    ("dict_items", dict_items),
    ("types.GenericAlias", generic_alias),
    ("types.UnionType", union),
    ("typing.Union", union),
];

/// Arguments of an alias.
const MOST_ARGUMENTS: u64 = 64;

fn fields(
    reader: &Reader<'_, '_>,
    of: &mut Subject<'_>,
    names: [&'static str; 3],
) -> Result<[PythonValue; 3], Unreadable> {
    let [first, second, third] = names.map(|name| reader.heap.object(of.at, name));
    Ok([reader.nested(first?, of.path), reader.nested(second?, of.path), reader.nested(third?, of.path)])
}

fn range(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let [start, stop, step] = fields(reader, of, ["rangeobject.start", "rangeobject.stop", "rangeobject.step"])?;
    let args = if step == PythonValue::Int(1.into()) { vec![start, stop] } else { vec![start, stop, step] };
    Ok(call("range", args))
}

fn slice(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    Ok(call("slice", fields(reader, of, ["PySliceObject.start", "PySliceObject.stop", "PySliceObject.step"])?.into()))
}

fn mapping_proxy(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let mapping = reader.heap.object(of.at, "mappingproxyobject.mapping")?;
    Ok(call("mappingproxy", vec![reader.nested(mapping, of.path)]))
}

fn viewed(reader: &Reader<'_, '_>, of: &Subject<'_>) -> Result<(Vec<(Avma, Avma)>, u64), Unreadable> {
    let dict = reader.heap.object(of.at, "_PyDictViewObject.dv_dict")?;
    reader.heap.expect_subtype(dict, "dict")?;
    let found = reader.heap.dict(dict, reader.limits.elements)?;
    Ok((found.pairs, found.length))
}

fn dict_keys(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let (pairs, length) = viewed(reader, of)?;
    let items = pairs.into_iter().map(|(key, _)| reader.nested(key, of.path)).collect();
    Ok(call("dict_keys", vec![PythonValue::Items { kind: Items::List, items, length }]))
}

fn dict_values(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let (pairs, length) = viewed(reader, of)?;
    let items = pairs.into_iter().map(|(_, value)| reader.nested(value, of.path)).collect();
    Ok(call("dict_values", vec![PythonValue::Items { kind: Items::List, items, length }]))
}

fn dict_items(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let (pairs, length) = viewed(reader, of)?;
    let pair = |(key, value)| PythonValue::Items {
        kind: Items::Tuple,
        items: vec![reader.nested(key, of.path), reader.nested(value, of.path)],
        length: 2,
    };
    let items = pairs.into_iter().map(pair).collect();
    Ok(call("dict_items", vec![PythonValue::Items { kind: Items::List, items, length }]))
}

/// `list[int]`: types stand by their names (`ga_repr_item`, Objects/genericaliasobject.c).
fn generic_alias(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let origin = named(reader, reader.heap.object(of.at, "gaobject.origin")?, of);
    let args = reader.heap.first_items(reader.heap.object(of.at, "gaobject.args")?, MOST_ARGUMENTS)?;
    let args: Vec<String> = args.items.into_iter().map(|arg| named(reader, arg, of)).collect();
    let text = format!("{origin}[{}]", if args.is_empty() { "()".to_owned() } else { args.join(", ") });
    Ok(reader.plain(of, text))
}

fn union(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let args = reader.heap.first_items(reader.heap.object(of.at, "unionobject.args")?, MOST_ARGUMENTS)?;
    let name = |arg| match reader.heap.type_of(arg) {
        Ok(facts) if facts.full_name() == "NoneType" => "None".to_owned(),
        _ => named(reader, arg, of),
    };
    let args: Vec<String> = args.items.into_iter().map(name).collect();
    let text = args.join(" | ");
    Ok(reader.plain(of, text))
}

fn named(reader: &Reader<'_, '_>, at: Avma, of: &mut Subject<'_>) -> String {
    let heap = reader.heap;
    match heap.type_of(at) {
        Ok(facts) if facts.has(TYPE) => match heap.class(at) {
            Ok(class) if class.full_name() == "NoneType" => "None".to_owned(),
            Ok(class) => class.full_name(),
            Err(why) => format!("<{why}>"),
        },
        Ok(facts) if facts.full_name() == "ellipsis" => "...".to_owned(),
        _ => reader.nested(at, of.path).to_string(),
    }
}
