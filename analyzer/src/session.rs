//! One look at one stopped process.

use std::fmt;
use std::path::PathBuf;

use dpdb_snapshot::{Avma, Memory, Process};

use crate::frame::{Backtrace, Frame, WalkEnd};
use crate::module::Module;
use crate::source_frame::{SourceFrame, SymbolHit};
use crate::symbolize::Symbolizer;
use crate::target::Target;

/// Where files are looked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The executable, where it is not (or no longer) at the path that the process ran it from.
    pub executable: Option<PathBuf>,
    /// A directory under which the process's absolute paths are looked for first.
    pub sysroot: Option<PathBuf>,
    /// Directories with separate debug files, searched before `/usr/lib/debug`.
    pub debug_dirs: Vec<PathBuf>,
    /// Source paths that begin with the first are looked for under the second.
    pub source_map: Vec<(PathBuf, PathBuf)>,
}

/// One look at one stopped process: everything that can be asked about it.
pub struct Session {
    target: Box<dyn Target>,
    options: Options,
    modules: Vec<Module>,
    symbolizer: Symbolizer,
}

impl Session {
    /// Finds the modules of `target` and their files. Nothing here fails: what was not found is in
    /// [`Session::warnings`].
    pub fn new(target: Box<dyn Target>, options: Options) -> Session {
        Session { target, options, modules: Vec::new(), symbolizer: Symbolizer::default() }
    }

    /// What is known of the process besides the bytes of its memory.
    pub fn process(&self) -> &Process {
        self.target.process()
    }

    /// The process's memory; pages that the target left out come from the mapped files, where those are the right
    /// ones.
    pub fn memory(&self) -> &dyn Memory {
        self.target.memory()
    }

    /// Where files are looked for.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The ELF files of the process, ascending by address.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The module that `at` lies in.
    pub fn module_at(&self, at: Avma) -> Option<&Module> {
        let after = self.modules.partition_point(|module| module.range().start <= at);
        self.modules[..after].last().filter(|module| module.range().contains(at))
    }

    /// The stack of a thread, at most `limit` physical frames of it.
    pub fn backtrace(&self, _tid: i32, _limit: usize) -> Backtrace {
        Backtrace { frames: Vec::new(), end: WalkEnd::NoThread }
    }

    /// The functions of a frame: those inlined at its pc, the innermost first, and last the one whose code it is.
    /// There is always at least one, whether or not anything is known of it.
    pub fn symbolize(&self, frame: &Frame) -> Vec<SourceFrame> {
        self.symbolizer.symbolize(self, frame)
    }

    /// The symbol, function or data, that `at` lies in.
    pub fn symbol_at(&self, at: Avma) -> Option<SymbolHit> {
        self.symbolizer.symbol_at(self, at)
    }

    /// What the user should know about the files that were found or refused, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let of_modules = self.modules.iter().flat_map(|module| module.warnings().iter().cloned());
        of_modules.chain(self.symbolizer.warnings()).collect()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("pid", &self.process().pid)
            .field("modules", &self.modules)
            .finish_non_exhaustive()
    }
}
