//! Text, and Rust's arrays and tuples, as an expression writes them.

use std::sync::Arc;

use super::error::refused;
use super::evaluator::{Evaluator, Found, missing};
use super::number;
use super::value::{ExprType, NumberKind, NumberType, Value};
use crate::expr::{Expr, ExprError, Span, Syntax};
use crate::value::ValuePlace;

/// The bytes that an array or tuple may have that an expression writes.
const MOST_BYTES: u64 = 1 << 20;

impl Evaluator<'_, '_> {
    pub(super) fn string(&self, bytes: &[u8], prefix: &str) -> Value {
        // Rust's text is of bytes that are no numbers.
        let text = NumberType::new(NumberKind::Unsigned, 1, "str");
        let character = match self.syntax {
            Syntax::Rust if prefix == "b" => number::character_literal("b", self.syntax),
            Syntax::Rust => text,
            _ => number::character_literal(prefix, self.syntax),
        };
        let mut bytes = number::encoded(bytes, character.size);
        if self.syntax != Syntax::Rust {
            bytes.extend(std::iter::repeat_n(0, character.size as usize));
        }
        let length = bytes.len() as u64 / character.size;
        let of = ExprType::Array(Arc::new(ExprType::Number(character)), length);
        self.value(of, ValuePlace::bytes(bytes))
    }

    /// `[1, 2]`: numbers are converted to the type of those that say one.
    pub(super) fn array(&mut self, items: &[Expr], span: Span) -> Found {
        let values = items.iter().map(|item| Ok((self.evaluate(item)?, item.span)));
        let values: Vec<(Value, Span)> = values.collect::<Result<_, ExprError>>()?;
        let Some((first, _)) = values.first() else {
            return Ok(self.value(ExprType::Array(Arc::new(ExprType::Tuple(Arc::new([]))), 0), ValuePlace::bytes([])));
        };
        let numbers: Option<Vec<NumberType>> = values.iter().map(|(value, _)| self.number_type(&value.of)).collect();
        let are_numbers = numbers.is_some();
        let of = match numbers.and_then(|numbers| numbers.into_iter().reduce(|a, b| number::common(a, b, self.syntax)))
        {
            Some(number) if values.iter().any(|(value, _)| value.of != first.of) => ExprType::Number(number),
            _ => first.of.clone(),
        };
        let mut bytes = Vec::new();
        for (value, at) in &values {
            let same = self.type_name(&value.of) == self.type_name(&of);
            if !same && !are_numbers {
                let (own, first) = (self.type_name(&value.of), self.type_name(&of));
                return Err(refused(*at, format!("this is {own}, and the elements before it are {first}")));
            }
            let value = if same { value.clone() } else { self.cast(of.clone(), value, *at)? };
            bytes.extend(self.bytes_of(&value, *at)?);
            self.fits(bytes.len() as u64, span)?;
        }
        Ok(self.value(ExprType::Array(Arc::new(of), values.len() as u64), ValuePlace::bytes(bytes)))
    }

    /// `[value; count]`.
    pub(super) fn array_of(&mut self, value: &Expr, count: &Expr) -> Found {
        let (item, length) = (self.evaluate(value)?, self.evaluate(count)?);
        let length = u64::try_from(self.integer(&length, count.span)?)
            .map_err(|_| refused(count.span, "an array cannot have fewer than no elements"))?;
        let bytes = self.bytes_of(&item, value.span)?;
        self.fits(length.saturating_mul(bytes.len().max(1) as u64), count.span)?;
        let of = ExprType::Array(Arc::new(item.of), length);
        Ok(self.value(of, ValuePlace::bytes(bytes.repeat(length as usize))))
    }

    /// `(1, 2)`.
    pub(super) fn tuple(&mut self, items: &[Expr], span: Span) -> Found {
        let (mut types, mut bytes) = (Vec::new(), Vec::new());
        for item in items {
            let value = self.evaluate(item)?;
            bytes.extend(self.bytes_of(&value, item.span)?);
            self.fits(bytes.len() as u64, span)?;
            types.push(value.of);
        }
        Ok(self.value(ExprType::Tuple(types.into()), ValuePlace::bytes(bytes)))
    }

    fn bytes_of(&self, value: &Value, span: Span) -> Result<Vec<u8>, ExprError> {
        let size = self.size(&value.of).ok_or_else(|| refused(span, "the size of this is not known here"))?;
        self.fits(size, span)?;
        value.place.read(self.context.memory(), size).map_err(|absent| missing(span, &absent))
    }

    fn fits(&self, bytes: u64, span: Span) -> Result<(), ExprError> {
        let fits = bytes <= MOST_BYTES;
        fits.then_some(()).ok_or_else(|| refused(span, format!("what is written here has at most {MOST_BYTES} bytes")))
    }
}
