//! What stands in brackets: displays, comprehensions, subscripts and the arguments of calls.

use super::ast::{Clause, Comprehension, DictItem, Expr, Kind, Logical};
use super::parse::{Parsed, Parser};
use super::token::{TokenKind, syntax_error};
use crate::expr::{ExprError, Span};

fn highest<'e>(items: impl Iterator<Item = &'e Expr>) -> usize {
    items.map(|item| item.height).max().unwrap_or(0)
}

fn height_of(clauses: &[Clause]) -> usize {
    highest(clauses.iter().flat_map(|clause| clause.conditions.iter().chain([&clause.target, &clause.iterable])))
}

impl Parser {
    /// Behind `(`: an expression in parentheses, a tuple, or a generator expression.
    pub(super) fn parenthesized(&mut self) -> Parsed {
        let start = self.open();
        if self.is(")") {
            let end = self.expect(")")?;
            return self.node(Kind::Tuple(Vec::new()), start.to(end), 0);
        }
        let first = self.starred()?;
        if let Some(clauses) = self.clauses()? {
            return self.comprehension(start, first, clauses, ")", Comprehension::Generator);
        }
        if self.is(")") {
            let end = self.expect(")")?;
            return match first.kind {
                Kind::Starred(_) => Err(syntax_error(first.span, "cannot use starred expression here")),
                _ => Ok(Expr { span: start.to(end), ..first }),
            };
        }
        let (items, end) = self.items_after(first, ")")?;
        let height = highest(items.iter());
        self.node(Kind::Tuple(items), start.to(end), height)
    }

    /// Behind `[`: a list or a list comprehension.
    pub(super) fn list_display(&mut self) -> Parsed {
        let start = self.open();
        if self.is("]") {
            let end = self.expect("]")?;
            return self.node(Kind::List(Vec::new()), start.to(end), 0);
        }
        let first = self.starred()?;
        if let Some(clauses) = self.clauses()? {
            return self.comprehension(start, first, clauses, "]", Comprehension::List);
        }
        let (items, end) = self.items_after(first, "]")?;
        let height = highest(items.iter());
        self.node(Kind::List(items), start.to(end), height)
    }

    /// Behind `{`: a dictionary, a set, or a comprehension of one.
    pub(super) fn brace_display(&mut self) -> Parsed {
        let start = self.open();
        if self.is("}") || self.is("**") {
            return self.dict_items(start, Vec::new());
        }
        let first = self.starred()?;
        if !self.is(":") {
            if let Some(clauses) = self.clauses()? {
                return self.comprehension(start, first, clauses, "}", Comprehension::Set);
            }
            let (items, end) = self.items_after(first, "}")?;
            let height = highest(items.iter());
            return self.node(Kind::Set(items), start.to(end), height);
        }
        self.expect(":")?;
        let value = self.expression()?;
        if let Some(clauses) = self.clauses()? {
            let end = self.expect("}")?;
            let height = height_of(&clauses).max(first.height).max(value.height);
            let whole = Comprehension::Dict(first, value, clauses);
            return self.node(Kind::Comprehension(Box::new(whole)), start.to(end), height);
        }
        let items = vec![DictItem::Pair(first, value)];
        if !self.is("}") {
            self.expect(",")?;
        }
        self.dict_items(start, items)
    }

    fn dict_items(&mut self, start: Span, mut items: Vec<DictItem>) -> Parsed {
        while !self.is("}") {
            if self.accept("**") {
                items.push(DictItem::Unpacked(self.expression()?));
            } else {
                let key = self.expression()?;
                self.expect(":")?;
                items.push(DictItem::Pair(key, self.expression()?));
            }
            if !self.is("}") {
                self.expect(",")?;
            }
        }
        let end = self.expect("}")?;
        let height = items.iter().map(|item| match item {
            DictItem::Pair(key, value) => key.height.max(value.height),
            DictItem::Unpacked(mapping) => mapping.height,
        });
        let height = height.max().unwrap_or(0);
        self.node(Kind::Dict(items), start.to(end), height)
    }

    /// The bracket that was just taken.
    fn open(&self) -> Span {
        let here = self.span();
        Span { start: here.start.saturating_sub(1), end: here.start }
    }

    /// The items behind the first one, up to the closing bracket.
    fn items_after(&mut self, first: Expr, close: &str) -> Result<(Vec<Expr>, Span), ExprError> {
        let mut items = vec![first];
        while !self.is(close) {
            if !self.accept(",") {
                return Err(match self.peek() {
                    TokenKind::Op(_) => self.unexpected(),
                    _ => syntax_error(self.span(), "invalid syntax. Perhaps you forgot a comma?"),
                });
            }
            if !self.is(close) {
                items.push(self.starred()?);
            }
        }
        Ok((items, self.expect(close)?))
    }

    fn comprehension(
        &mut self,
        start: Span,
        element: Expr,
        clauses: Vec<Clause>,
        close: &str,
        of: impl FnOnce(Expr, Vec<Clause>) -> Comprehension,
    ) -> Parsed {
        if matches!(element.kind, Kind::Starred(_)) {
            return Err(syntax_error(element.span, "iterable unpacking cannot be used in comprehension"));
        }
        let end = self.expect(close)?;
        let height = height_of(&clauses).max(element.height);
        self.node(Kind::Comprehension(Box::new(of(element, clauses))), start.to(end), height)
    }

    /// `for …` clauses, where there are any.
    fn clauses(&mut self) -> Result<Option<Vec<Clause>>, ExprError> {
        let mut clauses = Vec::new();
        while self.is_word("for") || self.is_word("async") {
            if self.is_word("async") {
                return Err(ExprError::new(self.span(), "'async' would have to run code, and the process is dead"));
            }
            self.accept_word("for");
            let target = self.targets()?;
            if !self.accept_word("in") {
                return Err(self.unexpected());
            }
            let iterable = self.logical(Logical::Or)?;
            let mut conditions = Vec::new();
            while self.accept_word("if") {
                conditions.push(self.logical(Logical::Or)?);
            }
            clauses.push(Clause { target, iterable, conditions });
        }
        Ok(Some(clauses).filter(|clauses| !clauses.is_empty()))
    }

    /// What a comprehension assigns to: names, in tuples or lists, one of them starred.
    fn targets(&mut self) -> Parsed {
        let first = self.target()?;
        if !self.is(",") {
            return Ok(first);
        }
        let start = first.span;
        let mut items = vec![first];
        while self.accept(",") && !self.is_word("in") {
            items.push(self.target()?);
        }
        let height = highest(items.iter());
        let span = start.to(items.last().map_or(start, |last| last.span));
        self.node(Kind::Tuple(items), span, height)
    }

    fn target(&mut self) -> Parsed {
        let start = self.span();
        if self.accept("*") {
            let inner = self.nested(Parser::target)?;
            let (span, height) = (start.to(inner.span), inner.height);
            return self.node(Kind::Starred(Box::new(inner)), span, height);
        }
        for (open, close) in [("(", ")"), ("[", "]")] {
            if self.accept(open) {
                let inner = self.nested(Parser::targets)?;
                self.expect(close)?;
                return match inner.kind {
                    Kind::Name(_) if open == "[" => self.node(Kind::Tuple(vec![inner]), start, 1),
                    _ => Ok(inner),
                };
            }
        }
        match self.expression_of_name()? {
            Some(name) => Ok(name),
            None => Err(syntax_error(start, "only names can be the targets of a comprehension here")),
        }
    }

    fn expression_of_name(&mut self) -> Result<Option<Expr>, ExprError> {
        let TokenKind::Name(_) = self.peek() else { return Ok(None) };
        let atom = self.atom()?;
        Ok(Some(atom).filter(|atom| matches!(atom.kind, Kind::Name(_)) && !self.is(".") && !self.is("[")))
    }

    /// Behind `[` of `object[…]`.
    pub(super) fn subscript(&mut self, object: Expr) -> Parsed {
        let start = object.span;
        let first = self.slice()?;
        let index = if self.is(",") {
            let from = first.span;
            let mut items = vec![first];
            while self.accept(",") && !self.is("]") {
                items.push(self.slice()?);
            }
            let height = highest(items.iter());
            self.node(Kind::Tuple(items), from, height)?
        } else {
            first
        };
        let end = self.expect("]")?;
        let height = object.height.max(index.height);
        self.node(Kind::Subscript(Box::new(object), Box::new(index)), start.to(end), height)
    }

    fn slice(&mut self) -> Parsed {
        let start = self.span();
        let mut parts = [None, None, None];
        let mut place = 0;
        loop {
            if !self.is(":") && !self.is("]") && !self.is(",") {
                parts[place] = Some(Box::new(self.starred()?));
            }
            if place == 2 || !self.accept(":") {
                break;
            }
            place += 1;
        }
        if place == 0 {
            let [Some(single), ..] = parts else { return Err(self.unexpected()) };
            return Ok(*single);
        }
        let height = highest(parts.iter().flatten().map(|part| &**part));
        self.node(Kind::Slice(parts), start, height)
    }

    /// Behind `(` of `function(…)`.
    pub(super) fn call(&mut self, function: Expr) -> Parsed {
        let start = function.span;
        let (mut positional, mut keywords) = (Vec::new(), Vec::new());
        while !self.is(")") {
            if self.is("**") {
                let message = "'**' in a call is not evaluated: write the arguments by their names";
                return Err(ExprError::new(self.span(), message));
            }
            let argument = self.starred()?;
            if let (Kind::Name(name), true) = (&argument.kind, self.is("=")) {
                self.expect("=")?;
                let name = name.clone();
                keywords.push((name, self.expression()?));
            } else if let Some(clauses) = self.clauses()? {
                let (from, height) = (argument.span, height_of(&clauses).max(argument.height));
                let whole = Comprehension::Generator(argument, clauses);
                positional.push(self.node(Kind::Comprehension(Box::new(whole)), from, height)?);
            } else if keywords.is_empty() {
                positional.push(argument);
            } else {
                return Err(syntax_error(argument.span, "positional argument follows keyword argument"));
            }
            if !self.is(")") && !self.accept(",") {
                return Err(syntax_error(self.span(), "invalid syntax. Perhaps you forgot a comma?"));
            }
        }
        let end = self.expect(")")?;
        let arguments = positional.iter().chain(keywords.iter().map(|(_, value)| value));
        let height = highest(arguments).max(function.height);
        self.node(Kind::Call(Box::new(function), positional, keywords), start.to(end), height)
    }
}
