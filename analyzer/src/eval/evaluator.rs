//! The walk over an expression's tree.

use std::sync::Arc;

use super::Memo;
use super::error::{at, refused};
use super::names::Scope;
use super::number::{self, BOOL, Number};
use super::type_display::is_text;
use super::value::{ExprType, LayoutField, NumberKind, NumberType, Value};
use crate::expr::{BinaryOp, Derived, Expr, ExprError, ExprKind, Span, Syntax, TypeName, UnaryOp};
use crate::value::{Builder, Context, Logical, Missing, ValueLimits, ValuePlace, ValueTree, WordKind, scalar_word};

/// Elements that one `@` or slice may have.
const MOST_ELEMENTS: u64 = 1 << 30;

/// What may be looked at for the type of an expression: the same as for its value.
const TYPE_LIMITS: ValueLimits = ValueLimits {
    elements: 64,
    bytes: 256,
    depth: 8,
    nodes: 4000,
    time: std::time::Duration::from_secs(5),
    words: false,
    symbols: false,
    style: crate::value::ValueStyle::Pretty,
};

pub(super) type Found = Result<Value, ExprError>;

/// Evaluates expressions at one place.
pub(crate) struct Evaluator<'c, 'a> {
    pub(super) context: Context<'c, 'a>,
    pub(super) scope: Scope,
    pub(super) syntax: Syntax,
    pub(super) memo: &'c mut Memo,
    /// How far containers are looked through.
    pub(super) limits: ValueLimits,
    /// An unknown name is answered with a symbol, or with a name that may have been meant.
    pub(super) suggests: bool,
}

impl<'c, 'a> Evaluator<'c, 'a> {
    pub(super) fn new(
        context: Context<'c, 'a>,
        function: usize,
        syntax: Syntax,
        memo: &'c mut Memo,
    ) -> Evaluator<'c, 'a> {
        Evaluator { scope: Scope::of(context, function), context, syntax, memo, limits: TYPE_LIMITS, suggests: true }
    }

    pub(super) fn value(&self, of: ExprType, place: ValuePlace) -> Value {
        Value { of, place, module: self.context.module.index() }
    }

    pub(super) fn number(&self, number: Number, of: NumberType) -> Value {
        self.value(ExprType::Number(of), ValuePlace::bytes(number.to_bytes(of)))
    }

    pub(super) fn evaluate(&mut self, expr: &Expr) -> Found {
        match &expr.kind {
            ExprKind::Integer { value, suffix, decimal } => {
                let of = number::of_literal(*value, suffix, *decimal, self.syntax);
                Ok(self.number(Number::Integer(*value as i128), of))
            }
            ExprKind::Float { value, suffix } => {
                Ok(self.number(Number::Float(*value), number::float_literal(suffix, self.syntax)))
            }
            ExprKind::Character { value, prefix } => {
                let of = number::character_literal(prefix, self.syntax);
                Ok(self.number(Number::Integer((*value).into()), of))
            }
            ExprKind::String { bytes, prefix } => Ok(self.string(bytes, prefix)),
            ExprKind::Bool(value) => Ok(self.number(Number::Integer((*value).into()), BOOL)),
            ExprKind::Name(name) => self.named(name, expr.span),
            ExprKind::Dollar(name) => self.dollar(name, expr.span),
            ExprKind::History { number, from_end } => self.remembered(*number, *from_end, expr.span),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, expr.span),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::Conditional(condition, yes, no) => {
                let condition_value = self.evaluate(condition)?;
                let truth = self.truth(&condition_value, condition.span)?;
                self.evaluate(if truth { yes } else { no })
            }
            ExprKind::Member { base, name } => {
                let value = self.evaluate(base)?;
                self.member(&value, name, expr.span)
            }
            ExprKind::Index(base, index) => self.index(base, index),
            ExprKind::Slice { base, from, to } => self.slice(base, from.as_deref(), to.as_deref(), expr.span),
            ExprKind::Repeat(first, count) => self.repeat(first, count),
            ExprKind::Array(items) => self.array(items, expr.span),
            ExprKind::ArrayOf(value, count) => self.array_of(value, count),
            ExprKind::Tuple(items) => self.tuple(items, expr.span),
            ExprKind::Cast(target, operand) => {
                let of = self.resolve(target)?;
                let value = self.evaluate(operand)?;
                self.cast(of, &value, expr.span)
            }
            ExprKind::SizeOf(operand) => {
                // Of a reference it is the size of what that refers to (C++, [expr.sizeof]).
                let of = self.type_of(operand)?;
                let of = self.referred(&of).unwrap_or(of);
                self.size_value(&of, expr.span)
            }
            ExprKind::SizeOfType(target) => {
                let of = self.resolve(target)?;
                let of = self.referred(&of).unwrap_or(of);
                self.size_value(&of, expr.span)
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments, expr.span),
            ExprKind::Assign(target, value) => self.assign(target, value),
            ExprKind::Type(target) => Err(refused(target.span, "a type has no value; ptype and whatis show types")),
        }
    }

    /// The type of an expression, or the type that it is.
    pub(super) fn type_of(&mut self, expr: &Expr) -> Result<ExprType, ExprError> {
        match &expr.kind {
            ExprKind::Type(target) => self.resolve(target),
            _ => Ok(self.evaluate(expr)?.of),
        }
    }

    fn remembered(&self, number: usize, from_end: bool, span: Span) -> Found {
        let history = &self.memo.history;
        let index = if from_end { history.len().checked_sub(number + 1) } else { number.checked_sub(1) };
        // gdb's manual, "Value History": `$` is void while there is nothing.
        if from_end && history.is_empty() {
            return Ok(self.value(ExprType::Void, ValuePlace::bytes([])));
        }
        let found = index.and_then(|index| history.get(index)).cloned();
        let found = found.ok_or_else(|| refused(span, format!("the history has {} values so far", history.len())))?;
        self.adopted(found, span)
    }

    /// A value that was remembered, for use here. The types of one module's debugging information mean nothing in
    /// another's: of those of others only numbers can be taken over.
    pub(super) fn adopted(&self, value: Value, span: Span) -> Found {
        let here = self.context.module.index();
        if value.module == here || !value.of.is_described() {
            return Ok(Value { module: here, ..value });
        }
        let session = self.context.session;
        let number = session.modules().get(value.module).and_then(|module| {
            let view = session.debug_info(value.module)?.values();
            let unit = view.first_unit()?;
            let context = Context { module, view: &view, unit: &unit, ..self.context };
            let mut memo = Memo::default();
            let of = Evaluator::new(context, 0, self.syntax, &mut memo).number_type(&value.of)?;
            Some((of, value.place.read(context.memory(), of.size).ok()?))
        });
        match number {
            Some((of, bytes)) => Ok(self.value(ExprType::Number(of), ValuePlace::bytes(bytes))),
            None => Err(ExprError::unknown(span, "its type is one of another module than the other names here")),
        }
    }

    fn assign(&mut self, target: &Expr, value: &Expr) -> Found {
        let ExprKind::Dollar(name) = &target.kind else {
            return Err(refused(target.span, "a snapshot cannot be changed; only $variables can be assigned to"));
        };
        let value = self.evaluate(value)?;
        self.memo.variables.insert(name.clone(), value.clone());
        Ok(value)
    }

    fn size_value(&self, of: &ExprType, span: Span) -> Found {
        let size = self.size(of).ok_or_else(|| refused(span, "the size of this type is not known here"))?;
        Ok(self.number(Number::Integer(size.into()), self.size_type()))
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Found {
        let value = self.evaluate(operand)?;
        match op {
            UnaryOp::Dereference => self.dereference(&value, operand.span),
            // `&v[1..3]` is what Rust calls a slice, and so is `v[1..3]` here.
            UnaryOp::AddressOf if self.syntax == Syntax::Rust && matches!(operand.kind, ExprKind::Slice { .. }) => {
                Ok(value)
            }
            UnaryOp::AddressOf => self.address_of(&value, span),
            UnaryOp::Not if self.syntax == Syntax::Rust && !self.is_bool(&value.of) => self.complement(&value, span),
            UnaryOp::Not => {
                let truth = self.truth(&value, operand.span)?;
                Ok(self.number(
                    Number::Integer((!truth).into()),
                    if self.syntax == Syntax::C { number::INT } else { BOOL },
                ))
            }
            UnaryOp::Complement => self.complement(&value, span),
            UnaryOp::Plus | UnaryOp::Negate => self.signed(op, &value, span),
        }
    }

    fn is_bool(&self, of: &ExprType) -> bool {
        self.number_type(of).is_some_and(|of| of.kind == NumberKind::Bool)
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Found {
        let left_value = self.evaluate(left)?;
        if let BinaryOp::And | BinaryOp::Or = op {
            let truth = self.truth(&left_value, left.span)?;
            let decided = truth == (op == BinaryOp::Or);
            let truth =
                if decided { truth } else { self.evaluate(right).and_then(|value| self.truth(&value, right.span))? };
            return Ok(
                self.number(Number::Integer(truth.into()), if self.syntax == Syntax::C { number::INT } else { BOOL })
            );
        }
        let right_value = self.evaluate(right)?;
        match op {
            BinaryOp::Comma => Ok(right_value),
            BinaryOp::ToMember => self.to_member(&left_value, &right_value, span),
            _ => self.operate(op, &left_value, &right_value, span),
        }
    }

    fn index(&mut self, base: &Expr, index: &Expr) -> Found {
        let base_value = self.evaluate(base)?;
        let index_value = self.evaluate(index)?;
        let span = base.span.to(index.span);
        if let Some(element) = self.element_of_container(&base_value, &index_value, span)? {
            return Ok(element);
        }
        let base_value = self.array_behind(base_value, span)?;
        // `3[array]` is C for `array[3]`.
        if self.number_type(&base_value.of).is_some() && self.pointer_target(&index_value.of).is_some() {
            let position = self.integer(&base_value, base.span)?;
            return self.element(&index_value, position, span);
        }
        let position = self.integer(&index_value, index.span)?;
        self.element(&base_value, position, span)
    }

    fn slice(&mut self, base: &Expr, from: Option<&Expr>, to: Option<&Expr>, span: Span) -> Found {
        let value = self.evaluate(base)?;
        let from =
            from.map(|from| self.evaluate(from).and_then(|value| self.integer(&value, from.span))).transpose()?;
        let to = to.map(|to| self.evaluate(to).and_then(|value| self.integer(&value, to.span))).transpose()?;
        let from = from.unwrap_or(0);
        if let Some(slice) = self.slice_of_container(&value, from, to, span)? {
            return Ok(slice);
        }
        let value = self.array_behind(value, span)?;
        let to = to.or_else(|| self.length(&value).map(i128::from));
        let to = to.ok_or_else(|| refused(span, "how long this is is not known: give the end of the slice"))?;
        let first = self.element(&value, from, span)?;
        self.side_by_side(&first, to.saturating_sub(from), span)
    }

    /// The array that a Rust reference refers to, which is indexed as the array itself is; any other value as it is.
    fn array_behind(&self, value: Value, span: Span) -> Found {
        match self.pointer_target(&value.of) {
            Some(to) if self.syntax == Syntax::Rust && !self.is_array(&value.of) && self.is_array(&to) => {
                self.dereference(&value, span)
            }
            _ => Ok(value),
        }
    }

    fn repeat(&mut self, first: &Expr, count: &Expr) -> Found {
        let value = self.evaluate(first)?;
        if value.place.address().is_none() {
            return Err(refused(first.span, "only what is in memory has neighbours there"));
        }
        let count_value = self.evaluate(count)?;
        let count_number = self.integer(&count_value, count.span)?;
        if count_number < 1 {
            return Err(refused(count.span, format!("there cannot be {count_number} of it")));
        }
        self.side_by_side(&value, count_number, count.span)
    }

    pub(super) fn side_by_side(&self, first: &Value, count: i128, span: Span) -> Found {
        let count = u64::try_from(count).ok().filter(|count| *count <= MOST_ELEMENTS);
        let count = count.ok_or_else(|| refused(span, format!("at most {MOST_ELEMENTS} elements can be taken")))?;
        Ok(self.value(ExprType::Array(Arc::new(first.of.clone()), count), first.place.clone()))
    }

    /// The type that a name in an expression means.
    pub(super) fn resolve(&self, name: &TypeName) -> Result<ExprType, ExprError> {
        let mut of = self
            .type_named(&name.base)
            .ok_or_else(|| ExprError::unknown(name.span, format!("there is no type {:?} here", name.base)))?;
        for step in &name.derived {
            of = match step {
                Derived::Pointer | Derived::Reference => ExprType::pointer_to(of),
                Derived::Array(count) => ExprType::Array(Arc::new(of), *count),
                Derived::Function => ExprType::Function(Arc::new(of)),
            };
        }
        Ok(of)
    }

    /// The value as data.
    pub(super) fn tree(&self, value: &Value, limits: ValueLimits) -> ValueTree {
        let mut builder = Builder::new(self.context, limits);
        self.shown(&mut builder, &value.of, &value.place, 0)
    }

    fn shown(&self, builder: &mut Builder<'c, 'a>, of: &ExprType, place: &ValuePlace, depth: usize) -> ValueTree {
        if let ExprType::Program(die) = of {
            return builder.value(Some(*die), place, depth);
        }
        if let Some(cut) = builder.charge() {
            return cut;
        }
        match of {
            ExprType::Program(die) => builder.value(Some(*die), place, depth),
            ExprType::Void => ValueTree::Void,
            ExprType::Number(number) if builder.limits().words => self.shown_word(*number, place),
            ExprType::Number(number) => self.shown_number(*number, place),
            ExprType::Pointer(to) => self.shown_pointer(builder, to, place),
            ExprType::Layout(layout) => {
                let field = |(name, at, of): &'static (&'static str, u64, LayoutField)| {
                    ((*name).to_owned(), self.shown(builder, &of.of(), &place.skip(*at), depth + 1))
                };
                ValueTree::Struct(layout.fields.iter().map(field).collect())
            }
            ExprType::Tuple(types) => {
                let mut at = 0;
                let fields = types.iter().enumerate().map(|(number, of)| {
                    let value = self.shown(builder, of, &place.skip(at), depth + 1);
                    at += self.size(of).unwrap_or(0);
                    (format!("__{number}"), value)
                });
                let value = Box::new(ValueTree::Struct(fields.collect()));
                ValueTree::Named { type_name: self.type_name(of), value }
            }
            ExprType::Function(_) => match place.address() {
                Some(at) => ValueTree::Function { at, symbol: self.context.session.symbol_at(at).map(|hit| hit.name) },
                None => Missing::NoAddress.into(),
            },
            // `a[0]@1000@1000` has no end that is worth waiting for.
            ExprType::Array(..) if depth > builder.limits().depth => ValueTree::Truncated("depth"),
            ExprType::Array(element, length) => {
                let Some(size) = self.size(element) else {
                    return Missing::Unsupported("elements of unknown size".to_owned()).into();
                };
                if is_text(element) && !builder.limits().words {
                    let bytes = place.read(self.context.memory(), (*length).min(builder.limits().bytes));
                    return bytes.map_or_else(ValueTree::from, |bytes| {
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        let length = if bytes.len() as u64 == *length { text.chars().count() as u64 } else { *length };
                        Logical::Text { text, length, prefix: "" }.into()
                    });
                }
                if let ExprType::Number(NumberType {
                    size: 1,
                    kind: NumberKind::Character | NumberKind::Unsigned | NumberKind::Signed,
                    ..
                }) = **element
                {
                    return builder.byte_array(place, *length);
                }
                if let ExprType::Program(die) = **element
                    && builder.is_byte(Some(die))
                {
                    return builder.byte_array(place, *length);
                }
                let mut items = Vec::new();
                for index in 0..(*length).min(builder.limits().elements) {
                    if builder.is_spent() {
                        break;
                    }
                    items.push(self.shown(builder, element, &place.skip(index.saturating_mul(size)), depth + 1));
                }
                ValueTree::Array { items, length: *length }
            }
        }
    }

    fn shown_number(&self, of: NumberType, place: &ValuePlace) -> ValueTree {
        match self.read_number(of, place) {
            Ok(Number::Float(value)) if of.size == 4 => ValueTree::Single(value as f32),
            Ok(Number::Float(value)) => ValueTree::Float(value),
            Ok(Number::Integer(value)) if of.kind == NumberKind::Bool && (0..=1).contains(&value) => {
                ValueTree::Bool(value == 1)
            }
            Ok(Number::Integer(value)) if of.size == 16 && !of.is_signed() && value < 0 => {
                ValueTree::Large(value as u128)
            }
            Ok(Number::Integer(code)) if of.kind == NumberKind::Character || of.is_c_char() => {
                ValueTree::Character { code, size: of.size as u8, prefix: of.literal_prefix() }
            }
            Ok(Number::Integer(value)) => ValueTree::Integer(value),
            Err(missing) => missing.into(),
        }
    }

    fn shown_word(&self, of: NumberType, place: &ValuePlace) -> ValueTree {
        let kind = match of.kind {
            NumberKind::Float => WordKind::Float,
            _ if of.is_signed() => WordKind::Signed,
            _ => WordKind::Unsigned,
        };
        match place.read(self.context.memory(), of.size.min(16)) {
            Ok(bytes) => scalar_word(&bytes, kind),
            Err(missing) => missing.into(),
        }
    }

    fn shown_pointer(&self, builder: &mut Builder<'c, 'a>, to: &ExprType, place: &ValuePlace) -> ValueTree {
        if let ExprType::Program(die) = to {
            return builder.pointer(Some(*die), place).unwrap_or_else(ValueTree::Missing);
        }
        match builder.address_at(place) {
            Ok(address) if builder.limits().words => {
                ValueTree::Word { bits: address.0.into(), width: 64, kind: WordKind::Unsigned }
            }
            Ok(to_code) if matches!(to, ExprType::Function(_)) => {
                let symbol = self.context.session.symbol_at(to_code).map(|hit| hit.to_string());
                ValueTree::Pointer { to: to_code, text: None, symbol }
            }
            Ok(address) => {
                let text = match to {
                    ExprType::Number(of) if of.kind == NumberKind::Character && address.0 != 0 => match of.size {
                        1 => builder.text_at(address),
                        size => builder.wide_text_at(address, size as u8, of.literal_prefix()),
                    },
                    _ => None,
                };
                let symbol = if builder.limits().symbols { builder.symbol(address) } else { None };
                ValueTree::Pointer { to: address, text, symbol }
            }
            Err(missing) => missing.into(),
        }
    }
}

/// An error of the analyzer at a place in the expression.
pub(super) fn missing(span: Span, missing: &Missing) -> ExprError {
    at(span, missing.to_string())
}
