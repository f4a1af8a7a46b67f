//! An expression's text, cut into tokens.

use super::error::{ExprError, Span};
use super::literal;

/// The longest expression that is read, in bytes.
const MAX_LENGTH: usize = 64 << 10;

/// Whose literals and types an expression is written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// C.
    #[default]
    C,
    /// C++.
    Cpp,
    /// Rust.
    Rust,
}

/// A token and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Integer {
        value: u128,
        suffix: String,
        decimal: bool,
    },
    Float {
        value: f64,
        suffix: String,
    },
    Character {
        value: u32,
        prefix: String,
    },
    String {
        bytes: Vec<u8>,
        prefix: String,
    },
    /// `'file.c'`, a quoted name before `::`.
    Quoted(String),
    Word(String),
    Dollar(String),
    History {
        number: usize,
        from_end: bool,
    },
    Punctuation(&'static str),
    End,
}

/// The longest first, so that `<<` is not two `<`.
const PUNCTUATION: [&str; 52] = [
    "<<=", ">>=", "->*", "...", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "->", "::", ".*", "<<",
    ">>", "<=", ">=", "==", "!=", "&&", "||", "..", "+", "-", "*", "/", "%", "<", ">", "=", "!", "~", "&", "|", "^",
    "?", ":", ".", ",", "(", ")", "[", "]", "{", "}", "@", ";", "#",
];

pub(super) fn tokens(text: &str, syntax: Syntax) -> Result<Vec<Token>, ExprError> {
    if text.len() > MAX_LENGTH {
        return Err(ExprError::new(Span::default(), format!("an expression has at most {MAX_LENGTH} bytes")));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { break };
        // `pair.0.1`: after a dot a number is a tuple's index and has no fraction of its own.
        let after_dot = matches!(tokens.last(), Some(Token { kind: TokenKind::Punctuation("."), .. }));
        let value_ends = matches!(
            tokens.last(),
            Some(Token { kind: TokenKind::Word(_) | TokenKind::Punctuation(")" | "]") | TokenKind::Dollar(_), .. })
        );
        let (kind, length) = next(rest, first, Before { after_dot, value_ends }, syntax)
            .map_err(|(message, length)| ExprError::new(Span { start: at, end: at + length }, message))?;
        tokens.push(Token { kind, span: Span { start: at, end: at + length } });
        at += length;
    }
    tokens.push(Token { kind: TokenKind::End, span: Span { start: text.len(), end: text.len() } });
    Ok(tokens)
}

type Lexed = Result<(TokenKind, usize), (String, usize)>;

/// What the token before says about a digit or a dot.
#[derive(Clone, Copy)]
struct Before {
    after_dot: bool,
    value_ends: bool,
}

fn next(rest: &str, first: char, before: Before, syntax: Syntax) -> Lexed {
    if first == '$' {
        return Ok(dollar(rest));
    }
    if first.is_ascii_digit() && before.after_dot {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        return Ok((TokenKind::Word(rest[..length].to_owned()), length));
    }
    let fraction = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || (fraction && !before.value_ends) {
        return literal::number(rest, syntax);
    }
    if let Some(literal) = literal::quoted(rest, syntax) {
        return literal;
    }
    if first == '_' || first.is_alphabetic() {
        let length = rest.find(|c: char| !(c == '_' || c == '$' || c.is_alphanumeric())).unwrap_or(rest.len());
        return Ok((TokenKind::Word(rest[..length].to_owned()), length));
    }
    // `1--1` is two signs in Rust, which has no such operator, and only C++ points to members.
    let is_other = |known: &str| match known {
        "++" | "--" => syntax == Syntax::Rust,
        ".*" | "->*" => syntax != Syntax::Cpp,
        _ => false,
    };
    match PUNCTUATION.iter().find(|known| rest.starts_with(**known) && !is_other(known)) {
        Some(known) => Ok((TokenKind::Punctuation(known), known.len())),
        None => Err((format!("{first:?} means nothing here"), first.len_utf8())),
    }
}

/// `$`, `$$`, `$7`, `$$7` are values of the history, all else behind a `$` is a name (gdb's manual, "Value History").
fn dollar(rest: &str) -> (TokenKind, usize) {
    let dollars = rest.bytes().take(2).take_while(|byte| *byte == b'$').count();
    let name = &rest[dollars..];
    let length = name.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(name.len());
    let name = &name[..length];
    let kind = match (dollars, name) {
        (1, "") => TokenKind::History { number: 0, from_end: true },
        (_, "") => TokenKind::History { number: 1, from_end: true },
        (_, digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            TokenKind::History { number: digits.parse().unwrap_or(usize::MAX), from_end: dollars == 2 }
        }
        (_, name) => TokenKind::Dollar(name.to_owned()),
    };
    (kind, dollars + length)
}
