//! Pointers, addresses, elements, and calls that need nobody to run.

use dpdb_snapshot::Avma;

use super::error::refused;
use super::evaluator::{Evaluator, Found, missing};
use super::number;
use super::value::{ExprType, Value};
use crate::expr::{Span, Syntax};
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
            None if self.is_function(&value.of) => Ok(value),
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
            None => self
                .held(&value, span)?
                .ok_or_else(|| refused(span, format!("{} points to nothing", self.type_name(&value.of)))),
        }
    }

    pub(super) fn address_of(&self, value: &Value, span: Span) -> Found {
        let value = self.referent(value, span)?;
        let Some(at) = value.place.address() else {
            // Rust lends what has no place of its own one for as long as it takes: `map.get(&3)`.
            let is_lent = self.syntax == Syntax::Rust;
            return if is_lent { Ok(value) } else { Err(refused(span, "it is not in memory and has no address")) };
        };
        Ok(self.value(ExprType::pointer_to(value.of), ValuePlace::bytes(at.0.to_le_bytes())))
    }

    /// The element number `position` of an array, or behind a pointer.
    pub(super) fn element(&self, value: &Value, position: i128, span: Span) -> Found {
        let value = self.referent(value, span)?;
        let Some(to) = self.pointer_target(&value.of) else {
            return Err(refused(span, format!("{} has no elements", self.type_name(&value.of))));
        };
        let size = self.size(&to).ok_or_else(|| refused(span, "how large its elements are is not known"))?;
        let offset = (position as i64).wrapping_mul(size as i64) as u64;
        // Rust checks its arrays; of C's nobody knows where they end, and gdb lets one look behind them.
        if self.is_array(&value.of) && (value.place.address().is_none() || self.syntax == Syntax::Rust) {
            let length = self.length(&value).unwrap_or(0);
            if u64::try_from(position).map_or(true, |position| position >= length) {
                return Err(refused(span, format!("there is no element {position}: it has {length} elements")));
            }
            return Ok(self.value(to, value.place.skip(offset)));
        }
        let at = self.address(&value, span)?.wrapping_add(offset);
        Ok(self.value(to, ValuePlace::memory(at)))
    }
}
