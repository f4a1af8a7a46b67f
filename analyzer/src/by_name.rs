//! From names that people type to addresses and lines.

use std::path::{Path, PathBuf};

use dpdb_snapshot::Avma;

use crate::Module;
use crate::module_symbols::ModuleSymbols;
use crate::session::Session;
use crate::source_frame::SourceLocation;

/// A function that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFunction {
    /// Its full name, without parameters.
    pub name: String,
    /// Where its code begins; `None` where it was inlined everywhere.
    pub address: Option<Avma>,
    /// Where it was declared, as debug information says.
    pub declared: Option<SourceLocation>,
    /// The number of its module.
    pub module: usize,
}

/// The lines of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionLines {
    /// The file it was declared in.
    pub file: PathBuf,
    /// The line of its declaration.
    pub first: u32,
    /// The highest line of that file that any of its code comes from.
    pub last: u32,
}

impl Session {
    /// The address of the function or data called `name`: as the linker has it, or as people write it. Symbol tables
    /// are asked first, the executable's before the libraries'; a function that only debug information knows comes
    /// last.
    pub fn symbol_named(&self, name: &str) -> Option<Avma> {
        let in_tables = |(module, symbols): (&Module, &ModuleSymbols)| {
            let symbol = symbols.symbols().named(name).next()?;
            Some(module.to_avma(symbol.address))
        };
        let in_debug_info = || self.functions_named(name).into_iter().find_map(|function| function.address);
        self.modules_with_symbols().find_map(in_tables).or_else(in_debug_info)
    }

    /// The functions called `name`, with or without their namespaces, in the first module that has any. All of that
    /// module's debug information is read for it.
    pub fn functions_named(&self, name: &str) -> Vec<NamedFunction> {
        let of = |(module, symbols): (&Module, &ModuleSymbols)| {
            let found = symbols.debug_info().map(|debug_info| debug_info.view().functions_named(name));
            let found = found.unwrap_or_default().into_iter().map(|function| NamedFunction {
                name: function.name,
                address: function.address.map(|address| module.to_avma(address)),
                declared: function.declared,
                module: module.index(),
            });
            Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty())
        };
        self.modules_with_symbols().find_map(of).unwrap_or_default()
    }

    /// The source files whose path ends in `suffix` (`queue.cpp`, `src/queue.cpp`), as the compiler named them, in
    /// the first module that has any.
    pub fn source_files_named(&self, suffix: &Path) -> Vec<PathBuf> {
        let of = |(_, symbols): (&Module, &ModuleSymbols)| {
            let found = symbols.debug_info()?.view().files_named(suffix);
            Some(found).filter(|found| !found.is_empty())
        };
        self.modules_with_symbols().find_map(of).unwrap_or_default()
    }

    /// The lines of the function whose code is at `at`.
    pub fn function_lines(&self, at: Avma) -> Option<FunctionLines> {
        let module = self.module_at(at)?;
        let debug_info = self.symbolizer.of(self, module)?.debug_info()?;
        let (declared, last) = debug_info.view().function_lines(module.to_svma(at)?)?;
        Some(FunctionLines { file: declared.file, first: declared.line, last })
    }

    /// The executable (whatever its address is) before the libraries.
    fn modules_with_symbols(&self) -> impl Iterator<Item = (&Module, &ModuleSymbols)> {
        let executable = self.process().executable.as_ref();
        let is_executable = move |module: &&Module| executable.is_some_and(|path| path == module.path());
        let first = self.modules().iter().filter(is_executable);
        let rest = self.modules().iter().filter(move |module| !is_executable(module));
        first.chain(rest).filter_map(|module| Some((module, self.symbolizer.of(self, module)?)))
    }
}
