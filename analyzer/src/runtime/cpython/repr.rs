//! The texts that `repr()` gives for numbers, texts and bytes.

use std::fmt::Write as _;

/// `float.__repr__`: the shortest digits that read back the same, with an exponent outside of 1e-4 to 1e16
/// (Python/pystrtod.c, `PyOS_double_to_string` with the format `r`).
pub(super) fn float(value: f64) -> String {
    number(value, ".0")
}

fn number(value: f64, whole: &str) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("it is a number");
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + whole };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// `complex.__repr__`: without a real part that is positive zero.
pub(super) fn complex(real: f64, imaginary: f64) -> String {
    let imaginary_text = number(imaginary, "");
    if real == 0.0 && real.is_sign_positive() {
        return format!("{imaginary_text}j");
    }
    let sign = if imaginary_text.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{imaginary_text}j)", number(real, ""))
}

/// A name in quotes where that is how Python writes it, escaped for terminals in any case.
pub(super) fn name(text: &str) -> String {
    self::text(&text.chars().map(u32::from).collect::<Vec<_>>())
}

/// A text in double quotes, for the few places where Python writes `"%U"`; escaped for terminals all the same.
pub(super) fn double_quoted(text: &str) -> String {
    let quoted = name(text);
    format!("\"{}\"", &quoted[1..quoted.len() - 1])
}

/// `str.__repr__`: in single quotes unless the text has those and no double ones.
pub(super) fn text(points: &[u32]) -> String {
    let has = |quote: char| points.contains(&u32::from(quote));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for &point in points {
        match char::from_u32(point) {
            Some('\\') => out += "\\\\",
            Some('\t') => out += "\\t",
            Some('\n') => out += "\\n",
            Some('\r') => out += "\\r",
            Some(c) if c == quote => {
                out.push('\\');
                out.push(c);
            }
            Some(c) if is_printable(c) => out.push(c),
            _ => {
                let _ = match point {
                    0..=0xff => write!(out, "\\x{point:02x}"),
                    0x100..=0xffff => write!(out, "\\u{point:04x}"),
                    _ => write!(out, "\\U{point:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
}

/// `str.isprintable`: not a control, format, surrogate, private or unassigned character, nor a separator but the
/// space. That is what Rust escapes in a string, besides quotes and, where it stands first, a combining character.
fn is_printable(c: char) -> bool {
    matches!(c, '"' | '\'') || format!("a{c}").escape_debug().nth(1) == Some(c) && c != '\\'
}

/// `bytes.__repr__`.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => out += "\\\\",
            b'\t' => out += "\\t",
            b'\n' => out += "\\n",
            b'\r' => out += "\\r",
            _ if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::{bytes, complex, float, text};

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(float(value), expected);
        }
        assert_eq!(complex(0.0, 2.0), "2j");
        assert_eq!(complex(-0.0, -2.5), "(-0-2.5j)");
    }

    #[test]
    fn texts_are_quoted_and_escaped_as_python_does() {
        let of = |value: &str| text(&value.chars().map(u32::from).collect::<Vec<_>>());
        assert_eq!(of("a'b"), "\"a'b\"");
        assert_eq!(of("a'\"b"), "'a\\'\"b'");
        assert_eq!(
            of("\u{1b}[31m\u{ad}\u{202e}\u{e9}\u{301}\u{e000}\\\n"),
            "'\\x1b[31m\\xad\\u202e\u{e9}\u{301}\\ue000\\\\\\n'"
        );
        assert_eq!(text(&[0xd800, 0x1f600]), "'\\ud800\u{1f600}'");
        assert_eq!(bytes(b"\x00a'\xff"), "b\"\\x00a'\\xff\"");
    }
}
