//! Tokens into a tree, by operator precedence.

use super::ast::{BinaryOp, Derived, Expr, ExprKind, TypeName, UnaryOp};
use super::error::{ExprError, Span};
use super::precedence::{REPEAT_STRENGTH, binary, changed, one, strength};
use super::token::{Syntax, Token, TokenKind, tokens};
use super::type_name;

/// How deep parentheses and operators may nest.
const MAX_DEPTH: usize = 64;

/// How many operators of one strength may follow each other, since each makes the tree one level deeper.
pub(super) const MAX_CHAIN: usize = 64;

/// What the parser has to ask about names, since `(a)-b` and `a < b > c` mean different things for types, templates
/// and values.
pub trait Names {
    /// Whether the program has a type of this name.
    fn is_type(&self, name: &str) -> bool;
    /// Whether the program has a function or variable of this name, template arguments included.
    fn is_value(&self, name: &str) -> bool;
}

/// Reads an expression.
///
/// # Errors
/// What cannot be understood, and where.
pub fn parse(text: &str, syntax: Syntax, names: &dyn Names) -> Result<Expr, ExprError> {
    let tokens = tokens(text, syntax)?;
    let mut parser = Parser { text, tokens, at: 0, depth: 0, syntax, names };
    let expr = parser.comma()?;
    match parser.peek() {
        TokenKind::End => Ok(expr),
        _ => Err(parser.unexpected("an operator or the end of the expression is expected here")),
    }
}

pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    pub(super) syntax: Syntax,
    pub(super) names: &'a dyn Names,
}

pub(super) type Parsed = Result<Expr, ExprError>;

impl Parser<'_> {
    pub(super) fn peek(&self) -> &TokenKind {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> &TokenKind {
        self.tokens.get(self.at + ahead).map_or(&TokenKind::End, |token| &token.kind)
    }

    pub(super) fn span(&self) -> Span {
        self.tokens[self.at.min(self.tokens.len() - 1)].span
    }

    pub(super) fn previous_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn rewind(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn advance(&mut self) -> TokenKind {
        let kind = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        kind
    }

    pub(super) fn is(&self, punctuation: &str) -> bool {
        matches!(self.peek(), TokenKind::Punctuation(found) if *found == punctuation)
    }

    /// Whether this token stands at a position behind which the parser is.
    pub(super) fn is_at(&self, position: usize, punctuation: &str) -> bool {
        matches!(self.tokens.get(position), Some(Token { kind: TokenKind::Punctuation(found), .. }) if *found == punctuation)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(found) if found == word)
    }

    pub(super) fn take(&mut self, punctuation: &str) -> bool {
        let found = self.is(punctuation);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, punctuation: &str) -> Result<(), ExprError> {
        if self.take(punctuation) {
            return Ok(());
        }
        Err(self.unexpected(&format!("{punctuation:?} is expected here")))
    }

    /// The text of the tokens from `start` up to here, as written.
    pub(super) fn written(&self, start: usize) -> &str {
        let from = self.tokens[start].span.start;
        &self.text[from..self.previous_span().end.max(from)]
    }

    pub(super) fn unexpected(&self, message: &str) -> ExprError {
        ExprError::new(self.span(), message)
    }

    /// Splits the `>>` of `static_cast<vector<int>>(x)`, where the type took its own `>` already.
    fn split_shift(&mut self) {
        if self.is(">>") {
            let span = self.span();
            let half = |start: usize| Token { kind: TokenKind::Punctuation(">"), span: Span { start, end: start + 1 } };
            self.tokens[self.at] = half(span.start);
            self.tokens.insert(self.at + 1, half(span.start + 1));
        }
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.unexpected("the expression is nested too deeply here"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(super) fn comma(&mut self) -> Parsed {
        let mut left = self.assignment()?;
        for _ in 0..MAX_CHAIN {
            if !self.take(",") {
                return Ok(left);
            }
            let right = self.assignment()?;
            left = binary(BinaryOp::Comma, left, right);
        }
        Err(self.unexpected("the expression is too long here"))
    }

    pub(super) fn assignment(&mut self) -> Parsed {
        self.deeper(|parser| {
            let left = parser.conditional()?;
            let TokenKind::Punctuation(sign) = *parser.peek() else { return Ok(left) };
            // `x += 1` is `x = x + 1`.
            let op = match (sign, sign.strip_suffix('=')) {
                ("=", _) => None,
                (_, Some(sign)) => match strength(sign, parser.syntax) {
                    Some((_, op)) if !matches!(sign, "<" | ">") => Some(op),
                    _ => return Ok(left),
                },
                _ => return Ok(left),
            };
            parser.advance();
            let right = parser.assignment()?;
            let span = left.span.to(right.span);
            let kind = match op {
                Some(op) => changed(op, left, right),
                None => ExprKind::Assign(Box::new(left), Box::new(right)),
            };
            Ok(Expr { kind, span })
        })
    }

    fn conditional(&mut self) -> Parsed {
        let condition = self.operators(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.assignment()?;
        self.expect(":")?;
        let no = self.deeper(Parser::conditional)?;
        let span = condition.span.to(no.span);
        Ok(Expr { kind: ExprKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)), span })
    }

    fn operators(&mut self, floor: u8) -> Parsed {
        let mut left = self.cast_as()?;
        for _ in 0..MAX_CHAIN {
            let TokenKind::Punctuation(text) = *self.peek() else { return Ok(left) };
            if text == "@" && REPEAT_STRENGTH > floor {
                self.advance();
                let count = self.deeper(|parser| parser.operators(REPEAT_STRENGTH))?;
                let span = left.span.to(count.span);
                left = Expr { kind: ExprKind::Repeat(Box::new(left), Box::new(count)), span };
                continue;
            }
            let Some((strength, op)) = strength(text, self.syntax).filter(|(strength, _)| *strength > floor) else {
                return Ok(left);
            };
            self.advance();
            let right = self.deeper(|parser| parser.operators(strength))?;
            left = binary(op, left, right);
        }
        Err(self.unexpected("the expression is too long here"))
    }

    /// Rust's `operand as type`, which binds more strongly than any operator between operands.
    fn cast_as(&mut self) -> Parsed {
        let mut operand = self.unary()?;
        for _ in 0..MAX_CHAIN {
            if self.syntax != Syntax::Rust || !self.is_word("as") {
                return Ok(operand);
            }
            self.advance();
            let target = type_name::required(self)?;
            let span = operand.span.to(target.span);
            operand = Expr { kind: ExprKind::Cast(target, Box::new(operand)), span };
        }
        Err(self.unexpected("the expression is too long here"))
    }

    fn unary(&mut self) -> Parsed {
        let start = self.span();
        let op = match self.peek() {
            TokenKind::Punctuation("+") => UnaryOp::Plus,
            TokenKind::Punctuation("-") => UnaryOp::Negate,
            TokenKind::Punctuation("!") => UnaryOp::Not,
            TokenKind::Punctuation("~") => UnaryOp::Complement,
            TokenKind::Punctuation("*") => UnaryOp::Dereference,
            TokenKind::Punctuation("&") => UnaryOp::AddressOf,
            TokenKind::Punctuation("++" | "--") => return self.stepped_before(),
            TokenKind::Punctuation("{") if self.syntax != Syntax::Rust => return self.memory_as(),
            TokenKind::Punctuation("(") if type_name::is_anonymous_namespace(self) => return self.name_chain(),
            TokenKind::Punctuation("(") => return self.cast_or_postfix(),
            TokenKind::Word(word) if word == "sizeof" || word == "size_of" => return self.size_of(),
            _ => return self.postfix(),
        };
        self.advance();
        if op == UnaryOp::AddressOf && self.is_word("mut") {
            self.advance();
        }
        let operand = self.deeper(Parser::unary)?;
        let span = start.to(operand.span);
        Ok(Expr { kind: ExprKind::Unary(op, Box::new(operand)), span })
    }

    /// `++$x`: `$x = $x + 1`.
    fn stepped_before(&mut self) -> Parsed {
        let start = self.span();
        let op = if self.take("++") { BinaryOp::Add } else { BinaryOp::Subtract };
        self.take("--");
        let operand = self.deeper(Parser::unary)?;
        let span = start.to(operand.span);
        let one = one(operand.span);
        Ok(Expr { kind: changed(op, operand, one), span })
    }

    /// gdb's `{type} address`: the memory there as a value of that type.
    fn memory_as(&mut self) -> Parsed {
        let start = self.span();
        self.expect("{")?;
        let mut target = type_name::required(self)?;
        self.expect("}")?;
        target.derived.push(Derived::Pointer);
        let address = self.deeper(Parser::unary)?;
        let span = start.to(address.span);
        let pointer = Expr { kind: ExprKind::Cast(target, Box::new(address)), span };
        Ok(Expr { kind: ExprKind::Unary(UnaryOp::Dereference, Box::new(pointer)), span })
    }

    fn cast_or_postfix(&mut self) -> Parsed {
        let start = self.span();
        let before = self.position();
        self.advance();
        if let Some(target) = type_name::optional(self)?
            && self.take(")")
        {
            if self.starts_operand() {
                let operand = self.deeper(Parser::unary)?;
                let span = start.to(operand.span);
                return Ok(Expr { kind: ExprKind::Cast(target, Box::new(operand)), span });
            }
            let span = start.to(self.previous_span());
            return Ok(Expr { kind: ExprKind::Type(target), span });
        }
        self.rewind(before);
        let inner = self.postfix()?;
        // `(nope)1` was meant for a cast, whatever `nope` is.
        match (&inner.kind, self.peek()) {
            (ExprKind::Name(name), TokenKind::Word(_) | TokenKind::Integer { .. } | TokenKind::Dollar(_))
                if !self.is_word("as") =>
            {
                Err(ExprError::unknown(inner.span, format!("there is no type {name:?} here")))
            }
            _ => Ok(inner),
        }
    }

    fn starts_operand(&self) -> bool {
        match self.peek() {
            TokenKind::End => false,
            TokenKind::Punctuation(text) => matches!(*text, "(" | "-" | "+" | "!" | "~" | "*" | "&" | "::"),
            _ => true,
        }
    }

    fn size_of(&mut self) -> Parsed {
        let start = self.span();
        self.advance();
        let before = self.position();
        if self.take("(") {
            if let Some(target) = type_name::optional(self)?
                && self.take(")")
            {
                let span = start.to(self.previous_span());
                return Ok(Expr { kind: ExprKind::SizeOfType(target), span });
            }
            self.rewind(before);
        }
        let operand = self.deeper(Parser::unary)?;
        let span = start.to(operand.span);
        Ok(Expr { kind: ExprKind::SizeOf(Box::new(operand)), span })
    }

    pub(super) fn primary(&mut self) -> Parsed {
        let span = self.span();
        let before = self.position();
        let kind = match self.advance() {
            TokenKind::Integer { value, suffix, decimal } => ExprKind::Integer { value, suffix, decimal },
            TokenKind::Float { value, suffix } => ExprKind::Float { value, suffix },
            TokenKind::Character { value, prefix } => ExprKind::Character { value, prefix },
            TokenKind::String { bytes, prefix } => ExprKind::String { bytes: self.adjacent_strings(bytes), prefix },
            TokenKind::Dollar(name) => ExprKind::Dollar(name),
            TokenKind::History { number, from_end } => ExprKind::History { number, from_end },
            TokenKind::Punctuation("(") if self.syntax == Syntax::Rust => return self.tuple(span),
            TokenKind::Punctuation("[") if self.syntax == Syntax::Rust => self.array()?,
            TokenKind::Punctuation("(") => {
                let inner = self.comma()?;
                self.expect(")")?;
                return Ok(Expr { kind: inner.kind, span: span.to(self.previous_span()) });
            }
            TokenKind::Word(_) | TokenKind::Quoted(_) | TokenKind::Punctuation("::") => {
                self.rewind(before);
                return self.name();
            }
            TokenKind::End => return Err(ExprError::new(span, "the expression ends too early")),
            _ => return Err(ExprError::new(span, "a value is expected here")),
        };
        Ok(Expr { kind, span: span.to(self.previous_span()) })
    }

    /// `"one" "two"` is one string in C.
    fn adjacent_strings(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        while let TokenKind::String { bytes: more, .. } = self.peek() {
            bytes.extend_from_slice(more);
            self.advance();
        }
        bytes
    }

    pub(super) fn name(&mut self) -> Parsed {
        let start = self.span();
        let before = self.position();
        let word = match self.peek() {
            TokenKind::Word(word) => word.clone(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "false" => {
                self.advance();
                return Ok(Expr { kind: ExprKind::Bool(word == "true"), span: start });
            }
            "static_cast" | "reinterpret_cast" | "const_cast" | "dynamic_cast" if self.syntax == Syntax::Cpp => {
                return self.named_cast();
            }
            _ => {}
        }
        let path = type_name::path(self)?;
        // A value of that name hides the type, as in C's `struct stat` and `stat`.
        if type_name::is_reserved(&word, self.syntax) || !self.names.is_value(&path) {
            let after = self.position();
            self.rewind(before);
            if let Some(target) = type_name::optional(self)? {
                let span = start.to(self.previous_span());
                return Ok(Expr { kind: ExprKind::Type(target), span });
            }
            self.rewind(after);
        }
        Ok(Expr { kind: ExprKind::Name(path), span: start.to(self.previous_span()) })
    }

    fn named_cast(&mut self) -> Parsed {
        let start = self.span();
        self.advance();
        self.expect("<")?;
        let target: TypeName = type_name::required(self)?;
        self.split_shift();
        self.expect(">")?;
        self.expect("(")?;
        let operand = self.comma()?;
        self.expect(")")?;
        Ok(Expr { kind: ExprKind::Cast(target, Box::new(operand)), span: start.to(self.previous_span()) })
    }
}
