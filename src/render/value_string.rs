//! Characters and strings as their languages write them, escaped for a terminal.

use dpdb_analyzer::wide_characters;
use dpdb_snapshot::Text;

use super::value::grouped;

/// More equal characters than these are written once.
const REPEATS: usize = 10;

/// `65 'A'`; wide ones of C with the prefix of their type.
pub fn character(code: i128, size: u8, prefix: &str) -> String {
    let byte = u8::try_from(code).or_else(|_| i8::try_from(code).map(|code| code as u8));
    let shown = match (size, byte, u32::try_from(code).ok().and_then(char::from_u32)) {
        (1, Ok(byte), _) => byte_text(byte, '\''),
        (_, _, Some(c)) if prefix.is_empty() => char_text(c, '\''),
        _ if prefix.is_empty() => return code.to_string(),
        (_, _, Some(c)) => wide_text(c, '\''),
        _ => unit_text(code as u32),
    };
    format!("{code} {prefix}'{shown}'")
}

/// A string in quotes, with the prefix of C's literals.
pub fn quoted(prefix: &str, text: &str) -> String {
    let shown = |c| if prefix.is_empty() { char_text(c, '"') } else { wide_text(c, '"') };
    prefix.to_owned() + &pieces(text.chars().map(|c| (c, shown(c))))
}

/// An array of `length` wide characters, the first of them in `units`, each of `size` bytes; of the NULs at its end one
/// is left out, as gdb does.
pub fn wide_string(prefix: &str, units: &[u32], size: u8, length: u64) -> String {
    let whole = units.len() as u64 >= length;
    let shown = if whole { units.strip_suffix(&[0]).unwrap_or(units) } else { units };
    let mut behind_hex = false;
    let written = wide_characters(shown.iter().copied(), size).into_iter().map(|unit| {
        let (key, text) = match unit {
            // A digit behind `\xd800` would belong to it.
            Ok(c) if behind_hex && c.is_ascii_hexdigit() => (c, unit_text(c.into())),
            Ok(c) => (c, wide_text(c, '"')),
            Err(unit) => (char::from_u32(0xf_0000 + unit % 0x1_0000).unwrap_or('\u{fffd}'), unit_text(unit)),
        };
        behind_hex = text.starts_with("\\x");
        (key, text)
    });
    format!("{prefix}{}{}", pieces(written), if whole { String::new() } else { format!("… of {}", grouped(length)) })
}

/// An array of `length` characters, the first of them in `bytes`; of the NULs at its end one is left out, as gdb does.
pub fn byte_string(bytes: &[u8], length: u64) -> String {
    let whole = bytes.len() as u64 >= length;
    let shown = if whole { bytes.strip_suffix(&[0]).unwrap_or(bytes) } else { bytes };
    let mut units: Vec<(char, String)> = Vec::new();
    for chunk in shown.utf8_chunks() {
        units.extend(chunk.valid().chars().map(|c| (c, char_text(c, '"'))));
        // Bytes of no character stand for themselves, apart from the characters of the same code.
        units.extend(chunk.invalid().iter().map(|byte| {
            let private = char::from_u32(0xf_0000 + u32::from(*byte)).unwrap_or('\u{fffd}');
            (private, byte_text(*byte, '"'))
        }));
    }
    pieces(units.into_iter()) + &if whole { String::new() } else { format!("… of {}", grouped(length)) }
}

/// `"text", '\000' <repeats 12 times>, "more"`.
fn pieces(units: impl Iterator<Item = (char, String)>) -> String {
    let units: Vec<(char, String)> = units.collect();
    let (mut parts, mut open, mut rest) = (Vec::new(), String::new(), &units[..]);
    while let Some((first, text)) = rest.first() {
        let equal = rest.iter().take_while(|(c, _)| c == first).count();
        if equal > REPEATS {
            if !open.is_empty() {
                parts.push(format!("\"{}\"", std::mem::take(&mut open)));
            }
            let text = if *first == '\'' { "\\'" } else { text.as_str() };
            parts.push(format!("'{text}' <repeats {equal} times>"));
        } else {
            open.push_str(&text.repeat(equal));
        }
        rest = &rest[equal..];
    }
    if !open.is_empty() || parts.is_empty() {
        parts.push(format!("\"{open}\""));
    }
    parts.join(", ")
}

fn char_text(c: char, quote: char) -> String {
    if c.is_ascii() {
        return byte_text(c as u8, quote);
    }
    let shown = Text::from(c.to_string().as_str()).to_string();
    if shown.chars().eq([c]) { shown } else { c.to_string().bytes().map(|byte| format!("\\{byte:03o}")).collect() }
}

/// A character of a wide string; those that are not printed by their number, as gdb does.
fn wide_text(c: char, quote: char) -> String {
    if c.is_ascii() {
        return byte_text(c as u8, quote);
    }
    let shown = Text::from(c.to_string().as_str()).to_string();
    if shown.chars().eq([c]) { shown } else { unit_text(c.into()) }
}

fn unit_text(unit: u32) -> String {
    if unit <= 0o777 { format!("\\{unit:03o}") } else { format!("\\x{unit:x}") }
}

fn byte_text(byte: u8, quote: char) -> String {
    match byte {
        b'\n' => "\\n".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\r' => "\\r".to_owned(),
        7 => "\\a".to_owned(),
        8 => "\\b".to_owned(),
        11 => "\\v".to_owned(),
        12 => "\\f".to_owned(),
        b'\\' => "\\\\".to_owned(),
        byte if char::from(byte) == quote => format!("\\{quote}"),
        0x20..=0x7e => char::from(byte).to_string(),
        byte => format!("\\{byte:03o}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{byte_string, character, quoted, wide_string};

    #[test]
    fn arrays_of_characters_are_strings_with_counted_repeats() {
        assert_eq!(byte_string(b"hi\0\0\0", 5), r#""hi\000\000""#);
        assert_eq!(byte_string(&[0; 16], 16), r"'\000' <repeats 15 times>");
        let mut padded = b"hello".to_vec();
        padded.resize(32, 0);
        assert_eq!(byte_string(&padded, 32), r#""hello", '\000' <repeats 26 times>"#);
        assert_eq!(byte_string(b"abc", 1900), r#""abc"… of 1,900"#);
        assert_eq!(byte_string(b"\xff\xc3\xa9\"\x1b", 5), "\"\\377é\\\"\\033\"");
        assert_eq!(byte_string(b"", 0), "\"\"");
    }

    #[test]
    fn characters_have_their_code_in_front() {
        assert_eq!(character(65, 1, ""), "65 'A'");
        assert_eq!(character(-1, 1, ""), "-1 '\\377'");
        assert_eq!(character(39, 1, ""), "39 '\\''");
        assert_eq!(character(0x20ac, 4, ""), "8364 '€'");
        assert_eq!(character(0x20ac, 2, "u"), "8364 u'€'");
        assert_eq!(character(-1, 4, "L"), "-1 L'\\xffffffff'");
        assert_eq!(quoted("", "a\u{202e}b"), "\"a\\342\\200\\256b\"");
        assert_eq!(quoted("L", "a\u{202e}\n"), "L\"a\\x202e\\n\"");
    }

    #[test]
    fn wide_strings_have_their_prefix_and_units_of_no_character_their_number() {
        let units = |text: &str| text.chars().map(u32::from).collect::<Vec<_>>();
        assert_eq!(wide_string("L", &units("hi\0\0"), 4, 4), r#"L"hi\000""#);
        assert_eq!(wide_string("U", &units("abc"), 4, 9), r#"U"abc"… of 9"#);
        assert_eq!(wide_string("u", &[0x61, 0xd83d, 0xde00, 0xd800, 0x62, 0x7a], 2, 6), "u\"a😀\\xd800\\142z\"");
        assert_eq!(wide_string("L", &[0; 16], 4, 16), r"L'\000' <repeats 15 times>");
        assert_eq!(wide_string("L", &[0x11_0000], 4, 1), r#"L"\x110000""#);
    }
}
