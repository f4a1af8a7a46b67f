//! Built-in functions and types that make one value of another.

use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

use super::Arguments;
use crate::runtime::cpython::expression::arithmetic::{Number, to_float};
use crate::runtime::cpython::expression::fault::{Result, overflow, type_error, value_error};
use crate::runtime::cpython::expression::objects::Objects;
use crate::runtime::cpython::expression::syntax::{float_of, int_of};
use crate::runtime::cpython::expression::value::Value;

/// The only argument of a type that can be called without one.
fn optional<'a>(arguments: &Arguments<'a>) -> Result<Option<&'a Value>> {
    Ok(arguments.between(0, 1)?.first())
}

pub(super) fn bool(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Bool(optional(arguments)?.map_or(Ok(false), |value| objects.truth(value))?))
}

pub(super) fn repr(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::text(&objects.repr(arguments.one()?)?))
}

pub(super) fn ascii(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let escaped = |c: char| match u32::from(c) {
        0..=0x7f => c.to_string(),
        point @ 0x80..=0xff => format!("\\x{point:02x}"),
        point @ 0x100..=0xffff => format!("\\u{point:04x}"),
        point => format!("\\U{point:08x}"),
    };
    Ok(Value::text(&objects.repr(arguments.one()?)?.chars().map(escaped).collect::<String>()))
}

pub(super) fn str(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    match arguments.between(0, 3)? {
        [] => Ok(Value::text("")),
        [value] => objects.str(value),
        [bytes, encoding, ..] => objects.decoded(bytes, std::slice::from_ref(encoding)),
    }
}

pub(super) fn int(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["base"])?;
    let base = arguments.named("base").or(arguments.positional.get(1));
    let Some(value) = arguments.positional.first() else { return Ok(Value::int(0)) };
    objects.not_overridden(value, &["__int__", "__index__", "__trunc__"])?;
    let loaded = objects.load(value)?;
    let base = match base {
        None => 10,
        Some(base) => match objects.small_integer(base)? {
            base @ (0 | 2..=36) => base as u32,
            _ => return value_error("int() base must be >= 2 and <= 36, or 0"),
        },
    };
    match &loaded {
        Value::Float(float) if float.is_nan() => value_error("cannot convert float NaN to integer"),
        Value::Float(float) => match BigInt::from_f64(float.trunc()) {
            Some(whole) => Ok(Value::Int(whole)),
            None => overflow("cannot convert float infinity to integer"),
        },
        Value::Str(_) | Value::Bytes(_) => {
            let text = match &loaded {
                Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                text => objects.plain_text(text)?,
            };
            match int_of(&text.unwrap_or_default(), base) {
                Some(value) => Ok(Value::Int(value)),
                None => {
                    let shown = objects.repr(&loaded)?;
                    value_error(format!("invalid literal for int() with base {base}: {shown}"))
                }
            }
        }
        other => match other.as_int() {
            Some(value) => Ok(Value::Int(value)),
            None => {
                let (found, number) = (objects.type_name(value)?, real_number(objects));
                type_error(format!("int() argument must be a string, a bytes-like object or a {number}, not '{found}'"))
            }
        },
    }
}

/// What the errors call a number: since 3.10 a real one.
fn real_number(objects: &Objects<'_>) -> &'static str {
    if objects.minor() < 10 { "number" } else { "real number" }
}

pub(super) fn float(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let Some(value) = optional(arguments)? else { return Ok(Value::Float(0.0)) };
    objects.not_overridden(value, &["__float__"])?;
    let loaded = objects.load(value)?;
    Ok(Value::Float(match Number::of(&loaded) {
        Some(Number::Int(value)) => to_float(&value)?,
        Some(Number::Float(value)) => value,
        _ => {
            let Some(text) = objects.plain_text(&loaded)? else {
                let (found, number) = (objects.type_name(value)?, real_number(objects));
                return type_error(format!("float() argument must be a string or a {number}, not '{found}'"));
            };
            match float_of(&text) {
                Some(value) => value,
                None => {
                    let shown = objects.repr(&loaded)?;
                    return value_error(format!("could not convert string to float: {shown}"));
                }
            }
        }
    }))
}

pub(super) fn complex(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let part = |value: &Value| match Number::of(&objects.load(value)?) {
        Some(Number::Int(value)) => Ok((to_float(&value)?, 0.0)),
        Some(Number::Float(value)) => Ok((value, 0.0)),
        Some(Number::Complex(real, imaginary)) => Ok((real, imaginary)),
        None => {
            let found = objects.type_name(value)?;
            type_error(format!("complex() first argument must be a string or a number, not '{found}'"))
        }
    };
    Ok(match arguments.between(0, 2)? {
        [] => Value::Complex(0.0, 0.0),
        [value] => part(value).map(|(real, imaginary)| Value::Complex(real, imaginary))?,
        [real, imaginary, ..] => {
            let ((a, b), (c, d)) = (part(real)?, part(imaginary)?);
            Value::Complex(a - d, b + c)
        }
    })
}

pub(super) fn bytes(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    match arguments.between(0, 2)? {
        [] => Ok(Value::Bytes(Arc::default())),
        [text, encoding] => objects.encoded(text, std::slice::from_ref(encoding)),
        [value, ..] => match objects.load(value)? {
            Value::Bytes(bytes) | Value::ByteArray(bytes) => Ok(Value::Bytes(bytes)),
            Value::Str(_) => type_error("string argument without an encoding"),
            loaded => {
                if let Some(length) = loaded.as_int() {
                    if length.is_negative() {
                        return value_error("negative count");
                    }
                    let length = length.to_u64().unwrap_or(u64::MAX);
                    objects.budget.spend(length)?;
                    return Ok(Value::Bytes(vec![0; length as usize].into()));
                }
                let items = objects.iterate(&loaded)?;
                let byte = |item: &Value| match u8::try_from(objects.integer(item)?) {
                    Ok(byte) => Ok(byte),
                    Err(_) => value_error("bytes must be in range(0, 256)"),
                };
                Ok(Value::Bytes(items.iter().map(byte).collect::<Result<_>>()?))
            }
        },
    }
}

pub(super) fn list(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::List(optional(arguments)?.map_or(Ok(Arc::default()), |value| objects.iterate(value))?))
}

pub(super) fn tuple(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Tuple(optional(arguments)?.map_or(Ok(Arc::default()), |value| objects.iterate(value))?))
}

pub(super) fn set(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let items = optional(arguments)?.map_or(Ok(Arc::default()), |value| objects.iterate(value))?;
    let items = items.iter().map(|item| (item.clone(), None));
    Ok(Value::Set(Arc::new(objects.table(items, "set element")?)))
}

pub(super) fn frozenset(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    match set(objects, arguments)? {
        Value::Set(table) => Ok(Value::FrozenSet(table)),
        other => Ok(other),
    }
}

pub(super) fn dict(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let mut pairs: Vec<(Value, Option<Value>)> = Vec::new();
    if arguments.positional.len() > 1 {
        return type_error(format!("dict expected at most 1 argument, got {}", arguments.positional.len()));
    }
    if let Some(value) = arguments.positional.first() {
        if let Value::Dict(table) = objects.load(value)? {
            pairs.extend(table.pairs().map(|(key, value)| (key.clone(), Some(value.clone()))));
        } else {
            for (number, item) in objects.iterate(value)?.iter().enumerate() {
                let Some(pair) = objects.iterate_or(item)? else {
                    let what = format!("cannot convert dictionary update sequence element #{number} to a sequence");
                    return type_error(if objects.minor() >= 14 { "object is not iterable".to_owned() } else { what });
                };
                match &*pair {
                    [key, value] => pairs.push((key.clone(), Some(value.clone()))),
                    other => {
                        let length = other.len();
                        return value_error(format!(
                            "dictionary update sequence element #{number} has length {length}; 2 is required"
                        ));
                    }
                }
            }
        }
    }
    pairs.extend(arguments.keywords.iter().map(|(name, value)| (Value::text(name), Some(value.clone()))));
    Ok(Value::Dict(Arc::new(objects.table(pairs, "dict key")?)))
}

pub(super) fn range(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let part = |value: &Value| objects.integer(value);
    let parts = match arguments.between(1, 3)? {
        [stop] => [BigInt::ZERO, part(stop)?, 1.into()],
        [start, stop] => [part(start)?, part(stop)?, 1.into()],
        [start, stop, step, ..] => [part(start)?, part(stop)?, part(step)?],
        [] => return type_error("range expected at least 1 argument, got 0"),
    };
    if parts[2].is_zero() {
        return value_error("range() arg 3 must not be zero");
    }
    Ok(Value::Range(Arc::new(parts)))
}

pub(super) fn slice(_: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Slice(Arc::new(match arguments.between(1, 3)? {
        [start, stop, step] => [start.clone(), stop.clone(), step.clone()],
        [start, stop] => [start.clone(), stop.clone(), Value::None],
        all => [Value::None, all.first().cloned().unwrap_or(Value::None), Value::None],
    })))
}

/// `hex`, `oct`, `bin`: the sign, the prefix, the digits.
fn in_base(objects: &Objects<'_>, arguments: &Arguments<'_>, prefix: &str, radix: u32) -> Result<Value> {
    let value = objects.integer(arguments.one()?)?;
    let sign = if value.is_negative() { "-" } else { "" };
    Ok(Value::text(&format!("{sign}{prefix}{}", value.abs().to_str_radix(radix))))
}

pub(super) fn hex(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    in_base(objects, arguments, "0x", 16)
}

pub(super) fn oct(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    in_base(objects, arguments, "0o", 8)
}

pub(super) fn bin(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    in_base(objects, arguments, "0b", 2)
}

pub(super) fn chr(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    if objects.minor() < 10 && objects.load(value)?.as_int().is_none() {
        return type_error(format!("an integer is required (got type {})", objects.type_name(value)?));
    }
    match objects.integer(value)?.to_u32().filter(|point| *point <= 0x0010_ffff) {
        Some(point) => Ok(Value::Str(Arc::new([point]))),
        None => value_error("chr() arg not in range(0x110000)"),
    }
}

pub(super) fn ord(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    let length = match objects.load(value)? {
        Value::Str(points) if points.len() == 1 => return Ok(Value::int(points[0])),
        Value::Bytes(bytes) | Value::ByteArray(bytes) if bytes.len() == 1 => return Ok(Value::int(bytes[0])),
        Value::Str(points) => points.len(),
        Value::Bytes(bytes) | Value::ByteArray(bytes) => bytes.len(),
        _ => {
            let found = objects.type_name(value)?;
            return type_error(format!("ord() expected string of length 1, but {found} found"));
        }
    };
    type_error(format!("ord() expected a character, but string of length {length} found"))
}
