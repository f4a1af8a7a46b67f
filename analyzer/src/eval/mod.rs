//! Expressions evaluated over a stopped process: nothing of it is run, and nothing in it is changed.

mod arithmetic;
mod containers;
mod conversion;
mod error;
mod evaluator;
mod listing;
mod literals;
mod member_pointer;
mod members;
mod methods;
mod names;
mod number;
mod operators;
mod record_display;
mod registers;
mod siginfo;
mod template_names;
mod type_display;
mod value;

use std::collections::HashMap;

use dpdb_snapshot::{Avma, Thread};

pub(crate) use error::nearest_name;
pub use listing::{Listed, Listing, NamedEntry};
pub use value::Value;

use crate::dwarf::View;
use crate::expr::{self, ExprError, Syntax};
use crate::frame::Frame;
use crate::module::Module;
use crate::session::Session;
use crate::source_frame::Language;
use crate::value::{Context, FrameContext, ValueLimits, ValueTree};
use evaluator::Evaluator;

/// Where an expression is evaluated: a frame of a thread, and which of the functions inlined there.
#[derive(Clone, Copy, Debug)]
pub struct Place<'f> {
    /// The thread's id.
    pub tid: i32,
    /// Its stack.
    pub frames: &'f [Frame],
    /// The frame's place in the stack.
    pub index: usize,
    /// Which of the frame's functions, in the order of [`Session::symbolize`].
    pub function: usize,
}

/// What expressions remember: values printed before (`$1`), and variables of the session (`$count`).
#[derive(Clone, Debug, Default)]
pub struct Memo {
    /// The values printed so far; `$1` is the first.
    pub history: Vec<Value>,
    /// Convenience variables, without their `$`.
    pub variables: HashMap<String, Value>,
}

/// What an expression gave.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The value, for the history.
    pub value: Value,
    /// What it is.
    pub tree: ValueTree,
    /// Its type's name.
    pub type_name: String,
    /// Where it is, unless it was computed or is in registers.
    pub address: Option<Avma>,
}

impl Session {
    /// Evaluates `text` at `place`.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it.
    pub fn evaluate(
        &self,
        place: Place<'_>,
        text: &str,
        memo: &mut Memo,
        limits: ValueLimits,
    ) -> Result<Evaluated, ExprError> {
        self.with_evaluator(place, text, memo, |evaluator, expr| {
            evaluator.limits = limits;
            let value = evaluator.evaluate(expr)?;
            let tree = evaluator.tree(&value, limits);
            let type_name = evaluator.type_name(&value.of);
            let address = value.place.address();
            Ok(Evaluated { value, tree, type_name, address })
        })
    }

    /// Whether `text` is true at `place`: what conditions of breakpoints and filters ask. Numbers and pointers are true
    /// unless they are zero.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it; it has no truth, or nobody knows it.
    pub fn condition(&self, place: Place<'_>, text: &str, memo: &mut Memo) -> Result<bool, ExprError> {
        self.with_evaluator(place, text, memo, |evaluator, expr| {
            let value = evaluator.evaluate(expr)?;
            evaluator.truth(&value, expr.span)
        })
    }

    /// The name of the type of `text`, which is an expression or a type itself. Nothing is read but what the type of
    /// an expression depends on.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it.
    pub fn whatis(&self, place: Place<'_>, text: &str, memo: &mut Memo) -> Result<String, ExprError> {
        self.with_evaluator(place, text, memo, |evaluator, expr| {
            let of = evaluator.type_of(expr)?;
            // Of the name of a type it tells what that stands for, one step of it, as gdb does.
            let of = match expr.kind {
                expr::ExprKind::Type(_) => evaluator.unaliased_once(of),
                _ => of,
            };
            Ok(evaluator.type_name(&of))
        })
    }

    /// The declaration of the type of `text`, as its language writes it; with `offsets` each member has its offset and
    /// size in bytes in front.
    ///
    /// # Errors
    /// What is wrong with the expression, and where in it.
    pub fn ptype(&self, place: Place<'_>, text: &str, memo: &mut Memo, offsets: bool) -> Result<String, ExprError> {
        self.with_evaluator(place, text, memo, |evaluator, expr| {
            let of = evaluator.type_of(expr)?;
            Ok(evaluator.declaration(&of, offsets))
        })
    }

    fn with_evaluator<T>(
        &self,
        place: Place<'_>,
        text: &str,
        memo: &mut Memo,
        work: impl Fn(&mut Evaluator<'_, '_>, &expr::Expr) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        let frame = place.frames.get(place.index).ok_or_else(nowhere)?;
        let own = self.module_at(frame.lookup_address()).or(self.modules().first());
        let is_described = |module: &&Module| self.debug_info(module.index()).is_some();
        let home = own.filter(is_described).or_else(|| self.modules().iter().find(is_described)).ok_or_else(nowhere)?;
        let variables = memo.variables.clone();
        let first = self.within_module(home, None, place, text, memo, &work);
        let error = match first {
            Err(error) if error.is_unknown => error,
            found => return found,
        };
        // What the frame's module does not name may be another's: the whole expression is tried there, with the frame's
        // registers and thread, and without its locals.
        let language = self.symbolize(frame).into_iter().find_map(|source| source.language);
        let syntax = language.map(|language| syntax_of(Some(language)));
        for module in self.modules().iter().filter(|module| module.index() != home.index()) {
            memo.variables.clone_from(&variables);
            match self.within_module(module, Some(syntax), place, text, memo, &work) {
                Err(error) if error.is_unknown => {}
                found => return found,
            }
        }
        Err(error)
    }

    /// Evaluates with the names of one module. `elsewhere` is none for the frame's own; in others, where nobody asks what
    /// else may have been meant, it is the frame's syntax, as far as that is known.
    fn within_module<T>(
        &self,
        module: &Module,
        elsewhere: Option<Option<Syntax>>,
        place: Place<'_>,
        text: &str,
        memo: &mut Memo,
        work: &impl Fn(&mut Evaluator<'_, '_>, &expr::Expr) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        let thread: &Thread = self.process().thread(place.tid).ok_or_else(nowhere)?;
        let frame = place.frames.get(place.index).ok_or_else(nowhere)?;
        let info = self.debug_info(module.index()).ok_or_else(nowhere)?;
        let view: View<'_> = info.values();
        let located = module.to_svma(frame.lookup_address()).and_then(|pc| view.physical_function(pc.0));
        let (unit, function) = match located {
            Some((unit, function)) => (unit, Some(function)),
            None => (view.first_unit().ok_or_else(nowhere)?, None),
        };
        let around = FrameContext { thread, frames: place.frames, index: place.index, function };
        let context = Context { session: self, module, view: &view, unit: &unit, frame: Some(around), depth: 0 };
        let syntax = elsewhere.flatten().unwrap_or_else(|| syntax_of(unit.language()));
        let mut evaluator = Evaluator::new(context, place.function, syntax, memo);
        evaluator.suggests = elsewhere.is_none();
        let expr = expr::parse(text, syntax, &evaluator)?;
        work(&mut evaluator, &expr)
    }
}

fn nowhere() -> ExprError {
    ExprError::unknown(expr::Span::default(), "no debugging information says what names mean here")
}

fn syntax_of(language: Option<Language>) -> Syntax {
    match language {
        Some(Language::Rust) => Syntax::Rust,
        Some(Language::Cpp) => Syntax::Cpp,
        _ => Syntax::C,
    }
}
