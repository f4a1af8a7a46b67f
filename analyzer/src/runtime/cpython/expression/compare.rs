//! Comparison: equality, order, identity, membership.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::arithmetic::Number;
use super::fault::{Fault, Result, refused, type_error};
use super::objects::{Objects, Type, short_name};
use super::special::Special;
use super::syntax::CompareOp;
use super::value::{Table, Value};

/// Containers within containers are compared so deep.
pub(super) const MOST_NESTED: usize = 100;

impl Objects<'_> {
    /// `left op right`.
    pub(super) fn compare(&self, op: CompareOp, left: &Value, right: &Value) -> Result<bool> {
        Ok(match op {
            CompareOp::Equal => self.equal(left, right)?,
            CompareOp::NotEqual => !self.equal(left, right)?,
            CompareOp::Is => self.identical(left, right)?,
            CompareOp::IsNot => !self.identical(left, right)?,
            CompareOp::In => self.contains(right, left)?,
            CompareOp::NotIn => !self.contains(right, left)?,
            op => return self.ordered(op, left, right, 0),
        })
    }

    /// Whether two values are one object. Of values that were made here nobody can say; those that are equal
    /// constants are.
    pub(super) fn identical(&self, left: &Value, right: &Value) -> Result<bool> {
        if let (Value::Object(left), Value::Object(right)) = (left, right) {
            return Ok(left == right);
        }
        let constant = |value: &Value| -> Result<Option<&'static str>> {
            Ok(Some(match self.load_if_constant(value)? {
                Value::None => "None",
                Value::Bool(true) => "True",
                Value::Bool(false) => "False",
                Value::Ellipsis => "Ellipsis",
                Value::NotImplemented => "NotImplemented",
                _ => return Ok(None),
            }))
        };
        if let (Some(left), Some(right)) = (constant(left)?, constant(right)?) {
            return Ok(left == right);
        }
        if let (Some(left), Some(right)) = (self.as_class(left)?, self.as_class(right)?) {
            return Ok(same_type(&left, &right));
        }
        match (left, right) {
            // The small ones exist once (Include/internal/pycore_global_objects.h).
            (Value::Int(_), _) | (_, Value::Int(_)) => {
                let (left, right) = (self.load_if_constant(left)?.as_int(), self.load_if_constant(right)?.as_int());
                let small = |value: &BigInt| *value >= BigInt::from(-5) && *value <= BigInt::from(256);
                Ok(left.is_some() && left == right && left.is_some_and(|value| small(&value)))
            }
            _ => Ok(false),
        }
    }

    fn load_if_constant(&self, value: &Value) -> Result<Value> {
        let Value::Object(at) = value else { return Ok(value.clone()) };
        let facts = self.heap.type_of(*at)?;
        const CONSTANTS: [&str; 5] = ["NoneType", "bool", "ellipsis", "NotImplementedType", "int"];
        match facts.builtin.as_deref() {
            Some(name) if CONSTANTS.contains(&name) => self.load(value),
            _ => Ok(value.clone()),
        }
    }

    /// `left == right`.
    pub(super) fn equal(&self, left: &Value, right: &Value) -> Result<bool> {
        self.nested_equal(left, right, 0)
    }

    fn nested_equal(&self, left: &Value, right: &Value, depth: usize) -> Result<bool> {
        self.budget.spend(1)?;
        if depth > MOST_NESTED {
            return Err(Fault::Raised("RecursionError", "maximum recursion depth exceeded in comparison".into()));
        }
        if depth > 0 && self.identical(left, right)? {
            return Ok(true);
        }
        self.not_overridden(left, &["__eq__"])?;
        self.not_overridden(right, &["__eq__"])?;
        let (a, b) = (self.load(left)?, self.load(right)?);
        if let (Some(left), Some(right)) = (Number::of(&a), Number::of(&b)) {
            return Ok(numbers(&left, &right) == Some(Ordering::Equal));
        }
        Ok(match (&a, &b) {
            (Value::Str(left), Value::Str(right)) => left == right,
            (Value::Bytes(left) | Value::ByteArray(left), Value::Bytes(right) | Value::ByteArray(right)) => {
                left == right
            }
            (Value::Tuple(left), Value::Tuple(right)) | (Value::List(left), Value::List(right)) => {
                left.len() == right.len() && self.all_equal(left.iter().zip(&**right), depth)?
            }
            (Value::Set(left) | Value::FrozenSet(left), Value::Set(right) | Value::FrozenSet(right)) => {
                left.keys.len() == right.keys.len() && self.is_subset(left, right)?
            }
            (Value::Dict(left), Value::Dict(right)) => self.equal_dicts(left, right, depth)?,
            (Value::Range(left), Value::Range(right)) => self.equal_ranges(left, right),
            (Value::Slice(left), Value::Slice(right)) => self.all_equal(left.iter().zip(&**right), depth)?,
            (Value::Object(_), _) | (_, Value::Object(_)) => self.equal_objects(&a, &b)?,
            _ => self.identical(left, right)?,
        })
    }

    fn all_equal<'v>(&self, mut pairs: impl Iterator<Item = (&'v Value, &'v Value)>, depth: usize) -> Result<bool> {
        pairs.try_fold(true, |equal, (left, right)| Ok(equal && self.nested_equal(left, right, depth + 1)?))
    }

    fn equal_dicts(&self, left: &Table, right: &Table, depth: usize) -> Result<bool> {
        if left.keys.len() != right.keys.len() {
            return Ok(false);
        }
        for (key, value) in left.pairs() {
            let Some(place) = self.find(right, key, "dict key")? else { return Ok(false) };
            if !self.nested_equal(value, &right.values[place], depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_ranges(&self, left: &[BigInt; 3], right: &[BigInt; 3]) -> bool {
        let length = super::sequence::range_length(left);
        length == super::sequence::range_length(right)
            && (length == BigInt::ZERO || left[0] == right[0] && (length == BigInt::from(1) || left[2] == right[2]))
    }

    /// Objects whose types keep `object.__eq__` are equal to themselves alone.
    fn equal_objects(&self, left: &Value, right: &Value) -> Result<bool> {
        if let (Value::Object(left), Value::Object(right)) = (left, right)
            && left == right
        {
            return self.compares_by_identity(*left).map(|()| true).or(Ok(true));
        }
        for side in [left, right] {
            let Value::Object(at) = side else { continue };
            // A value of a built-in type is equal to an object of no other type unless that one says so.
            self.compares_by_identity(*at)?;
        }
        self.identical(left, right)
    }

    /// Whether all keys of one table are in another.
    pub(super) fn is_subset(&self, left: &Table, right: &Table) -> Result<bool> {
        for key in &left.keys {
            if self.find(right, key, "set element")?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `<`, `<=`, `>`, `>=`.
    fn ordered(&self, op: CompareOp, left: &Value, right: &Value, depth: usize) -> Result<bool> {
        self.budget.spend(1)?;
        if depth > MOST_NESTED {
            return Err(Fault::Raised("RecursionError", "maximum recursion depth exceeded in comparison".into()));
        }
        let methods = ["__lt__", "__le__", "__gt__", "__ge__"];
        self.not_overridden(left, &methods)?;
        self.not_overridden(right, &methods)?;
        let (a, b) = (self.load(left)?, self.load(right)?);
        let found = match (Number::of(&a), Number::of(&b)) {
            (Some(Number::Complex(..)), Some(_)) | (Some(_), Some(Number::Complex(..))) => None,
            (Some(left), Some(right)) => return Ok(numbers(&left, &right).is_some_and(|order| holds(op, order))),
            _ => None,
        };
        let order: Option<Ordering> = match (&a, &b) {
            (Value::Str(left), Value::Str(right)) => Some(left.cmp(right)),
            (Value::Bytes(left) | Value::ByteArray(left), Value::Bytes(right) | Value::ByteArray(right)) => {
                Some(left.cmp(right))
            }
            (Value::Tuple(left), Value::Tuple(right)) | (Value::List(left), Value::List(right)) => {
                for (left, right) in left.iter().zip(&**right) {
                    if !self.nested_equal(left, right, depth + 1)? {
                        return self.ordered(op, left, right, depth + 1);
                    }
                }
                Some(left.len().cmp(&right.len()))
            }
            (Value::Set(left) | Value::FrozenSet(left), Value::Set(right) | Value::FrozenSet(right)) => {
                return self.ordered_sets(op, left, right);
            }
            (Value::Object(at), _) | (_, Value::Object(at)) => {
                let facts = self.heap.type_of(*at)?;
                let inherited = self.special(&facts, "__lt__")? == Special::Inherited;
                if !inherited && self.as_class(&Value::Object(*at))?.is_none() {
                    return refused(format_args!("'{}' objects are ordered by code of their own", short_name(&facts)));
                }
                None
            }
            _ => found,
        };
        match order {
            Some(order) => Ok(holds(op, order)),
            None => {
                let (left, right) = (self.type_name(left)?, self.type_name(right)?);
                let op = op.symbol();
                type_error(format!("'{op}' not supported between instances of '{left}' and '{right}'"))
            }
        }
    }

    fn ordered_sets(&self, op: CompareOp, left: &Table, right: &Table) -> Result<bool> {
        let (small, large) =
            if matches!(op, CompareOp::Less | CompareOp::LessEqual) { (left, right) } else { (right, left) };
        let proper = matches!(op, CompareOp::Less | CompareOp::Greater);
        let fits = if proper { small.keys.len() < large.keys.len() } else { small.keys.len() <= large.keys.len() };
        Ok(fits && self.is_subset(small, large)?)
    }

    /// `left < right`, for sorting.
    pub(super) fn less(&self, left: &Value, right: &Value) -> Result<bool> {
        self.ordered(CompareOp::Less, left, right, 0)
    }

    /// `item in container`.
    pub(super) fn contains(&self, container: &Value, item: &Value) -> Result<bool> {
        self.not_overridden(container, &["__contains__", "__iter__"])?;
        match &self.load(container)? {
            Value::Dict(table) => Ok(self.find(table, item, "dict key")?.is_some()),
            Value::Set(table) | Value::FrozenSet(table) => Ok(self.find(table, item, "set element")?.is_some()),
            Value::Str(points) => match self.load(item)? {
                Value::Str(part) => Ok(find_part(points, &part).is_some()),
                other => {
                    let found = self.type_name(&other)?;
                    type_error(format!("'in <string>' requires string as left operand, not {found}"))
                }
            },
            Value::Bytes(bytes) | Value::ByteArray(bytes) => match self.load(item)? {
                Value::Bytes(part) | Value::ByteArray(part) => Ok(find_part(bytes, &part).is_some()),
                other => match other.as_int() {
                    Some(number) => Ok(u8::try_from(number).is_ok_and(|byte| bytes.contains(&byte))),
                    None => type_error(format!("a bytes-like object is required, not '{}'", self.type_name(&other)?)),
                },
            },
            Value::Range(parts) => match self.load(item)?.as_int() {
                Some(number) => Ok(self.range_has(parts, &number)),
                None => self.is_item(&self.iterate(container)?, item),
            },
            _ => match self.iterate_or(container)? {
                Some(items) => self.is_item(&items, item),
                None => {
                    let found = self.type_name(container)?;
                    type_error(match self.minor() {
                        14.. => format!("argument of type '{found}' is not a container or iterable"),
                        _ => format!("argument of type '{found}' is not iterable"),
                    })
                }
            },
        }
    }

    fn is_item(&self, items: &[Value], item: &Value) -> Result<bool> {
        Ok(self.position(items, item)?.is_some())
    }

    /// Where the first item is that is one object with `item`, or equal to it.
    pub(super) fn position(&self, items: &[Value], item: &Value) -> Result<Option<usize>> {
        for (place, candidate) in items.iter().enumerate() {
            if self.nested_equal(candidate, item, 1)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

pub(super) fn same_type(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::Of(left), Type::Of(right)) => left.at == right.at,
        (Type::Builtin(left), Type::Builtin(right)) => left == right,
        (Type::Of(class), Type::Builtin(name)) | (Type::Builtin(name), Type::Of(class)) => {
            class.builtin.as_deref() == Some(name)
        }
    }
}

fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Less => order.is_lt(),
        CompareOp::LessEqual => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// The order of two numbers, exactly: an integer is not rounded to be compared with a float. None for NaN.
fn numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(right)),
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(right),
        (Number::Int(left), Number::Float(right)) => int_and_float(left, *right),
        (Number::Float(left), Number::Int(right)) => int_and_float(right, *left).map(Ordering::reverse),
        (Number::Complex(a, b), Number::Complex(c, d)) => (a == c && b == d).then_some(Ordering::Equal),
        (Number::Complex(real, imaginary), other) | (other, Number::Complex(real, imaginary)) => {
            if *imaginary == 0.0 {
                numbers(&Number::Float(*real), other)
            } else {
                None
            }
        }
    }
}

fn int_and_float(left: &BigInt, right: f64) -> Option<Ordering> {
    if right.is_nan() {
        return None;
    }
    let Some(whole) = BigInt::from_f64(right.trunc()) else {
        return Some(if right > 0.0 { Ordering::Less } else { Ordering::Greater });
    };
    Some(left.cmp(&whole).then_with(|| 0f64.partial_cmp(&right.fract()).unwrap_or(Ordering::Equal)))
}

/// Where `part` begins in `whole` first.
pub(super) fn find_part<T: PartialEq>(whole: &[T], part: &[T]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    whole.windows(part.len()).position(|window| window == part)
}
