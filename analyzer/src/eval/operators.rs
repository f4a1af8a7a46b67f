//! Pointers, addresses, elements, and calls that need nobody to run.

use dpdb_snapshot::Avma;

use super::error::refused;
use super::evaluator::{Evaluator, Found, missing};
use super::number::{self, Number};
use super::value::{ExprType, Value};
use crate::expr::{Expr, ExprKind, Span};
use crate::value::{ValuePlace, variable_place};

impl Evaluator<'_, '_> {
    /// What a pointer points to, or the first element of an array.
    pub(super) fn dereference(&self, value: &Value, span: Span) -> Found {
        let value = self.referent(value, span)?;
        if let Some((target, offset)) = value.place.implicit_pointer() {
            let inner = variable_place(self.context, target).map_err(|absent| missing(span, &absent))?;
            let inner = inner.skip(offset as u64);
            let of = self.pointer_target(&value.of).unwrap_or(ExprType::Void);
            return Ok(self.value(of, inner));
        }
        match self.pointer_target(&value.of) {
            Some(ExprType::Void) => {
                Err(refused(span, "a void pointer says nothing of what it points to: cast it first"))
            }
            Some(to) => {
                let at = self.address(&value, span)?;
                Ok(self.value(to, ValuePlace::memory(at)))
            }
            // gdb reads an integer as the address of a long, or of an int in old versions.
            None if self.number_type(&value.of).is_some() => {
                let at = Avma(self.integer(&value, span)? as u64);
                Ok(self.value(ExprType::Number(number::LONG), ValuePlace::memory(at)))
            }
            None => Err(refused(span, format!("a {} points to nothing", self.type_name(&value.of)))),
        }
    }

    pub(super) fn address_of(&self, value: &Value, span: Span) -> Found {
        let value = self.referent(value, span)?;
        let at = value.place.address().ok_or_else(|| refused(span, "it is not in memory and has no address"))?;
        Ok(self.value(ExprType::pointer_to(value.of), ValuePlace::bytes(at.0.to_le_bytes())))
    }

    /// The element number `position` of an array, or behind a pointer.
    pub(super) fn element(&self, value: &Value, position: i128, span: Span) -> Found {
        let value = self.referent(value, span)?;
        let value = self.slice_pointer(&value, position, span)?.unwrap_or(value);
        let Some(to) = self.pointer_target(&value.of) else {
            return Err(refused(span, format!("a {} has no elements", self.type_name(&value.of))));
        };
        let size = self.size(&to).ok_or_else(|| refused(span, "how large its elements are is not known"))?;
        let offset = (position as i64).wrapping_mul(size as i64) as u64;
        if self.is_array(&value.of) && value.place.address().is_none() {
            let length = self.length(&value).unwrap_or(0);
            if u64::try_from(position).map_or(true, |position| position >= length) {
                return Err(refused(span, format!("it has {length} elements")));
            }
            return Ok(self.value(to, value.place.skip(offset)));
        }
        let at = self.address(&value, span)?.wrapping_add(offset);
        Ok(self.value(to, ValuePlace::memory(at)))
    }

    /// Rust's slices and strings are a pointer and a length: the pointer, with the position held against the length.
    fn slice_pointer(
        &self,
        value: &Value,
        position: i128,
        span: Span,
    ) -> Result<Option<Value>, crate::expr::ExprError> {
        let (Ok(pointer), Ok(length)) = (self.member(value, "data_ptr", span), self.member(value, "length", span))
        else {
            return Ok(None);
        };
        let length = self.integer(&length, span)?;
        if position < 0 || position > length {
            return Err(refused(span, format!("it has {length} elements")));
        }
        Ok(Some(pointer))
    }

    /// Methods that are nothing but a field, and functions of the language; all else would have to be run.
    pub(super) fn call(&mut self, callee: &Expr, arguments: &[Expr], span: Span) -> Found {
        if let (ExprKind::Member { base, name }, true) = (&callee.kind, arguments.is_empty()) {
            let value = self.evaluate(base)?;
            match name.as_str() {
                "len" | "size" | "length" | "is_empty" | "empty" => {
                    if let Some(length) = self.length_of(&value, span) {
                        return Ok(match name.ends_with("empty") {
                            true => self.number(Number::Integer((length == 0).into()), number::BOOL),
                            false => self.number(Number::Integer(length), number::UNSIGNED_LONG),
                        });
                    }
                }
                "as_ptr" | "data" | "c_str" | "get" => {
                    if let Ok(pointer) = self.member(&value, "data_ptr", span) {
                        return Ok(pointer);
                    }
                }
                _ => {}
            }
        }
        Err(refused(span, "calling a function needs a running process, and this one is dead"))
    }

    fn length_of(&self, value: &Value, span: Span) -> Option<i128> {
        let value = self.referent(value, span).ok()?;
        if let Some(length) = self.length(&value) {
            return Some(length.into());
        }
        let field = ["length", "len", "_M_string_length"].iter().find_map(|name| self.member(&value, name, span).ok());
        if let Some(field) = field {
            return self.integer(&field, span).ok();
        }
        let bounds = |name: &str| {
            let pointer = self.member(&value, "_M_impl", span).and_then(|inner| self.member(&inner, name, span));
            pointer.ok()
        };
        let (start, finish) = (bounds("_M_start")?, bounds("_M_finish")?);
        let size = i128::from(self.size(&self.pointer_target(&start.of)?)?.max(1));
        let (from, to) = (self.address(&start, span).ok()?, self.address(&finish, span).ok()?);
        Some((i128::from(to.0) - i128::from(from.0)).max(0) / size)
    }
}
