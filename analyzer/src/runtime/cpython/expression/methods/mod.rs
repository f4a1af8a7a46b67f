//! Methods of built-in types that are called here: those that change nothing.

mod containers;
mod text;

use super::builtins::Arguments;
use super::fault::{Fault, Result, refused};
use super::objects::Objects;
use super::value::Value;

/// By type; `bytes` and `bytearray` have what is the same for both.
const METHODS: [(&str, &[&str]); 9] = [
    ("str", text::NAMES),
    ("bytes", &["decode", "hex", "index", "find", "count", "startswith", "endswith"]),
    ("bytearray", &["decode", "hex", "index", "find", "count", "startswith", "endswith"]),
    ("list", &["index", "count", "copy"]),
    ("tuple", &["index", "count"]),
    ("range", &["index", "count"]),
    ("dict", &["keys", "values", "items", "get", "copy"]),
    ("set", containers::OF_SETS),
    ("frozenset", containers::OF_SETS),
];
const OF_NUMBERS: [(&str, &str); 5] = [
    ("int", "bit_length"),
    ("bool", "bit_length"),
    ("float", "is_integer"),
    ("float", "hex"),
    ("complex", "conjugate"),
];

/// Whether the built-in type has a method that is called here.
pub(super) fn exists(kind: &str, name: &str) -> bool {
    METHODS.iter().any(|(known, names)| *known == kind && names.contains(&name)) || OF_NUMBERS.contains(&(kind, name))
}

/// `receiver.method(…)`.
pub(super) fn call(objects: &Objects<'_>, receiver: &Value, arguments: &Arguments<'_>) -> Result<Value> {
    let (loaded, name) = (objects.load(receiver)?, arguments.function);
    if !exists(loaded.builtin_type(), name) {
        let of = objects.type_name(receiver)?;
        return refused(format_args!("{of}.{name}() is not evaluated: it would have to run"));
    }
    match &loaded {
        Value::Str(points) => text::call(objects, points, arguments),
        Value::Bytes(bytes) | Value::ByteArray(bytes) => text::call_bytes(objects, &loaded, bytes, arguments),
        Value::List(_) | Value::Tuple(_) | Value::Range(_) => containers::of_sequence(objects, &loaded, arguments),
        Value::Dict(table) => containers::of_dict(objects, &loaded, table, arguments),
        Value::Set(table) | Value::FrozenSet(table) => containers::of_set(objects, &loaded, table, arguments),
        Value::Int(_) | Value::Bool(_) => Ok(Value::int(loaded.as_int().unwrap_or_default().bits())),
        Value::Float(value) if name == "is_integer" => Ok(Value::Bool(value.is_finite() && value.fract() == 0.0)),
        Value::Complex(real, imaginary) => Ok(Value::Complex(*real, -imaginary)),
        _ => Err(Fault::Refused(format!("{name}() is not evaluated"))),
    }
}
