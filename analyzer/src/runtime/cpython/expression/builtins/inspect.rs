//! Built-in functions that ask what an object is and has.

use super::Arguments;
use crate::runtime::cpython::expression::fault::{Fault, Result, refused, type_error};
use crate::runtime::cpython::expression::objects::{Objects, Type, short_name};
use crate::runtime::cpython::expression::special::{Slot, Special};
use crate::runtime::cpython::expression::value::Value;
use crate::runtime::cpython::heap::TYPE;

/// Names that `dir()` gives.
const MOST_NAMES: u64 = 4096;

pub(super) fn type_(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [value] = arguments.positional else {
        if arguments.positional.len() == 3 {
            return refused("type() with three arguments would make a class");
        }
        return type_error("type() takes 1 or 3 arguments");
    };
    Ok(match objects.type_of(value)? {
        Type::Of(facts) => Value::Object(facts.at),
        Type::Builtin(name) => Value::Builtin(name),
    })
}

pub(super) fn id(_: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    match arguments.one()? {
        Value::Object(at) => Ok(Value::int(at.0)),
        _ => Err(Fault::Refused("it was computed here: no object of the process is it, so it has no id".to_owned())),
    }
}

pub(super) fn isinstance(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [value, classes] = arguments.between(2, 2)? else { return Ok(Value::Bool(false)) };
    let of = objects.type_of(value)?;
    let wrong = match objects.minor() {
        ..=9 => "isinstance() arg 2 must be a type or tuple of types",
        _ => "isinstance() arg 2 must be a type, a tuple of types, or a union",
    };
    any_class(objects, classes, wrong, "__instancecheck__", &|class| objects.derives(&of, class))
}

pub(super) fn issubclass(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [value, classes] = arguments.between(2, 2)? else { return Ok(Value::Bool(false)) };
    let Some(of) = objects.as_class(value)? else { return type_error("issubclass() arg 1 must be a class") };
    let wrong = match objects.minor() {
        ..=9 => "issubclass() arg 2 must be a class or tuple of classes",
        _ => "issubclass() arg 2 must be a class, a tuple of classes, or a union",
    };
    any_class(objects, classes, wrong, "__subclasscheck__", &|class| objects.derives(&of, class))
}

/// Whether one of the classes, or of those in tuples, fits. A class whose own class decides that by code fits if it is
/// a base; whether it does not, only that code could tell.
fn any_class(
    objects: &Objects<'_>,
    classes: &Value,
    wrong: &'static str,
    method: &'static str,
    fits: &dyn Fn(&Type) -> Result<bool>,
) -> Result<Value> {
    if let Some(class) = objects.as_class(classes)? {
        if fits(&class)? {
            return Ok(Value::Bool(true));
        }
        if let Value::Object(at) = classes {
            let meta = objects.heap.type_of(*at)?;
            if objects.special(&meta, method)? == Special::Python {
                return refused(format_args!("{}.{method} would be called", short_name(&meta)));
            }
        }
        return Ok(Value::Bool(false));
    }
    let Value::Tuple(items) = objects.load(classes)? else { return type_error(wrong) };
    for item in items.iter() {
        objects.budget.spend(1)?;
        // Tuples in tuples are not deeper than what was read of the process allows: each is another object.
        if objects.as_class(item)?.is_none() && !matches!(objects.load(item)?, Value::Tuple(_)) {
            return type_error(wrong);
        }
        if objects.as_class(item)?.is_some()
            && matches!(any_class(objects, item, wrong, method, fits)?, Value::Bool(true))
        {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// The name of an attribute.
fn name_of(objects: &Objects<'_>, arguments: &Arguments<'_>, name: &Value) -> Result<String> {
    match objects.plain_text(name)? {
        Some(name) => Ok(name),
        None if objects.minor() < 11 => type_error(format!("{}(): attribute name must be string", arguments.function)),
        None => type_error(format!("attribute name must be string, not '{}'", objects.type_name(name)?)),
    }
}

pub(super) fn getattr(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    match arguments.between(2, 3)? {
        [value, name] => objects.attribute(value, &name_of(objects, arguments, name)?),
        [value, name, default] => {
            let found = objects.attribute_or(value, &name_of(objects, arguments, name)?)?;
            Ok(found.unwrap_or_else(|| default.clone()))
        }
        _ => Ok(Value::None),
    }
}

pub(super) fn hasattr(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [value, name] = arguments.between(2, 2)? else { return Ok(Value::Bool(false)) };
    let name = name_of(objects, arguments, name)?;
    Ok(Value::Bool(objects.attribute_or(value, &name)?.is_some()))
}

pub(super) fn vars(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    if let Value::Object(at) = value {
        let facts = objects.heap.type_of(*at)?;
        let dict = match facts.builtin.as_deref() {
            Some("module") => objects.heap.pointer(*at, "PyModuleObject.md_dict")?,
            _ if facts.has(TYPE) => objects.heap.pointer(*at, "PyTypeObject.tp_dict")?,
            _ => None,
        };
        if let Some(dict) = dict {
            return Ok(Value::Object(dict));
        }
        if let Some(dict) = objects.attribute_or(value, "__dict__")? {
            return Ok(dict);
        }
    }
    type_error("vars() argument must have __dict__ attribute")
}

pub(super) fn dir(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    let at = match value {
        Value::Object(at) => *at,
        value => match objects.type_of(value)? {
            Type::Of(facts) => facts.at,
            Type::Builtin(_) => return Err(Fault::Refused("its type is not in the process".to_owned())),
        },
    };
    if !objects.heap.type_of(at)?.has(TYPE) {
        objects.not_overridden(value, &["__dir__"])?;
    }
    let names = objects.heap.attribute_names(at, MOST_NAMES)?;
    Ok(Value::list(names.iter().map(|name| Value::text(name)).collect()))
}

pub(super) fn callable(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Bool(match arguments.one()? {
        Value::Builtin(_) | Value::Method(_) | Value::Bound(_) => true,
        Value::Object(at) => {
            let facts = objects.heap.type_of(*at)?;
            objects.has_slot(&facts, Slot::Call)?
        }
        _ => false,
    }))
}
