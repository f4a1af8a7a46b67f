//! Numbers, characters and strings, as C, C++ and Rust write them.

use super::token::{Syntax, TokenKind};

type Lexed = Result<(TokenKind, usize), (String, usize)>;

/// A number at the start of `rest`.
pub(super) fn number(rest: &str, syntax: Syntax) -> Lexed {
    let length = number_length(rest, syntax);
    let text: String = rest[..length].chars().filter(|c| *c != '_' && *c != '\'').collect();
    let lower = text.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return integer(digits, radix, false, length);
        }
    }
    if is_float(&lower) {
        return float(&lower, length);
    }
    let octal = syntax != Syntax::Rust && lower.len() > 1 && lower.starts_with('0');
    if octal { integer(&lower[1..], 8, false, length) } else { integer(&lower, 10, true, length) }
}

/// How far a number reaches: digits, letters, one kind of separator, a fraction, and the sign of an exponent. Rust's
/// `1..3` is no fraction, and neither is `1.max`.
fn number_length(rest: &str, syntax: Syntax) -> usize {
    let bytes = rest.as_bytes();
    let hex = rest.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let part = match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => true,
            b'\'' => syntax == Syntax::Cpp && next.is_ascii_hexdigit(),
            b'.' => !hex && next != b'.' && !next.is_ascii_alphabetic() && !rest[..at].contains('.'),
            b'+' | b'-' => !hex && at > 0 && matches!(bytes[at - 1], b'e' | b'E'),
            _ => false,
        };
        if !part {
            break;
        }
        at += 1;
    }
    at
}

fn is_float(lower: &str) -> bool {
    let exponent = lower
        .find('e')
        .is_some_and(|e| lower[..e].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && lower.len() > e + 1);
    lower.contains('.') || exponent || lower.ends_with("f32") || lower.ends_with("f64")
}

fn float(lower: &str, length: usize) -> Lexed {
    let suffix = ["f32", "f64", "f", "l"].into_iter().find(|suffix| lower.ends_with(suffix)).unwrap_or("");
    let digits = &lower[..lower.len() - suffix.len()];
    match digits.parse() {
        Ok(value) => Ok((TokenKind::Float { value, suffix: suffix.to_owned() }, length)),
        Err(_) => Err((format!("{lower:?} is no number"), length)),
    }
}

fn integer(digits: &str, radix: u32, decimal: bool, length: usize) -> Lexed {
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let known = matches!(suffix, "" | "u" | "l" | "ul" | "lu" | "ll" | "ull" | "llu" | "usize" | "isize")
        || matches!(suffix.split_at(suffix.len().min(1)), ("u" | "i", "8" | "16" | "32" | "64" | "128"));
    // C allows a lone 0 to be octal with no digits behind it.
    let value = if digits.is_empty() && radix == 8 { Ok(0) } else { u128::from_str_radix(digits, radix) };
    match value {
        Ok(value) if known => Ok((TokenKind::Integer { value, suffix: suffix.to_owned(), decimal }, length)),
        Ok(_) => Err((format!("a number cannot end in {suffix:?}"), length)),
        Err(_) if digits.is_empty() => Err(("a number has no digits here".to_owned(), length)),
        Err(_) => Err(("the number has more than 128 bits".to_owned(), length)),
    }
}

/// A character, a string or a quoted file name at the start of `rest`, or `None` where there is none.
pub(super) fn quoted(rest: &str, syntax: Syntax) -> Option<Lexed> {
    let prefix_length = rest.bytes().take(3).position(|byte| byte == b'\'' || byte == b'"')?;
    let prefix = &rest[..prefix_length];
    let prefixes: &[&str] = if syntax == Syntax::Rust { &["", "b", "c"] } else { &["", "L", "u8", "u", "U"] };
    if !prefixes.contains(&prefix) {
        return None;
    }
    let quote = rest.as_bytes()[prefix_length];
    Some(
        unescape(&rest[prefix_length + 1..], quote as char)
            .map_err(|(message, at)| (message, at + prefix_length + 1))
            .and_then(|(bytes, inner)| {
                let length = prefix_length + 1 + inner;
                if quote == b'"' {
                    return Ok((TokenKind::String { bytes, prefix: prefix.to_owned() }, length));
                }
                character(&bytes, prefix, &rest[length..])
                    .map(|kind| (kind, length))
                    .map_err(|message| (message, length))
            }),
    )
}

/// One character in quotes is its code; more of them, with `::` behind, are a file's name: `'main.c'::counter`.
fn character(bytes: &[u8], prefix: &str, behind: &str) -> Result<TokenKind, String> {
    let text = std::str::from_utf8(bytes).ok();
    if behind.trim_start().starts_with("::") && prefix.is_empty() {
        let name = text.ok_or("a file's name is UTF-8 here")?;
        return Ok(TokenKind::Quoted(name.to_owned()));
    }
    let mut chars = text.map(str::chars).into_iter().flatten();
    match (chars.next(), chars.next(), bytes) {
        (Some(only), None, _) => Ok(TokenKind::Character { value: only as u32, prefix: prefix.to_owned() }),
        (_, _, [byte]) => Ok(TokenKind::Character { value: u32::from(*byte), prefix: prefix.to_owned() }),
        (None, _, []) => Err("a character constant holds one character".to_owned()),
        _ => Err("a character constant holds one character; a string stands in double quotes".to_owned()),
    }
}

/// The bytes up to the closing quote, and how much of `rest` that took.
fn unescape(rest: &str, quote: char) -> Result<(Vec<u8>, usize), (String, usize)> {
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((bytes, at + 1));
        }
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let (length, escaped) = escape(&rest[at + 1..]).map_err(|message| (message, at + 1))?;
        bytes.extend_from_slice(&escaped);
        for _ in 0..rest[at + 1..at + 1 + length].chars().count() {
            chars.next();
        }
    }
    Err((format!("the closing {quote} is missing"), rest.len()))
}

/// What stands behind a backslash: its length in the text and the bytes it means.
fn escape(rest: &str) -> Result<(usize, Vec<u8>), String> {
    let first = rest.chars().next().ok_or("nothing stands behind the backslash")?;
    let simple = match first {
        'n' => Some(b'\n'),
        't' => Some(b'\t'),
        'r' => Some(b'\r'),
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'v' => Some(11),
        'e' => Some(27),
        '\\' | '\'' | '"' | '?' => Some(first as u8),
        _ => None,
    };
    if let Some(byte) = simple {
        return Ok((1, vec![byte]));
    }
    if first.is_digit(8) {
        let length = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let value = u32::from_str_radix(&rest[..length], 8).map_err(|error| error.to_string())?;
        return Ok((length, vec![value as u8]));
    }
    let (digits, extra) = match first {
        'x' => (rest[1..].bytes().take(2).take_while(u8::is_ascii_hexdigit).count(), 1),
        'u' if rest[1..].starts_with('{') => (rest[2..].find('}').ok_or("the closing } is missing")?, 3),
        'u' => (4.min(rest.len() - 1), 1),
        'U' => (8.min(rest.len() - 1), 1),
        _ => return Err(format!("\\{first} is no escape")),
    };
    let start = if extra == 3 { 2 } else { 1 };
    let code = rest.get(start..start + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let code = code.ok_or("hex digits are expected behind the backslash")?;
    if first == 'x' {
        return Ok((digits + extra, vec![code as u8]));
    }
    let c = char::from_u32(code).ok_or_else(|| format!("U+{code:X} is no character"))?;
    Ok((digits + extra, c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()))
}
