//! Exceptions: what they say, what they came of, and the frames that they went through.

mod chain;
mod found;
mod message;
mod reported;
mod syntax_error;
mod traceback;

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

pub use found::ExceptionState;
pub use syntax_error::PythonSyntaxError;

use super::frames::{self, PythonFrame};
use super::lines::Span;
use super::value::PythonValue;
use crate::session::Session;

/// The exception of a thread, and all those that Python prints with it.
#[derive(Clone, Debug, Serialize)]
pub struct PythonExceptions {
    /// Where it was found.
    pub state: ExceptionState,
    /// The exceptions in the order in which Python prints them: causes before what came of them, groups before their
    /// members.
    pub all: Vec<PythonException>,
    /// The number of the one that was raised last.
    pub raised: usize,
    /// Why there are no more of them, where some were left out.
    pub end: Option<String>,
}

/// One exception.
#[derive(Clone, Debug, Serialize)]
pub struct PythonException {
    /// Its type as a traceback names it: with its module, unless that is `builtins` or `__main__`.
    pub type_name: Text,
    /// The names of the classes that are searched for its attributes, its own first (`__mro__`).
    #[serde(skip)]
    pub bases: Vec<Text>,
    /// What `str()` makes of it; where its class has a `__str__` of its own, the arguments as `repr()` writes them.
    pub message: Text,
    /// Its class has a `__str__` of its own, which would have to be run.
    pub own_str: bool,
    /// The arguments it was made with.
    pub args: Vec<PythonValue>,
    /// Its notes (PEP 678).
    pub notes: Vec<Text>,
    /// What a `SyntaxError` says of the source.
    pub syntax: Option<PythonSyntaxError>,
    /// The frames that it went through, outermost first as Python prints them.
    #[serde(skip)]
    pub traceback: Vec<PythonFrame>,
    /// Why the traceback has no more frames, where it has.
    pub traceback_end: Option<String>,
    /// It has a traceback at all; one that was never raised has none.
    pub raised: bool,
    /// The number of the exception that is printed before this one, and why.
    pub before: Option<Before>,
    /// The context that `raise … from None` hides, in one line.
    pub suppressed: Option<Text>,
    /// The numbers of a group's members (PEP 654).
    pub members: Option<Vec<usize>>,
    /// Where it is; none for one that was not made into an object yet.
    #[serde(skip)]
    pub at: Option<Avma>,
}

/// An exception that another one is printed after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Before {
    /// Its number.
    pub number: usize,
    /// How the two belong together.
    pub link: Link,
}

/// How an exception belongs to the one printed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// `__cause__`: `raise … from`.
    Cause,
    /// `__context__`: it was raised while the other was handled.
    Context,
}

impl PythonException {
    /// `ValueError: bad shape`, in one line: the first of the message.
    pub fn headline(&self) -> Text {
        let message = String::from_utf8_lossy(self.message.as_bytes());
        let mut text = self.type_name.as_bytes().to_vec();
        if let Some(first) = message.lines().next() {
            text.extend_from_slice(b": ");
            text.extend_from_slice(first.as_bytes());
        }
        Text(text)
    }
}

impl PythonExceptions {
    /// The exception that was raised last.
    pub fn last(&self) -> &PythonException {
        &self.all[self.raised]
    }
}

impl Session {
    /// The exception of a thread: at a catchpoint the one that is reported there; else the one in flight, the one that
    /// is being handled, or the last that the interpreter printed. `None` where there is none, or no Python.
    pub fn python_exception(&self, tid: i32) -> Option<PythonExceptions> {
        let thread = self.python_threads().into_iter().find(|thread| thread.tid == Some(tid))?;
        let (_, heap) = self.python_heap()?;
        let found = found::find(&heap, self.process(), &thread)?;
        Some(chain::read(&heap, &found))
    }

    /// Which part of the source the instruction of a frame was made from, where the interpreter keeps that (3.11 on).
    pub fn python_span(&self, frame: &PythonFrame) -> Option<Span> {
        let (_, heap) = self.python_heap()?;
        frames::span(&heap, frame).ok().flatten()
    }
}
