//! Numbers as operators see them.

use super::value::{NumberKind, NumberType};
use crate::expr::Syntax;

pub(super) const INT: NumberType = NumberType::new(NumberKind::Signed, 4, "int");
pub(super) const SHORT: NumberType = NumberType::new(NumberKind::Signed, 2, "short");
pub(super) const LONG: NumberType = NumberType::new(NumberKind::Signed, 8, "long");
pub(super) const UNSIGNED_LONG: NumberType = NumberType::new(NumberKind::Unsigned, 8, "unsigned long");
pub(super) const BOOL: NumberType = NumberType::new(NumberKind::Bool, 1, "bool");
pub(super) const UNSIGNED: NumberType = NumberType::new(NumberKind::Unsigned, 4, "unsigned int");
const INT128: NumberType = NumberType::new(NumberKind::Signed, 16, "__int128");
const UNSIGNED128: NumberType = NumberType::new(NumberKind::Unsigned, 16, "unsigned __int128");
const FLOAT: NumberType = NumberType::new(NumberKind::Float, 4, "float");
const DOUBLE: NumberType = NumberType::new(NumberKind::Float, 8, "double");

/// The types that C and C++ have without a declaration, under each of their spellings with the words sorted.
const C_TYPES: [(&str, NumberType); 23] = [
    ("char", NumberType::new(NumberKind::Character, 1, "char")),
    ("char signed", NumberType::new(NumberKind::Signed, 1, "signed char")),
    ("char unsigned", NumberType::new(NumberKind::Unsigned, 1, "unsigned char")),
    ("short", SHORT),
    ("short unsigned", NumberType::new(NumberKind::Unsigned, 2, "unsigned short")),
    ("", INT),
    ("signed", INT),
    ("unsigned", UNSIGNED),
    ("long", LONG),
    ("long unsigned", UNSIGNED_LONG),
    ("long long", NumberType::new(NumberKind::Signed, 8, "long long")),
    ("long long unsigned", NumberType::new(NumberKind::Unsigned, 8, "unsigned long long")),
    ("__int128", INT128),
    ("__int128 unsigned", UNSIGNED128),
    ("float", FLOAT),
    ("double", DOUBLE),
    ("_Bool", NumberType::new(NumberKind::Bool, 1, "_Bool")),
    ("bool", BOOL),
    ("wchar_t", NumberType::new(NumberKind::Character, 4, "wchar_t")),
    ("char8_t", NumberType::new(NumberKind::Character, 1, "char8_t")),
    ("char16_t", NumberType::new(NumberKind::Character, 2, "char16_t")),
    ("char32_t", NumberType::new(NumberKind::Character, 4, "char32_t")),
    ("double long", NumberType::new(NumberKind::Float, 16, "long double")),
];

const RUST_TYPES: [NumberType; 16] = [
    NumberType::new(NumberKind::Signed, 4, "i32"),
    NumberType::new(NumberKind::Signed, 1, "i8"),
    NumberType::new(NumberKind::Signed, 2, "i16"),
    NumberType::new(NumberKind::Signed, 8, "i64"),
    NumberType::new(NumberKind::Signed, 16, "i128"),
    NumberType::new(NumberKind::Signed, 8, "isize"),
    NumberType::new(NumberKind::Unsigned, 1, "u8"),
    NumberType::new(NumberKind::Unsigned, 2, "u16"),
    NumberType::new(NumberKind::Unsigned, 4, "u32"),
    NumberType::new(NumberKind::Unsigned, 8, "u64"),
    NumberType::new(NumberKind::Unsigned, 16, "u128"),
    NumberType::new(NumberKind::Unsigned, 8, "usize"),
    NumberType::new(NumberKind::Float, 4, "f32"),
    NumberType::new(NumberKind::Float, 8, "f64"),
    NumberType::new(NumberKind::Character, 4, "char"),
    BOOL,
];

/// The type of this name that the language has by itself.
pub(super) fn builtin(name: &str, syntax: Syntax) -> Option<NumberType> {
    if syntax == Syntax::Rust {
        return RUST_TYPES.into_iter().find(|known| known.name == name);
    }
    let mut words: Vec<&str> = name.split_whitespace().collect();
    // `int` adds nothing to `unsigned int`, nor `signed` to anything but `char`.
    let whole = words.len();
    words.retain(|word| *word != "int" || whole == 1);
    if words.contains(&"signed") && !words.contains(&"char") && words.len() > 1 {
        words.retain(|word| *word != "signed");
    }
    words.sort_unstable();
    let key = words.join(" ");
    let key = if key == "int" { "" } else { &key };
    C_TYPES.iter().find(|(known, _)| *known == key).map(|(_, found)| *found)
}

/// The type of an integer literal (C11 6.4.4.1; a decimal one without `u` never becomes unsigned by itself).
pub(super) fn of_literal(value: u128, suffix: &str, decimal: bool, syntax: Syntax) -> NumberType {
    if syntax == Syntax::Rust {
        let fallback = if value <= i32::MAX as u128 { "i32" } else { "i64" };
        let name = if suffix.is_empty() { fallback } else { suffix };
        return builtin(name, syntax).unwrap_or(LONG);
    }
    let unsigned = suffix.contains('u');
    let long = suffix.contains('l');
    let fits = |bits: u32| value >> bits == 0;
    match () {
        () if !long && !unsigned && fits(31) => INT,
        () if !long && (unsigned || !decimal) && fits(32) => UNSIGNED,
        () if suffix.contains("ll") && !unsigned && fits(63) => C_TYPES[10].1,
        () if suffix.contains("ll") && unsigned && fits(64) => C_TYPES[11].1,
        () if !unsigned && fits(63) => LONG,
        () if (unsigned || !decimal) && fits(64) => UNSIGNED_LONG,
        () if !unsigned && fits(127) => INT128,
        () => UNSIGNED128,
    }
}

pub(super) fn float_literal(suffix: &str, syntax: Syntax) -> NumberType {
    match (suffix, syntax) {
        ("f32", _) => RUST_TYPES[12],
        ("f64", _) | (_, Syntax::Rust) => RUST_TYPES[13],
        ("f", _) => FLOAT,
        _ => DOUBLE,
    }
}

pub(super) fn character_literal(prefix: &str, syntax: Syntax) -> NumberType {
    match (prefix, syntax) {
        ("b", Syntax::Rust) => RUST_TYPES[6],
        (_, Syntax::Rust) => RUST_TYPES[14],
        ("L", _) => C_TYPES[18].1,
        ("u8", _) => C_TYPES[19].1,
        ("u", _) => C_TYPES[20].1,
        ("U", _) => C_TYPES[21].1,
        _ => C_TYPES[0].1,
    }
}

/// The text of a literal in units of `size` bytes. Escaped bytes that are no UTF-8 are units by themselves.
pub(super) fn encoded(text: &[u8], size: u64) -> Vec<u8> {
    if size == 1 {
        return text.to_vec();
    }
    let mut bytes = Vec::new();
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match size {
                2 => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| bytes.extend(unit.to_le_bytes())),
                _ => bytes.extend(u32::from(c).to_le_bytes()),
            }
        }
        for byte in chunk.invalid() {
            bytes.extend(&u32::from(*byte).to_le_bytes()[..size as usize]);
        }
    }
    bytes
}

/// What operators compute with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    pub(super) fn is_true(self) -> bool {
        match self {
            Number::Integer(value) => value != 0,
            Number::Float(value) => value != 0.0,
        }
    }

    pub(super) fn to_float(self, of: NumberType) -> f64 {
        match self {
            Number::Integer(value) if of.is_signed() => value as f64,
            Number::Integer(value) => value as u128 as f64,
            Number::Float(value) => value,
        }
    }

    /// The number as `of` holds it: cut to its width, and with its sign.
    pub(super) fn convert(self, from: NumberType, of: NumberType) -> Number {
        match (self, of.kind) {
            (number, NumberKind::Float) => {
                let value = number.to_float(from);
                Number::Float(if of.size == 4 { f64::from(value as f32) } else { value })
            }
            (number, NumberKind::Bool) => Number::Integer(i128::from(number.is_true())),
            (Number::Float(value), _) => Number::Integer(wrap(value as i128, of)),
            (Number::Integer(value), _) => Number::Integer(wrap(value, of)),
        }
    }

    /// The bytes of the number in memory.
    pub(super) fn to_bytes(self, of: NumberType) -> Vec<u8> {
        let size = of.size.min(16) as usize;
        match self {
            Number::Integer(value) => value.to_le_bytes()[..size].to_vec(),
            Number::Float(value) if of.size == 4 => (value as f32).to_le_bytes().to_vec(),
            Number::Float(value) if of.size > 8 => extended(value, size),
            Number::Float(value) => value.to_le_bytes().to_vec(),
        }
    }
}

/// A double in the 80 bits of x87's format, and zeros up to `size` bytes.
fn extended(value: f64, size: usize) -> Vec<u8> {
    let bits = value.to_bits();
    let (sign, exponent, fraction) = ((bits >> 63) as u16, (bits >> 52 & 0x7ff) as u16, bits & ((1 << 52) - 1));
    let (exponent, mantissa) = match (exponent, fraction) {
        (0, 0) => (0, 0),
        // A subnormal double is a normal number here.
        (0, fraction) => {
            let shift = fraction.leading_zeros();
            (16383 - 1022 - (shift as u16 - 11), fraction << shift)
        }
        (0x7ff, fraction) => (0x7fff, 1 << 63 | fraction << 11),
        (exponent, fraction) => (exponent + 16383 - 1023, 1 << 63 | fraction << 11),
    };
    let mut bytes = mantissa.to_le_bytes().to_vec();
    bytes.extend((sign << 15 | exponent).to_le_bytes());
    bytes.resize(size, 0);
    bytes
}

/// The low bits of `value` that the type has, with its sign.
pub(super) fn wrap(value: i128, of: NumberType) -> i128 {
    crate::value::scalar_bits(&value.to_le_bytes(), of.size.clamp(1, 16) * 8, of.is_signed())
}

/// The type that an operator computes in (C11 6.3.1.8). In Rust both operands have one type, and a literal takes the
/// other's, which comes out the same way.
pub(super) fn common(left: NumberType, right: NumberType, syntax: Syntax) -> NumberType {
    if left.kind == NumberKind::Float || right.kind == NumberKind::Float {
        let float = |number: NumberType| if number.kind == NumberKind::Float { number.size } else { 0 };
        return if float(left) >= float(right) { left } else { right };
    }
    if syntax == Syntax::Rust {
        let is_literal = |number: NumberType| number.name == "i32";
        return if is_literal(left) { right } else { left };
    }
    let (left, right) = (promote(left), promote(right));
    match left.size.cmp(&right.size) {
        std::cmp::Ordering::Greater => left,
        std::cmp::Ordering::Less => right,
        std::cmp::Ordering::Equal if left.kind == NumberKind::Unsigned => left,
        std::cmp::Ordering::Equal => right,
    }
}

/// Types narrower than `int` compute as `int` (C11 6.3.1.1).
pub(super) fn promote(of: NumberType) -> NumberType {
    if of.kind != NumberKind::Float && of.size < 4 { INT } else { of }
}

#[cfg(test)]
mod tests {
    use super::{BOOL, Number, builtin, common, of_literal};
    use crate::expr::Syntax;

    #[test]
    fn c_types_are_known_under_all_their_spellings() {
        for (spelling, name) in [
            ("unsigned long int", "unsigned long"),
            ("long unsigned int", "unsigned long"),
            ("long", "long"),
            ("signed", "int"),
            ("int", "int"),
            ("signed char", "signed char"),
            ("signed long long int", "long long"),
            ("short unsigned int", "unsigned short"),
            ("_Bool", "_Bool"),
        ] {
            assert_eq!(builtin(spelling, Syntax::C).unwrap().name, name, "{spelling}");
        }
        assert_eq!(builtin("unsigned float", Syntax::C), None);
        assert_eq!(builtin("u16", Syntax::Rust).unwrap().size, 2);
    }

    #[test]
    fn literals_and_operands_get_the_types_that_c_gives_them() {
        let literal = |value, suffix, decimal| of_literal(value, suffix, decimal, Syntax::C).name;
        assert_eq!(literal(1, "", true), "int");
        assert_eq!(literal(0x8000_0000, "", true), "long");
        assert_eq!(literal(0x8000_0000, "", false), "unsigned int");
        assert_eq!(literal(1, "ul", true), "unsigned long");
        assert_eq!(literal(u128::from(u64::MAX), "", false), "unsigned long");
        let of = |name| builtin(name, Syntax::C).unwrap();
        assert_eq!(common(of("char"), of("short"), Syntax::C).name, "int");
        assert_eq!(common(of("int"), of("unsigned"), Syntax::C).name, "unsigned int");
        assert_eq!(common(of("unsigned"), of("long"), Syntax::C).name, "long");
        assert_eq!(common(of("float"), of("long"), Syntax::C).name, "float");
        assert_eq!(Number::Integer(-1).convert(of("int"), of("unsigned char")), Number::Integer(255));
        assert_eq!(Number::Float(0.5).convert(of("double"), BOOL), Number::Integer(1));
    }
}
