//! The tree of an expression to its value.

use std::sync::Arc;

use super::PythonMemo;
use super::fault::{Fault, Result, type_error, value_error};
use super::names::Names;
use super::objects::Objects;
use super::syntax::{Clause, Comprehension, Constant, DictItem, Expr, Kind, Logical};
use super::value::Value;
use crate::expr::ExprError;

/// Evaluates in one frame.
pub(super) struct Evaluator<'e, 'm> {
    pub(super) objects: Objects<'e>,
    names: Names<'e>,
    /// The variables of the comprehensions that are being evaluated, the innermost last.
    scope: Vec<(String, Value)>,
    memo: &'m mut PythonMemo,
}

type Evaluated<T = Value> = std::result::Result<T, ExprError>;

/// The place of an error in the text.
trait At<T> {
    fn at(self, expr: &Expr) -> Evaluated<T>;
}

impl<T> At<T> for Result<T> {
    fn at(self, expr: &Expr) -> Evaluated<T> {
        self.map_err(|fault| ExprError::new(expr.span, fault.to_string()))
    }
}

/// What a comprehension does with each element; whether it wants more.
type Take<'t> = dyn FnMut(&mut Evaluator<'_, '_>) -> Evaluated<bool> + 't;

impl<'e, 'm> Evaluator<'e, 'm> {
    pub(super) fn new(objects: Objects<'e>, names: Names<'e>, memo: &'m mut PythonMemo) -> Evaluator<'e, 'm> {
        Evaluator { objects, names, scope: Vec::new(), memo }
    }

    pub(super) fn evaluate(&mut self, expr: &Expr) -> Evaluated {
        self.objects.budget.spend(1).at(expr)?;
        match &expr.kind {
            Kind::Constant(constant) => Ok(constant_value(constant)),
            Kind::Name(name) => self.name(name).at(expr),
            Kind::Convenience(name) => self.memo.get(name).at(expr),
            Kind::SetConvenience(name, value) => {
                let value = self.evaluate(value)?;
                self.memo.variables.insert(name.clone(), value.clone());
                Ok(value)
            }
            Kind::Attribute(object, name) => {
                let object = self.evaluate(object)?;
                self.objects.attribute(&object, name).at(expr)
            }
            Kind::Subscript(container, index) => {
                let container = self.evaluate(container)?;
                let index = self.evaluate(index)?;
                self.objects.subscript(&container, &index).at(expr)
            }
            Kind::Slice(parts) => self.slice(parts),
            Kind::Call(function, positional, keywords) => self.call(expr, function, positional, keywords),
            Kind::Unary(operator, operand) => {
                let operand = self.evaluate(operand)?;
                self.objects.unary(*operator, &operand).at(expr)
            }
            Kind::Binary(operator, left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                self.objects.binary(*operator, &left, &right).at(expr)
            }
            Kind::Compare(..) | Kind::Logical(..) | Kind::Conditional(_) => self.decision(expr),
            Kind::Tuple(items) => Ok(Value::tuple(self.items(items)?)),
            Kind::List(items) => Ok(Value::list(self.items(items)?)),
            Kind::Set(items) => {
                let items = self.items(items)?.into_iter().map(|item| (item, None));
                Ok(Value::Set(Arc::new(self.objects.table(items, "set element").at(expr)?)))
            }
            Kind::Dict(items) => self.dict(expr, items),
            Kind::Starred(inner) => Err(ExprError::new(inner.span, "SyntaxError: can't use starred expression here")),
            Kind::Comprehension(comprehension) => self.comprehension(expr, comprehension),
        }
    }

    /// A name: of a comprehension, of the frame, or `_` for the last value as at Python's own prompt.
    fn name(&self, name: &str) -> Result<Value> {
        if let Some((_, value)) = self.scope.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(value.clone());
        }
        match self.names.look_up(name, self.objects.minor()) {
            Err(Fault::Raised("NameError", _)) if name == "_" => self.memo.get(""),
            found => found,
        }
    }

    fn slice(&mut self, parts: &[Option<Box<Expr>>; 3]) -> Evaluated {
        let mut values = [Value::None, Value::None, Value::None];
        for (value, part) in values.iter_mut().zip(parts) {
            if let Some(part) = part {
                *value = self.evaluate(part)?;
            }
        }
        Ok(Value::Slice(Arc::new(values)))
    }

    /// The operands that stand behind a decision are evaluated only if it says so.
    fn decision(&mut self, expr: &Expr) -> Evaluated {
        match &expr.kind {
            Kind::Compare(first, rest) => {
                let mut left = self.evaluate(first)?;
                for (operator, right) in rest {
                    let right = self.evaluate(right)?;
                    if !self.objects.compare(*operator, &left, &right).at(expr)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Kind::Logical(operator, operands) => {
                let mut last = Value::None;
                for operand in operands {
                    last = self.evaluate(operand)?;
                    if self.objects.truth(&last).at(operand)? == (*operator == Logical::Or) {
                        break;
                    }
                }
                Ok(last)
            }
            Kind::Conditional(parts) => {
                let [test, body, otherwise] = &**parts;
                let chosen = self.evaluate(test)?;
                let chosen = if self.objects.truth(&chosen).at(test)? { body } else { otherwise };
                self.evaluate(chosen)
            }
            _ => Ok(Value::None),
        }
    }

    /// The items of a display or the arguments of a call, starred ones unpacked.
    fn items(&mut self, items: &[Expr]) -> Evaluated<Vec<Value>> {
        let mut found = Vec::new();
        for item in items {
            match &item.kind {
                Kind::Starred(inner) => {
                    let value = self.evaluate(inner)?;
                    let unpacked = match self.objects.iterate_or(&value).at(item)? {
                        Some(unpacked) => unpacked,
                        None => return self.not_unpackable(&value).at(item),
                    };
                    found.extend(unpacked.iter().cloned());
                }
                _ => found.push(self.evaluate(item)?),
            }
        }
        Ok(found)
    }

    fn not_unpackable<T>(&self, value: &Value) -> Result<T> {
        let name = self.objects.type_name(value)?;
        type_error(match self.objects.minor() {
            ..=8 => format!("'{name}' object is not iterable"),
            _ => format!("Value after * must be an iterable, not {name}"),
        })
    }

    fn dict(&mut self, expr: &Expr, items: &[DictItem]) -> Evaluated {
        let mut pairs = Vec::new();
        for item in items {
            match item {
                DictItem::Pair(key, value) => {
                    let key = self.evaluate(key)?;
                    pairs.push((key, Some(self.evaluate(value)?)));
                }
                DictItem::Unpacked(mapping) => {
                    let value = self.evaluate(mapping)?;
                    let Value::Dict(table) = self.objects.load(&value).at(mapping)? else {
                        let name = self.objects.type_name(&value).at(mapping)?;
                        return type_error(format!("'{name}' object is not a mapping")).at(mapping);
                    };
                    pairs.extend(table.pairs().map(|(key, value)| (key.clone(), Some(value.clone()))));
                }
            }
        }
        Ok(Value::Dict(Arc::new(self.objects.table(pairs, "dict key").at(expr)?)))
    }

    fn comprehension(&mut self, expr: &Expr, comprehension: &Comprehension) -> Evaluated {
        let (mut keys, mut values): (Vec<Value>, Vec<Value>) = Default::default();
        let (element, value, clauses) = match comprehension {
            Comprehension::List(element, clauses)
            | Comprehension::Set(element, clauses)
            | Comprehension::Generator(element, clauses) => (element, None, clauses),
            Comprehension::Dict(key, value, clauses) => (key, Some(value), clauses),
        };
        self.each(clauses, &mut |evaluator| {
            keys.push(evaluator.evaluate(element)?);
            if let Some(value) = value {
                values.push(evaluator.evaluate(value)?);
            }
            Ok(true)
        })?;
        Ok(match comprehension {
            Comprehension::List(..) => Value::list(keys),
            Comprehension::Generator(..) => Value::Iterator("generator", keys.into()),
            Comprehension::Set(..) => {
                let keys = keys.into_iter().map(|key| (key, None));
                Value::Set(Arc::new(self.objects.table(keys, "set element").at(expr)?))
            }
            Comprehension::Dict(..) => {
                let pairs = keys.into_iter().zip(values.into_iter().map(Some));
                Value::Dict(Arc::new(self.objects.table(pairs, "dict key").at(expr)?))
            }
        })
    }

    /// Runs `take` for each binding of the clauses' targets; whether it wanted all of them.
    fn each(&mut self, clauses: &[Clause], take: &mut Take<'_>) -> Evaluated<bool> {
        let Some((clause, inner)) = clauses.split_first() else { return take(self) };
        let iterable = self.evaluate(&clause.iterable)?;
        let items = self.objects.iterate(&iterable).at(&clause.iterable)?;
        let outer = self.scope.len();
        for item in items.iter() {
            self.bind(&clause.target, item)?;
            let more = self.fits(&clause.conditions)?.then(|| self.each(inner, take)).transpose()?;
            self.scope.truncate(outer);
            if more == Some(false) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fits(&mut self, conditions: &[Expr]) -> Evaluated<bool> {
        for condition in conditions {
            let value = self.evaluate(condition)?;
            if !self.objects.truth(&value).at(condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Gives the names of a target their values.
    fn bind(&mut self, target: &Expr, value: &Value) -> Evaluated<()> {
        let targets = match &target.kind {
            Kind::Name(name) => {
                self.scope.push((name.clone(), value.clone()));
                return Ok(());
            }
            Kind::Tuple(targets) | Kind::List(targets) => targets,
            _ => {
                return Err(ExprError::new(
                    target.span,
                    "SyntaxError: starred assignment target must be in a list or tuple",
                ));
            }
        };
        let Some(items) = self.objects.iterate_or(value).at(target)? else {
            let name = self.objects.type_name(value).at(target)?;
            return type_error(format!("cannot unpack non-iterable {name} object")).at(target);
        };
        let starred = targets.iter().position(|target| matches!(target.kind, Kind::Starred(_)));
        self.fitting(targets.len(), items.len(), starred.is_some()).at(target)?;
        let Some(starred) = starred else {
            return targets.iter().zip(items.iter()).try_for_each(|(target, item)| self.bind(target, item));
        };
        let after = targets.len() - starred - 1;
        let rest = &items[starred..items.len() - after];
        for (target, item) in targets[..starred].iter().zip(items.iter()) {
            self.bind(target, item)?;
        }
        if let Kind::Starred(inner) = &targets[starred].kind {
            self.bind(inner, &Value::list(rest.to_vec()))?;
        }
        let last = &items[items.len() - after..];
        targets[starred + 1..].iter().zip(last).try_for_each(|(target, item)| self.bind(target, item))
    }

    fn fitting(&self, targets: usize, items: usize, starred: bool) -> Result<()> {
        match (starred, items) {
            (false, items) if items > targets => value_error(match self.objects.minor() {
                14.. => format!("too many values to unpack (expected {targets}, got {items})"),
                _ => format!("too many values to unpack (expected {targets})"),
            }),
            (false, items) if items < targets => {
                value_error(format!("not enough values to unpack (expected {targets}, got {items})"))
            }
            (true, items) if items + 1 < targets => {
                value_error(format!("not enough values to unpack (expected at least {}, got {items})", targets - 1))
            }
            _ => Ok(()),
        }
    }

    fn call(&mut self, expr: &Expr, function: &Expr, positional: &[Expr], keywords: &[(String, Expr)]) -> Evaluated {
        let callee = self.evaluate(function)?;
        if let Some(found) = self.short_circuit(&callee, positional)? {
            return Ok(Value::Bool(found));
        }
        let arguments = self.items(positional)?;
        let mut named = Vec::new();
        for (name, value) in keywords {
            named.push((name.clone(), self.evaluate(value)?));
        }
        if arguments.is_empty() && named.is_empty() {
            let function = self.objects.builtin_name(&callee);
            if let Some(function) =
                function.filter(|name| ["locals", "globals", "vars", "dir"].contains(&name.as_str()))
            {
                return Ok(self.names.namespace(&function));
            }
        }
        self.objects.call(&callee, &arguments, &named).at(expr)
    }

    /// `any` and `all` of a generator expression look no further than they must.
    fn short_circuit(&mut self, callee: &Value, arguments: &[Expr]) -> Evaluated<Option<bool>> {
        let [Expr { kind: Kind::Comprehension(comprehension), .. }] = arguments else { return Ok(None) };
        let Comprehension::Generator(element, clauses) = &**comprehension else { return Ok(None) };
        let until = match self.objects.builtin_name(callee).as_deref() {
            Some("any") => true,
            Some("all") => false,
            _ => return Ok(None),
        };
        let whole = self.each(clauses, &mut |evaluator| {
            let value = evaluator.evaluate(element)?;
            Ok(evaluator.objects.truth(&value).at(element)? != until)
        })?;
        Ok(Some(whole != until))
    }
}

fn constant_value(constant: &Constant) -> Value {
    match constant {
        Constant::None => Value::None,
        Constant::True => Value::Bool(true),
        Constant::False => Value::Bool(false),
        Constant::Ellipsis => Value::Ellipsis,
        Constant::Int(value) => Value::Int(value.clone()),
        Constant::Float(value) => Value::Float(*value),
        Constant::Imaginary(value) => Value::Complex(0.0, *value),
        Constant::Str(points) => Value::Str(points.as_slice().into()),
        Constant::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
    }
}
