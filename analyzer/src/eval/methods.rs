//! Methods that only look: `v.size()`, `m.contains(3)`, `p.get()`. Nothing of the program is run for them; what they
//! would say is read from the value.

use super::containers::Container;
use super::error::refused;
use super::evaluator::{Evaluator, Found};
use super::number::{self, BOOL, Number};
use super::value::{ExprType, Value};
use crate::expr::{Expr, ExprError, ExprKind, Span};
use crate::value::{Logical, SmartPointer, ValuePlace, ValueTree};

/// A value, if the method is one that is known for values like it.
type Answer = Result<Option<Value>, ExprError>;

impl Evaluator<'_, '_> {
    pub(super) fn call(&mut self, callee: &Expr, arguments: &[Expr], span: Span) -> Found {
        let values: Result<Vec<Value>, ExprError> = arguments.iter().map(|argument| self.evaluate(argument)).collect();
        let answer = match &callee.kind {
            ExprKind::Member { base, name } => {
                let value = self.evaluate(base)?;
                match values?.as_slice() {
                    [] => self.asked(&value, name, span)?,
                    [argument] => self.asked_about(&value, name, argument, span)?,
                    _ => None,
                }
            }
            // `Rc::strong_count(&shared)`, `Option::is_some(&x)`.
            ExprKind::Name(name) => match (name.rsplit_once("::"), values?.as_slice()) {
                (Some((_, method)), [value]) => match numbered_get(method) {
                    Some(number) => self.got(value, number, span)?,
                    None => self.asked(value, method, span)?,
                },
                _ => None,
            },
            _ => None,
        };
        let refusal = || {
            refused(span, "calling a function needs a running process, and this one is dead")
                .with_hint(matches!(callee.kind, ExprKind::Member { .. }).then(|| HINT.to_owned()))
        };
        answer.ok_or_else(refusal)
    }

    /// A method without arguments.
    fn asked(&self, value: &Value, method: &str, span: Span) -> Answer {
        let value = match self.pointer_target(&value.of) {
            Some(_) if !self.is_array(&value.of) => self.dereference(value, span)?,
            _ => self.referent(value, span)?,
        };
        match method {
            "len" | "size" | "length" | "count" => Ok(self.length_of(&value, span)?.map(|length| self.count(length))),
            "is_empty" | "empty" => Ok(self.length_of(&value, span)?.map(|length| self.truth_value(length == 0))),
            "front" | "first" => self.end_of(&value, false, span),
            "back" | "last" => self.end_of(&value, true, span),
            "top" => self.end_of(&value, !self.type_name(&value.of).contains("priority_queue"), span),
            "data" | "c_str" | "as_ptr" | "as_mut_ptr" => self.data_of(&value, span),
            "get" => match self.smart_pointer(&value, span) {
                Some(pointer) => self.pointer_to_held(&value, &pointer, span).map(Some),
                None => self.held_by(&value, span),
            },
            "value" | "unwrap" | "expect" | "borrow" | "borrow_mut" | "lock" | "read" | "write" | "load" | "as_ref"
            | "as_mut" | "deref" => self.held_by(&value, span),
            "has_value" => Ok(self.has_value(&value, span).map(|has| self.truth_value(has))),
            "is_some" => Ok(self.is_variant(&value, "Some").map(|is| self.truth_value(is))),
            "is_none" => Ok(self.is_variant(&value, "None").map(|is| self.truth_value(is))),
            "is_ok" => Ok(self.is_variant(&value, "Ok").map(|is| self.truth_value(is))),
            "is_err" => Ok(self.is_variant(&value, "Err").map(|is| self.truth_value(is))),
            "use_count" | "strong_count" => self.counted(&value, span, |pointer| pointer.use_count),
            "weak_count" => self.counted(&value, span, |pointer| pointer.weak_count),
            "index" => match self.logical(&value, span) {
                Some(Logical::Alternative(Some((index, _)))) => Ok(Some(self.count(index))),
                _ => Ok(None),
            },
            // They give the same text, elements or value in another type.
            "as_str" | "as_bytes" | "as_slice" | "as_deref" | "clone" | "to_owned" | "iter" | "str" => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// `std::get<1>(value)`.
    fn got(&self, value: &Value, number: u64, span: Span) -> Answer {
        let value = self.referent(value, span)?;
        match self.logical(&value, span) {
            Some(Logical::Alternative(Some((index, _)))) if index != number => {
                Err(refused(span, format!("it holds alternative {index} and not {number}")))
            }
            Some(Logical::Alternative(Some(_))) => self.held(&value, span),
            _ => match self.container(&value, span)? {
                Some(container) => self.numbered(&value, &container, number.into(), span).map(Some),
                None => Ok(None),
            },
        }
    }

    /// A method with one argument.
    fn asked_about(&self, value: &Value, method: &str, argument: &Value, span: Span) -> Answer {
        let value = match self.pointer_target(&value.of) {
            Some(_) if !self.is_array(&value.of) => self.dereference(value, span)?,
            _ => self.referent(value, span)?,
        };
        match method {
            "at" | "get" | "find" | "nth" | "operator[]" => self.element_of_container(&value, argument, span),
            "contains" | "contains_key" | "count" => {
                let Some((value, Container::Map(_) | Container::Set(_))) = self.container_within(&value, span)? else {
                    return Ok(None);
                };
                let found = self.with_key(&value, &self.key(argument, span)?, span)?.len();
                let answer = if method == "count" { self.count(found as u64) } else { self.truth_value(found > 0) };
                Ok(Some(answer))
            }
            "unwrap_or" | "value_or" => match self.held_by(&value, span) {
                Ok(None) => Ok(None),
                Ok(held) => Ok(held),
                Err(_) => Ok(Some(argument.clone())),
            },
            "expect" => self.held_by(&value, span),
            _ => Ok(None),
        }
    }

    /// How many elements an array or container has, or a text has units.
    pub(super) fn length_of(&self, value: &Value, span: Span) -> Result<Option<u64>, ExprError> {
        if let Some(length) = self.length(value) {
            return Ok(Some(length));
        }
        Ok(match self.container_within(value, span)? {
            Some((_, Container::Sequence(length))) => {
                Some(length.ok_or_else(|| refused(span, "it is too long to be counted"))?)
            }
            Some((_, Container::Text(text))) => Some(text.units),
            Some((_, Container::Set(length) | Container::Map(length))) => Some(length),
            _ => None,
        })
    }

    fn end_of(&self, value: &Value, last: bool, span: Span) -> Answer {
        let Some(length) = self.length_of(value, span)? else { return Ok(None) };
        let Some(index) = (if last { length.checked_sub(1) } else { Some(0) }) else {
            return Err(refused(span, "it is empty"));
        };
        match self.container_within(value, span)? {
            Some((value, container)) => self.numbered(&value, &container, index.into(), span).map(Some),
            None => self.element(value, index.into(), span).map(Some),
        }
    }

    /// The address of the first element.
    fn data_of(&self, value: &Value, span: Span) -> Answer {
        let first = match self.container_within(value, span)? {
            Some((value, container)) => self.numbered(&value, &container, 0, span)?,
            None if self.is_array(&value.of) => self.element(value, 0, span)?,
            None => return Ok(None),
        };
        self.address_of(&first, span).map(Some)
    }

    /// What a pointer, optional or cell holds, or the alive variant of a Rust enum carries.
    fn held_by(&self, value: &Value, span: Span) -> Answer {
        if let Some(held) = self.held(value, span)? {
            return Ok(Some(held));
        }
        match self.alive(value, span)? {
            Some((name, _)) if name == "None" || name == "Err" => Err(refused(span, format!("it is {name}"))),
            Some((_, payload)) => self.member(&payload, "0", span).map(Some),
            None => Ok(None),
        }
    }

    fn is_variant(&self, value: &Value, wanted: &str) -> Option<bool> {
        let (name, _) = self.alive(value, Span::default()).ok()??;
        Some(name == wanted)
    }

    fn logical(&self, value: &Value, span: Span) -> Option<Logical> {
        match self.meaning(value, span)? {
            ValueTree::Logical(logical) => Some(*logical),
            _ => None,
        }
    }

    fn has_value(&self, value: &Value, span: Span) -> Option<bool> {
        match self.logical(value, span)? {
            Logical::Optional(held) => Some(held.is_some()),
            Logical::Object { fields, .. } => Some(!fields.is_empty()),
            _ => None,
        }
    }

    fn smart_pointer(&self, value: &Value, span: Span) -> Option<SmartPointer> {
        match self.logical(value, span)? {
            Logical::SmartPointer(pointer) => Some(pointer),
            _ => None,
        }
    }

    fn pointer_to_held(&self, value: &Value, pointer: &SmartPointer, span: Span) -> Found {
        let to = self.held(value, span).ok().flatten().map_or(ExprType::Void, |held| held.of);
        Ok(self.value(ExprType::pointer_to(to), ValuePlace::bytes(pointer.to.0.to_le_bytes())))
    }

    fn counted(&self, value: &Value, span: Span, count: impl Fn(&SmartPointer) -> Option<u64>) -> Answer {
        let pointer = self.smart_pointer(value, span);
        Ok(pointer.and_then(|pointer| count(&pointer)).map(|count| self.count(count)))
    }

    fn count(&self, count: u64) -> Value {
        self.number(Number::Integer(count.into()), self.size_type())
    }

    fn truth_value(&self, truth: bool) -> Value {
        self.number(Number::Integer(truth.into()), BOOL)
    }

    /// The type of sizes: `usize`, or C's `size_t`.
    pub(super) fn size_type(&self) -> super::value::NumberType {
        let name = if self.syntax == crate::expr::Syntax::Rust { "usize" } else { "unsigned long" };
        number::builtin(name, self.syntax).unwrap_or(number::UNSIGNED_LONG)
    }
}

fn numbered_get(method: &str) -> Option<u64> {
    method.strip_prefix("get<")?.strip_suffix('>')?.trim().parse().ok()
}

/// What is said of methods that are not among these.
const HINT: &str = "methods that only look are known, such as size(), at(), contains(), get()";
