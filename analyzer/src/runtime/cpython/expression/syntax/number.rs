//! Numeric literals, and the texts that `int()` and `float()` accept.

use num_bigint::BigInt;
use num_traits::Num;

use super::token::{TokenKind, syntax_error};
use crate::expr::{ExprError, Span};

/// Python itself refuses longer decimal numbers (`sys.set_int_max_str_digits`); other bases are bounded as well, since
/// reading them takes time by the square.
const MOST_DIGITS: usize = 4300;

/// The number that `rest` begins with, and how long it is; it begins with a digit, or a point and a digit.
pub(super) fn literal(rest: &str, at: usize) -> Result<(TokenKind, usize), ExprError> {
    let bytes = rest.as_bytes();
    let radix = match bytes.get(..2).map(|two| two.to_ascii_lowercase()).as_deref() {
        Some(b"0x") => Some((16, "hexadecimal")),
        Some(b"0o") => Some((8, "octal")),
        Some(b"0b") => Some((2, "binary")),
        _ => None,
    };
    if let Some((radix, name)) = radix {
        let end = 2 + rest[2..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len() - 2);
        let span = Span { start: at, end: at + end };
        let digits = rest[2..end].strip_prefix('_').unwrap_or(&rest[2..end]);
        let value = digits_of(digits, radix, span)?;
        let value = value.ok_or_else(|| syntax_error(span, format_args!("invalid {name} literal")))?;
        return Ok((TokenKind::Int(value), end));
    }
    decimal(rest, at)
}

/// `12`, `1_000`, `1.5`, `.5`, `1.`, `1e-5`, `2j`.
fn decimal(rest: &str, at: usize) -> Result<(TokenKind, usize), ExprError> {
    let bytes = rest.as_bytes();
    let run =
        |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count();
    let mut end = run(0);
    let mut is_float = false;
    if bytes.get(end) == Some(&b'.') {
        is_float = true;
        end = run(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let digits = end + 1 + sign;
        if bytes.get(digits).is_some_and(u8::is_ascii_digit) {
            is_float = true;
            end = run(digits);
        }
    }
    let (text, span) = (&rest[..end], Span { start: at, end: at + end });
    let imaginary = matches!(bytes.get(end), Some(b'j' | b'J'));
    if text.split(|c: char| !c.is_ascii_digit() && c != '_').any(|run| !well_grouped(run)) {
        return Err(syntax_error(span, "invalid decimal literal"));
    }
    if is_float || imaginary {
        let value: f64 = text.replace('_', "").parse().map_err(|_| syntax_error(span, "invalid decimal literal"))?;
        return Ok(if imaginary { (TokenKind::Imaginary(value), end + 1) } else { (TokenKind::Float(value), end) });
    }
    if text.starts_with('0') && text.contains(|c: char| ('1'..='9').contains(&c)) {
        let message = "leading zeros in decimal integer literals are not permitted; \
                       use an 0o prefix for octal integers";
        return Err(syntax_error(span, message));
    }
    let value = digits_of(text, 10, span)?.ok_or_else(|| syntax_error(span, "invalid decimal literal"))?;
    Ok((TokenKind::Int(value), end))
}

/// Underscores stand between digits only.
fn well_grouped(digits: &str) -> bool {
    !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__")
}

/// `None` where they are no digits of that base.
fn digits_of(digits: &str, radix: u32, span: Span) -> Result<Option<BigInt>, ExprError> {
    if digits.len() > MOST_DIGITS {
        let message = format!("Exceeds the limit ({MOST_DIGITS} digits) for integer string conversion");
        return Err(syntax_error(span, message));
    }
    let plain = digits.chars().all(|c| c == '_' || c.is_digit(radix)) && well_grouped(digits);
    Ok(if plain { BigInt::from_str_radix(&digits.replace('_', ""), radix).ok() } else { None })
}

/// What `int(text, base)` makes of a text; base 0 takes the base from the text, as in source.
pub(in super::super) fn int_of(text: &str, base: u32) -> Option<BigInt> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let stated = match lower.as_deref() {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    let (radix, digits) = match base {
        0 if stated == 10 && digits.starts_with('0') && !digits.trim_matches(['0', '_']).is_empty() => return None,
        0 | 2 | 8 | 16 if stated != 10 && (base == 0 || base == stated) => {
            (stated, digits[2..].strip_prefix('_').unwrap_or(&digits[2..]))
        }
        0 => (10, digits),
        base => (base, digits),
    };
    let value = digits_of(digits, radix, Span::default()).ok()??;
    Some(if negative { -value } else { value })
}

/// What `float(text)` makes of a text.
pub(in super::super) fn float_of(text: &str) -> Option<f64> {
    let text = text.trim().to_ascii_lowercase();
    if text.split(|c: char| !c.is_ascii_digit() && c != '_').any(|run| !well_grouped(run)) {
        return None;
    }
    let plain = text.replace('_', "");
    let number = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    match number {
        "inf" | "infinity" | "nan" => plain.parse().ok(),
        _ if number.starts_with(|c: char| c.is_ascii_digit() || c == '.') => plain.parse().ok(),
        _ => None,
    }
}
