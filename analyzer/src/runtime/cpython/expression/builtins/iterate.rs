//! Built-in functions over items and numbers.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

use super::Arguments;
use crate::runtime::cpython::expression::arithmetic::Number;
use crate::runtime::cpython::expression::fault::{Fault, Result, overflow, refused, type_error, value_error};
use crate::runtime::cpython::expression::objects::Objects;
use crate::runtime::cpython::expression::syntax::BinaryOp;
use crate::runtime::cpython::expression::value::{Items, Value};

pub(super) fn len(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    match objects.length(value)? {
        Some(length) => Ok(Value::int(length)),
        None => type_error(format!("object of type '{}' has no len()", objects.type_name(value)?)),
    }
}

pub(super) fn any(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    for item in objects.iterate(arguments.one()?)?.iter() {
        if objects.truth(item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn all(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    for item in objects.iterate(arguments.one()?)?.iter() {
        if !objects.truth(item)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

pub(super) fn sum(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["start"])?;
    let [items, rest @ ..] = arguments.positional else {
        return type_error("sum() takes at least 1 positional argument (0 given)");
    };
    let start = arguments.named("start").or(rest.first()).cloned().unwrap_or(Value::int(0));
    if matches!(objects.load(&start)?, Value::Str(_)) {
        return type_error("sum() can't sum strings [use ''.join(seq) instead]");
    }
    let items = objects.iterate(items)?;
    if objects.minor() >= 12
        && let Some(total) = compensated(objects, &start, &items)?
    {
        return Ok(total);
    }
    items.iter().try_fold(start, |total, item| objects.binary(BinaryOp::Add, &total, item))
}

/// From 3.12 on floats are summed with what rounding lost (Neumaier; Python/bltinmodule.c). `None` where not all are
/// numbers, or no float comes.
fn compensated(objects: &Objects<'_>, start: &Value, items: &Items) -> Result<Option<Value>> {
    let (mut whole, mut total, mut lost, mut floats) = (BigInt::ZERO, 0f64, 0f64, false);
    for item in std::iter::once(start).chain(items.iter()) {
        let value = match Number::of(&objects.load(item)?) {
            Some(Number::Int(value)) if !floats => {
                whole += value;
                continue;
            }
            Some(Number::Int(value)) => value.to_f64().unwrap_or(f64::NAN),
            Some(Number::Float(value)) => value,
            _ => return Ok(None),
        };
        if !floats {
            floats = true;
            total = whole.to_f64().unwrap_or(f64::NAN);
        }
        let next = total + value;
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    let corrected = if lost != 0.0 && lost.is_finite() { total + lost } else { total };
    Ok(floats.then_some(Value::Float(corrected)))
}

pub(super) fn min(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    extreme(objects, arguments, false)
}

pub(super) fn max(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    extreme(objects, arguments, true)
}

fn extreme(objects: &Objects<'_>, arguments: &Arguments<'_>, largest: bool) -> Result<Value> {
    arguments.known_keywords(&["key", "default"])?;
    let name = arguments.function;
    let items: Items = match arguments.positional {
        [] => return type_error(format!("{name} expected at least 1 argument, got 0")),
        [items] => objects.iterate(items)?,
        all => all.into(),
    };
    let mut best: Option<(&Value, Value)> = None;
    for item in items.iter() {
        let key = objects.keyed(arguments.named("key"), item)?;
        let better = match &best {
            None => true,
            Some((_, known)) if largest => objects.less(known, &key)?,
            Some((_, known)) => objects.less(&key, known)?,
        };
        if better {
            best = Some((item, key));
        }
    }
    match (best, arguments.named("default")) {
        (Some((item, _)), _) => Ok(item.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) if objects.minor() < 12 => value_error(format!("{name}() arg is an empty sequence")),
        (None, None) => value_error(format!("{name}() iterable argument is empty")),
    }
}

impl Objects<'_> {
    /// What an item is compared by: itself, or what a built-in function makes of it.
    fn keyed(&self, key: Option<&Value>, item: &Value) -> Result<Value> {
        match key {
            Some(key) if !matches!(key, Value::None) => self.call(key, std::slice::from_ref(item), &[]),
            _ => Ok(item.clone()),
        }
    }

    /// Items in order: equal ones stay as they stand.
    pub(in crate::runtime::cpython::expression) fn sorted(
        &self,
        items: &[Value],
        key: Option<&Value>,
        reverse: bool,
    ) -> Result<Vec<Value>> {
        let keys = items.iter().map(|item| Ok((self.keyed(key, item)?, item)));
        let mut keyed = keys.collect::<Result<Vec<(Value, &Value)>>>()?;
        let mut failed = None;
        let mut less = |left: &Value, right: &Value| match self.less(left, right) {
            Ok(less) => less,
            Err(fault) => {
                failed.get_or_insert(fault);
                false
            }
        };
        // `sort_by` may panic where the order is none, which that of NaN or of sets is not.
        let merged = merge_sort(std::mem::take(&mut keyed), &mut |left, right| {
            if reverse { less(&left.0, &right.0) } else { less(&right.0, &left.0) }
        });
        match failed {
            Some(fault) => Err(fault),
            None => Ok(merged.into_iter().map(|(_, item)| item.clone()).collect()),
        }
    }
}

/// A stable sort that needs no total order; `after` says that its first argument belongs behind its second.
fn merge_sort<T>(mut items: Vec<T>, after: &mut dyn FnMut(&T, &T) -> bool) -> Vec<T> {
    if items.len() < 2 {
        return items;
    }
    let right = merge_sort(items.split_off(items.len() / 2), after);
    let left = merge_sort(items, after);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let next = if after(first, second) { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

pub(super) fn sorted(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["key", "reverse"])?;
    let [items] = arguments.positional else {
        return type_error(format!("sorted expected 1 argument, got {}", arguments.positional.len()));
    };
    let reverse = arguments.named("reverse").map_or(Ok(false), |value| objects.truth(value))?;
    Ok(Value::list(objects.sorted(&objects.iterate(items)?, arguments.named("key"), reverse)?))
}

pub(super) fn reversed(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    if matches!(objects.load(value)?, Value::Set(_) | Value::FrozenSet(_)) || objects.iterate_or(value)?.is_none() {
        return type_error(format!("'{}' object is not reversible", objects.type_name(value)?));
    }
    let items = objects.iterate(value)?;
    Ok(Value::Iterator("reversed", items.iter().rev().cloned().collect()))
}

pub(super) fn enumerate(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["start"])?;
    let [items, rest @ ..] = arguments.positional else {
        return type_error("enumerate() missing required argument 'iterable' (pos 1)");
    };
    let start = arguments.named("start").or(rest.first());
    let start = start.map_or(Ok(BigInt::ZERO), |start| objects.integer(start))?;
    let items = objects.iterate(items)?;
    let numbered = items.iter().enumerate();
    let pair = |(index, item): (usize, &Value)| Value::tuple(vec![Value::Int(&start + index), item.clone()]);
    Ok(Value::Iterator("enumerate", numbered.map(pair).collect()))
}

pub(super) fn zip(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["strict"])?;
    let columns = arguments.positional.iter().map(|column| objects.iterate(column)).collect::<Result<Vec<Items>>>()?;
    let strict = arguments.named("strict").map_or(Ok(false), |value| objects.truth(value))?;
    let shortest = columns.iter().map(|column| column.len()).min().unwrap_or(0);
    if strict && let Some(at) = columns.iter().position(|column| column.len() != columns[0].len()) {
        let (word, plural) = (if columns[at].len() < columns[0].len() { "shorter" } else { "longer" }, at > 1);
        let others = if plural { format!("arguments 1-{at}") } else { "argument 1".to_owned() };
        return value_error(format!("zip() argument {} is {word} than {others}", at + 1));
    }
    objects.budget.spend((shortest * columns.len()) as u64)?;
    let row = |index: usize| Value::tuple(columns.iter().map(|column| column[index].clone()).collect());
    Ok(Value::Iterator("zip", (0..shortest).map(row).collect()))
}

pub(super) fn map(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [function, columns @ ..] = arguments.positional else {
        return type_error("map() must have at least two arguments.");
    };
    let zipped = zip(objects, &Arguments { positional: columns, ..*arguments })?;
    let rows = objects.iterate(&zipped)?;
    let call = |row: &Value| objects.call(function, &objects.iterate(row)?, &[]);
    Ok(Value::Iterator("map", rows.iter().map(call).collect::<Result<_>>()?))
}

pub(super) fn filter(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [function, items] = arguments.between(2, 2)? else { return Ok(Value::None) };
    let mut kept = Vec::new();
    for item in objects.iterate(items)?.iter() {
        let verdict = match function {
            Value::None => item.clone(),
            function => objects.call(function, std::slice::from_ref(item), &[])?,
        };
        if objects.truth(&verdict)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::Iterator("filter", kept.into()))
}

pub(super) fn next(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [iterator, rest @ ..] = arguments.between(1, 2)? else { return Ok(Value::None) };
    match iterator {
        Value::Iterator(_, items) => match items.first().or(rest.first()) {
            Some(first) => Ok(first.clone()),
            None => Err(Fault::Raised("StopIteration", String::new())),
        },
        Value::Object(_) => refused("next() would resume it"),
        other => type_error(format!("'{}' object is not an iterator", objects.type_name(other)?)),
    }
}

pub(super) fn abs(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.one()?;
    objects.not_overridden(value, &["__abs__"])?;
    match Number::of(&objects.load(value)?) {
        Some(Number::Int(value)) => Ok(Value::Int(value.abs())),
        Some(Number::Float(value)) => Ok(Value::Float(value.abs())),
        Some(Number::Complex(real, imaginary)) => Ok(Value::Float(real.hypot(imaginary))),
        None => type_error(format!("bad operand type for abs(): '{}'", objects.type_name(value)?)),
    }
}

pub(super) fn divmod(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    let [left, right] = arguments.between(2, 2)? else { return Ok(Value::None) };
    let quotient = objects.binary(BinaryOp::FloorDivide, left, right)?;
    Ok(Value::tuple(vec![quotient, objects.binary(BinaryOp::Modulo, left, right)?]))
}

pub(super) fn pow(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    match arguments.between(2, 3)? {
        [base, exponent] => objects.binary(BinaryOp::Power, base, exponent),
        [base, exponent, modulus] => {
            let (base, exponent, modulus) =
                (objects.integer(base)?, objects.integer(exponent)?, objects.integer(modulus)?);
            if modulus.is_zero() {
                return value_error("pow() 3rd argument cannot be 0");
            }
            if exponent.is_negative() || exponent.bits().max(modulus.bits()) > 4096 {
                return Err(Fault::Limit("powers of such numbers are not computed"));
            }
            Ok(Value::Int(base.mod_floor(&modulus).modpow(&exponent, &modulus)))
        }
        _ => Ok(Value::None),
    }
}

pub(super) fn round(objects: &Objects<'_>, arguments: &Arguments<'_>) -> Result<Value> {
    arguments.known_keywords(&["ndigits"])?;
    let Some(value) = arguments.positional.first() else {
        return type_error("round() missing required argument 'number' (pos 1)");
    };
    objects.not_overridden(value, &["__round__"])?;
    let digits = arguments.named("ndigits").or(arguments.positional.get(1));
    let digits = digits.filter(|digits| !matches!(digits, Value::None));
    let digits = digits.map(|digits| objects.small_integer(digits)).transpose()?;
    match (Number::of(&objects.load(value)?), digits) {
        (Some(Number::Int(value)), Some(digits)) if digits < 0 => {
            Ok(Value::Int(round_int(&value, digits.unsigned_abs())))
        }
        (Some(Number::Int(value)), _) => Ok(Value::Int(value)),
        (Some(Number::Float(value)), None) => match BigInt::from_f64(value.round_ties_even()) {
            Some(whole) => Ok(Value::Int(whole)),
            None if value.is_nan() => value_error("cannot convert float NaN to integer"),
            None => overflow("cannot convert float infinity to integer"),
        },
        (Some(Number::Float(value)), Some(digits)) => Ok(Value::Float(round_float(value, digits))),
        _ => type_error(format!("type {} doesn't define __round__ method", objects.type_name(value)?)),
    }
}

/// To a multiple of a power of ten, half to even.
fn round_int(value: &BigInt, digits: u64) -> BigInt {
    let Some(digits) = u32::try_from(digits).ok().filter(|digits| u64::from(*digits) <= value.bits()) else {
        return BigInt::ZERO;
    };
    let unit = BigInt::from(10).pow(digits);
    let (quotient, rest) = value.div_mod_floor(&unit);
    let up = match (rest * 2u8).cmp(&unit) {
        Ordering::Less => false,
        Ordering::Equal => quotient.is_odd(),
        Ordering::Greater => true,
    };
    (quotient + u8::from(up)) * unit
}

/// By the decimal digits of the exact value, as Python's `double_round`.
fn round_float(value: f64, digits: i64) -> f64 {
    if !value.is_finite() || digits > 330 {
        return value;
    }
    if digits >= 0 {
        return format!("{value:.*}", digits as usize).parse().unwrap_or(value);
    }
    if digits < -310 {
        return 0f64.copysign(value);
    }
    let whole = BigInt::from_f64(value.trunc()).unwrap_or_default();
    // A fraction decides only where the whole part lies just in the middle.
    let doubled: BigInt = &whole * 2u8 + BigInt::from(i8::from(value.fract() > 0.0) - i8::from(value.fract() < 0.0));
    let unit = BigInt::from(10).pow(digits.unsigned_abs() as u32);
    let (quotient, rest) = doubled.div_mod_floor(&(&unit * 2u8));
    let up = match rest.cmp(&unit) {
        Ordering::Less => false,
        Ordering::Equal => quotient.is_odd(),
        Ordering::Greater => true,
    };
    let rounded = ((quotient + u8::from(up)) * unit).to_f64().unwrap_or(value);
    if rounded == 0.0 { 0f64.copysign(value) } else { rounded }
}
