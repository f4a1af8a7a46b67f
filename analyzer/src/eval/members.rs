//! Members of structures, classes and unions, by name.

use super::error::{refused, suggestion};
use super::evaluator::{Evaluator, Found, missing};
use super::value::{ExprType, Value};
use crate::expr::{ExprError, Span, Syntax};
use crate::types::{Field, FieldKind, Record, TypeKind, VariantPart};
use crate::value::{Builder, ValueLimits, ValuePlace, alive_variant};

/// Base classes and anonymous members inside each other.
const MOST_LEVELS: usize = 24;

impl Evaluator<'_, '_> {
    /// The member of this name. Pointers and references are followed, base classes and anonymous members looked into.
    pub(super) fn member(&self, value: &Value, name: &str, span: Span) -> Found {
        let mut value = self.referent(value, span)?;
        if !self.is_array(&value.of) && self.pointer_target(&value.of).is_some() {
            value = self.dereference(&value, span)?;
        }
        value = self.looked_through(&value, span)?;
        if let ExprType::Layout(layout) = value.of {
            let field = layout.fields.iter().find(|(own, ..)| *own == name);
            return field.map(|(_, at, of)| self.value(of.of(), value.place.skip(*at))).ok_or_else(|| {
                let names = layout.fields.iter().map(|(own, ..)| *own);
                refused(span, format!("{} has no member {name:?}", layout.name)).with_hint(suggestion(name, names))
            });
        }
        if let ExprType::Tuple(types) = &value.of {
            let number = name.parse::<usize>().ok().filter(|number| *number < types.len());
            let number = number.ok_or_else(|| refused(span, format!("a tuple of {} has no {name}", types.len())))?;
            let before = types[..number].iter().filter_map(|of| self.size(of)).sum();
            return Ok(self.value(types[number].clone(), value.place.skip(before)));
        }
        let Some(record) = self.record(&value.of) else {
            return Err(refused(span, format!("{} has no members", self.type_name(&value.of))));
        };
        match self.find_member(&record, &value.place, name, span, 0)? {
            Some(found) => Ok(found),
            // C++'s `object.Base::member`.
            None if name.contains("::") && self.syntax != Syntax::Rust => {
                let (base, last) = name.rsplit_once("::").unwrap_or(("", name));
                let of = self
                    .type_named(base)
                    .ok_or_else(|| ExprError::unknown(span, format!("there is no type {base:?} here")))?;
                let inner = self.base_of(&record, &value.place, &of, span, 0)?;
                let inner = inner
                    .ok_or_else(|| refused(span, format!("{base} is no base of {}", self.type_name(&value.of))))?;
                self.member(&inner, last, span)
            }
            None => {
                // A smart pointer's or a cell's own members come first, then those of what it holds.
                if let Some(held) = self.held(&value, span)? {
                    return self.member(&held, name, span);
                }
                let of = self.type_name(&value.of);
                let names = record.fields.iter().filter_map(|field| field.name.as_deref());
                let error = refused(span, format!("{of} has no member {name:?}"));
                Err(error.with_hint(suggestion(name, names)))
            }
        }
    }

    /// The part of an object that is this base class.
    pub(super) fn base_of(
        &self,
        record: &Record,
        place: &ValuePlace,
        wanted: &ExprType,
        span: Span,
        level: usize,
    ) -> Result<Option<Value>, ExprError> {
        let is_base = |field: &&Field| matches!(field.kind, FieldKind::Base | FieldKind::VirtualBase);
        for field in record.fields.iter().filter(is_base) {
            let inner = self.field_value(field, place, span)?;
            if self.type_name(&inner.of) == self.type_name(wanted) {
                return Ok(Some(inner));
            }
            let deeper = self.record(&inner.of).filter(|_| level < MOST_LEVELS);
            let found =
                deeper.map(|record| self.base_of(&record, &inner.place, wanted, span, level + 1)).transpose()?;
            if let Some(found) = found.flatten() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The members of a type, where it has any; those of a definition elsewhere, where it is only declared here.
    pub(super) fn record(&self, of: &ExprType) -> Option<Record> {
        let ExprType::Program(die) = self.stripped(of) else { return None };
        let found = self.described(&ExprType::Program(die))?;
        let TypeKind::Record(record) = &found.kind else { return None };
        if !record.declaration {
            return Some(record.clone());
        }
        match &self.context.view.definition_of(die)?.kind {
            TypeKind::Record(record) => Some(record.clone()),
            _ => None,
        }
    }

    fn find_member(
        &self,
        record: &Record,
        place: &ValuePlace,
        name: &str,
        span: Span,
        level: usize,
    ) -> Result<Option<Value>, ExprError> {
        if level > MOST_LEVELS {
            return Ok(None);
        }
        // `pair.0` is what Rust's debugging information calls `__0`.
        let tuple = format!("__{name}");
        let is_named = |field: &&Field| field.name.as_deref().is_some_and(|own| own == name || own == tuple);
        if let Some(field) = record.fields.iter().filter(|field| field.kind == FieldKind::Member).find(is_named) {
            return self.field_value(field, place, span).map(Some);
        }
        if let Some(variants) = &record.variants {
            for variant in &variants.variants {
                if variant.field.name.as_deref() == Some(name) {
                    return self.field_value(&variant.field, place, span).map(Some);
                }
            }
            let alive = self.field_value(&self.alive_field(variants, place, span)?, place, span)?;
            if let Some(inner) = self.record(&alive.of)
                && let Some(found) = self.find_member(&inner, &alive.place, name, span, level + 1)?
            {
                return Ok(Some(found));
            }
        }
        for field in record.fields.iter().filter(|field| is_transparent(field)) {
            let inner = self.field_value(field, place, span)?;
            let Some(inner_record) = self.record(&inner.of) else { continue };
            if let Some(found) = self.find_member(&inner_record, &inner.place, name, span, level + 1)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The name of the variant of a Rust enum that is alive, and what it carries; `None` for any other value.
    pub(super) fn alive(&self, value: &Value, span: Span) -> Result<Option<(String, Value)>, ExprError> {
        let Some(variants) = self.record(&value.of).and_then(|record| record.variants) else { return Ok(None) };
        let field = self.alive_field(&variants, &value.place, span)?;
        let payload = self.field_value(&field, &value.place, span)?;
        Ok(Some((field.name.unwrap_or_default(), payload)))
    }

    fn alive_field(&self, part: &VariantPart, place: &ValuePlace, span: Span) -> Result<Field, ExprError> {
        let builder = Builder::new(self.context, ValueLimits::default());
        let alive = alive_variant(&builder, part, place).map_err(|absent| missing(span, &absent))?;
        Ok(alive.field.clone())
    }

    fn field_value(&self, field: &Field, place: &ValuePlace, span: Span) -> Found {
        let builder = Builder::new(self.context, ValueLimits::default());
        let inner = builder.field_place(field, place).map_err(|absent| missing(span, &absent))?;
        let of = ExprType::of_entry(field.of);
        let Some(bits) = field.bits else { return Ok(self.value(of, inner)) };
        // A bit-field has no address: its bits become a value of its type by themselves.
        let number = self.number_type(&of).ok_or_else(|| refused(span, "a bit-field of this type"))?;
        let bytes = inner.read_bits(self.context.memory(), bits.min(128)).map_err(|absent| missing(span, &absent))?;
        let value = crate::value::scalar_bits(&bytes, bits, number.is_signed());
        let size = number.size.min(16) as usize;
        Ok(self.value(of, ValuePlace::bytes(value.to_le_bytes()[..size].to_vec())))
    }
}

/// Whether a field's own members count as the record's.
fn is_transparent(field: &Field) -> bool {
    match field.kind {
        FieldKind::Base | FieldKind::VirtualBase => true,
        FieldKind::Member => field.name.as_deref().is_none_or(str::is_empty),
        FieldKind::VtablePointer => false,
    }
}
