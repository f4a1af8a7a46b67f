//! Items of sequences by index and slice, and `+` and `*` of them.

use std::sync::Arc;

use dpdb_snapshot::Avma;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::fault::{Fault, Result, index_error, refused, type_error, value_error};
use super::objects::{Objects, Type, short_name};
use super::special::Slot;
use super::value::Value;

/// How many numbers a range has.
pub(super) fn range_length(parts: &[BigInt; 3]) -> BigInt {
    let [start, stop, step] = parts;
    let span = if step.is_negative() { start - stop } else { stop - start };
    if !span.is_positive() || step.is_zero() {
        return BigInt::ZERO;
    }
    (span - 1) / step.abs() + 1
}

impl Objects<'_> {
    /// `container[index]`.
    pub(super) fn subscript(&self, container: &Value, index: &Value) -> Result<Value> {
        self.not_overridden(container, &["__getitem__"])?;
        if let (Value::Object(at), Some(index)) = (container, self.load(index)?.as_int())
            && let Some(sequence) = self.heap.sequence(*at)?
        {
            // One item of a long list is one read.
            let place = self.place(&index, sequence.length, container)?;
            let item = self.heap.items(sequence, place, 1)?.first().copied();
            return item.map(Value::Object).ok_or(Fault::Limit("the list changed"));
        }
        let loaded = self.load(container)?;
        match &loaded {
            Value::Dict(table) => match self.find(table, index, "dict key")? {
                Some(place) => Ok(table.values[place].clone()),
                None => self.missing(container, index),
            },
            Value::Tuple(_)
            | Value::List(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::ByteArray(_)
            | Value::Range(_) => self.item(container, &loaded, index),
            Value::Object(at) => self.item_of_object(*at, container, index),
            _ => match self.as_class(container)? {
                Some(class) => self.generic_alias(&class),
                None => self.not_subscriptable(container),
            },
        }
    }

    fn not_subscriptable<T>(&self, container: &Value) -> Result<T> {
        type_error(format!("'{}' object is not subscriptable", self.type_name(container)?))
    }

    fn item_of_object(&self, at: Avma, container: &Value, index: &Value) -> Result<Value> {
        let facts = self.heap.type_of(at)?;
        if let Some(items) = self.deque(at, &facts)? {
            let index = self.load(index)?;
            let Some(number) = index.as_int() else {
                let found = self.type_name(&index)?;
                return type_error(format!("sequence index must be integer, not '{found}'"));
            };
            let from_front = if number.is_negative() { number + items.len() } else { number };
            let item = from_front.to_usize().and_then(|place| items.get(place).cloned());
            return item.map_or_else(|| index_error("deque index out of range"), Ok);
        }
        if let Some(class) = self.as_class(container)? {
            return self.generic_alias(&class);
        }
        match self.has_slot(&facts, Slot::Item)? {
            true => refused(format_args!("{}.__getitem__ would be called", short_name(&facts))),
            false => self.not_subscriptable(container),
        }
    }

    fn generic_alias(&self, class: &Type) -> Result<Value> {
        let name = match class {
            Type::Of(facts) => facts.full_name(),
            Type::Builtin(name) => (*name).to_owned(),
        };
        refused(format_args!("a subscript of the type '{name}' would call its __class_getitem__"))
    }

    /// A key that a dictionary has not: what a `__missing__` would give is not known.
    fn missing(&self, container: &Value, key: &Value) -> Result<Value> {
        if let Value::Object(at) = container {
            let facts = self.heap.type_of(*at)?;
            if self.is_derived(&facts, "collections.defaultdict")? {
                return refused("the key is missing: the default_factory would be called");
            }
            if facts.builtin.is_none() && self.heap.class_entry(facts.at, "__missing__")?.is_some() {
                return refused(format_args!("the key is missing: {}.__missing__ would be called", facts.name));
            }
        }
        Err(Fault::Raised("KeyError", self.repr(key)?))
    }

    /// An index counted from the front, within the length.
    fn place(&self, index: &BigInt, length: u64, container: &Value) -> Result<u64> {
        let from_front = if index.is_negative() { index + length } else { index.clone() };
        if let Some(place) = from_front.to_u64().filter(|place| *place < length) {
            return Ok(place);
        }
        index_error(match self.load_kind(container)? {
            "str" => "string index out of range",
            "bytes" => "index out of range",
            "bytearray" => "bytearray index out of range",
            "range" => "range object index out of range",
            "tuple" => "tuple index out of range",
            _ => "list index out of range",
        })
    }

    /// The built-in type that a container is, or is derived from.
    fn load_kind(&self, value: &Value) -> Result<&'static str> {
        Ok(match value {
            Value::Object(at) => self.family(&*self.heap.type_of(*at)?),
            value => value.builtin_type(),
        })
    }

    fn item(&self, container: &Value, loaded: &Value, index: &Value) -> Result<Value> {
        let index = self.load(index)?;
        if let Value::Slice(parts) = &index {
            return self.slice(loaded, parts);
        }
        let Some(number) = index.as_int() else { return self.no_index(loaded, &index) };
        let length = self.length(loaded)?.unwrap_or_default();
        let place = self.place(&number, length, container)? as usize;
        Ok(match loaded {
            Value::Tuple(items) | Value::List(items) => items[place].clone(),
            Value::Str(points) => Value::Str(Arc::new([points[place]])),
            Value::Bytes(bytes) | Value::ByteArray(bytes) => Value::int(bytes[place]),
            Value::Range(parts) => Value::Int(&parts[0] + &parts[2] * place),
            _ => return self.not_subscriptable(container),
        })
    }

    fn no_index<T>(&self, container: &Value, index: &Value) -> Result<T> {
        let found = self.type_name(index)?;
        type_error(match container {
            Value::Str(_) if self.minor() < 11 => "string indices must be integers".to_owned(),
            Value::Str(_) => format!("string indices must be integers, not '{found}'"),
            Value::Bytes(_) => format!("byte indices must be integers or slices, not {found}"),
            other => format!("{} indices must be integers or slices, not {found}", other.builtin_type()),
        })
    }

    fn slice(&self, loaded: &Value, parts: &[Value; 3]) -> Result<Value> {
        let length = self.length(loaded)?.unwrap_or_default();
        let (start, stop, step) = self.slice_bounds(parts, length)?;
        if let Value::Range(range) = loaded {
            let [from, _, by] = &**range;
            return Ok(Value::Range(Arc::new([from + by * start, from + by * stop, by * step])));
        }
        let count = range_length(&[start.into(), stop.into(), step.into()]).to_u64().unwrap_or_default();
        self.budget.spend(count / 16)?;
        let places = (0..count as i64).map(|index| (start + index * step) as usize);
        Ok(match loaded {
            Value::Tuple(items) => Value::Tuple(places.map(|place| items[place].clone()).collect()),
            Value::List(items) => Value::List(places.map(|place| items[place].clone()).collect()),
            Value::Str(points) => Value::Str(places.map(|place| points[place]).collect()),
            Value::Bytes(bytes) => Value::Bytes(places.map(|place| bytes[place]).collect()),
            Value::ByteArray(bytes) => Value::ByteArray(places.map(|place| bytes[place]).collect()),
            other => return self.not_subscriptable(other),
        })
    }

    /// `PySlice_AdjustIndices`: bounds within a length, for a step of either sign.
    fn slice_bounds(&self, parts: &[Value; 3], length: u64) -> Result<(i64, i64, i64)> {
        let number = |part: &Value| -> Result<Option<i64>> {
            match self.load(part)? {
                Value::None => Ok(None),
                value => match value.as_int() {
                    Some(value) if value.is_negative() => {
                        Ok(Some(value.to_i64().unwrap_or(i64::MIN / 4).max(i64::MIN / 4)))
                    }
                    Some(value) => Ok(Some(value.to_i64().unwrap_or(i64::MAX / 4).min(i64::MAX / 4))),
                    None => type_error("slice indices must be integers or None or have an __index__ method"),
                },
            }
        };
        let [start, stop, step] = [number(&parts[0])?, number(&parts[1])?, number(&parts[2])?];
        let (step, length) = (step.unwrap_or(1), length as i64);
        if step == 0 {
            return value_error("slice step cannot be zero");
        }
        let (low, high) = if step < 0 { (-1, length - 1) } else { (0, length) };
        let bound = |value: i64| if value < 0 { (value + length).max(low) } else { value.min(high) };
        let (first, last) = if step < 0 { (high, low) } else { (low, high) };
        Ok((start.map_or(first, bound), stop.map_or(last, bound), step))
    }

    /// `left + right` of sequences; `None` where they are none.
    pub(super) fn concatenated(&self, left: &Value, right: &Value) -> Result<Option<Value>> {
        let wrong = |kind: &str| {
            let found = self.type_name(right)?;
            let text = format!("can only concatenate {kind} (not \"{found}\") to {kind}");
            Err(Fault::Raised("TypeError", text))
        };
        let length = self.length(left)?.unwrap_or(0) + self.length(right).ok().flatten().unwrap_or(0);
        self.budget.spend(length / 16)?;
        Ok(Some(match (left, right) {
            (Value::Str(left), Value::Str(right)) => Value::Str(left.iter().chain(&**right).copied().collect()),
            (Value::Bytes(left), Value::Bytes(right) | Value::ByteArray(right)) => {
                Value::Bytes(left.iter().chain(&**right).copied().collect())
            }
            (Value::ByteArray(left), Value::Bytes(right) | Value::ByteArray(right)) => {
                Value::ByteArray(left.iter().chain(&**right).copied().collect())
            }
            (Value::Tuple(left), Value::Tuple(right)) => Value::Tuple(left.iter().chain(&**right).cloned().collect()),
            (Value::List(left), Value::List(right)) => Value::List(left.iter().chain(&**right).cloned().collect()),
            (Value::Str(_), _) => return wrong("str"),
            (Value::Tuple(_), _) => return wrong("tuple"),
            (Value::List(_), _) => return wrong("list"),
            (Value::Bytes(_) | Value::ByteArray(_), _) => {
                let (left, right) = (self.type_name(left)?, self.type_name(right)?);
                return type_error(format!("can't concat {right} to {left}"));
            }
            _ => return Ok(None),
        }))
    }

    /// `left * right` where one of them is a sequence; `None` where none is.
    pub(super) fn repeated(&self, left: &Value, right: &Value) -> Result<Option<Value>> {
        let is_sequence = |value: &Value| {
            matches!(value, Value::Str(_) | Value::Bytes(_) | Value::ByteArray(_) | Value::Tuple(_) | Value::List(_))
        };
        let (sequence, other) = match (is_sequence(left), is_sequence(right)) {
            (true, _) => (left, right),
            (false, true) => (right, left),
            (false, false) => return Ok(None),
        };
        let Some(count) = other.as_int() else {
            return type_error(format!("can't multiply sequence by non-int of type '{}'", self.type_name(other)?));
        };
        let count = if count.is_negative() { 0 } else { count.to_u64().unwrap_or(u64::MAX) };
        let length = self.length(sequence)?.unwrap_or(0);
        let count = if length == 0 { 0 } else { count };
        self.budget.spend(length.saturating_mul(count))?;
        let count = count as usize;
        Ok(Some(match sequence {
            Value::Str(points) => Value::Str(points.repeat(count).into()),
            Value::Bytes(bytes) => Value::Bytes(bytes.repeat(count).into()),
            Value::ByteArray(bytes) => Value::ByteArray(bytes.repeat(count).into()),
            Value::Tuple(items) => Value::Tuple(cycled(items, count)),
            Value::List(items) => Value::List(cycled(items, count)),
            _ => return Ok(None),
        }))
    }

    /// Whether a range has a number.
    pub(super) fn range_has(&self, parts: &[BigInt; 3], number: &BigInt) -> bool {
        let [start, stop, step] = parts;
        let inside =
            if step.is_negative() { number <= start && number > stop } else { number >= start && number < stop };
        inside && !step.is_zero() && (number - start).mod_floor(step).is_zero()
    }
}

fn cycled(items: &[Value], count: usize) -> Arc<[Value]> {
    items.iter().cycle().take(items.len() * count).cloned().collect()
}
