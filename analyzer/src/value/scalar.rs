//! Bytes into numbers.

use gimli::constants as dw;

use super::place::Missing;
use super::tree::{ValueTree, WordKind};
use crate::types::{self, Base, Enumeration, Type, TypeKind};

/// A little-endian integer of at most 16 bytes.
pub(crate) fn integer(bytes: &[u8], signed: bool) -> i128 {
    bits(bytes, bytes.len().min(16) as u64 * 8, signed)
}

/// The lowest `count` bits as an integer.
pub(crate) fn bits(bytes: &[u8], count: u64, signed: bool) -> i128 {
    let mut word = [0; 16];
    let used = bytes.len().min(word.len());
    word[..used].copy_from_slice(&bytes[..used]);
    let unused = 128 - count.clamp(1, 128) as u32;
    let value = u128::from_le_bytes(word) << unused;
    if signed { value as i128 >> unused } else { (value >> unused) as i128 }
}

/// How many of the bytes of a number hold it. The x87's has 10, whatever C stores it in; its registers and the pieces
/// that compilers describe end there.
pub(super) fn used_bytes(base: Base, size: u64) -> u64 {
    match (base.encoding, size) {
        (dw::DW_ATE_float, 12 | 16) => 10,
        _ => size,
    }
}

/// The number of a base type that stands in `bytes`.
pub(super) fn decode(base: Base, bytes: &[u8]) -> Result<ValueTree, Missing> {
    match base.encoding {
        dw::DW_ATE_float if bytes.len() == 4 => Ok(ValueTree::Single(f32::from_bits(integer(bytes, false) as u32))),
        dw::DW_ATE_float | dw::DW_ATE_imaginary_float => Ok(ValueTree::Float(float(bytes)?)),
        dw::DW_ATE_complex_float => {
            let (re, im) = bytes.split_at(bytes.len() / 2);
            Ok(ValueTree::Complex(float(re)?, float(im)?))
        }
        dw::DW_ATE_boolean => match integer(bytes, false) {
            value @ (0 | 1) => Ok(ValueTree::Bool(value == 1)),
            value => Ok(ValueTree::Integer(value)),
        },
        dw::DW_ATE_signed_char | dw::DW_ATE_unsigned_char | dw::DW_ATE_UTF | dw::DW_ATE_ASCII if bytes.len() <= 4 => {
            let code = integer(bytes, types::is_signed(base.encoding));
            Ok(ValueTree::Character { code, size: bytes.len() as u8, prefix: "" })
        }
        dw::DW_ATE_signed
        | dw::DW_ATE_signed_char
        | dw::DW_ATE_unsigned
        | dw::DW_ATE_unsigned_char
        | dw::DW_ATE_UTF
        | dw::DW_ATE_ASCII
        | dw::DW_ATE_address => Ok(whole(bytes, types::is_signed(base.encoding))),
        encoding => Err(Missing::Unsupported(format!("numbers encoded as {encoding}"))),
    }
}

/// The bits of a number as they are.
pub(crate) fn word(bytes: &[u8], kind: WordKind) -> ValueTree {
    let bits = integer(bytes, false) as u128;
    ValueTree::Word { bits, width: bytes.len().min(16) as u32 * 8, kind }
}

/// What the bits of a number of this encoding mean.
pub(super) fn word_kind(encoding: gimli::DwAte) -> WordKind {
    match encoding {
        dw::DW_ATE_float | dw::DW_ATE_imaginary_float => WordKind::Float,
        encoding if types::is_signed(encoding) => WordKind::Signed,
        _ => WordKind::Unsigned,
    }
}

fn whole(bytes: &[u8], signed: bool) -> ValueTree {
    let value = integer(bytes, signed);
    if !signed && value < 0 { ValueTree::Large(value as u128) } else { ValueTree::Integer(value) }
}

/// A floating-point number: IEEE half, single and double, and the x87's 80 bits, which C stores in 12 or 16 bytes.
/// `__float128`, which has 16 bytes too, is told from `long double` by its name alone: see [`quadruple`].
pub(crate) fn float(bytes: &[u8]) -> Result<f64, Missing> {
    let word = |size: usize| integer(&bytes[..size], false) as u128;
    match bytes.len() {
        2 => Ok(half(word(2) as u16)),
        4 => Ok(f32::from_bits(word(4) as u32).into()),
        8 => Ok(f64::from_bits(word(8) as u64)),
        10 | 12 | 16 => Ok(extended(word(8) as u64, integer(&bytes[8..10], false) as u16)),
        size => Err(Missing::Unsupported(format!("a floating-point number of {size} bytes"))),
    }
}

/// `binary128`, rounded to double.
pub(super) fn quadruple(bytes: &[u8]) -> f64 {
    let word = integer(bytes, false) as u128;
    let (negative, exponent) = (word >> 127 == 1, (word >> 112 & 0x7fff) as i32);
    let fraction = word & ((1 << 112) - 1);
    let magnitude = match (exponent, fraction) {
        (0, _) => scale(fraction, -16382 - 112),
        (0x7fff, 0) => f64::INFINITY,
        (0x7fff, _) => f64::NAN,
        _ => scale(fraction | 1 << 112, exponent - 16383 - 112),
    };
    if negative { -magnitude } else { magnitude }
}

fn half(word: u16) -> f64 {
    let (negative, exponent, fraction) = (word >> 15 == 1, i32::from(word >> 10 & 0x1f), u128::from(word & 0x3ff));
    let magnitude = match (exponent, fraction) {
        (0, _) => scale(fraction, -24),
        (0x1f, 0) => f64::INFINITY,
        (0x1f, _) => f64::NAN,
        _ => scale(fraction | 1 << 10, exponent - 25),
    };
    if negative { -magnitude } else { magnitude }
}

fn extended(mantissa: u64, sign_and_exponent: u16) -> f64 {
    let (negative, exponent) = (sign_and_exponent >> 15 == 1, i32::from(sign_and_exponent & 0x7fff));
    let magnitude = match (exponent, mantissa << 1) {
        (0x7fff, 0) => f64::INFINITY,
        (0x7fff, _) => f64::NAN,
        _ => scale(mantissa.into(), exponent.max(1) - 16383 - 63),
    };
    if negative { -magnitude } else { magnitude }
}

/// `mantissa * 2^exponent`. The mantissa is rounded once, to odd where bits are lost, so that the conversion to
/// double, which rounds again, comes out right.
fn scale(mantissa: u128, exponent: i32) -> f64 {
    let excess = (128 - mantissa.leading_zeros() as i32 - 62).max(0);
    let lost = mantissa & ((1_u128 << excess) - 1) != 0;
    let rounded = (mantissa >> excess) as u64 | u64::from(lost);
    let exponent = exponent + excess;
    // In two steps, since 2^-1074 is the smallest power that exists by itself.
    let step = exponent.clamp(-1000, 1000);
    rounded as f64 * 2_f64.powi(step) * 2_f64.powi((exponent - step).clamp(-1074, 1023))
}

/// The enumerator with this value, or those with one bit each that make it up.
pub(super) fn enumerators(of: &Enumeration, value: i128) -> Option<String> {
    if let Some((name, _)) = of.enumerators.iter().find(|(_, known)| *known == value) {
        return Some(name.clone());
    }
    let (mut names, mut rest) = (Vec::new(), value);
    for (name, bit) in &of.enumerators {
        if *bit > 0 && bit & (bit - 1) == 0 && rest & bit != 0 {
            names.push(name.as_str());
            rest &= !bit;
        }
    }
    (value > 0 && rest == 0 && !names.is_empty()).then(|| names.join("|"))
}

/// Whether it is an integer or character of one byte: an array of it is shown as bytes and text.
pub(crate) fn is_byte(of: &Type) -> bool {
    of.size == Some(1) && matches!(of.kind, TypeKind::Base(base) if base.encoding != dw::DW_ATE_boolean)
}

/// The characters that units of UTF-16 (of two bytes) or UTF-32 stand for; units of no character stay as they are.
pub fn wide_characters(units: impl IntoIterator<Item = u32>, size: u8) -> Vec<Result<char, u32>> {
    let units = units.into_iter();
    match size {
        2 => char::decode_utf16(units.map(|unit| unit as u16))
            .map(|unit| unit.map_err(|lone| lone.unpaired_surrogate().into()))
            .collect(),
        _ => units.map(|unit| char::from_u32(unit).ok_or(unit)).collect(),
    }
}

/// Whether a pointer to it usually points to text: plain `char`, and C++20's `char8_t`.
pub(super) fn is_text(base: Base, of: &Type) -> bool {
    of.size == Some(1)
        && matches!(of.name.as_deref(), Some("char" | "char8_t"))
        && matches!(base.encoding, dw::DW_ATE_signed_char | dw::DW_ATE_unsigned_char | dw::DW_ATE_UTF)
}

#[cfg(test)]
mod tests {
    use super::{bits, float, quadruple};

    #[test]
    fn integers_keep_their_sign_and_width() {
        assert_eq!(bits(&[0xff], 8, true), -1);
        assert_eq!(bits(&[0xff], 8, false), 255);
        assert_eq!(bits(&[0x05], 3, true), -3);
        assert_eq!(bits(&[0xff; 16], 128, true), -1);
    }

    #[test]
    fn floats_of_every_width_are_exact_where_double_is() {
        assert_eq!(float(&0x3555_u16.to_le_bytes()).unwrap(), 0.333251953125);
        assert_eq!(float(&0x0001_u16.to_le_bytes()).unwrap(), 2_f64.powi(-24));
        assert_eq!(float(&1.5_f32.to_le_bytes()).unwrap(), 1.5);
        // 3.25L: mantissa 0xd000…, exponent 0x4000.
        let extended = [0, 0, 0, 0, 0, 0, 0, 0xd0, 0x00, 0x40, 0, 0, 0, 0, 0, 0];
        assert_eq!(float(&extended).unwrap(), 3.25);
        let infinite = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff];
        assert_eq!(float(&infinite).unwrap(), f64::NEG_INFINITY);
        assert_eq!(float(&[0; 10]).unwrap(), 0.0);
        // -2.5Q: 0xc000 4000 0…
        let mut quad = [0; 16];
        quad[14..].copy_from_slice(&0xc000_u16.to_le_bytes());
        quad[12..14].copy_from_slice(&0x4000_u16.to_le_bytes());
        assert_eq!(quadruple(&quad), -2.5);
    }
}
