//! Values as numbers and addresses, and casts between types.

use std::sync::Arc;

use dpdb_snapshot::Avma;

use super::error::refused;
use super::evaluator::{Evaluator, Found, missing};
use super::number::{self, Number, wrap};
use super::value::{ExprType, NumberKind, NumberType, Value};
use crate::expr::{ExprError, Span};
use crate::types::{self, Count, TypeKind};
use crate::value::{Missing, ValuePlace, array_counts, scalar_bits};

impl Evaluator<'_, '_> {
    /// The type behind aliases and qualifiers, with C's and C++'s references still in place.
    pub(super) fn stripped(&self, of: &ExprType) -> ExprType {
        match of {
            ExprType::Program(die) => {
                types::strip(self.context.view, Some(*die)).map_or(ExprType::Void, |(die, _)| ExprType::Program(die))
            }
            other => other.clone(),
        }
    }

    /// The type that a type of references refers to.
    pub(super) fn referred(&self, of: &ExprType) -> Option<ExprType> {
        match self.described(of)?.kind {
            TypeKind::Reference { to, .. } => Some(ExprType::of_entry(to)),
            _ => None,
        }
    }

    /// What an alias stands for, which may be another alias; any other type itself.
    pub(super) fn unaliased_once(&self, of: ExprType) -> ExprType {
        let ExprType::Program(die) = of else { return of };
        match types::read(self.context.view, die).map(|found| found.kind.clone()) {
            Some(TypeKind::Alias(to)) => ExprType::of_entry(to),
            _ => of,
        }
    }

    /// What the type is, where the program describes it.
    pub(super) fn described(&self, of: &ExprType) -> Option<Arc<types::Type>> {
        match of {
            ExprType::Program(die) => types::strip(self.context.view, Some(*die)).map(|(_, found)| found),
            _ => None,
        }
    }

    /// The type as one of numbers: integers, characters, enumerations, floats.
    pub(super) fn number_type(&self, of: &ExprType) -> Option<NumberType> {
        if let ExprType::Number(number) = of {
            return Some(*number);
        }
        let found = self.described(of)?;
        let (encoding, size) = match &found.kind {
            TypeKind::Base(base) => (base.encoding, found.size?),
            TypeKind::Enumeration(enumeration) => {
                let signed = if enumeration.signed { gimli::DW_ATE_signed } else { gimli::DW_ATE_unsigned };
                (signed, found.size.unwrap_or(4))
            }
            _ => return None,
        };
        let kind = match encoding {
            gimli::DW_ATE_signed => NumberKind::Signed,
            gimli::DW_ATE_unsigned | gimli::DW_ATE_address => NumberKind::Unsigned,
            gimli::DW_ATE_float => NumberKind::Float,
            gimli::DW_ATE_boolean => NumberKind::Bool,
            gimli::DW_ATE_signed_char | gimli::DW_ATE_unsigned_char | gimli::DW_ATE_UTF => NumberKind::Character,
            _ => return None,
        };
        let named = found.name.as_deref().and_then(|name| number::builtin(name, self.syntax));
        Some(named.filter(|named| named.size == size).unwrap_or(NumberType::new(kind, size, "number")))
    }

    pub(super) fn read_number(&self, of: NumberType, place: &ValuePlace) -> Result<Number, Missing> {
        if of.size == 0 || of.size > 16 {
            return Err(Missing::Unsupported(format!("a number of {} bytes", of.size)));
        }
        let bytes = place.read(self.context.memory(), of.size)?;
        Ok(match (of.kind, of.size) {
            (NumberKind::Float, 4) => Number::Float(f32::from_bits(scalar_bits(&bytes, 32, false) as u32).into()),
            (NumberKind::Float, 8) => Number::Float(f64::from_bits(scalar_bits(&bytes, 64, false) as u64)),
            (NumberKind::Float, _) => match crate::value::decode_float(&bytes) {
                Ok(value) => Number::Float(value),
                Err(missing) => return Err(missing),
            },
            _ => Number::Integer(scalar_bits(&bytes, of.size * 8, of.is_signed())),
        })
    }

    /// A value as a number, with the type it has as one; references are followed.
    pub(super) fn as_number(&self, value: &Value, span: Span) -> Result<(Number, NumberType), ExprError> {
        let value = self.referent(value, span)?;
        if let Some(of) = self.number_type(&value.of) {
            let number = self.read_number(of, &value.place).map_err(|absent| missing(span, &absent))?;
            return Ok((number, of));
        }
        match self.pointer_target(&value.of) {
            Some(_) => Ok((Number::Integer(self.address(&value, span)?.0.into()), number::UNSIGNED_LONG)),
            None if self.is_function(&value.of) => {
                Ok((Number::Integer(self.address(&value, span)?.0.into()), number::UNSIGNED_LONG))
            }
            None => Err(refused(span, format!("{} is no number", self.type_name(&value.of)))),
        }
    }

    pub(super) fn integer(&self, value: &Value, span: Span) -> Result<i128, ExprError> {
        match self.as_number(value, span)?.0 {
            Number::Integer(value) => Ok(value),
            Number::Float(_) => Err(refused(span, "an integer is needed here")),
        }
    }

    pub(super) fn truth(&self, value: &Value, span: Span) -> Result<bool, ExprError> {
        Ok(self.as_number(value, span)?.0.is_true())
    }

    /// What a reference refers to; any other value itself.
    pub(super) fn referent(&self, value: &Value, span: Span) -> Found {
        let Some(found) = self.described(&value.of) else { return Ok(value.clone()) };
        let TypeKind::Reference { to, .. } = found.kind else { return Ok(value.clone()) };
        let address = self.word(&value.place, span)?;
        Ok(self.value(ExprType::of_entry(to), ValuePlace::memory(address)))
    }

    /// What a pointer points to; an array decays to a pointer to its elements.
    pub(super) fn pointer_target(&self, of: &ExprType) -> Option<ExprType> {
        match self.stripped(of) {
            ExprType::Pointer(to) => Some((*to).clone()),
            ExprType::Array(element, _) => Some((*element).clone()),
            of @ ExprType::Program(_) => match self.described(&of)?.kind {
                TypeKind::Pointer(to) => Some(ExprType::of_entry(to)),
                TypeKind::Array(ref array) => self.element_type(array),
                _ => None,
            },
            _ => None,
        }
    }

    /// The type of an array's elements: an array itself, where there are more dimensions.
    fn element_type(&self, array: &types::Array) -> Option<ExprType> {
        let mut element = ExprType::of_entry(array.element);
        let counts = array_counts(self.context, array).ok()?;
        for count in counts.iter().skip(1).rev() {
            element = ExprType::Array(Arc::new(element), *count);
        }
        Some(element)
    }

    /// How many elements an array has.
    pub(super) fn length(&self, value: &Value) -> Option<u64> {
        match self.stripped(&value.of) {
            ExprType::Array(_, count) => Some(count),
            of => match &self.described(&of)?.kind {
                TypeKind::Array(array) if !matches!(array.dimensions.first()?.count, Count::Unknown) => {
                    array_counts(self.context, array).ok()?.first().copied()
                }
                _ => None,
            },
        }
    }

    pub(super) fn is_array(&self, of: &ExprType) -> bool {
        match self.stripped(of) {
            ExprType::Array(..) => true,
            of => matches!(self.described(&of).map(|found| matches!(found.kind, TypeKind::Array(_))), Some(true)),
        }
    }

    pub(super) fn is_function(&self, of: &ExprType) -> bool {
        match of {
            ExprType::Function(_) => true,
            of => matches!(self.described(of).map(|found| matches!(found.kind, TypeKind::Function(_))), Some(true)),
        }
    }

    /// The address that a pointer holds, an array has, or a number is.
    pub(super) fn address(&self, value: &Value, span: Span) -> Result<Avma, ExprError> {
        if self.is_array(&value.of) || self.is_function(&value.of) {
            return value.place.address().ok_or_else(|| refused(span, "it is not in memory"));
        }
        self.word(&value.place, span)
    }

    fn word(&self, place: &ValuePlace, span: Span) -> Result<Avma, ExprError> {
        let bytes = place.read(self.context.memory(), 8).map_err(|absent| missing(span, &absent))?;
        Ok(Avma(scalar_bits(&bytes, 64, false) as u64))
    }

    /// The size of a type in bytes.
    pub(super) fn size(&self, of: &ExprType) -> Option<u64> {
        match of {
            ExprType::Program(die) => types::size(self.context.view, Some(*die), 0)
                .or_else(|| crate::value::dynamic_size(self.context, Some(*die)))
                .or_else(|| self.is_function(of).then_some(1)),
            // gdb's, and GNU C's for pointer arithmetic.
            ExprType::Void | ExprType::Function(_) => Some(1),
            ExprType::Number(number) => Some(number.size),
            ExprType::Layout(layout) => Some(layout.size),
            ExprType::Tuple(types) => types.iter().try_fold(0_u64, |sum, of| sum.checked_add(self.size(of)?)),
            ExprType::Pointer(_) => Some(8),
            ExprType::Array(element, count) => self.size(element)?.checked_mul(*count),
        }
    }

    pub(super) fn cast(&self, of: ExprType, value: &Value, span: Span) -> Found {
        let target = self.stripped(&of);
        if target == ExprType::Void {
            return Ok(self.value(of, ValuePlace::bytes([])));
        }
        if let Some(number) = self.number_type(&target) {
            let (source, from) = self.as_number(value, span)?;
            let bytes = source.convert(from, number).to_bytes(number);
            return Ok(self.value(of, ValuePlace::bytes(bytes)));
        }
        if self.pointer_target(&target).is_some() && !self.is_array(&target) {
            let word = match self.pointer_target(&value.of) {
                Some(_) => i128::from(self.address(value, span)?.0),
                None => self.integer(value, span)?,
            };
            return Ok(self.value(of, ValuePlace::bytes((wrap(word, number::UNSIGNED_LONG) as u64).to_le_bytes())));
        }
        // gdb lets memory be seen as another type of the same size.
        let value = self.referent(value, span)?;
        if self.size(&of).is_some() && self.size(&of) == self.size(&value.of) {
            return Ok(self.value(of, value.place));
        }
        let (from, to) = (self.type_name(&value.of), self.type_name(&of));
        Err(refused(span, format!("{from} cannot be seen as {to}")))
    }
}
