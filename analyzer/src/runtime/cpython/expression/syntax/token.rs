//! Text to tokens (the language reference, chapter 2, "Lexical analysis").

use num_bigint::BigInt;

use super::{number, string};
use crate::expr::{ExprError, Span};

/// A longer expression is none that a person typed.
const LONGEST: usize = 1 << 16;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    /// What follows a `$`.
    Dollar(String),
    Int(BigInt),
    Float(f64),
    Imaginary(f64),
    Str(Vec<u32>),
    Bytes(Vec<u8>),
    Op(&'static str),
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// Operators and delimiters, longer ones first.
const OPERATORS: [&str; 45] = [
    "**=", "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", ":=", "->", "+=", "-=", "*=",
    "/=", "%=", "@=", "&=", "|=", "^=", "+", "-", "*", "/", "%", "@", "&", "|", "^", "~", "<", ">", "(", ")", "[", "]",
    "{", "}", ",", ":", ".",
];
/// Those that stand last, so that none of the others is cut.
const SINGLE: [&str; 2] = [";", "="];

/// A syntax error, in the words that Python begins it with.
pub(super) fn syntax_error(span: Span, message: impl std::fmt::Display) -> ExprError {
    ExprError::new(span, format!("SyntaxError: {message}"))
}

/// The tokens of `text`, the last of which is [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    if text.len() > LONGEST {
        return Err(syntax_error(Span::default(), format_args!("more than {LONGEST} bytes are no expression")));
    }
    let mut lexer = Lexer { text, at: 0, open: Vec::new(), tokens: Vec::new() };
    while lexer.skip_blanks()? {
        let start = lexer.at;
        let kind = lexer.token()?;
        lexer.tokens.push(Token { kind, span: Span { start, end: lexer.at } });
    }
    if let Some((bracket, at)) = lexer.open.pop() {
        return Err(syntax_error(Span { start: at, end: at + 1 }, format_args!("'{bracket}' was never closed")));
    }
    lexer.tokens.push(Token { kind: TokenKind::End, span: Span { start: text.len(), end: text.len() } });
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// The brackets that are open, and where.
    open: Vec<(char, usize)>,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Goes to the next token; whether there is one. A new line ends the expression unless a bracket is open.
    fn skip_blanks(&mut self) -> Result<bool, ExprError> {
        loop {
            let rest = self.rest();
            let Some(next) = rest.chars().next() else { return Ok(false) };
            match next {
                ' ' | '\t' | '\u{c}' => self.at += 1,
                '\n' | '\r' if !self.open.is_empty() || rest.trim().is_empty() || self.tokens.is_empty() => {
                    self.at += 1
                }
                '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
                '\\' if rest.starts_with("\\\n") => self.at += 2,
                '\n' | '\r' => return Err(syntax_error(self.here(1), "invalid syntax: one expression is one line")),
                _ => return Ok(true),
            }
        }
    }

    fn here(&self, length: usize) -> Span {
        Span { start: self.at, end: self.at + length }
    }

    fn token(&mut self) -> Result<TokenKind, ExprError> {
        let rest = self.rest();
        let first = rest.chars().next().expect("a token has a first character");
        let second = rest[first.len_utf8()..].chars().next();
        if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
            return self.number();
        }
        if let Some(literal) = string::literal(rest, self.at)? {
            self.at += literal.length;
            return Ok(literal.kind);
        }
        if is_start(first) {
            return Ok(TokenKind::Name(self.word().to_owned()));
        }
        if first == '$' {
            self.at += 1;
            let name = if self.rest().starts_with('$') {
                self.at += 1;
                "$"
            } else {
                self.word()
            };
            return Ok(TokenKind::Dollar(name.to_owned()));
        }
        self.operator(first)
    }

    fn number(&mut self) -> Result<TokenKind, ExprError> {
        let (kind, length) = number::literal(self.rest(), self.at)?;
        self.at += length;
        if self.rest().starts_with(is_start) {
            let what = match kind {
                TokenKind::Int(_) => "invalid decimal literal",
                _ => "invalid number",
            };
            // `1if x else 2` is deprecated, but no error.
            const KEYWORDS: [&str; 7] = ["and", "else", "for", "if", "in", "is", "or"];
            if !KEYWORDS.iter().any(|word| self.rest().starts_with(word)) {
                return Err(syntax_error(self.here(1), what));
            }
        }
        Ok(kind)
    }

    /// The name, or for `$1` the number, that begins here; may be empty.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_start(c) && !c.is_numeric()).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn operator(&mut self, first: char) -> Result<TokenKind, ExprError> {
        let rest = self.rest();
        let found = OPERATORS.iter().chain(&SINGLE).find(|operator| rest.starts_with(**operator));
        let Some(operator) = found else {
            let message = format!("invalid character '{}' (U+{:04X})", first.escape_default(), u32::from(first));
            return Err(syntax_error(self.here(first.len_utf8()), message));
        };
        match first {
            '(' | '[' | '{' => self.open.push((first, self.at)),
            ')' | ']' | '}' => self.close(first)?,
            _ => {}
        }
        self.at += operator.len();
        Ok(TokenKind::Op(operator))
    }

    fn close(&mut self, bracket: char) -> Result<(), ExprError> {
        match self.open.pop() {
            Some(('(', _)) if bracket == ')' => Ok(()),
            Some(('[', _)) if bracket == ']' => Ok(()),
            Some(('{', _)) if bracket == '}' => Ok(()),
            None => Err(syntax_error(self.here(1), format_args!("unmatched '{bracket}'"))),
            Some((open, _)) => {
                let message = format!("closing parenthesis '{bracket}' does not match opening parenthesis '{open}'");
                Err(syntax_error(self.here(1), message))
            }
        }
    }
}

/// Whether a name can begin so; `is_alphabetic` is a little wider than Python's `XID_Start`.
fn is_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
