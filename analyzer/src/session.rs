//! One look at one stopped process.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::{AddressRange, Avma, Memory, Process, SourceFile};

use crate::cache::CacheDirectory;
use crate::clock::{Clock, Monotonic};
use crate::disassemble::{Disassembly, disassemble};
use crate::dwarf::DebugInfo;
use crate::file_cache::FileCache;
use crate::frame::{Backtrace, Frame, FrameRegisters, WalkEnd};
use crate::module::{self, Module};
use crate::overlay::Overlay;
use crate::runtime::cpython::{self, Python, PythonAbsent};
use crate::source::SourceFiles;
use crate::source_frame::{NameSource, SourceFrame, SymbolHit};
use crate::symbolize::Symbolizer;
use crate::target::Target;
use crate::unwind::{self, CallFrameInfo, Space};
use crate::value::{self, Declared, ValueLimits, Variable, WantedVariables};
use crate::watch::Watch;

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
    /// Where what is found out about files is kept for other sessions; without it each finds it out for itself.
    pub cache: Option<CacheDirectory>,
    /// Who waits while names are read.
    pub watch: Option<Arc<dyn Watch>>,
}

/// One look at one stopped process: everything that can be asked about it.
pub struct Session {
    target: Arc<dyn Target>,
    options: Options,
    modules: Vec<Module>,
    memory: Overlay,
    cfi: CallFrameInfo,
    pub(crate) symbolizer: Symbolizer,
    pub(crate) source_files: SourceFiles,
    pub(crate) python: OnceLock<Result<Python, PythonAbsent>>,
    pub(crate) files: FileCache,
    pub(crate) clock: Box<dyn Clock>,
}

impl Session {
    /// Finds the modules of `target` and their files. Nothing here fails: what was not found is in
    /// [`Session::warnings`].
    pub fn new(target: Box<dyn Target>, options: Options) -> Session {
        Session::with_files(target, options, FileCache::default())
    }

    /// As [`Session::new`], with what other sessions have found out about files.
    pub fn with_files(target: Box<dyn Target>, options: Options, files: FileCache) -> Session {
        let target: Arc<dyn Target> = target.into();
        let modules = module::discover(target.process(), target.memory(), &options, &files);
        let memory = Overlay::new(Arc::clone(&target), &modules);
        let cfi = CallFrameInfo::new(&modules);
        Session {
            target,
            options,
            modules,
            memory,
            cfi,
            symbolizer: Symbolizer::default(),
            source_files: SourceFiles::default(),
            python: OnceLock::new(),
            files,
            clock: Box::new(Monotonic::default()),
        }
    }

    /// The same session, whose limits of time go by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Box<dyn Clock>) -> Session {
        Session { clock, ..self }
    }

    /// What is known of the process besides the bytes of its memory.
    pub fn process(&self) -> &Process {
        self.target.process()
    }

    /// The process's memory; pages that the target left out come from the mapped files, where those are the right
    /// ones.
    pub fn memory(&self) -> &dyn Memory {
        &self.memory
    }

    /// The source files that the target carries, or lines of them.
    pub(crate) fn carried_sources(&self) -> &[SourceFile] {
        self.target.sources()
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
        module::at(&self.modules, at)
    }

    /// The stack of a thread, at most `limit` physical frames of it, with those that tail calls left out put back.
    pub fn backtrace(&self, tid: i32, limit: usize) -> Backtrace {
        let ended = |end| Backtrace { frames: Vec::new(), end };
        let Some(thread) = self.process().thread(tid) else { return ended(WalkEnd::NoThread) };
        let Some(registers) = &thread.registers else { return ended(WalkEnd::NoRegisters) };
        let physical = self.walk(&self.memory, registers.into(), limit);
        self.symbolizer.prepare(self, &physical.frames);
        self.with_tail_calls(physical)
    }

    /// The frames that are really there in `memory`, of a thread with these registers.
    pub(crate) fn physical_backtrace(
        &self,
        memory: &dyn Memory,
        registers: &GeneralRegisters,
        limit: usize,
    ) -> Backtrace {
        self.walk(memory, registers.into(), limit)
    }

    /// Where in the process the symbol of `module` with exactly this name is.
    pub(crate) fn address_of(&self, module: &Module, name: &str) -> Option<Avma> {
        let symbols = self.symbolizer.of(self, module)?.symbols();
        let symbol = symbols.named(name).find(|symbol| symbol.linkage_name() == name)?;
        Some(module.to_avma(symbol.address))
    }

    fn walk(&self, memory: &dyn Memory, registers: FrameRegisters, limit: usize) -> Backtrace {
        self.with_space(memory, |space| unwind::walk(space, registers, limit))
    }

    fn with_space<T>(&self, memory: &dyn Memory, work: impl FnOnce(&Space<'_>) -> T) -> T {
        work(&Space {
            process: self.process(),
            memory,
            modules: &self.modules,
            cfi: &self.cfi,
            debug_file: &|module| self.symbolizer.of(self, module)?.separate().cloned(),
            function_start: &|at| self.symbol_at(at).map(|symbol| at.wrapping_sub(symbol.offset)),
        })
    }

    /// The functions of a frame: those inlined at its pc, the innermost first, and last the one whose code it is.
    /// There is always at least one, whether or not anything is known of it.
    pub fn symbolize(&self, frame: &Frame) -> Vec<SourceFrame> {
        self.symbolizer.symbolize(self, frame)
    }

    /// The variables of each of the functions of a frame, in the order of [`Session::symbolize`]. `index` is the
    /// frame's place in `frames`, its thread's stack.
    pub fn variables(&self, tid: i32, frames: &[Frame], index: usize, limits: ValueLimits) -> Vec<Vec<Variable>> {
        self.wanted_variables(
            tid,
            frames,
            index,
            WantedVariables { function: None, declared: Declared::Either, limits },
        )
    }

    /// The variables of one of the functions of a frame, by its number in [`Session::symbolize`], that are `declared` so;
    /// `None` where there is no debugging information. Otherwise as [`Session::variables`].
    pub fn variables_of(
        &self,
        tid: i32,
        frames: &[Frame],
        index: usize,
        function: usize,
        declared: Declared,
        limits: ValueLimits,
    ) -> Option<Vec<Variable>> {
        let wanted = WantedVariables { function: Some(function), declared, limits };
        self.wanted_variables(tid, frames, index, wanted).pop()
    }

    fn wanted_variables(
        &self,
        tid: i32,
        frames: &[Frame],
        index: usize,
        wanted: WantedVariables,
    ) -> Vec<Vec<Variable>> {
        let thread = self.process().thread(tid);
        let found = thread.map(|thread| value::variables_of_frame(self, thread, frames, index, wanted));
        self.symbolizer.count_frame();
        found.unwrap_or_default()
    }

    /// The debugging information of the module with this number.
    pub(crate) fn debug_info(&self, module: usize) -> Option<&DebugInfo> {
        self.symbolizer.of(self, self.modules.get(module)?)?.debug_info()
    }

    /// The symbol, function or data, that `at` lies in.
    pub fn symbol_at(&self, at: Avma) -> Option<SymbolHit> {
        self.symbolizer.symbol_at(self, at)
    }

    /// The machine code in `range` as text, at most `limit` instructions of it.
    pub fn disassemble(&self, range: AddressRange, limit: usize) -> Disassembly {
        disassemble(self.memory(), range, limit, &|at| self.symbol_at(at).map(|symbol| symbol.to_string()))
    }

    /// The code of the function that `at` lies in: by its symbol, or else by its call frame information, which a
    /// stripped file has too.
    pub fn function_range(&self, at: Avma) -> Option<AddressRange> {
        let by_symbol = self.symbol_at(at).filter(|symbol| symbol.offset < symbol.size).map(|symbol| {
            let start = at.wrapping_sub(symbol.offset);
            AddressRange { start, end: start.wrapping_add(symbol.size) }
        });
        by_symbol.or_else(|| self.with_space(&self.memory, |space| space.entry_range(at)))
    }

    /// The best that names in a module can come from; `None` where nothing tells any.
    pub fn names_of(&self, module: &Module) -> Option<NameSource> {
        let symbols = self.symbolizer.of(self, module)?;
        let table = || (!symbols.symbols().is_empty()).then_some(NameSource::Elf);
        symbols.debug_info().map(|_| NameSource::Debug).or_else(table)
    }

    /// What the user should know about the files that were found or refused, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let of_modules = self.modules.iter().flat_map(|module| module.warnings().iter().cloned());
        let of_python = self.python.get().map(cpython::warnings).unwrap_or_default();
        of_modules.chain(self.symbolizer.warnings()).chain(of_python).collect()
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
