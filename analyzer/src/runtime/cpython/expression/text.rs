//! What values look like: as data for renderers, and as the texts that `repr()` and `str()` give.

use num_bigint::BigInt;

use super::fault::{Result, refused};
use super::objects::{Objects, short_name};
use super::value::{Table, Value};
use crate::runtime::cpython::heap::EXCEPTION;
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::value::{Items, PythonValue};
use crate::value::{ValueLimits, ValueStyle};

/// As much as a text that an expression computes with may need.
const WHOLE: ValueLimits = ValueLimits {
    elements: 100_000,
    bytes: 1 << 20,
    depth: 50,
    nodes: 200_000,
    time: std::time::Duration::from_secs(5),
    words: false,
    symbols: false,
    style: ValueStyle::Pretty,
};
/// Python refuses to write longer integers in decimal digits, of about so many bits.
const MOST_BITS: u64 = 480 * 30;

impl Objects<'_> {
    /// A value as data, within limits.
    pub(super) fn show(&self, value: &Value, limits: ValueLimits) -> PythonValue {
        let reader = Reader::new(self.heap, limits);
        self.nested(value, &reader, limits, 0)
    }

    fn nested(&self, value: &Value, reader: &Reader<'_, '_>, limits: ValueLimits, depth: usize) -> PythonValue {
        if depth > limits.depth {
            return PythonValue::Truncated("depth");
        }
        let all = |kind: Items, items: &[Value]| PythonValue::Items {
            kind,
            items: self.first(items, reader, limits, depth),
            length: items.len() as u64,
        };
        match value {
            Value::Object(at) => reader.value(*at),
            Value::None => PythonValue::Constant("None"),
            Value::Ellipsis => PythonValue::Constant("Ellipsis"),
            Value::NotImplemented => PythonValue::Constant("NotImplemented"),
            Value::Bool(value) => PythonValue::Bool(*value),
            Value::Int(value) if value.bits() > MOST_BITS => PythonValue::HugeInt(value.bits()),
            Value::Int(value) => PythonValue::Int(value.clone()),
            Value::Float(value) => PythonValue::Float(*value),
            Value::Complex(real, imaginary) => PythonValue::Complex(*real, *imaginary),
            Value::Str(points) => {
                let shown = points.iter().take(limits.bytes as usize).copied().collect();
                PythonValue::Str { points: shown, length: points.len() as u64 }
            }
            Value::Bytes(bytes) | Value::ByteArray(bytes) => PythonValue::Bytes {
                bytes: bytes.iter().take(limits.bytes as usize).copied().collect(),
                length: bytes.len() as u64,
                array: matches!(value, Value::ByteArray(_)),
            },
            Value::Tuple(items) => all(Items::Tuple, items),
            Value::List(items) => all(Items::List, items),
            Value::Set(table) => all(Items::Set, &table.keys),
            Value::FrozenSet(table) => all(Items::FrozenSet, &table.keys),
            Value::Dict(table) => self.dict(table, reader, limits, depth),
            Value::Iterator(kind, items) => {
                PythonValue::Derived { type_name: (*kind).to_owned(), value: Box::new(all(Items::List, items)) }
            }
            Value::Range(parts) => call("range", range_arguments(parts)),
            Value::Slice(parts) => call("slice", self.first(&parts[..], reader, limits, depth)),
            Value::Builtin(name) => {
                let kind = if super::objects::is_type_name(name) { "class" } else { "built-in function" };
                PythonValue::Named { kind, name: (*name).to_owned(), at: None }
            }
            Value::Method(bound) => {
                let of = self.type_name(&bound.0).unwrap_or_default();
                PythonValue::Named { kind: "built-in method", name: format!("{of}.{}", bound.1), at: None }
            }
            Value::Bound(function) => reader.value(*function),
            Value::Plain(plain) => (**plain).clone(),
        }
    }

    fn first(&self, items: &[Value], reader: &Reader<'_, '_>, limits: ValueLimits, depth: usize) -> Vec<PythonValue> {
        let shown = items.iter().take(limits.elements as usize);
        shown.map(|item| self.nested(item, reader, limits, depth + 1)).collect()
    }

    fn dict(&self, table: &Table, reader: &Reader<'_, '_>, limits: ValueLimits, depth: usize) -> PythonValue {
        let keys = self.first(&table.keys, reader, limits, depth);
        let values = self.first(&table.values, reader, limits, depth);
        PythonValue::Dict { entries: keys.into_iter().zip(values).collect(), length: table.keys.len() as u64 }
    }

    /// `repr(value)`, by the rules of values that are shown: an object of a class of Python is not asked for its own.
    pub(super) fn repr(&self, value: &Value) -> Result<String> {
        self.budget.spend(1)?;
        if let Value::Int(value) = value
            && value.bits() > MOST_BITS
        {
            return too_long(self.minor(), value);
        }
        let text = self.show(value, WHOLE).to_string();
        self.budget.spend(text.len() as u64 / 64)?;
        Ok(text)
    }

    /// `str(value)`.
    pub(super) fn str(&self, value: &Value) -> Result<Value> {
        self.not_overridden(value, &["__str__"])?;
        let loaded = self.load(value)?;
        if let Value::Str(_) = loaded {
            return Ok(loaded);
        }
        if let Value::Object(at) = value
            && self.heap.type_of(*at)?.has(EXCEPTION)
        {
            return self.exception_text(*at, value);
        }
        Ok(Value::text(&self.repr(value)?))
    }

    /// `BaseException.__str__`: nothing, the only argument, or all of them.
    fn exception_text(&self, at: dpdb_snapshot::Avma, value: &Value) -> Result<Value> {
        const OTHERS: [&str; 5] = ["OSError", "SyntaxError", "UnicodeError", "ImportError", "BaseExceptionGroup"];
        let facts = self.heap.type_of(at)?;
        for name in OTHERS {
            if self.is_derived(&facts, name)? {
                return refused(format_args!("{}.__str__ would be called", short_name(&facts)));
            }
        }
        let args = self.attribute(value, "args")?;
        match &*self.iterate(&args)? {
            [] => Ok(Value::text("")),
            [only] if self.is_derived(&facts, "KeyError")? => Ok(Value::text(&self.repr(only)?)),
            [only] => self.str(only),
            all => Ok(Value::text(&self.repr(&Value::tuple(all.to_vec()))?)),
        }
    }

    /// A `str` as text; `None` for any other value.
    pub(super) fn plain_text(&self, value: &Value) -> Result<Option<String>> {
        Ok(match self.load(value)? {
            Value::Str(points) => {
                Some(points.iter().map(|point| char::from_u32(*point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
            }
            _ => None,
        })
    }
}

fn call(name: &str, arguments: Vec<PythonValue>) -> PythonValue {
    let args = arguments.into_iter().map(|argument| (None, argument)).collect();
    PythonValue::Call { callee: name.to_owned(), args }
}

fn range_arguments(parts: &[BigInt; 3]) -> Vec<PythonValue> {
    let shown = if parts[2] == BigInt::from(1) { &parts[..2] } else { &parts[..] };
    shown.iter().map(|part| PythonValue::Int(part.clone())).collect()
}

fn too_long(minor: u8, value: &BigInt) -> Result<String> {
    if minor < 11 {
        return Ok(value.to_string());
    }
    super::fault::value_error(
        "Exceeds the limit (4300 digits) for integer string conversion; \
         use sys.set_int_max_str_digits() to increase the limit",
    )
}
