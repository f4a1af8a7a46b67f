//! Operators between values of any type.

use std::sync::Arc;

use super::arithmetic::{self, Number};
use super::fault::{Fault, Result, refused, type_error};
use super::objects::{Objects, short_name};
use super::special::Slot;
use super::syntax::{BinaryOp, UnaryOp};
use super::value::{Table, Value};

impl Objects<'_> {
    /// `op operand`.
    pub(super) fn unary(&self, operator: UnaryOp, operand: &Value) -> Result<Value> {
        if operator == UnaryOp::Not {
            return Ok(Value::Bool(!self.truth(operand)?));
        }
        self.not_overridden(operand, &["__neg__", "__pos__", "__invert__"])?;
        let loaded = self.load(operand)?;
        Ok(match (operator, Number::of(&loaded)) {
            (UnaryOp::Plus, Some(Number::Int(value))) => Value::Int(value),
            (UnaryOp::Plus, Some(_)) => loaded,
            (UnaryOp::Minus, Some(Number::Int(value))) => Value::Int(-value),
            (UnaryOp::Minus, Some(Number::Float(value))) => Value::Float(-value),
            (UnaryOp::Minus, Some(Number::Complex(real, imaginary))) => Value::Complex(-real, -imaginary),
            (UnaryOp::Invert, Some(Number::Int(value))) => Value::Int(-value - 1),
            (operator, _) => {
                let symbol = match operator {
                    UnaryOp::Minus => "-",
                    UnaryOp::Plus => "+",
                    _ => "~",
                };
                self.no_operator(&loaded)?;
                return type_error(format!("bad operand type for unary {symbol}: '{}'", self.type_name(operand)?));
            }
        })
    }

    /// Refuses an operator that code of the process may define.
    fn no_operator(&self, value: &Value) -> Result<()> {
        let Value::Object(at) = value else { return Ok(()) };
        let facts = self.heap.type_of(*at)?;
        if self.as_class(value)?.is_none() && self.has_slot(&facts, Slot::Number)? {
            return refused(format_args!("operators of '{}' objects are code", short_name(&facts)));
        }
        Ok(())
    }

    /// `left op right`.
    pub(super) fn binary(&self, op: BinaryOp, left: &Value, right: &Value) -> Result<Value> {
        self.budget.spend(1)?;
        let methods = methods_of(op);
        self.not_overridden(left, &methods[..1])?;
        self.not_overridden(right, &methods[1..])?;
        let (a, b) = (self.load(left)?, self.load(right)?);
        if let (Some(left), Some(right)) = (Number::of(&a), Number::of(&b)) {
            let both_bool = matches!((&a, &b), (Value::Bool(_), Value::Bool(_)));
            if let Some(value) = arithmetic::binary(op, &left, &right, self.minor())? {
                let bitwise = matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor);
                return Ok(match value.as_int() {
                    Some(value) if both_bool && bitwise => Value::Bool(value != 0.into()),
                    _ => value,
                });
            }
        }
        let found = match op {
            BinaryOp::Add => self.concatenated(&a, &b)?,
            BinaryOp::Multiply => self.repeated(&a, &b)?,
            BinaryOp::BitOr | BinaryOp::BitAnd | BinaryOp::BitXor | BinaryOp::Subtract => {
                self.set_operation(op, &a, &b)?
            }
            BinaryOp::Modulo if matches!(a, Value::Str(_) | Value::Bytes(_)) => {
                return Err(Fault::Refused("formatting with % is not evaluated".to_owned()));
            }
            _ => None,
        };
        match found {
            Some(value) => Ok(value),
            None => {
                self.no_operator(&a)?;
                self.no_operator(&b)?;
                let (left, right) = (self.type_name(left)?, self.type_name(right)?);
                type_error(format!("unsupported operand type(s) for {}: '{left}' and '{right}'", op.symbol()))
            }
        }
    }

    /// `|`, `&`, `-`, `^` of sets, `|` of dictionaries (3.9).
    fn set_operation(&self, op: BinaryOp, left: &Value, right: &Value) -> Result<Option<Value>> {
        let tables = match (left, right) {
            (Value::Set(left) | Value::FrozenSet(left), Value::Set(right) | Value::FrozenSet(right)) => (left, right),
            (Value::Dict(left), Value::Dict(right)) if op == BinaryOp::BitOr && self.minor() >= 9 => {
                let both = left.pairs().chain(right.pairs());
                let both = both.map(|(key, value)| (key.clone(), Some(value.clone())));
                return Ok(Some(Value::Dict(Arc::new(self.table(both, "dict key")?))));
            }
            _ => return Ok(None),
        };
        let frozen = matches!(left, Value::FrozenSet(_));
        let table = Arc::new(self.combined(op, tables.0, tables.1)?);
        Ok(Some(if frozen { Value::FrozenSet(table) } else { Value::Set(table) }))
    }

    /// The keys that an operation on two sets leaves.
    pub(super) fn combined(&self, op: BinaryOp, left: &Table, right: &Table) -> Result<Table> {
        let mut keys = Vec::new();
        for key in &left.keys {
            let both = self.find(right, key, "set element")?.is_some();
            let kept = match op {
                BinaryOp::BitOr => true,
                BinaryOp::BitAnd => both,
                _ => !both,
            };
            if kept {
                keys.push((key.clone(), None));
            }
        }
        if matches!(op, BinaryOp::BitOr | BinaryOp::BitXor) {
            for key in &right.keys {
                if self.find(left, key, "set element")?.is_none() {
                    keys.push((key.clone(), None));
                }
            }
        }
        self.table(keys, "set element")
    }
}

/// The special methods of an operator, of the left operand and of the right one.
fn methods_of(op: BinaryOp) -> [&'static str; 2] {
    match op {
        BinaryOp::Add => ["__add__", "__radd__"],
        BinaryOp::Subtract => ["__sub__", "__rsub__"],
        BinaryOp::Multiply => ["__mul__", "__rmul__"],
        BinaryOp::MatrixMultiply => ["__matmul__", "__rmatmul__"],
        BinaryOp::Divide => ["__truediv__", "__rtruediv__"],
        BinaryOp::FloorDivide => ["__floordiv__", "__rfloordiv__"],
        BinaryOp::Modulo => ["__mod__", "__rmod__"],
        BinaryOp::Power => ["__pow__", "__rpow__"],
        BinaryOp::LeftShift => ["__lshift__", "__rlshift__"],
        BinaryOp::RightShift => ["__rshift__", "__rrshift__"],
        BinaryOp::BitOr => ["__or__", "__ror__"],
        BinaryOp::BitXor => ["__xor__", "__rxor__"],
        BinaryOp::BitAnd => ["__and__", "__rand__"],
    }
}
