//! Rust's enums: which variant is alive.

use super::build::Builder;
use super::place::{Missing, Place};
use super::scalar;
use super::tree::ValueTree;
use crate::types::{self, Field, Record, RecordKind, TypeKind, TypeRef, Variant, VariantPart};

/// The value of a record with a variant part.
pub(super) fn alive(
    builder: &mut Builder<'_, '_>,
    record: &Record,
    part: &VariantPart,
    place: &Place,
    depth: usize,
) -> Result<ValueTree, Missing> {
    let variant = match choose(builder, part, place) {
        Err(Missing::OptimizedOut | Missing::NotSaved(_)) => return Ok(each(builder, record, part, place, depth)),
        choice => choice?,
    };
    let inner = builder.field_place(&variant.field, place)?;
    let payload = builder.field(&variant.field, &inner, depth + 1).unnamed();
    let name = variant.field.name.clone().unwrap_or_default();
    if let Some(state) = part.discriminant.as_ref().filter(|state| state.name.as_deref() == Some("__state")) {
        // rustc numbers the states of an `async fn`, and names the number.
        let mut fields = builder.fields(std::slice::from_ref(state), place, depth);
        fields.push((name, payload));
        return Ok(ValueTree::Struct(fields));
    }
    if !record.fields.is_empty() || !carries_record(builder, &variant.field) {
        let mut fields = builder.fields(&record.fields, place, depth);
        fields.push((name, payload));
        return Ok(ValueTree::Struct(fields));
    }
    let value = match payload {
        ValueTree::Struct(fields) if fields.is_empty() => None,
        payload => Some(Box::new(payload)),
    };
    Ok(ValueTree::Variant { name, value })
}

/// Whether a record is an enum of several variants, or has one in it.
pub(super) fn is_in(builder: &Builder<'_, '_>, record: &Record, level: usize) -> bool {
    let inside = |field: &Field| match types::strip(builder.context.view, field.of) {
        Some((_, of)) => {
            matches!(&of.kind, TypeKind::Record(inner) if level < MOST_LEVELS && is_in(builder, inner, level + 1))
        }
        None => false,
    };
    match &record.variants {
        Some(part) => part.discriminant.is_some() || part.variants.iter().any(|variant| inside(&variant.field)),
        None => record.fields.iter().any(inside),
    }
}

/// All that is known where the discriminant is not: the parts of every variant.
fn each(builder: &mut Builder<'_, '_>, record: &Record, part: &VariantPart, place: &Place, depth: usize) -> ValueTree {
    let variants = part.variants.iter().map(|variant| &variant.field);
    let fields: Vec<Field> = part.discriminant.iter().chain(&record.fields).chain(variants).cloned().collect();
    ValueTree::Struct(builder.fields(&fields, place, depth))
}

/// The variant that is alive at `place`.
pub(crate) fn choose<'p>(
    builder: &Builder<'_, '_>,
    part: &'p VariantPart,
    place: &Place,
) -> Result<&'p Variant, Missing> {
    let Some(discriminant) = &part.discriminant else {
        let inhabited = part.variants.iter().find(|variant| !is_uninhabited(builder, variant.field.of, 0));
        return inhabited.ok_or_else(|| Missing::Malformed("an enum without variants".to_owned()));
    };
    let value = discriminant_value(builder, discriminant, place)?;
    let named = part.variants.iter().find(|variant| {
        // Compilers write a discriminant value with or without a sign; the discriminant has as many bits as its type.
        variant.values.iter().any(|(low, high)| covers(*low, *high, value, discriminant_bits(builder, discriminant)))
    });
    let other = || part.variants.iter().find(|variant| variant.values.is_empty());
    named.or_else(other).ok_or_else(|| Missing::Malformed(format!("no variant has the discriminant {value}")))
}

fn discriminant_bits(builder: &Builder<'_, '_>, field: &Field) -> u32 {
    let size = types::size(builder.context.view, field.of, 0).unwrap_or(8).clamp(1, 16);
    size as u32 * 8
}

/// Whether `value`, unsigned and of `bits` bits, lies in the range.
fn covers(low: i128, high: i128, value: u128, bits: u32) -> bool {
    let mask = u128::MAX >> (128 - bits);
    let (low, high) = (low as u128 & mask, high as u128 & mask);
    if low <= high { (low..=high).contains(&value) } else { value >= low || value <= high }
}

fn discriminant_value(builder: &Builder<'_, '_>, field: &Field, place: &Place) -> Result<u128, Missing> {
    let inner = builder.field_place(field, place)?;
    let size = u64::from(discriminant_bits(builder, field) / 8);
    let bytes = inner.read(builder.context.memory(), size)?;
    Ok(scalar::integer(&bytes, false) as u128)
}

/// Whether a member is a record, as what a variant carries always is.
fn carries_record(builder: &Builder<'_, '_>, field: &Field) -> bool {
    matches!(types::strip(builder.context.view, field.of), Some((_, of)) if matches!(of.kind, TypeKind::Record(_)))
}

/// Records inside records that are searched for a type without values.
const MOST_LEVELS: usize = 4;

/// Whether a type has no values: `Infallible`, and what holds one. A variant that does takes no discriminant.
fn is_uninhabited(builder: &Builder<'_, '_>, of: TypeRef, level: usize) -> bool {
    let Some((_, of)) = types::strip(builder.context.view, of) else { return false };
    match &of.kind {
        TypeKind::Record(record) if level < MOST_LEVELS => {
            let any = |fields: &[Field]| fields.iter().any(|field| is_uninhabited(builder, field.of, level + 1));
            match &record.variants {
                Some(part) => part.variants.iter().all(|variant| is_uninhabited(builder, variant.field.of, level + 1)),
                None => record.kind != RecordKind::Union && any(&record.fields),
            }
        }
        _ => of.name.as_deref() == Some("!"),
    }
}
