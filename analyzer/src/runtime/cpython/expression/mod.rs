//! Expressions in Python's syntax over the objects of a stopped process: nothing of it is run.
//!
//! An expression is read to a tree ([`syntax`]), and the tree evaluated over references to objects of the process and
//! values that were made here. Built-in functions and the methods of built-in types that change nothing are written
//! again here, with Python's own error messages; what only code of the process could tell is refused, and the refusal
//! names that code. Work, sizes and depth are bounded.

mod access;
mod arithmetic;
mod budget;
mod builtins;
mod compare;
mod evaluate;
mod fault;
mod keys;
mod methods;
mod names;
mod objects;
mod operators;
mod sequence;
mod special;
mod syntax;
mod text;
mod transfer;
mod value;

use std::collections::HashMap;

use dpdb_snapshot::Avma;

use super::PythonFrame;
use super::value::PythonValue;
use crate::expr::{ExprError, Span};
use crate::runtime::cpython::heap::Heap;
use crate::session::Session;
use crate::value::ValueLimits;
use evaluate::Evaluator;
use fault::Fault;
use names::Names;
use objects::Objects;
pub(super) use value::Value;

#[doc(hidden)]
pub use syntax::parse as parse_python;

/// What expressions remember: values that were shown, and variables of the session.
#[derive(Clone, Debug, Default)]
pub struct PythonMemo {
    /// By their numbers in the history, which native values share.
    history: Vec<(usize, Value)>,
    variables: HashMap<String, Value>,
}

impl PythonMemo {
    /// Forgets the values behind the number of the history that is the last one now.
    pub fn forget(&mut self, last: usize) {
        self.history.retain(|(number, _)| *number <= last);
    }

    /// `$1`, `$` and `$$`, `$name`; without a `$` the name of the last one is empty.
    fn get(&self, name: &str) -> Result<Value, Fault> {
        let missing = || Fault::Refused(format!("'${name}' is no value of a Python frame"));
        let from_end = |back: usize| self.history.len().checked_sub(back).and_then(|at| self.history.get(at));
        match name {
            "" => from_end(1).map(|(_, value)| value.clone()).ok_or_else(missing),
            "$" => from_end(2).map(|(_, value)| value.clone()).ok_or_else(missing),
            name => match name.parse::<usize>() {
                Ok(number) => {
                    let found = self.history.iter().find(|(known, _)| *known == number);
                    found.map(|(_, value)| value.clone()).ok_or_else(missing)
                }
                Err(_) => self.variables.get(name).cloned().ok_or_else(missing),
            },
        }
    }
}

/// What an expression gave.
#[derive(Clone, Debug)]
pub struct PythonEvaluated {
    value: Value,
    /// What it is, within the limits that were asked for.
    pub shown: PythonValue,
    /// Its type, with its module.
    pub type_name: String,
    /// The types that its type is derived from, the nearest first, where the program made that type.
    pub bases: Vec<String>,
    /// Where the object is, unless the value was computed; of a bound method its function.
    pub address: Option<Avma>,
}

impl PythonEvaluated {
    /// The value as an integer, for an address or a format; `None` where it is none, or larger than 128 bits.
    pub fn integer(&self) -> Option<i128> {
        match &self.shown {
            PythonValue::Int(value) => i128::try_from(value.clone()).ok(),
            PythonValue::Bool(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    /// Keeps the value under a number of the history.
    pub fn remember(&self, memo: &mut PythonMemo, number: usize) {
        memo.history.push((number, self.value.clone()));
    }
}

impl Session {
    /// Evaluates an expression in Python's syntax in a Python frame.
    ///
    /// # Errors
    /// What is wrong with it and where, in Python's words where Python has some; or which code would have to run.
    pub fn evaluate_python(
        &self,
        frame: &PythonFrame,
        text: &str,
        memo: &mut PythonMemo,
        limits: ValueLimits,
    ) -> Result<PythonEvaluated, ExprError> {
        self.python_value(frame, text, memo, |heap, objects, _, value| {
            let shown = objects.show(&value, limits);
            let of = objects.type_of(&value).map_err(|fault| ExprError::new(Span::default(), fault.to_string()))?;
            let (type_name, bases) = match of {
                objects::Type::Of(facts) if facts.builtin.is_none() => {
                    let mro = heap.mro(facts.at).unwrap_or_default();
                    let bases = mro.into_iter().skip(1).filter_map(|base| Some(heap.class(base).ok()?.full_name()));
                    (facts.full_name(), bases.collect())
                }
                objects::Type::Of(facts) => (facts.full_name(), Vec::new()),
                objects::Type::Builtin(name) => (name.to_owned(), Vec::new()),
            };
            let address = match value {
                Value::Object(at) | Value::Bound(at) => Some(at),
                _ => None,
            };
            Ok(PythonEvaluated { value, shown, type_name, bases, address })
        })
    }

    /// Evaluates an expression, and has `look` at its value among the objects that it may refer to.
    fn python_value<T>(
        &self,
        frame: &PythonFrame,
        text: &str,
        memo: &mut PythonMemo,
        look: impl FnOnce(&Heap<'_>, &Objects<'_>, &mut PythonMemo, Value) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        let tree = syntax::parse(text)?;
        let Some((_, heap)) = self.python_heap() else {
            return Err(ExprError::new(Span::default(), "no CPython runs in this process"));
        };
        let names = Names::of(&heap, frame);
        let objects = Objects::new(&heap, names.builtins);
        let mut evaluator = Evaluator::new(objects, names, memo);
        let value = evaluator.evaluate(&tree)?;
        let objects = evaluator.objects;
        look(&heap, &objects, memo, value)
    }
}
