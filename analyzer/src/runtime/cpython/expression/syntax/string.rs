//! String and bytes literals: prefixes, quotes and escapes.

use super::token::{TokenKind, syntax_error};
use crate::expr::{ExprError, Span};

pub(super) struct Literal {
    pub(super) kind: TokenKind,
    /// In bytes of the text, prefix and quotes included.
    pub(super) length: usize,
}

/// The literal that `rest` begins with; `None` where it begins with none.
pub(super) fn literal(rest: &str, at: usize) -> Result<Option<Literal>, ExprError> {
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).take(3).count();
    let prefix = rest[..letters].to_ascii_lowercase();
    let body = &rest[letters..];
    let Some(quote) = body.chars().next().filter(|c| matches!(c, '\'' | '"')) else { return Ok(None) };
    let span = |length: usize| Span { start: at, end: at + length };
    let (raw, bytes) = match prefix.as_str() {
        "" | "u" => (false, false),
        "r" => (true, false),
        "b" => (false, true),
        "rb" | "br" => (true, true),
        "f" | "fr" | "rf" | "t" | "tr" | "rt" => {
            let message = "f-strings and t-strings are not evaluated: put the expressions in them side by side";
            return Err(ExprError::new(span(letters + 1), message));
        }
        _ => return Ok(None),
    };
    let delimiter = if body.starts_with("'''") || body.starts_with("\"\"\"") { &body[..3] } else { &body[..1] };
    let inner = &body[delimiter.len()..];
    let Some(end) = end_of(inner, delimiter) else {
        let what = if delimiter.len() == 3 {
            "unterminated triple-quoted string literal"
        } else {
            "unterminated string literal"
        };
        return Err(syntax_error(span(letters + delimiter.len()), what));
    };
    let length = letters + 2 * delimiter.len() + end;
    debug_assert!(delimiter.starts_with(quote));
    let content = Content { text: &inner[..end], raw, span: span(length) };
    let kind = if bytes { TokenKind::Bytes(content.bytes()?) } else { TokenKind::Str(content.points()?) };
    Ok(Some(Literal { kind, length }))
}

/// Where the delimiter stands that ends the literal. A backslash protects the next character, in raw ones, too.
fn end_of(inner: &str, delimiter: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = inner.get(at..)?;
        let next = rest.chars().next()?;
        if rest.starts_with(delimiter) {
            return Some(at);
        }
        at += match next {
            '\n' if delimiter.len() == 1 => return None,
            '\\' => 1 + rest[1..].chars().next()?.len_utf8(),
            c => c.len_utf8(),
        };
    }
}

struct Content<'a> {
    text: &'a str,
    raw: bool,
    span: Span,
}

impl Content<'_> {
    fn points(&self) -> Result<Vec<u32>, ExprError> {
        self.unescaped(Some, true)
    }

    fn bytes(&self) -> Result<Vec<u8>, ExprError> {
        if !self.text.is_ascii() {
            return Err(syntax_error(self.span, "bytes can only contain ASCII literal characters"));
        }
        self.unescaped(|point| u8::try_from(point & 0xff).ok(), false)
    }

    /// The characters with their escapes resolved; `\u`, `\U` and `\N` only where there are `unicode` ones.
    fn unescaped<T>(&self, unit: impl Fn(u32) -> Option<T>, unicode: bool) -> Result<Vec<T>, ExprError> {
        let mut out = Vec::new();
        let mut rest = self.text.chars();
        while let Some(c) = rest.next() {
            if c != '\\' || self.raw {
                out.extend(unit(c.into()));
                continue;
            }
            let before = rest.clone();
            let escaped = rest.next().unwrap_or('\\');
            let point = match escaped {
                '\n' => continue,
                '\\' | '\'' | '"' => escaped.into(),
                'a' => 7,
                'b' => 8,
                'f' => 12,
                'n' => 10,
                'r' => 13,
                't' => 9,
                'v' => 11,
                '0'..='7' => octal(escaped, &mut rest),
                'x' => self.hexadecimal(&mut rest, 'x', 2)?,
                'u' if unicode => self.hexadecimal(&mut rest, 'u', 4)?,
                'U' if unicode => self.hexadecimal(&mut rest, 'U', 8)?,
                'N' if unicode => {
                    return Err(ExprError::new(self.span, "characters are not known by their names here: write \\u"));
                }
                // An unknown escape is kept as it stands.
                _ => {
                    rest = before;
                    u32::from('\\')
                }
            };
            out.extend(unit(point));
        }
        Ok(out)
    }

    fn hexadecimal(&self, rest: &mut std::str::Chars<'_>, letter: char, count: usize) -> Result<u32, ExprError> {
        let digits = rest.as_str().get(..count).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
        let point =
            digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).filter(|point| *point <= 0x0010_ffff);
        let point =
            point.ok_or_else(|| syntax_error(self.span, format_args!("truncated or illegal \\{letter} escape")))?;
        *rest = rest.as_str()[count..].chars();
        Ok(point)
    }
}

fn octal(first: char, rest: &mut std::str::Chars<'_>) -> u32 {
    let mut value = first.to_digit(8).expect("it is an octal digit");
    for _ in 0..2 {
        let Some(digit) = rest.clone().next().and_then(|c| c.to_digit(8)) else { break };
        value = value * 8 + digit;
        rest.next();
    }
    value
}
