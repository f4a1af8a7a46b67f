//! A value in a few words, as gdb prints it inside those of an iterator or an atomic.

use gimli::constants as dw;

use super::lens::{Lens, Looked, Object};
use super::libstdcxx;
use crate::types::{Base, FieldKind, TypeKind};
use crate::value::{Logical, ValueTree};

/// Elements and characters that are told.
const MOST: usize = 4;

/// The value in one line; what is inside what is inside it is `{...}`.
pub(super) fn text(lens: &mut Lens<'_, '_, '_>, object: &Object, level: usize) -> Looked<String> {
    let object = &lens.object(object.type_ref(), object.place.clone())?;
    Ok(match &object.of.kind {
        TypeKind::Base(base) => number(lens, object, *base),
        TypeKind::Record(_) if level > 0 && !is_string(object) => inner(lens, object),
        TypeKind::Record(record) => match lens.show_object(object) {
            ValueTree::Logical(logical) if super::bare(object.name()) != "pair" => logical_text(&logical),
            _ => {
                let mut parts = Vec::new();
                let fields =
                    record.fields.iter().filter(|field| field.kind == FieldKind::Member && field.bits.is_none());
                for field in fields {
                    let inner = lens.field(object, field)?;
                    parts.push(format!(
                        "{} = {}",
                        field.name.as_deref().unwrap_or_default(),
                        text(lens, &inner, level + 1)?
                    ));
                }
                format!("{{{}}}", parts.join(", "))
            }
        },
        _ => match lens.show_object(object) {
            ValueTree::Pointer { to, text: Some(text), .. } => format!("{to} {}", quoted(&text)),
            ValueTree::Pointer { to, symbol: Some(symbol), .. } => format!("{to} <{symbol}>"),
            ValueTree::Pointer { to, .. } => to.to_string(),
            ValueTree::Enumerator { name: Some(name), .. } => {
                let home = lens.view().path_of(object.die);
                home.into_iter().chain([object.name().to_owned(), name]).collect::<Vec<_>>().join("::")
            }
            ValueTree::Enumerator { value, .. } => value.to_string(),
            ValueTree::Missing(missing) => format!("<{missing}>"),
            _ => "{...}".to_owned(),
        },
    })
}

/// A record inside what is told: only how many elements it has.
fn inner(lens: &mut Lens<'_, '_, '_>, object: &Object) -> String {
    let name = super::bare(object.name());
    match lens.show_object(object) {
        ValueTree::Logical(logical) => match *logical {
            Logical::Map { length, .. } | Logical::Set { length, .. } => {
                let elements = if length == 1 { "element" } else { "elements" };
                let children = if length == 0 { "" } else { " = {...}" };
                format!("std::{name} with {length} {elements}{children}")
            }
            _ => "{...}".to_owned(),
        },
        _ => "{...}".to_owned(),
    }
}

fn is_string(object: &Object) -> bool {
    super::bare(object.name()).starts_with("basic_string")
        && libstdcxx::FORMATTERS.iter().any(|known| known.0 == super::bare(object.name()))
}

fn number(lens: &mut Lens<'_, '_, '_>, object: &Object, base: Base) -> String {
    let single = object.of.size == Some(4);
    let character = matches!(base.encoding, dw::DW_ATE_signed_char | dw::DW_ATE_unsigned_char);
    match lens.show_object(object).plain() {
        ValueTree::Integer(code @ 32..=126) if character => format!("{code} '{}'", code as u8 as char),
        ValueTree::Integer(code) if character => format!("{code} '\\{:03o}'", code as u8),
        ValueTree::Integer(value) => value.to_string(),
        ValueTree::Large(value) => value.to_string(),
        ValueTree::Bool(value) => value.to_string(),
        ValueTree::Float(value) => general(value, if single { 9 } else { 17 }),
        ValueTree::Missing(missing) => format!("<{missing}>"),
        _ => "?".to_owned(),
    }
}

/// C's `%.*g`.
fn general(value: f64, digits: usize) -> String {
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent: i32 = scientific.rsplit('e').next().and_then(|exponent| exponent.parse().ok()).unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let mantissa = scientific.split('e').next().unwrap_or_default();
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    without_zeros(&format!("{value:.*}", (digits as i32 - 1 - exponent) as usize)).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

fn logical_text(logical: &Logical) -> String {
    match logical {
        Logical::Text { text, .. } => quoted(text),
        Logical::Sequence { length, .. } => length.map_or("{...}".to_owned(), |length| format!("{length} elements")),
        Logical::Set { length, .. } | Logical::Map { length, .. } => format!("{length} elements"),
        Logical::Object { summary, .. } => summary.clone(),
        _ => "{...}".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST).collect();
    shown = format!("{shown:?}");
    if text.chars().nth(MOST).is_some() { shown + "..." } else { shown }
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn floats_are_written_as_printf_does() {
        assert_eq!(general(0.1, 17), "0.10000000000000001");
        assert_eq!(general(2.5, 17), "2.5");
        assert_eq!(general(1e20, 17), "1e+20");
        assert_eq!(general(-1.5e-7, 9), "-1.5e-07");
    }
}
