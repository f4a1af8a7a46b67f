//! Methods of lists, tuples, ranges, dictionaries and sets.

use std::sync::Arc;

use crate::runtime::cpython::expression::builtins::Arguments;
use crate::runtime::cpython::expression::fault::{Fault, Result, value_error};
use crate::runtime::cpython::expression::objects::Objects;
use crate::runtime::cpython::expression::syntax::BinaryOp;
use crate::runtime::cpython::expression::value::{Table, Value};

pub(super) const OF_SETS: &[&str] =
    &["union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset", "isdisjoint", "copy"];

pub(super) fn of_sequence(objects: &Objects<'_>, loaded: &Value, arguments: &Arguments<'_>) -> Result<Value> {
    if arguments.function == "copy" {
        arguments.between(0, 0)?;
        return Ok(loaded.clone());
    }
    let items = objects.iterate(loaded)?;
    if arguments.function == "count" {
        let wanted = arguments.one()?;
        let mut count = 0u64;
        for item in items.iter() {
            let equal = objects.identical(item, wanted)? || objects.equal(item, wanted)?;
            count += u64::from(equal);
        }
        return Ok(Value::int(count));
    }
    let [wanted, bounds @ ..] = arguments.between(1, 3)? else { return Ok(Value::None) };
    let bounds = bounds.iter().map(|bound| objects.small_integer(bound)).collect::<Result<Vec<i64>>>()?;
    let (from, to) = text_bounds(&bounds, items.len());
    match objects.position(items.get(from..to).unwrap_or_default(), wanted)? {
        Some(place) => Ok(Value::int((from + place) as u64)),
        None => match loaded {
            Value::Tuple(_) => value_error("tuple.index(x): x not in tuple"),
            _ if objects.minor() >= 14 => value_error("list.index(x): x not in list"),
            _ => value_error(format!("{} is not in {}", objects.repr(wanted)?, loaded.builtin_type())),
        },
    }
}

/// Start and end of the part of a sequence that is searched.
pub(super) fn text_bounds(bounds: &[i64], length: usize) -> (usize, usize) {
    let length_ = length as i64;
    let place = |bound: i64| if bound < 0 { bound.saturating_add(length_).max(0) } else { bound.min(length_) } as usize;
    (bounds.first().map_or(0, |bound| place(*bound)), bounds.get(1).map_or(length, |bound| place(*bound)))
}

pub(super) fn of_dict(
    objects: &Objects<'_>,
    loaded: &Value,
    table: &Arc<Table>,
    arguments: &Arguments<'_>,
) -> Result<Value> {
    if arguments.function == "get" {
        let [key, rest @ ..] = arguments.between(1, 2)? else { return Ok(Value::None) };
        return Ok(match objects.find(table, key, "dict key")? {
            Some(place) => table.values[place].clone(),
            None => rest.first().cloned().unwrap_or(Value::None),
        });
    }
    arguments.between(0, 0)?;
    let pair = |(key, value): (&Value, &Value)| Value::tuple(vec![key.clone(), value.clone()]);
    Ok(match arguments.function {
        "keys" => Value::Iterator("dict_keys", table.keys.iter().cloned().collect()),
        "values" => Value::Iterator("dict_values", table.values.iter().cloned().collect()),
        "items" => Value::Iterator("dict_items", table.pairs().map(pair).collect()),
        _ => loaded.clone(),
    })
}

pub(super) fn of_set(
    objects: &Objects<'_>,
    loaded: &Value,
    table: &Arc<Table>,
    arguments: &Arguments<'_>,
) -> Result<Value> {
    let tables = arguments.positional.iter().map(|other| {
        let items = objects.iterate(other)?;
        objects.table(items.iter().map(|item| (item.clone(), None)), "set element")
    });
    let tables = tables.collect::<Result<Vec<Table>>>()?;
    if ["issubset", "issuperset", "isdisjoint"].contains(&arguments.function) {
        arguments.one()?;
        let Some(other) = tables.first() else { return Err(Fault::Limit("no set")) };
        return Ok(Value::Bool(match arguments.function {
            "issubset" => objects.is_subset(table, other)?,
            "issuperset" => objects.is_subset(other, table)?,
            _ => objects.combined(BinaryOp::BitAnd, table, other)?.keys.is_empty(),
        }));
    }
    let op = match arguments.function {
        "union" => BinaryOp::BitOr,
        "intersection" => BinaryOp::BitAnd,
        "difference" => BinaryOp::Subtract,
        "symmetric_difference" => BinaryOp::BitXor,
        _ => return Ok(loaded.clone()),
    };
    let mut left = Arc::clone(table);
    for other in &tables {
        left = Arc::new(objects.combined(op, &left, other)?);
    }
    Ok(if matches!(loaded, Value::FrozenSet(_)) { Value::FrozenSet(left) } else { Value::Set(left) })
}
