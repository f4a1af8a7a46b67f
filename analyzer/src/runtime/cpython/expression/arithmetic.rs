//! Arithmetic on numbers, with Python's results and Python's errors (Objects/longobject.c, floatobject.c).

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::fault::{Fault, Result, overflow, value_error};
use super::syntax::BinaryOp;
use super::value::Value;

/// An integer of more bits is not computed.
pub(super) const MOST_BITS: u64 = 1 << 17;

/// A number as operations meet it.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Int(BigInt),
    Float(f64),
    Complex(f64, f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Number> {
        Some(match value {
            Value::Float(value) => Number::Float(*value),
            Value::Complex(real, imaginary) => Number::Complex(*real, *imaginary),
            value => Number::Int(value.as_int()?),
        })
    }

    fn complex(&self) -> Result<(f64, f64)> {
        match self {
            Number::Int(value) => Ok((to_float(value)?, 0.0)),
            Number::Float(value) => Ok((*value, 0.0)),
            Number::Complex(real, imaginary) => Ok((*real, *imaginary)),
        }
    }
}

fn division_by_zero<T>(text: &str, minor: u8) -> Result<T> {
    let text = if minor >= 14 { "division by zero" } else { text };
    Err(Fault::Raised("ZeroDivisionError", text.to_owned()))
}

/// The value of an integer as a float.
pub(super) fn to_float(value: &BigInt) -> Result<f64> {
    match value.to_f64().filter(|value| value.is_finite()) {
        Some(value) => Ok(value),
        None => overflow("int too large to convert to float"),
    }
}

fn bounded(value: BigInt) -> Result<Value> {
    if value.bits() > MOST_BITS {
        return Err(Fault::Limit("an integer of more than 131072 bits"));
    }
    Ok(Value::Int(value))
}

/// `left op right`; `None` where numbers of these types have no such operation.
pub(super) fn binary(op: BinaryOp, left: &Number, right: &Number, minor: u8) -> Result<Option<Value>> {
    Ok(Some(match (left, right) {
        (Number::Int(left), Number::Int(right)) => return of_ints(op, left, right, minor),
        (Number::Complex(..), _) | (_, Number::Complex(..)) => {
            return of_complex(op, left.complex()?, right.complex()?, minor);
        }
        (left, right) => {
            let (left, right) = (left.complex()?.0, right.complex()?.0);
            match of_floats(op, left, right, minor)? {
                Some(value) => value,
                None => return Ok(None),
            }
        }
    }))
}

fn of_ints(op: BinaryOp, left: &BigInt, right: &BigInt, minor: u8) -> Result<Option<Value>> {
    Ok(Some(match op {
        BinaryOp::Add => bounded(left + right)?,
        BinaryOp::Subtract => bounded(left - right)?,
        BinaryOp::Multiply => {
            if left.bits() + right.bits() > MOST_BITS + 1 {
                return Err(Fault::Limit("an integer of more than 131072 bits"));
            }
            bounded(left * right)?
        }
        BinaryOp::Divide => Value::Float(true_divide(left, right, minor)?),
        BinaryOp::FloorDivide if right.is_zero() => {
            return division_by_zero("integer division or modulo by zero", minor);
        }
        BinaryOp::Modulo if right.is_zero() => {
            let text = if minor < 11 { "integer division or modulo by zero" } else { "integer modulo by zero" };
            return division_by_zero(text, minor);
        }
        BinaryOp::FloorDivide => Value::Int(left.div_floor(right)),
        BinaryOp::Modulo => Value::Int(left.mod_floor(right)),
        BinaryOp::Power => power(left, right, minor)?,
        BinaryOp::LeftShift | BinaryOp::RightShift if right.is_negative() => {
            return value_error("negative shift count");
        }
        BinaryOp::LeftShift => {
            let count = right.to_u64().filter(|count| count.saturating_add(left.bits()) <= MOST_BITS);
            match count {
                Some(count) => Value::Int(left << count),
                None if left.is_zero() => Value::int(0),
                None => return Err(Fault::Limit("an integer of more than 131072 bits")),
            }
        }
        BinaryOp::RightShift => Value::Int(left >> right.to_u64().unwrap_or(u64::MAX).min(left.bits() + 1)),
        BinaryOp::BitOr => Value::Int(left | right),
        BinaryOp::BitXor => Value::Int(left ^ right),
        BinaryOp::BitAnd => Value::Int(left & right),
        BinaryOp::MatrixMultiply => return Ok(None),
    }))
}

fn power(base: &BigInt, exponent: &BigInt, minor: u8) -> Result<Value> {
    if exponent.is_negative() {
        return float_power(to_float(base)?, to_float(exponent)?, minor);
    }
    let small = base.magnitude().to_u32().filter(|base| *base <= 1);
    if small.is_some() {
        let odd = exponent.is_odd();
        return Ok(match (small, base.is_negative(), exponent.is_zero()) {
            (_, _, true) => Value::int(1),
            (Some(0), ..) => Value::int(0),
            (_, true, _) if odd => Value::int(-1),
            _ => Value::int(1),
        });
    }
    let exponent = exponent.to_u32().filter(|count| u64::from(*count) * (base.bits() - 1) <= MOST_BITS);
    match exponent {
        Some(exponent) => bounded(base.pow(exponent)),
        None => Err(Fault::Limit("an integer of more than 131072 bits")),
    }
}

/// The quotient of integers, rounded once, half to even.
fn true_divide(left: &BigInt, right: &BigInt, minor: u8) -> Result<f64> {
    if right.is_zero() {
        return division_by_zero("division by zero", minor);
    }
    const EXACT: u64 = 53;
    if left.bits() <= EXACT && right.bits() <= EXACT {
        return Ok(left.to_f64().unwrap_or_default() / right.to_f64().unwrap_or(1.0));
    }
    // So many bits of quotient that its conversion rounds for good, with a sticky bit for what is below them.
    let shift = 66 - (left.bits() as i64 - right.bits() as i64);
    let (mut numerator, mut denominator) = (left.abs(), right.abs());
    if shift >= 0 {
        numerator <<= shift
    } else {
        denominator <<= -shift
    }
    let (quotient, rest) = numerator.div_rem(&denominator);
    let quotient: BigInt = (quotient << 1u8) + u8::from(!rest.is_zero());
    let scaled = quotient.to_f64().unwrap_or(f64::INFINITY);
    // In two steps, since 2 ** -1100 is no float while the product is.
    let exponent = -(shift + 1);
    let half = (exponent / 2).clamp(-2000, 2000) as i32;
    let rest = (exponent - i64::from(half)).clamp(-2000, 2000) as i32;
    let magnitude = scaled * 2f64.powi(half) * 2f64.powi(rest);
    if magnitude.is_infinite() {
        return overflow("integer division result too large for a float");
    }
    Ok(if left.sign() == right.sign() || left.sign() == Sign::NoSign { magnitude } else { -magnitude })
}

fn of_floats(op: BinaryOp, left: f64, right: f64, minor: u8) -> Result<Option<Value>> {
    Ok(Some(Value::Float(match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide if right == 0.0 => return division_by_zero("float division by zero", minor),
        BinaryOp::FloorDivide if right == 0.0 => {
            return division_by_zero(if minor < 9 { "float divmod()" } else { "float floor division by zero" }, minor);
        }
        BinaryOp::Modulo if right == 0.0 => {
            return division_by_zero(if minor < 13 { "float modulo" } else { "float modulo by zero" }, minor);
        }
        BinaryOp::Divide => left / right,
        BinaryOp::FloorDivide => floor_divide(left, right).0,
        BinaryOp::Modulo => floor_divide(left, right).1,
        BinaryOp::Power => return float_power(left, right, minor).map(Some),
        _ => return Ok(None),
    })))
}

/// Floor and remainder, whose sign is the divisor's (`float_floor_div`, Objects/floatobject.c).
fn floor_divide(left: f64, right: f64) -> (f64, f64) {
    let mut rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest != 0.0 {
        if (right < 0.0) != (rest < 0.0) {
            rest += right;
            quotient -= 1.0;
        }
    } else {
        rest = 0f64.copysign(right);
    }
    let floor = if quotient == 0.0 {
        0f64.copysign(left / right)
    } else {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    };
    (floor, rest)
}

fn float_power(base: f64, exponent: f64, minor: u8) -> Result<Value> {
    if base == 0.0 && exponent < 0.0 {
        let text = if minor >= 14 { "zero to a negative power" } else { "0.0 cannot be raised to a negative power" };
        return Err(Fault::Raised("ZeroDivisionError", text.to_owned()));
    }
    if base < 0.0 && base.is_finite() && exponent.is_finite() && exponent.fract() != 0.0 {
        return complex_power((base, 0.0), (exponent, 0.0), minor);
    }
    let value = base.powf(exponent);
    if value.is_infinite() && base.is_finite() && exponent.is_finite() {
        return overflow("(34, 'Numerical result out of range')");
    }
    Ok(Value::Float(value))
}

fn of_complex(op: BinaryOp, left: (f64, f64), right: (f64, f64), minor: u8) -> Result<Option<Value>> {
    let ((a, b), (c, d)) = (left, right);
    Ok(Some(match op {
        BinaryOp::Add => Value::Complex(a + c, b + d),
        BinaryOp::Subtract => Value::Complex(a - c, b - d),
        BinaryOp::Multiply => Value::Complex(a * c - b * d, a * d + b * c),
        BinaryOp::Divide if c == 0.0 && d == 0.0 => return division_by_zero("complex division by zero", minor),
        // Smith's way, as `_Py_c_quot` (Objects/complexobject.c).
        BinaryOp::Divide if c.abs() >= d.abs() => {
            let ratio = d / c;
            let scale = c + d * ratio;
            Value::Complex((a + b * ratio) / scale, (b - a * ratio) / scale)
        }
        BinaryOp::Divide => {
            let ratio = c / d;
            let scale = c * ratio + d;
            Value::Complex((a * ratio + b) / scale, (b * ratio - a) / scale)
        }
        BinaryOp::Power => complex_power(left, right, minor)?,
        _ => return Ok(None),
    }))
}

/// `_Py_c_pow` (Objects/complexobject.c).
fn complex_power((a, b): (f64, f64), (c, d): (f64, f64), minor: u8) -> Result<Value> {
    if c == 0.0 && d == 0.0 {
        return Ok(Value::Complex(1.0, 0.0));
    }
    if a == 0.0 && b == 0.0 {
        if c < 0.0 || d != 0.0 {
            let old = "0.0 to a negative or complex power";
            let text = if minor >= 14 { "zero to a negative or complex power" } else { old };
            return Err(Fault::Raised("ZeroDivisionError", text.to_owned()));
        }
        return Ok(Value::Complex(0.0, 0.0));
    }
    let (length, angle) = (a.hypot(b), b.atan2(a));
    let (mut length_of, mut angle_of) = (length.powf(c), angle * c);
    if d != 0.0 {
        length_of /= (angle * d).exp();
        angle_of += d * length.ln();
    }
    Ok(Value::Complex(length_of * angle_of.cos(), length_of * angle_of.sin()))
}

#[cfg(test)]
mod tests {
    use super::{Number, binary};
    use crate::runtime::cpython::expression::syntax::BinaryOp;
    use crate::runtime::cpython::expression::value::Value;
    use num_bigint::BigInt;

    fn divided(left: &str, right: &str) -> String {
        let int = |text: &str| Number::Int(text.parse::<BigInt>().expect("digits"));
        match binary(BinaryOp::Divide, &int(left), &int(right), 13) {
            Ok(Some(Value::Float(value))) => format!("{value:?}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn large_integers_are_divided_with_one_rounding() {
        // What Python 3.11 prints.
        let large = "1".to_owned() + &"0".repeat(400);
        assert_eq!(divided(&large, &("3".to_owned() + &"0".repeat(380))), "3.333333333333333e19");
        assert_eq!(divided("9007199254740993", "1"), "9007199254740992.0");
        assert_eq!(divided("9007199254740995", "1"), "9007199254740996.0");
        assert_eq!(divided("-18014398509481985", "18014398509481984"), "-1.0");
        assert_eq!(divided("1", &large), "0.0");
    }
}
