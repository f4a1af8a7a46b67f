//! C++'s `object.*pointer` and `object->*pointer` (Itanium C++ ABI, section 2.3).

use dpdb_snapshot::Avma;

use super::error::refused;
use super::evaluator::{Evaluator, Found, missing};
use super::value::{ExprType, Value};
use crate::expr::{ExprError, Span};
use crate::types::TypeKind;
use crate::value::{ValuePlace, integer};

/// The bytes of a word.
const WORD: u64 = 8;

impl Evaluator<'_, '_> {
    /// The member of an object, or of what a pointer points to, that a pointer to a member of its class or of a base of
    /// that points to.
    pub(super) fn to_member(&self, object: &Value, pointer: &Value, span: Span) -> Found {
        let pointer = self.referent(pointer, span)?;
        let Some(TypeKind::MemberPointer { class, to }) = self.described(&pointer.of).map(|of| of.kind.clone()) else {
            return Err(refused(span, format!("{} is no pointer to a member", self.type_name(&pointer.of))));
        };
        let object = self.object_of(object, &ExprType::of_entry(class), span)?;
        let to = ExprType::of_entry(to);
        if self.is_function(&to) {
            return Ok(self.value(to, ValuePlace::memory(self.function_of(&object, &pointer, span)?)));
        }
        match self.word_at(&pointer.place, span)? {
            -1 => Err(refused(span, "the pointer to a member is null")),
            offset => Ok(self.value(to, object.place.skip(offset as u64))),
        }
    }

    /// The object as one of this class: itself, or the part of it that is the base.
    fn object_of(&self, object: &Value, class: &ExprType, span: Span) -> Found {
        let mut object = self.referent(object, span)?;
        if !self.is_array(&object.of) && self.pointer_target(&object.of).is_some() {
            object = self.dereference(&object, span)?;
        }
        let (own, wanted) = (self.type_name(&self.stripped(&object.of)), self.type_name(&self.stripped(class)));
        if own == wanted {
            return Ok(object);
        }
        let record = self.record(&object.of).ok_or_else(|| refused(span, format!("{own} has no members")))?;
        let base = self.base_of(&record, &object.place, class, span, 0)?;
        base.ok_or_else(|| refused(span, format!("{wanted} is no base of {own}")))
    }

    /// Where the function is that such a pointer points to: an address, or one more than a place in the vtable.
    fn function_of(&self, object: &Value, pointer: &Value, span: Span) -> Result<Avma, ExprError> {
        let word = self.word_at(&pointer.place, span)?;
        if word == 0 {
            return Err(refused(span, "the pointer to a member is null"));
        }
        if word & 1 == 0 {
            return Ok(Avma(word as u64));
        }
        let adjustment = self.word_at(&pointer.place.skip(WORD), span)?;
        let vtable = self.word_at(&object.place.skip(adjustment as u64), span)?;
        let slot = Avma(vtable as u64).wrapping_add(word as u64 - 1);
        self.word_at(&ValuePlace::memory(slot), span).map(|function| Avma(function as u64))
    }

    fn word_at(&self, place: &ValuePlace, span: Span) -> Result<i64, ExprError> {
        let bytes = place.read(self.context.memory(), WORD).map_err(|absent| missing(span, &absent))?;
        Ok(integer(&bytes, true) as i64)
    }
}
