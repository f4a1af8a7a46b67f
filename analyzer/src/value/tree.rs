//! A value as data: what it is, without a reference to where it was found. Renderers turn it into text; its own
//! `Serialize` is the canonical form of the `frames/1` schema.

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use dpdb_snapshot::Avma;

use super::logical::{Logical, Remark};
use super::place::Missing;

/// A value, cut where a limit was met.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueTree {
    /// An integer.
    Integer(i128),
    /// A character of a type of its own.
    Character {
        /// Its code.
        code: i128,
        /// The bytes of its type: 1 for C's `char`, 4 for Rust's.
        size: u8,
        /// What C writes before a literal of its type: `L`, `u`, `U` or nothing (C11, 6.4.4.4).
        prefix: &'static str,
    },
    /// The bits of a number, pointer or enumeration, where [`ValueLimits::words`](super::ValueLimits) asked for them.
    Word {
        /// They, the highest ones zero.
        bits: u128,
        /// How many.
        width: u32,
        /// How they are meant.
        kind: WordKind,
    },
    /// An unsigned integer past `i128::MAX`.
    Large(u128),
    /// `true` or `false`.
    Bool(bool),
    /// A floating-point number of 32 bits.
    Single(f32),
    /// A floating-point number, rounded to double.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A pointer.
    Pointer {
        /// Where to.
        to: Avma,
        /// The text there, for C's strings.
        text: Option<Literal>,
        /// The symbol there, for code.
        symbol: Option<String>,
    },
    /// A reference and what it refers to; without an address where that is nowhere in memory.
    Reference {
        /// Where to.
        to: Option<Avma>,
        /// What is there.
        value: Box<ValueTree>,
    },
    /// A value of an enumeration: its enumerator, or several of one bit each, where they match.
    Enumerator {
        /// The names, joined by `|`.
        name: Option<String>,
        /// The number.
        value: i128,
    },
    /// A structure or class.
    Struct(Vec<(String, ValueTree)>),
    /// A structure of a language that writes its name in front of its members.
    Named {
        /// The name of its type.
        type_name: String,
        /// What it is.
        value: Box<ValueTree>,
    },
    /// A structure or class of which the program's debugging information only says that it exists.
    Incomplete,
    /// A union.
    Union(Vec<(String, ValueTree)>),
    /// An array, or its first elements.
    Array {
        /// The elements.
        items: Vec<ValueTree>,
        /// How many the array has.
        length: u64,
    },
    /// An array of integers of one byte, or its first bytes.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// How many the array has.
        length: u64,
    },
    /// The alive variant of a tagged union.
    Variant {
        /// Its name.
        name: String,
        /// What it carries.
        value: Option<Box<ValueTree>>,
    },
    /// A value of a standard library by its meaning; only where [`ValueStyle::Pretty`](super::ValueStyle) was asked
    /// for.
    Logical(Box<Logical>),
    /// A structure or pointer as it is laid out, or words, with a remark on it; only with `ValueStyle::Pretty`.
    Remarked {
        /// The value.
        value: Box<ValueTree>,
        /// What is said of it.
        remark: Box<Remark>,
    },
    /// Nothing: `void`, `()`.
    Void,
    /// A pointer to a member, as text.
    MemberPointer(String),
    /// A function itself.
    Function {
        /// Where its code begins.
        at: Avma,
        /// Its name.
        symbol: Option<String>,
    },
    /// No value, and why.
    Missing(Missing),
    /// A limit was met: `depth`, `nodes`.
    Truncated(&'static str),
    /// It took longer than it may.
    TimedOut(Duration),
}

/// Text as C writes it between quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// What stands in front of the quotes: `L`, `u`, `U` or nothing (C11, 6.4.5).
    pub prefix: &'static str,
    /// What stands between them.
    pub text: String,
}

/// What the bits of a [`ValueTree::Word`] mean by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordKind {
    /// A number with a sign.
    Signed,
    /// A number without one, or an address.
    Unsigned,
    /// A floating-point number.
    Float,
}

impl ValueTree {
    /// The value as the schema has it: characters are their codes, and all floating-point numbers doubles.
    pub(crate) fn plain(self) -> ValueTree {
        match self {
            ValueTree::Character { code, .. } => ValueTree::Integer(code),
            ValueTree::Single(value) => ValueTree::Float(value.into()),
            other => other,
        }
    }

    /// The value without the name of its type.
    pub(crate) fn unnamed(self) -> ValueTree {
        match self {
            ValueTree::Named { value, .. } => *value,
            other => other,
        }
    }

    /// Whether the compiler kept no part of it.
    pub fn is_optimized_out(&self) -> bool {
        matches!(self.missing(), Some(Missing::OptimizedOut | Missing::VariantLost))
    }

    /// Why no part of it is known, where all its parts are missing for one reason.
    pub fn missing(&self) -> Option<&Missing> {
        let mut reasons = None;
        self.agrees_on(&mut reasons).then_some(reasons).flatten()
    }

    /// Whether each part is missing for the same reason as all before it. Parts without a value count for nothing.
    fn agrees_on<'v>(&'v self, reason: &mut Option<&'v Missing>) -> bool {
        match self {
            ValueTree::Missing(missing) => *reason.get_or_insert(missing) == missing,
            ValueTree::Void => true,
            ValueTree::Named { value, .. } => value.agrees_on(reason),
            ValueTree::Struct(fields) | ValueTree::Union(fields) => {
                fields.iter().all(|(_, value)| value.agrees_on(reason))
            }
            ValueTree::Array { items, .. } => items.iter().all(|item| item.agrees_on(reason)),
            _ => false,
        }
    }
}

impl From<Logical> for ValueTree {
    fn from(logical: Logical) -> ValueTree {
        ValueTree::Logical(Box::new(logical))
    }
}

impl From<Missing> for ValueTree {
    fn from(missing: Missing) -> ValueTree {
        ValueTree::Missing(missing)
    }
}

impl Serialize for ValueTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ValueTree::Integer(value) => serializer.serialize_i128(*value),
            ValueTree::Large(value) => serializer.serialize_u128(*value),
            ValueTree::Character { code, .. } => serializer.serialize_i128(*code),
            ValueTree::Word { bits, .. } => serializer.serialize_u128(*bits),
            ValueTree::Named { value, .. } => value.serialize(serializer),
            ValueTree::Bool(value) => serializer.serialize_bool(*value),
            ValueTree::Single(value) => serialize_float((*value).into(), serializer),
            ValueTree::Float(value) => serialize_float(*value, serializer),
            ValueTree::Complex(re, im) => one(serializer, "$complex", &[Float(*re), Float(*im)]),
            ValueTree::Pointer { .. } => serialize_remarked(self, None, serializer),
            ValueTree::Reference { to, value } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("$ref", &to.map(|to| to.to_string()))?;
                map.serialize_entry("value", value)?;
                map.end()
            }
            ValueTree::Enumerator { name, value } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("$enum", name)?;
                map.serialize_entry("value", value)?;
                map.end()
            }
            ValueTree::Struct(_) | ValueTree::Incomplete => serialize_remarked(self, None, serializer),
            ValueTree::Logical(logical) => logical.serialize(serializer),
            ValueTree::Remarked { value, remark } => serialize_remarked(value, Some(remark), serializer),
            ValueTree::Union(fields) => one(serializer, "$union", &Fields(fields)),
            ValueTree::Array { items, length } => serialize_array(items, *length, serializer),
            ValueTree::Bytes { bytes, length } => serialize_bytes(bytes, *length, serializer),
            ValueTree::Variant { name, value } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("$variant", name)?;
                map.serialize_entry("value", value)?;
                map.end()
            }
            ValueTree::Void => one(serializer, "$void", &true),
            ValueTree::MemberPointer(text) => one(serializer, "$memberptr", text),
            ValueTree::Function { at, symbol } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("$ptr", &at.to_string())?;
                map.serialize_entry("sym", symbol)?;
                map.end()
            }
            ValueTree::Missing(Missing::OptimizedOut) => one(serializer, "$optimized_out", &true),
            ValueTree::Missing(Missing::Unsupported(what)) => one(serializer, "$error", what),
            ValueTree::Missing(Missing::Malformed(what)) => one(serializer, "$error", what),
            ValueTree::Missing(missing) => one(serializer, "$unavailable", &missing.to_string()),
            ValueTree::Truncated(what) => one(serializer, "$truncated", what),
            ValueTree::TimedOut(_) => one(serializer, "$truncated", "time"),
        }
    }
}

/// A value with a remark on it, which goes among the value's companions where it can have some.
fn serialize_remarked<S: Serializer>(
    value: &ValueTree,
    remark: Option<&Remark>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = match value {
        ValueTree::Pointer { .. } | ValueTree::Struct(_) | ValueTree::Incomplete | ValueTree::Logical(_) => {
            serializer.serialize_map(None)?
        }
        value => return value.serialize(serializer),
    };
    match value {
        ValueTree::Pointer { to, text, symbol } => {
            map.serialize_entry("$ptr", &to.to_string())?;
            optional(&mut map, "str", text.as_ref().map(|literal| &literal.text))?;
            optional(&mut map, "sym", symbol.as_ref())?;
        }
        ValueTree::Struct(fields) => map.serialize_entry("$struct", &Fields(fields))?,
        ValueTree::Logical(logical) => logical.serialize_entries(&mut map)?,
        _ => map.serialize_entry("$struct", &Fields(&[]))?,
    }
    remark.map_or(Ok(()), |remark| remark.serialize_entry(&mut map))?;
    map.end()
}

fn one<S: Serializer, T: Serialize + ?Sized>(serializer: S, key: &str, value: &T) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

fn optional<M: SerializeMap>(map: &mut M, key: &str, value: Option<&String>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

struct Float(f64);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_float(self.0, serializer)
    }
}

fn serialize_float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        _ if value.is_nan() => one(serializer, "$float", "nan"),
        _ if value.is_infinite() => one(serializer, "$float", if value > 0.0 { "inf" } else { "-inf" }),
        _ => serializer.serialize_f64(value),
    }
}

/// Fields under their names; a name that was there before gets a `'` more.
pub(super) struct Fields<'a>(pub(super) &'a [(String, ValueTree)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut taken = std::collections::HashSet::new();
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            let mut key = name.clone();
            while !taken.insert(key.clone()) {
                key.push('\'');
            }
            map.serialize_entry(&key, value)?;
        }
        map.end()
    }
}

fn serialize_array<S: Serializer>(items: &[ValueTree], length: u64, serializer: S) -> Result<S::Ok, S::Error> {
    if items.len() as u64 == length {
        let mut list = serializer.serialize_seq(Some(items.len()))?;
        for item in items {
            list.serialize_element(item)?;
        }
        return list.end();
    }
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("$array", items)?;
    map.serialize_entry("length", &length)?;
    map.end()
}

fn serialize_bytes<S: Serializer>(bytes: &[u8], length: u64, serializer: S) -> Result<S::Ok, S::Error> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut map = serializer.serialize_map(Some(3))?;
    map.serialize_entry("$bytes", &hex)?;
    map.serialize_entry("length", &length)?;
    map.serialize_entry("text", &text(head))?;
    map.end()
}

/// Bytes as text: UTF-8 where they are, else a character for each byte (Latin-1).
pub(crate) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
