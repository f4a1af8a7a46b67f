//! Catching exceptions: where in a program a thread is stopped that has met one nobody handles.
//!
//! A catchpoint is a breakpoint on a function that runs only when an exception is about to be reported, so that it costs
//! nothing where exceptions are raised and handled. Which functions those are a program's file tells (`program`); the
//! breakpoints are the kernel's (`planted`); and what the stop means is left to a [`Judge`], since the supervisor does
//! not know what the bytes of a process mean.

mod calls;
mod elf_image;
mod judge;
mod judging;
mod list;
mod planted;
mod program;
mod python_sites;
mod runtime_sites;

use std::fmt;

pub use calls::Likeness;
pub(crate) use calls::PassedOver;
pub use elf_image::ElfImage;
pub use judge::{Hit, Judge, Verdict};
pub(crate) use judging::Judges;
pub use list::{CatchError, CatchList};
pub(crate) use planted::{Mechanism, Planted, Planter};
pub(crate) use program::{Program, Programs};
pub use python_sites::python_sites;

/// A function at whose entry threads are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Catchpoint {
    /// CPython's `_PyErr_PrintEx`, which ends a main thread's exception. It takes the thread state.
    PrintEx,
    /// `_thread._excepthook`, which `threading` calls for a thread's. It takes module and argument structure.
    ThreadExcepthook,
    /// `sys.unraisablehook`: a raw thread's, or one in `__del__`. It takes module and argument structure.
    Unraisablehook,
    /// The getter of a traceback's `tb_next`, without which Python code can print none. It takes the traceback.
    TracebackNext,
    /// `PyTraceBack_Here`, which is called for each frame that an exception comes to. It takes the frame.
    TracebackHere,
    /// `__cxxabiv1::__terminate`, in which every `std::terminate` ends. It takes the handler.
    CxxTerminate,
    /// `__cxa_throw`. It takes the object, its type and its destructor.
    CxxThrow,
    /// Rust's `rust_panic`, with which a panic begins to unwind or to abort.
    RustPanic,
    /// The dynamic linker's `_dl_debug_state`: libraries were loaded. No exception's, but it is stopped at all the same.
    Loader,
}

impl Catchpoint {
    /// Whether it is also met where nothing is wrong.
    pub(crate) fn is_frequent(self) -> bool {
        use Catchpoint::{CxxThrow, TracebackHere, TracebackNext, Unraisablehook};
        matches!(self, TracebackNext | TracebackHere | Unraisablehook | CxxThrow)
    }
}

impl fmt::Display for Catchpoint {
    /// The function's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Catchpoint::PrintEx => "_PyErr_PrintEx",
            Catchpoint::ThreadExcepthook => "_thread._excepthook",
            Catchpoint::Unraisablehook => "sys.unraisablehook",
            Catchpoint::TracebackNext => "traceback.tb_next",
            Catchpoint::TracebackHere => "PyTraceBack_Here",
            Catchpoint::CxxTerminate => "std::terminate",
            Catchpoint::CxxThrow => "__cxa_throw",
            Catchpoint::RustPanic => "rust_panic",
            Catchpoint::Loader => "_dl_debug_state",
        })
    }
}

/// A catchpoint in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which it is.
    pub catchpoint: Catchpoint,
    /// The address of its first instruction, as the file counts.
    pub at: u64,
}
