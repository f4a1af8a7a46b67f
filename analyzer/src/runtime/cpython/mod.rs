//! CPython 3.8 to 3.15, read from outside: its threads, their Python frames, and the objects in them.
//!
//! Nothing runs in the process. Structures are read by the offsets of their version ([`layout`]), and everything in
//! them is taken for hostile: types are checked by the types of their types, chains are cut where they come back,
//! lengths are bounded by what was asked for.

mod attributes;
mod await_chain;
mod class;
mod collector;
mod containers;
mod definition;
mod dict;
mod exceptions;
mod expression;
mod find;
mod frames;
mod globals;
mod heap;
mod instance;
mod kinds;
mod layout;
mod lines;
mod locals;
mod locate;
mod numbers;
mod objects;
mod pages;
mod raises;
mod repr;
mod tasks;
mod threads;
mod unreadable;
mod value;

use std::collections::HashMap;

use dpdb_snapshot::Avma;

pub use collector::{PythonObject, PythonObjects, PythonTypeCount};
pub use definition::PythonDefinition;
pub use exceptions::{Before, ExceptionState, Link, PythonException, PythonExceptions, PythonSyntaxError};
pub use expression::{PythonEvaluated, PythonMemo, parse_python};
pub use frames::{PythonFrame, PythonStack};
pub use globals::PythonGlobal;
use heap::Heap;
use layout::Layout;
pub use lines::Span;
pub use locals::PythonVariable;
use objects::Reader;
pub use raises::PythonRaise;
pub use tasks::PythonTask;
pub use threads::PythonThread;
pub use unreadable::Unreadable;
pub use value::{Items as PythonItems, PythonValue};

use crate::session::Session;
use crate::value::ValueLimits;

/// The interpreter of a process.
#[derive(Debug)]
pub struct Python {
    /// The number of the module that it is in.
    module: usize,
    /// `_PyRuntime`.
    runtime: Avma,
    layout: Layout,
    version: String,
    notes: Vec<String>,
}

/// Why nothing of Python is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PythonAbsent {
    /// No module of the process is a CPython.
    #[error("no CPython runs in this process")]
    None,
    /// There is one that cannot be read.
    #[error("the Python of this process cannot be shown: {0}")]
    Refused(String),
}

impl Python {
    /// The version, such as `3.11.7`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The number of the module that the interpreter is: `libpython`, or an executable that has it inside.
    pub fn module(&self) -> usize {
        self.module
    }

    /// What is doubtful about what is shown, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// What the user should know of the interpreter, a sentence each.
pub(crate) fn warnings(found: &Result<Python, PythonAbsent>) -> Vec<String> {
    match found {
        Ok(python) => python.notes.clone(),
        Err(PythonAbsent::None) => Vec::new(),
        Err(refused) => vec![refused.to_string()],
    }
}

impl Session {
    /// The Python interpreter of the process.
    ///
    /// # Errors
    /// There is none, or none that can be read.
    pub fn python(&self) -> Result<&Python, &PythonAbsent> {
        self.python.get_or_init(|| find::find(self)).as_ref()
    }

    fn python_heap(&self) -> Option<(&Python, Heap<'_>)> {
        let python = self.python().ok()?;
        Some((python, Heap::new(self.memory(), &python.layout)))
    }

    /// The threads that the interpreter knows.
    pub fn python_threads(&self) -> Vec<PythonThread> {
        self.python_heap().map(|(python, heap)| threads::threads(python, &heap, self.process()).0).unwrap_or_default()
    }

    /// The names that Python code gave to threads of the process (`threading.Thread(name=)`), by their ids.
    pub fn python_thread_names(&self) -> HashMap<i32, String> {
        self.python_heap().map(|(python, heap)| threads::names(python, &heap, self.process())).unwrap_or_default()
    }

    /// The Python stack of a thread of the process, at most `limit` frames; `None` where the interpreter does not know
    /// the thread.
    pub fn python_stack(&self, tid: i32, limit: usize) -> Option<PythonStack> {
        let thread = self.python_threads().into_iter().find(|thread| thread.tid == Some(tid))?;
        let (_, heap) = self.python_heap()?;
        Some(frames::stack(&heap, &thread, limit))
    }

    /// The variables of Python frames that have values, of each frame in turn; an error says that the frame or its code
    /// object is damaged. What is found out about classes serves all of them.
    pub fn python_locals(
        &self,
        frames: &[PythonFrame],
        limits: ValueLimits,
    ) -> Vec<Result<Vec<PythonVariable>, Unreadable>> {
        let Some((_, heap)) = self.python_heap() else { return frames.iter().map(|_| Ok(Vec::new())).collect() };
        frames.iter().map(|frame| locals::locals(&heap, &Reader::new(&heap, limits), frame)).collect()
    }
}
