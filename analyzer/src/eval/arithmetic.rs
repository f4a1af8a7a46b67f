//! Operators over numbers and pointers, with the widths and signs of the language.

use super::error::refused;
use super::evaluator::{Evaluator, Found};
use super::number::{self, Number, common, promote, wrap};
use super::value::{ExprType, NumberKind, NumberType, Value};
use crate::expr::{BinaryOp, ExprError, Span, Syntax, UnaryOp};
use crate::value::ValuePlace;

impl Evaluator<'_, '_> {
    pub(super) fn operate(&self, op: BinaryOp, left: &Value, right: &Value, span: Span) -> Found {
        let (left, right) = (self.referent(left, span)?, self.referent(right, span)?);
        let targets = (self.pointer_target(&left.of), self.pointer_target(&right.of));
        match (op, targets) {
            (BinaryOp::Add, (Some(to), None)) => self.moved(&left, &to, &right, 1, span),
            (BinaryOp::Add, (None, Some(to))) => self.moved(&right, &to, &left, 1, span),
            (BinaryOp::Subtract, (Some(to), None)) => self.moved(&left, &to, &right, -1, span),
            (BinaryOp::Subtract, (Some(to), Some(_))) => self.distance(&left, &right, &to, span),
            _ => self.compute(op, &left, &right, span),
        }
    }

    /// A pointer so many elements further on.
    fn moved(&self, pointer: &Value, to: &ExprType, by: &Value, sign: i128, span: Span) -> Found {
        let size = i128::from(self.size(to).ok_or_else(|| refused(span, "what it points to has no known size"))?);
        let by = self.integer(by, span)?;
        let address = i128::from(self.address(pointer, span)?.0) + sign * by.wrapping_mul(size);
        let of = if self.is_array(&pointer.of) { ExprType::pointer_to(to.clone()) } else { pointer.of.clone() };
        Ok(self.value(of, ValuePlace::bytes((address as u64).to_le_bytes())))
    }

    fn distance(&self, left: &Value, right: &Value, to: &ExprType, span: Span) -> Found {
        let size = i128::from(self.size(to).unwrap_or(1).max(1));
        let (left, right) = (self.address(left, span)?.0, self.address(right, span)?.0);
        let bytes = i128::from(left.wrapping_sub(right) as i64);
        Ok(self.number(Number::Integer(bytes / size), number::LONG))
    }

    fn compute(&self, op: BinaryOp, left: &Value, right: &Value, span: Span) -> Found {
        let (a, a_type) = self.as_number(left, span)?;
        let (b, b_type) = self.as_number(right, span)?;
        // A shift keeps the type of its left side (C11 6.5.7).
        let of = match op {
            BinaryOp::ShiftLeft | BinaryOp::ShiftRight if self.syntax == Syntax::Rust => a_type,
            BinaryOp::ShiftLeft | BinaryOp::ShiftRight => promote(a_type),
            _ => common(a_type, b_type, self.syntax),
        };
        let a = a.convert(a_type, of);
        let b = if matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight) { b } else { b.convert(b_type, of) };
        if let Some(truth) = compare(op, a, b, of) {
            let of = if self.syntax == Syntax::C { number::INT } else { number::BOOL };
            return Ok(self.number(Number::Integer(truth.into()), of));
        }
        let result = match (a, b) {
            (Number::Integer(a), Number::Integer(b)) => Number::Integer(wrap(integers(op, a, b, of, span)?, of)),
            (a, b) => Number::Float(floats(op, a.to_float(of), b.to_float(of), span)?).convert(of, of),
        };
        Ok(self.number(result, of))
    }

    pub(super) fn complement(&self, value: &Value, span: Span) -> Found {
        let (number, of) = self.as_number(value, span)?;
        let Number::Integer(bits) = number else { return Err(refused(span, "a fraction has no bits to turn over")) };
        let of = if self.syntax == Syntax::Rust { of } else { promote(of) };
        Ok(self.number(Number::Integer(wrap(!bits, of)), of))
    }

    pub(super) fn signed(&self, op: UnaryOp, value: &Value, span: Span) -> Found {
        let (number, of) = self.as_number(value, span)?;
        let of = if self.syntax == Syntax::Rust { of } else { promote(of) };
        let negate = op == UnaryOp::Negate;
        Ok(match number {
            Number::Integer(value) => {
                self.number(Number::Integer(wrap(if negate { value.wrapping_neg() } else { value }, of)), of)
            }
            Number::Float(value) => self.number(Number::Float(if negate { -value } else { value }), of),
        })
    }
}

fn compare(op: BinaryOp, a: Number, b: Number, of: NumberType) -> Option<bool> {
    let order = match (a, b) {
        (Number::Integer(a), Number::Integer(b)) if of.size == 16 && !of.is_signed() => {
            (a as u128).partial_cmp(&(b as u128))
        }
        (Number::Integer(a), Number::Integer(b)) => a.partial_cmp(&b),
        (a, b) => a.to_float(of).partial_cmp(&b.to_float(of)),
    };
    Some(match op {
        BinaryOp::Less => order.is_some_and(|order| order.is_lt()),
        BinaryOp::LessEqual => order.is_some_and(|order| order.is_le()),
        BinaryOp::Greater => order.is_some_and(|order| order.is_gt()),
        BinaryOp::GreaterEqual => order.is_some_and(|order| order.is_ge()),
        BinaryOp::Equal => order.is_some_and(|order| order.is_eq()),
        BinaryOp::NotEqual => !order.is_some_and(|order| order.is_eq()),
        _ => return None,
    })
}

fn integers(op: BinaryOp, a: i128, b: i128, of: NumberType, span: Span) -> Result<i128, ExprError> {
    let divided = |signed: fn(i128, i128) -> i128, unsigned: fn(u128, u128) -> u128| match b {
        0 => Err(refused(span, "division by zero")),
        _ if of.size == 16 && !of.is_signed() => Ok(unsigned(a as u128, b as u128) as i128),
        _ => Ok(signed(a, b)),
    };
    // More than the width shifts all bits out, as in gdb; the language leaves it open (C11 6.5.7).
    let count = u32::try_from(b).ok().filter(|count| u64::from(*count) < of.size.max(1) * 8);
    let Some(count) = count.or((!matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight)).then_some(0)) else {
        return Ok(if op == BinaryOp::ShiftRight && a < 0 && of.is_signed() { -1 } else { 0 });
    };
    Ok(match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Subtract => a.wrapping_sub(b),
        BinaryOp::Multiply => a.wrapping_mul(b),
        BinaryOp::Divide => divided(i128::wrapping_div, |a, b| a / b)?,
        BinaryOp::Remainder => divided(i128::wrapping_rem, |a, b| a % b)?,
        BinaryOp::ShiftLeft => a.wrapping_shl(count),
        BinaryOp::ShiftRight if of.kind == NumberKind::Unsigned && of.size == 16 => (a as u128 >> count) as i128,
        BinaryOp::ShiftRight => a >> count,
        BinaryOp::BitAnd => a & b,
        BinaryOp::BitOr => a | b,
        BinaryOp::BitXor => a ^ b,
        _ => return Err(refused(span, "this operator is not for numbers")),
    })
}

fn floats(op: BinaryOp, a: f64, b: f64, span: Span) -> Result<f64, ExprError> {
    Ok(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide => a / b,
        BinaryOp::Remainder => a % b,
        _ => return Err(refused(span, "this operator is not for fractions")),
    })
}
