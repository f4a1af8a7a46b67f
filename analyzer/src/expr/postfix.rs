//! What stands behind a value: members, subscripts, arguments.

use super::ast::{BinaryOp, Expr, ExprKind};
use super::error::{ExprError, Span};
use super::parse::{MAX_CHAIN, Parsed, Parser};
use super::precedence::{behind, changed, one};
use super::token::TokenKind;

impl Parser<'_> {
    pub(super) fn postfix(&mut self) -> Parsed {
        let base = self.primary()?;
        self.behind(base)
    }

    pub(super) fn name_chain(&mut self) -> Parsed {
        let name = self.name()?;
        self.behind(name)
    }

    /// What stands behind a value: members, subscripts, arguments.
    fn behind(&mut self, mut base: Expr) -> Parsed {
        for _ in 0..MAX_CHAIN {
            let start = base.span;
            let kind = if self.take(".") || self.take("->") {
                ExprKind::Member { base: Box::new(base), name: self.member_name()? }
            } else if self.take("[") {
                self.deeper(|parser| parser.subscript(base))?
            } else if self.take("(") {
                ExprKind::Call(Box::new(base), self.deeper(Parser::arguments)?)
            } else if self.is("++") || self.is("--") {
                // The value is that of before, but only what changes nothing but `$x` gets so far.
                let op = if self.take("++") { BinaryOp::Add } else { BinaryOp::Subtract };
                self.take("--");
                let one = one(base.span);
                changed(op, base, one)
            } else {
                return Ok(base);
            };
            base = Expr { kind, span: start.to(self.previous_span()) };
        }
        Err(self.unexpected("the expression is too long here"))
    }

    fn member_name(&mut self) -> Result<String, ExprError> {
        let before = self.position();
        self.take("~");
        match self.peek() {
            TokenKind::Word(_) => self.advance(),
            _ => return Err(self.unexpected("a member's name is expected here")),
        };
        while self.is("::") {
            self.advance();
            if !matches!(self.peek(), TokenKind::Word(_)) {
                return Err(self.unexpected("a member's name is expected here"));
            }
            self.advance();
        }
        Ok(self.written(before).to_owned())
    }

    /// What stands between brackets: an index, or a slice with either end left out.
    fn subscript(&mut self, base: Expr) -> Result<ExprKind, ExprError> {
        let range = |parser: &Self| parser.is(":") || parser.is("..");
        let from = if range(self) { None } else { Some(Box::new(self.comma()?)) };
        if range(self) {
            self.advance();
            // `a..=b` ends behind b.
            let inclusive = self.take("=");
            let to = if self.is("]") && !inclusive { None } else { Some(Box::new(self.comma()?)) };
            self.expect("]")?;
            let to = if inclusive { to.map(|last| Box::new(behind(*last))) } else { to };
            return Ok(ExprKind::Slice { base: Box::new(base), from, to });
        }
        self.expect("]")?;
        let index = from.ok_or_else(|| self.unexpected("an index is expected here"))?;
        Ok(ExprKind::Index(Box::new(base), index))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, ExprError> {
        self.list(")")
    }

    /// Values with commas in between, up to what closes the list; a comma may stand behind the last one, too.
    fn list(&mut self, close: &str) -> Result<Vec<Expr>, ExprError> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.assignment()?);
            if !self.is(close) {
                self.expect(",")?;
            }
        }
        Ok(items)
    }

    /// What stands behind Rust's `(`: a value in parentheses, or a tuple.
    pub(super) fn tuple(&mut self, start: Span) -> Parsed {
        let mut items = self.deeper(|parser| parser.list(")"))?;
        let last = self.position().saturating_sub(2);
        let is_tuple = items.len() != 1 || self.is_at(last, ",");
        let span = start.to(self.previous_span());
        let kind = if is_tuple { ExprKind::Tuple(items) } else { items.remove(0).kind };
        Ok(Expr { kind, span })
    }

    /// What stands behind Rust's `[` where no value is before it: elements, or one and how often it stands there.
    pub(super) fn array(&mut self) -> Result<ExprKind, ExprError> {
        self.deeper(|parser| {
            let before = parser.position();
            if !parser.is("]") {
                let value = parser.assignment()?;
                if parser.take(";") {
                    let count = parser.assignment()?;
                    parser.expect("]")?;
                    return Ok(ExprKind::ArrayOf(Box::new(value), Box::new(count)));
                }
                parser.rewind(before);
            }
            parser.list("]").map(ExprKind::Array)
        })
    }
}
