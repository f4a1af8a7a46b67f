//! Methods of `str`, `bytes` and `bytearray`.

use std::sync::Arc;

use super::containers::text_bounds;
use crate::runtime::cpython::expression::builtins::Arguments;
use crate::runtime::cpython::expression::compare::find_part;
use crate::runtime::cpython::expression::fault::{Fault, Result, refused, type_error, value_error};
use crate::runtime::cpython::expression::objects::Objects;
use crate::runtime::cpython::expression::value::Value;

pub(super) const NAMES: &[&str] = &[
    "upper",
    "lower",
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "rsplit",
    "splitlines",
    "join",
    "startswith",
    "endswith",
    "find",
    "rfind",
    "index",
    "count",
    "replace",
    "encode",
    "isdigit",
    "isalpha",
    "isspace",
    "isupper",
    "islower",
    "partition",
    "rpartition",
    "removeprefix",
    "removesuffix",
    "zfill",
];

type Points = [u32];

fn made(points: &Points) -> Value {
    Value::Str(points.into())
}

fn string(points: &Points) -> String {
    points.iter().map(|point| char::from_u32(*point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A `str` argument.
fn points_of(objects: &Objects<'_>, arguments: &Arguments<'_>, value: &Value) -> Result<Arc<Points>> {
    match objects.load(value)? {
        Value::Str(points) => Ok(points),
        other => {
            let (name, found) = (arguments.function, objects.type_name(&other)?);
            type_error(match name {
                "find" | "rfind" | "index" | "count" if objects.minor() < 13 => format!("must be str, not {found}"),
                "split" | "rsplit" => format!("must be str or None, not {found}"),
                _ => format!("{name}() argument 1 must be str, not {found}"),
            })
        }
    }
}

fn is_space(point: u32) -> bool {
    char::from_u32(point).is_some_and(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// `text.method(…)`.
pub(super) fn call(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    objects.budget.spend(text.len() as u64 / 16)?;
    match arguments.function {
        "upper" => Ok(Value::text(&string(text).to_uppercase())),
        "lower" => Ok(Value::text(&string(text).to_lowercase())),
        "strip" | "lstrip" | "rstrip" => strip(objects, text, arguments),
        "split" | "rsplit" => split(objects, text, arguments),
        "splitlines" => Ok(Value::list(lines(text))),
        "join" => join(objects, text, arguments),
        "startswith" | "endswith" => affix(objects, text, arguments),
        "find" | "rfind" | "index" => find(objects, text, arguments),
        "count" => {
            let part = points_of(objects, arguments, arguments.one()?)?;
            Ok(Value::int(match part.is_empty() {
                true => text.len() as u64 + 1,
                false => pieces(text, &part, usize::MAX).len() as u64 - 1,
            }))
        }
        "replace" => replace(objects, text, arguments),
        "encode" => objects.encoded(&made(text), arguments.positional),
        "partition" | "rpartition" => partition(objects, text, arguments),
        "removeprefix" => {
            let part = points_of(objects, arguments, arguments.one()?)?;
            Ok(made(text.strip_prefix(&*part).unwrap_or(text)))
        }
        "removesuffix" => {
            let part = points_of(objects, arguments, arguments.one()?)?;
            Ok(made(text.strip_suffix(&*part).unwrap_or(text)))
        }
        "zfill" => zfill(objects, text, arguments),
        _ => is_kind(text, arguments.function),
    }
}

/// `isdigit` and the like: of all characters, of which there is one.
fn is_kind(text: &Points, name: &str) -> Result<Value> {
    let characters = || text.iter().filter_map(|point| char::from_u32(*point));
    let cased = || characters().any(|c| c.is_uppercase() || c.is_lowercase());
    Ok(Value::Bool(match name {
        "isdigit" if !string(text).is_ascii() => return refused("'isdigit' of such characters is Unicode's to say"),
        "isdigit" => !text.is_empty() && characters().all(|c| c.is_ascii_digit()),
        "isalpha" => !text.is_empty() && characters().all(char::is_alphabetic),
        "isspace" => !text.is_empty() && text.iter().all(|point| is_space(*point)),
        "isupper" => cased() && !characters().any(char::is_lowercase),
        _ => cased() && !characters().any(char::is_uppercase),
    }))
}

fn strip(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let unwanted = match arguments.between(0, 1)?.first() {
        None | Some(Value::None) => None,
        Some(value) => match objects.load(value)? {
            Value::Str(points) => Some(points),
            _ => return type_error(format!("{} arg must be None or str", arguments.function)),
        },
    };
    let is_unwanted = |point: &u32| unwanted.as_ref().map_or(is_space(*point), |set| set.contains(point));
    let from =
        if arguments.function == "rstrip" { 0 } else { text.iter().take_while(|point| is_unwanted(point)).count() };
    let rest = &text[from..];
    let cut = if arguments.function == "lstrip" {
        0
    } else {
        rest.iter().rev().take_while(|point| is_unwanted(point)).count()
    };
    Ok(made(&rest[..rest.len() - cut]))
}

fn split(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["sep", "maxsplit"])?;
    let argument = |name: &str, place: usize| arguments.named(name).or(arguments.positional.get(place));
    let most = argument("maxsplit", 1).map_or(Ok(-1), |most| objects.small_integer(most))?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let from_end = arguments.function == "rsplit";
    let separator = match argument("sep", 0) {
        None | Some(Value::None) => None,
        Some(value) => Some(points_of(objects, arguments, value)?),
    };
    if separator.as_ref().is_some_and(|separator| separator.is_empty()) {
        return value_error("empty separator");
    }
    if from_end && most != usize::MAX {
        return refused("rsplit() with a count is not evaluated: it would have to run");
    }
    let parts = match separator {
        Some(separator) => pieces(text, &separator, most),
        None => words(text, most),
    };
    objects.budget.spend(parts.len() as u64)?;
    Ok(Value::list(parts.into_iter().map(made).collect()))
}

/// The parts between separators, cut at most so many times.
fn pieces<'t>(text: &'t Points, separator: &Points, most: usize) -> Vec<&'t Points> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while parts.len() < most
        && let Some(at) = find_part(rest, separator)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest);
    parts
}

fn words(text: &Points, most: usize) -> Vec<&Points> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let blank = rest.iter().take_while(|point| is_space(**point)).count();
        rest = &rest[blank..];
        if rest.is_empty() {
            return parts;
        }
        let end =
            if parts.len() < most { rest.iter().take_while(|point| !is_space(**point)).count() } else { rest.len() };
        let word = &rest[..end];
        let trailing =
            if parts.len() < most { 0 } else { word.iter().rev().take_while(|point| is_space(**point)).count() };
        parts.push(&word[..word.len() - trailing]);
        rest = &rest[end..];
    }
}

/// Without their ends; `\r\n` is one end, and what Unicode calls a line boundary another.
fn lines(text: &Points) -> Vec<Value> {
    const ENDS: [u32; 10] = [0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029];
    let (mut found, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = rest.iter().position(|point| ENDS.contains(point)).unwrap_or(rest.len());
        found.push(made(&rest[..end]));
        let length = if rest[end..].starts_with(&[0xd, 0xa]) { 2 } else { 1 };
        rest = rest.get(end + length..).unwrap_or_default();
    }
    found
}

fn join(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let Some(items) = objects.iterate_or(arguments.one()?)? else { return type_error("can only join an iterable") };
    let mut joined = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let Value::Str(points) = objects.load(item)? else {
            let found = objects.type_name(item)?;
            return type_error(format!("sequence item {place}: expected str instance, {found} found"));
        };
        if place > 0 {
            joined.extend_from_slice(text);
        }
        objects.budget.spend((points.len() + text.len()) as u64 / 16)?;
        joined.extend_from_slice(&points);
    }
    Ok(Value::Str(joined.into()))
}

fn affix(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    let (name, start) = (arguments.function, arguments.function == "startswith");
    let fits = |part: &Points| if start { text.starts_with(part) } else { text.ends_with(part) };
    match objects.load(value)? {
        Value::Str(part) => Ok(Value::Bool(fits(&part))),
        Value::Tuple(parts) => {
            for part in parts.iter() {
                let Value::Str(part) = objects.load(part)? else {
                    let found = objects.type_name(part)?;
                    return type_error(format!("tuple for {name} must only contain str, not {found}"));
                };
                if fits(&part) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        _ => type_error(format!("{name} first arg must be str or a tuple of str, not {}", objects.type_name(value)?)),
    }
}

fn find(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let [part, bounds @ ..] = arguments.between(1, 3)? else { return Ok(Value::None) };
    let part = points_of(objects, arguments, part)?;
    let bounds = bounds.iter().map(|bound| objects.small_integer(bound)).collect::<Result<Vec<i64>>>()?;
    let (from, to) = text_bounds(&bounds, text.len());
    let within = text.get(from..to).unwrap_or_default();
    let found = match arguments.function {
        "rfind" if part.is_empty() => Some(within.len()),
        "rfind" => within.windows(part.len()).rposition(|window| *window == *part),
        _ => find_part(within, &part),
    };
    match found {
        Some(place) => Ok(Value::int((from + place) as u64)),
        None if arguments.function == "index" => value_error("substring not found"),
        None => Ok(Value::int(-1)),
    }
}

fn replace(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let [old, new, rest @ ..] = arguments.between(2, 3)? else { return Ok(Value::None) };
    let (old, new) = (points_of(objects, arguments, old)?, points_of(objects, arguments, new)?);
    let most = rest.first().map_or(Ok(-1), |most| objects.small_integer(most))?;
    if old.is_empty() {
        return refused("replacing the empty string is not evaluated: it would have to run");
    }
    let parts = pieces(text, &old, usize::try_from(most).unwrap_or(usize::MAX));
    objects.budget.spend(((parts.len() * new.len()) / 16) as u64)?;
    Ok(Value::Str(parts.join(&*new).into()))
}

fn partition(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let part = points_of(objects, arguments, arguments.one()?)?;
    if part.is_empty() {
        return value_error("empty separator");
    }
    let from_end = arguments.function == "rpartition";
    let place = match from_end {
        true => text.windows(part.len()).rposition(|window| *window == *part),
        false => find_part(text, &part),
    };
    let parts: [&Points; 3] = match place {
        Some(place) => [&text[..place], &part, &text[place + part.len()..]],
        None if from_end => [&[], &[], text],
        None => [text, &[], &[]],
    };
    Ok(Value::tuple(parts.into_iter().map(made).collect()))
}

fn zfill(objects: &Objects<'_>, text: &Points, arguments: &Arguments<'_>) -> Result<Value> {
    let width = objects.small_integer(arguments.one()?)?;
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(text.len());
    objects.budget.spend(missing as u64)?;
    let sign = text.first().is_some_and(|point| *point == u32::from('-') || *point == u32::from('+'));
    let (sign, digits) = text.split_at(usize::from(sign));
    let zeros = vec![u32::from('0'); missing];
    Ok(made(&[sign, &zeros, digits].concat()))
}

/// The methods of `bytes` and `bytearray`.
pub(super) fn call_bytes(
    objects: &Objects<'_>,
    loaded: &Value,
    bytes: &[u8],
    arguments: &Arguments<'_>,
) -> Result<Value> {
    objects.budget.spend(bytes.len() as u64 / 16)?;
    if arguments.function == "decode" {
        return objects.decoded(loaded, arguments.positional);
    }
    if arguments.function == "hex" {
        arguments.between(0, 0)?;
        return Ok(Value::text(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()));
    }
    let part = match objects.load(arguments.one()?)? {
        Value::Bytes(part) | Value::ByteArray(part) => part,
        other => return type_error(format!("a bytes-like object is required, not '{}'", objects.type_name(&other)?)),
    };
    match arguments.function {
        "startswith" => Ok(Value::Bool(bytes.starts_with(&part))),
        "endswith" => Ok(Value::Bool(bytes.ends_with(&part))),
        "count" if !part.is_empty() => {
            let (mut count, mut rest) = (0u64, bytes);
            while let Some(at) = find_part(rest, &part) {
                count += 1;
                rest = &rest[at + part.len()..];
            }
            Ok(Value::int(count))
        }
        "find" => Ok(find_part(bytes, &part).map_or(Value::int(-1), |at| Value::int(at as u64))),
        "index" => match find_part(bytes, &part) {
            Some(at) => Ok(Value::int(at as u64)),
            None => value_error("subsection not found"),
        },
        _ => Ok(Value::int(bytes.len() as u64 + 1)),
    }
}

/// The encodings that are known here.
fn encoding(objects: &Objects<'_>, arguments: &[Value]) -> Result<&'static str> {
    let Some(value) = arguments.first() else { return Ok("utf-8") };
    let name = objects.plain_text(value)?.unwrap_or_default().to_lowercase().replace('_', "-");
    match name.as_str() {
        "utf-8" | "utf8" => Ok("utf-8"),
        "ascii" | "us-ascii" => Ok("ascii"),
        "latin-1" | "latin1" | "iso-8859-1" => Ok("latin-1"),
        _ => Err(Fault::Refused(format!("the encoding '{name}' is not known here; utf-8, ascii and latin-1 are"))),
    }
}

impl Objects<'_> {
    /// `text.encode(…)`.
    pub(in crate::runtime::cpython::expression) fn encoded(&self, text: &Value, arguments: &[Value]) -> Result<Value> {
        let Value::Str(points) = self.load(text)? else { return type_error("encoding without a string argument") };
        let name = encoding(self, arguments)?;
        let mut bytes = Vec::new();
        for (place, &point) in points.iter().enumerate() {
            let most = match name {
                "ascii" => 0x7f,
                "latin-1" => 0xff,
                _ => 0x0010_ffff,
            };
            match char::from_u32(point).filter(|_| point <= most) {
                Some(c) if name == "utf-8" => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                Some(_) => bytes.push(point as u8),
                None => {
                    let text = format!("'{name}' codec can't encode character at position {place}");
                    return Err(Fault::Raised("UnicodeEncodeError", text));
                }
            }
        }
        Ok(Value::Bytes(bytes.into()))
    }

    /// `bytes.decode(…)`.
    pub(in crate::runtime::cpython::expression) fn decoded(&self, bytes: &Value, arguments: &[Value]) -> Result<Value> {
        let (Value::Bytes(bytes) | Value::ByteArray(bytes)) = self.load(bytes)? else {
            return type_error(format!("decoding to str: need a bytes-like object, {} found", self.type_name(bytes)?));
        };
        let name = encoding(self, arguments)?;
        let failed = |byte: u8, place: usize, why: &str| {
            let text = format!("'{name}' codec can't decode byte {byte:#04x} in position {place}: {why}");
            Err(Fault::Raised("UnicodeDecodeError", text))
        };
        match name {
            "latin-1" => Ok(Value::Str(bytes.iter().map(|byte| u32::from(*byte)).collect())),
            "ascii" => match bytes.iter().position(|byte| !byte.is_ascii()) {
                Some(place) => failed(bytes[place], place, "ordinal not in range(128)"),
                None => Ok(Value::Str(bytes.iter().map(|byte| u32::from(*byte)).collect())),
            },
            _ => match std::str::from_utf8(&bytes) {
                Ok(text) => Ok(Value::text(text)),
                Err(error) => failed(bytes[error.valid_up_to()], error.valid_up_to(), "invalid utf-8"),
            },
        }
    }
}
