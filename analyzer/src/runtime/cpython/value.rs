//! A Python value as data, and its text by Python's own rules.

use std::fmt::{self, Write as _};

use dpdb_snapshot::Avma;
use num_bigint::BigInt;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::repr;
use super::unreadable::Unreadable;

/// A Python value, cut where a limit was met. Its `Display` is what `repr()` gives for the built-in types; objects of
/// other types are `<module.Type object at 0x…>`, and those that are derived from a built-in type `Type(value)`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PythonValue {
    /// `None`, `Ellipsis` or `NotImplemented`.
    Constant(&'static str),
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(BigInt),
    /// An integer of so many bits, too many to write it out.
    HugeInt(u64),
    /// A floating-point number.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A text, or its first code points; lone surrogates are possible.
    Str {
        /// The code points.
        points: Vec<u32>,
        /// How many there are.
        length: u64,
    },
    /// `bytes` or `bytearray`, or their first bytes.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// How many there are.
        length: u64,
        /// It is a `bytearray`.
        array: bool,
    },
    /// A container of items, or of its first ones.
    Items {
        /// Of what kind.
        kind: Items,
        /// The items.
        items: Vec<PythonValue>,
        /// How many there are.
        length: u64,
    },
    /// A dictionary, or its first entries.
    Dict {
        /// Keys and values, in its order.
        entries: Vec<(PythonValue, PythonValue)>,
        /// How many there are.
        length: u64,
    },
    /// A value of a type that is derived from a built-in one.
    Derived {
        /// The derived type.
        type_name: String,
        /// The value as the built-in type has it.
        value: Box<PythonValue>,
    },
    /// An exception.
    Exception {
        /// Its type, as a traceback names it.
        type_name: String,
        /// The arguments it was made with.
        args: Vec<PythonValue>,
    },
    /// A class, a module or a function, by its name.
    Named {
        /// `class`, `module`, `function` or `built-in function`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Where it is, for functions.
        at: Option<Avma>,
    },
    /// An object written as a call that makes it: `deque([1, 2], maxlen=3)`.
    Call {
        /// What is called.
        callee: String,
        /// Its arguments, with the names of those that have one.
        args: Vec<(Option<String>, PythonValue)>,
    },
    /// Any other object.
    Object {
        /// Its type, with its module.
        type_name: String,
        /// Where it is.
        at: Avma,
        /// What its `repr()` is, where its structure tells that.
        text: Option<String>,
        /// The attributes that it keeps itself.
        attributes: Vec<(String, PythonValue)>,
    },
    /// A container that this value is a part of.
    Cycle(Items),
    /// A limit was met: `depth`, `nodes`.
    Truncated(&'static str),
    /// No value, and why.
    Missing(Unreadable),
}

/// A kind of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the types' own names")]
pub enum Items {
    Tuple,
    List,
    Set,
    FrozenSet,
    /// In a cycle only; its entries are pairs.
    Dict,
}

impl PythonValue {
    /// A `str`.
    pub(super) fn text(text: &str) -> PythonValue {
        let points: Vec<u32> = text.chars().map(u32::from).collect();
        PythonValue::Str { length: points.len() as u64, points }
    }
}

impl From<Unreadable> for PythonValue {
    fn from(why: Unreadable) -> PythonValue {
        PythonValue::Missing(why)
    }
}

impl fmt::Display for PythonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PythonValue::Constant(name) => f.write_str(name),
            PythonValue::Bool(value) => f.write_str(if *value { "True" } else { "False" }),
            PythonValue::Int(value) => write!(f, "{value}"),
            PythonValue::HugeInt(bits) => write!(f, "<int of {bits} bits>"),
            PythonValue::Float(value) => f.write_str(&repr::float(*value)),
            PythonValue::Complex(real, imaginary) => f.write_str(&repr::complex(*real, *imaginary)),
            PythonValue::Str { points, length } => {
                f.write_str(&repr::text(points))?;
                rest(f, *length, points.len())
            }
            PythonValue::Bytes { bytes, length, array } => {
                let quoted = repr::bytes(bytes);
                if *array { write!(f, "bytearray({quoted})") } else { f.write_str(&quoted) }?;
                rest(f, *length, bytes.len())
            }
            PythonValue::Items { kind, items, length } => display_items(f, *kind, items, *length),
            PythonValue::Dict { entries, length } => {
                let pairs = entries.iter().map(|(key, value)| format!("{key}: {value}"));
                list(f, "{", pairs, *length, "}")
            }
            PythonValue::Derived { type_name, value } => write!(f, "{type_name}({value})"),
            PythonValue::Exception { type_name, args } => {
                write!(f, "{type_name}")?;
                list(f, "(", args.iter().map(ToString::to_string), args.len() as u64, ")")
            }
            PythonValue::Named { kind, name, at: None } => write!(f, "<{kind} {}>", repr::name(name)),
            PythonValue::Named { kind, name, at: Some(at) } => write!(f, "<{kind} {name} at {at}>"),
            PythonValue::Call { callee, args } => {
                f.write_str(callee)?;
                let texts = args.iter().map(|(name, value)| match name {
                    Some(name) => format!("{name}={value}"),
                    None => value.to_string(),
                });
                list(f, "(", texts, args.len() as u64, ")")
            }
            PythonValue::Object { text: Some(text), .. } => f.write_str(text),
            PythonValue::Object { type_name, at, .. } => write!(f, "<{type_name} object at {at}>"),
            PythonValue::Cycle(Items::Tuple) => f.write_str("(...)"),
            PythonValue::Cycle(Items::List) => f.write_str("[...]"),
            PythonValue::Cycle(_) => f.write_str("{...}"),
            PythonValue::Truncated(_) => f.write_str("…"),
            PythonValue::Missing(why) => write!(f, "<{why}>"),
        }
    }
}

fn display_items(f: &mut fmt::Formatter<'_>, kind: Items, items: &[PythonValue], length: u64) -> fmt::Result {
    let texts = items.iter().map(ToString::to_string);
    match kind {
        Items::Tuple if length == 1 => list(f, "(", texts, length, ",)"),
        Items::Tuple => list(f, "(", texts, length, ")"),
        Items::List => list(f, "[", texts, length, "]"),
        Items::Set if length == 0 => f.write_str("set()"),
        Items::FrozenSet if length == 0 => f.write_str("frozenset()"),
        Items::Set | Items::Dict => list(f, "{", texts, length, "}"),
        Items::FrozenSet => list(f, "frozenset({", texts, length, "})"),
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    texts: impl ExactSizeIterator<Item = String>,
    length: u64,
    close: &str,
) -> fmt::Result {
    let shown = texts.len() as u64;
    f.write_str(open)?;
    for (index, text) in texts.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        f.write_str(&text)?;
    }
    if length > shown {
        let comma = if shown > 0 { ", " } else { "" };
        write!(f, "{comma}… {} more", length - shown)?;
    }
    f.write_str(close)
}

fn rest(f: &mut fmt::Formatter<'_>, length: u64, shown: usize) -> fmt::Result {
    if length > shown as u64 { write!(f, "… ({length} long)") } else { Ok(()) }
}

/// For programs: the text by Python's rules, and the type and address where there is one; attributes of objects.
impl Serialize for PythonValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        let _ = write!(text, "{self}");
        let PythonValue::Object { type_name, at, attributes, .. } = self else {
            return serializer.serialize_str(&text);
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("repr", &text)?;
        map.serialize_entry("type", type_name)?;
        map.serialize_entry("address", &at.to_string())?;
        let attributes: Vec<(&String, &PythonValue)> = attributes.iter().map(|(name, value)| (name, value)).collect();
        map.serialize_entry("attributes", &attributes)?;
        map.end()
    }
}
