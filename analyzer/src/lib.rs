//! Unwinds, symbolizes and explains a stopped process.
//!
//! **What this crate promises.** A [`Session`] looks at one process at one instant through a [`Target`]: a snapshot,
//! an ELF core or a live process, it never knows which. It finds the files of its modules (and refuses one whose
//! build-id is another's), walks the stacks, names the frames, and says in words what the fault was. Everything it
//! reads, from the target or from a file, is taken for hostile: lengths are bounded, cycles are cut, nothing panics.
//! Doubt is data: each frame says how it was found, each walk why it ended.
//!
//! **What it does not do.** It has no way to stop, change or resume a process, and it prints nothing.

mod arch;
mod buckets;
mod build_id;
mod by_name;
mod cache;
mod clock;
mod compressed;
mod debug_file;
mod disassemble;
mod dwarf;
mod eval;
mod explain;
pub mod expr;
mod file_cache;
mod first_chance;
mod frame;
mod image;
mod lang;
mod module;
mod module_symbols;
mod object_file;
mod overlay;
pub mod parallel;
mod report;
mod runtime;
mod session;
mod source;
mod source_frame;
mod source_text;
mod svma;
mod symbolize;
mod symbols;
mod tail_frames;
mod target;
#[cfg(test)]
mod testing;
mod types;
mod unwind;
mod value;
mod watch;

pub use build_id::BuildId;
pub use by_name::{FunctionLines, NamedFunction};
pub use cache::CacheDirectory;
#[doc(hidden)]
pub use cache::exercise as exercise_cache_file;
pub use clock::Clock;
pub use disassemble::{Disassembly, Instruction, disassemble};
#[doc(hidden)]
pub use dwarf::{exercise as exercise_debug_info, exercise_gdb_index};
pub use eval::{Evaluated, Listed, Listing, Memo, NamedEntry, Place, Value};
pub use explain::{AccessKind, Explanation, Finding, Neighbour, Pattern};
pub use file_cache::FileCache;
pub use frame::{Backtrace, Frame, FrameKind, FrameRegisters, FrameTrust, WalkEnd};
pub use module::Module;
pub use object_file::{ObjectFile, ObjectFileError, Section, Segment};
pub use report::{
    Document, Limits, Producer, ReportedFrame, ReportedKind, ReportedSignal, ReportedThread, Target as ReportedTarget,
};
#[doc(hidden)]
pub use runtime::cpython::parse_python;
pub use runtime::cpython::{
    Before as PythonBefore, ExceptionState, Link as PythonLink, Python, PythonAbsent, PythonDefinition,
    PythonEvaluated, PythonException, PythonExceptions, PythonFrame, PythonGlobal, PythonItems, PythonMemo,
    PythonObject, PythonObjects, PythonRaise, PythonStack, PythonSyntaxError, PythonTask, PythonThread,
    PythonTypeCount, PythonValue, PythonVariable, Span as PythonSpan, Unreadable,
};
pub use session::{Options, Session};
pub use source::SourceError;
pub use source_frame::{FunctionName, Language, NameSource, SourceFrame, SourceLocation, SymbolHit};
pub use source_text::SourceText;
pub use svma::Svma;
pub use symbols::{SymbolRef, SymbolTable, demangle};
pub use target::Target;
pub use value::{
    Declared, Literal, Logical, Missing, Remark, SmartPointer, ValueLimits, ValueStyle, ValueTree, Variable, WordKind,
    wide_characters,
};
pub use watch::Watch;
