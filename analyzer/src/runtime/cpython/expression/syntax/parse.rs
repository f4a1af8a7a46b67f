//! Tokens into a tree, by operator precedence (the language reference, 6.17).

use super::ast::{BinaryOp, CompareOp, Constant, Expr, Kind, Logical, UnaryOp};
use super::token::{Token, TokenKind, syntax_error, tokens};
use crate::expr::{ExprError, Span};

/// How deep a tree may be, and brackets may nest: whoever walks it recurses.
const MOST_NESTED: usize = 100;

/// Reads an expression.
///
/// # Errors
/// What cannot be understood or would have to run code, and where.
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    parser.refuse_statements()?;
    let expr = parser.whole()?;
    match parser.peek() {
        TokenKind::End => Ok(expr),
        TokenKind::Op(
            op @ ("=" | ":=" | "+=" | "-=" | "*=" | "/=" | "//=" | "%=" | "**=" | "&=" | "|=" | "^=" | "<<=" | ">>="
            | "@="),
        ) => {
            let message =
                format!("nothing can be assigned in a process that is dead ('{op}'); '$name = …' keeps a value");
            Err(ExprError::new(parser.span(), message))
        }
        _ => Err(parser.unexpected()),
    }
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

pub(super) type Parsed = Result<Expr, ExprError>;

/// Words that are no names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Binary operators: text, strength, meaning. The stronger binds first; `**` has a rule of its own.
const BINARY: [(&str, u8, BinaryOp); 12] = [
    ("|", 1, BinaryOp::BitOr),
    ("^", 2, BinaryOp::BitXor),
    ("&", 3, BinaryOp::BitAnd),
    ("<<", 4, BinaryOp::LeftShift),
    (">>", 4, BinaryOp::RightShift),
    ("+", 5, BinaryOp::Add),
    ("-", 5, BinaryOp::Subtract),
    ("*", 6, BinaryOp::Multiply),
    ("/", 6, BinaryOp::Divide),
    ("//", 6, BinaryOp::FloorDivide),
    ("%", 6, BinaryOp::Modulo),
    ("@", 6, BinaryOp::MatrixMultiply),
];

impl Parser {
    pub(super) fn peek(&self) -> &TokenKind {
        &self.tokens[self.at].kind
    }

    pub(super) fn span(&self) -> Span {
        self.tokens[self.at].span
    }

    /// Where the last token that was taken ends.
    fn last(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span
    }

    fn take(&mut self) -> Token {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn is(&self, operator: &str) -> bool {
        matches!(self.peek(), TokenKind::Op(found) if *found == operator)
    }

    /// Takes the operator if it comes next.
    pub(super) fn accept(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        if found {
            self.take();
        }
        found
    }

    pub(super) fn expect(&mut self, operator: &str) -> Result<Span, ExprError> {
        let span = self.span();
        if self.accept(operator) { Ok(span) } else { Err(self.unexpected()) }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), TokenKind::Name(found) if found == word)
    }

    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.take();
        }
        found
    }

    pub(super) fn unexpected(&self) -> ExprError {
        syntax_error(self.span(), "invalid syntax")
    }

    /// A tree over others, the highest of which is so high.
    pub(super) fn node(&self, kind: Kind, span: Span, height: usize) -> Parsed {
        if height >= MOST_NESTED {
            return Err(syntax_error(span, "too many nested expressions"));
        }
        Ok(Expr { kind, span, height: height + 1 })
    }

    /// Goes one level down.
    pub(super) fn nested<T>(&mut self, work: impl FnOnce(&mut Parser) -> Result<T, ExprError>) -> Result<T, ExprError> {
        if self.depth >= MOST_NESTED {
            return Err(syntax_error(self.span(), "too many nested parentheses"));
        }
        self.depth += 1;
        let found = work(self);
        self.depth -= 1;
        found
    }

    fn refuse_statements(&self) -> Result<(), ExprError> {
        const STATEMENTS: [&str; 18] = [
            "assert", "async", "break", "class", "continue", "def", "del", "for", "from", "global", "if", "import",
            "nonlocal", "pass", "raise", "return", "try", "while",
        ];
        match self.peek() {
            TokenKind::Name(word) if STATEMENTS.contains(&word.as_str()) || word == "with" => {
                let message = format!("only expressions are evaluated: '{word}' begins a statement");
                Err(ExprError::new(self.span(), message))
            }
            _ => Ok(()),
        }
    }

    /// `$name = value`, or an expression, or several with commas between them.
    fn whole(&mut self) -> Parsed {
        if let (TokenKind::Dollar(name), Some(TokenKind::Op("="))) =
            (self.peek().clone(), self.tokens.get(self.at + 1).map(|token| &token.kind))
        {
            let start = self.span();
            if name.is_empty() || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                return Err(ExprError::new(start, "the history cannot be assigned"));
            }
            self.take();
            self.take();
            let value = self.list_or_tuple()?;
            let (span, height) = (start.to(value.span), value.height);
            return self.node(Kind::SetConvenience(name, Box::new(value)), span, height);
        }
        self.list_or_tuple()
    }

    /// An expression, or a tuple of several without parentheses.
    pub(super) fn list_or_tuple(&mut self) -> Parsed {
        let first = self.starred()?;
        if !self.is(",") {
            return match first.kind {
                Kind::Starred(_) => Err(syntax_error(first.span, "can't use starred expression here")),
                _ => Ok(first),
            };
        }
        let start = first.span;
        let mut items = vec![first];
        while self.accept(",") && self.begins_expression() {
            items.push(self.starred()?);
        }
        let height = items.iter().map(|item| item.height).max().unwrap_or(0);
        self.node(Kind::Tuple(items), start.to(self.last()), height)
    }

    fn begins_expression(&self) -> bool {
        match self.peek() {
            TokenKind::End => false,
            TokenKind::Op(op) => matches!(*op, "(" | "[" | "{" | "-" | "+" | "~" | "*" | "..."),
            TokenKind::Name(word) => {
                !KEYWORDS.contains(&word.as_str())
                    || matches!(word.as_str(), "None" | "True" | "False" | "not" | "lambda" | "await" | "yield")
            }
            _ => true,
        }
    }

    /// An expression, or `*expression`.
    pub(super) fn starred(&mut self) -> Parsed {
        let start = self.span();
        if !self.accept("*") {
            return self.expression();
        }
        let inner = self.binary(1)?;
        let (span, height) = (start.to(inner.span), inner.height);
        self.node(Kind::Starred(Box::new(inner)), span, height)
    }

    /// An expression without commas: `a if b else c` and all that binds stronger.
    pub(super) fn expression(&mut self) -> Parsed {
        self.nested(|parser| {
            if let Some(word) = ["lambda", "await", "yield"].into_iter().find(|word| parser.is_word(word)) {
                let message = format!("'{word}' would have to run code, and the process is dead");
                return Err(ExprError::new(parser.span(), message));
            }
            let body = parser.logical(Logical::Or)?;
            if parser.is(":=") {
                let message = "nothing can be assigned in a process that is dead (':='); '$name = …' keeps a value";
                return Err(ExprError::new(parser.span(), message));
            }
            if !parser.accept_word("if") {
                return Ok(body);
            }
            let test = parser.logical(Logical::Or)?;
            if !parser.accept_word("else") {
                return Err(syntax_error(body.span.to(test.span), "expected 'else' after 'if' expression"));
            }
            let otherwise = parser.expression()?;
            let span = body.span.to(otherwise.span);
            let height = body.height.max(test.height).max(otherwise.height);
            parser.node(Kind::Conditional(Box::new([test, body, otherwise])), span, height)
        })
    }

    /// `a or b`, `a and b`, `not a`: what may stand where `in` and `if` end an expression.
    pub(super) fn logical(&mut self, operator: Logical) -> Parsed {
        let word = if operator == Logical::Or { "or" } else { "and" };
        let operand = |parser: &mut Parser| match operator {
            Logical::Or => parser.logical(Logical::And),
            Logical::And => parser.inversion(),
        };
        let first = operand(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let start = first.span;
        let mut operands = vec![first];
        while self.accept_word(word) {
            operands.push(operand(self)?);
        }
        let height = operands.iter().map(|operand| operand.height).max().unwrap_or(0);
        self.node(Kind::Logical(operator, operands), start.to(self.last()), height)
    }

    fn inversion(&mut self) -> Parsed {
        let start = self.span();
        if !self.accept_word("not") {
            return self.comparison();
        }
        let inner = self.nested(Parser::inversion)?;
        let (span, height) = (start.to(inner.span), inner.height);
        self.node(Kind::Unary(UnaryOp::Not, Box::new(inner)), span, height)
    }

    fn comparison(&mut self) -> Parsed {
        let first = self.binary(1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.comparison_operator()? {
            rest.push((operator, self.binary(1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let height = rest.iter().map(|(_, operand)| operand.height).max().unwrap_or(0).max(first.height);
        let span = first.span.to(self.last());
        self.node(Kind::Compare(Box::new(first), rest), span, height)
    }

    fn comparison_operator(&mut self) -> Result<Option<CompareOp>, ExprError> {
        let found = match self.peek() {
            TokenKind::Op("==") => CompareOp::Equal,
            TokenKind::Op("!=") => CompareOp::NotEqual,
            TokenKind::Op("<") => CompareOp::Less,
            TokenKind::Op("<=") => CompareOp::LessEqual,
            TokenKind::Op(">") => CompareOp::Greater,
            TokenKind::Op(">=") => CompareOp::GreaterEqual,
            TokenKind::Name(word) if word == "in" => CompareOp::In,
            TokenKind::Name(word) if word == "is" => {
                self.take();
                return Ok(Some(if self.accept_word("not") { CompareOp::IsNot } else { CompareOp::Is }));
            }
            TokenKind::Name(word) if word == "not" => {
                self.take();
                return if self.accept_word("in") { Ok(Some(CompareOp::NotIn)) } else { Err(self.unexpected()) };
            }
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(found))
    }

    /// Operators that bind at least so strong.
    fn binary(&mut self, least: u8) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let TokenKind::Op(found) = self.peek() else { return Ok(left) };
            let row = BINARY.iter().find(|(text, strength, _)| text == found && *strength >= least);
            let Some(&(_, strength, operator)) = row else { return Ok(left) };
            self.take();
            let right = self.binary(strength + 1)?;
            left = self.of_two(operator, left, right)?;
        }
    }

    fn of_two(&self, operator: BinaryOp, left: Expr, right: Expr) -> Parsed {
        let (span, height) = (left.span.to(right.span), left.height.max(right.height));
        self.node(Kind::Binary(operator, Box::new(left), Box::new(right)), span, height)
    }

    fn unary(&mut self) -> Parsed {
        let start = self.span();
        let operator = match self.peek() {
            TokenKind::Op("-") => UnaryOp::Minus,
            TokenKind::Op("+") => UnaryOp::Plus,
            TokenKind::Op("~") => UnaryOp::Invert,
            _ => return self.power(),
        };
        self.take();
        let inner = self.nested(Parser::unary)?;
        let (span, height) = (start.to(inner.span), inner.height);
        self.node(Kind::Unary(operator, Box::new(inner)), span, height)
    }

    /// `a ** -b ** c`: stronger than a sign on its left, weaker than one on its right.
    fn power(&mut self) -> Parsed {
        let base = self.primary()?;
        if !self.accept("**") {
            return Ok(base);
        }
        let exponent = self.nested(Parser::unary)?;
        self.of_two(BinaryOp::Power, base, exponent)
    }

    fn primary(&mut self) -> Parsed {
        let mut expr = self.atom()?;
        loop {
            let start = expr.span;
            if self.accept(".") {
                let Token { kind: TokenKind::Name(name), span } = self.take() else {
                    return Err(syntax_error(self.last(), "invalid syntax: a name is expected after '.'"));
                };
                let height = expr.height;
                expr = self.node(Kind::Attribute(Box::new(expr), name), start.to(span), height)?;
            } else if self.accept("[") {
                expr = self.nested(|parser| parser.subscript(expr))?;
            } else if self.accept("(") {
                expr = self.nested(|parser| parser.call(expr))?;
            } else {
                return Ok(expr);
            }
        }
    }

    pub(super) fn atom(&mut self) -> Parsed {
        if let TokenKind::Op(open @ ("(" | "[" | "{")) = *self.peek() {
            self.take();
            return self.nested(|parser| match open {
                "(" => parser.parenthesized(),
                "[" => parser.list_display(),
                _ => parser.brace_display(),
            });
        }
        let Token { kind, span } = self.take();
        let constant = |constant| Ok(Expr { kind: Kind::Constant(constant), span, height: 0 });
        match kind {
            TokenKind::Int(value) => constant(Constant::Int(value)),
            TokenKind::Float(value) => constant(Constant::Float(value)),
            TokenKind::Imaginary(value) => constant(Constant::Imaginary(value)),
            TokenKind::Str(points) => self.texts(points, span),
            TokenKind::Bytes(bytes) => self.byte_strings(bytes, span),
            TokenKind::Op("...") => constant(Constant::Ellipsis),
            TokenKind::Dollar(name) => Ok(Expr { kind: Kind::Convenience(name), span, height: 0 }),
            TokenKind::Name(word) => match word.as_str() {
                "None" => constant(Constant::None),
                "True" => constant(Constant::True),
                "False" => constant(Constant::False),
                keyword if KEYWORDS.contains(&keyword) => Err(syntax_error(span, "invalid syntax")),
                _ => Ok(Expr { kind: Kind::Name(word), span, height: 0 }),
            },
            TokenKind::Op(_) => Err(syntax_error(span, "invalid syntax")),
            TokenKind::End => Err(syntax_error(span, "invalid syntax: an expression is expected here")),
        }
    }

    /// String literals side by side are one.
    fn texts(&mut self, mut points: Vec<u32>, start: Span) -> Parsed {
        while let TokenKind::Str(more) = self.peek() {
            points.extend(more);
            self.take();
        }
        if matches!(self.peek(), TokenKind::Bytes(_)) {
            return Err(syntax_error(self.span(), "cannot mix bytes and nonbytes literals"));
        }
        Ok(Expr { kind: Kind::Constant(Constant::Str(points)), span: start.to(self.last()), height: 0 })
    }

    fn byte_strings(&mut self, mut bytes: Vec<u8>, start: Span) -> Parsed {
        while let TokenKind::Bytes(more) = self.peek() {
            bytes.extend(more);
            self.take();
        }
        if matches!(self.peek(), TokenKind::Str(_)) {
            return Err(syntax_error(self.span(), "cannot mix bytes and nonbytes literals"));
        }
        Ok(Expr { kind: Kind::Constant(Constant::Bytes(bytes)), span: start.to(self.last()), height: 0 })
    }
}
