//! What a physical frame is in the source: its function, its line, and the functions inlined there.

use std::path::PathBuf;

/// One level of a frame as the source has it: an inlined instance, or the function itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFrame {
    /// It is an inlined instance; the next one is what it was inlined into.
    pub inline: bool,
    /// Its function, where one is known.
    pub function: Option<FunctionName>,
    /// The line of its pc, or of the call for a caller.
    pub location: Option<SourceLocation>,
    /// The language it was written in, where debug information says so.
    pub language: Option<Language>,
    /// The number of its module.
    pub module: Option<usize>,
}

/// A function's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// As the source has it, without parameters.
    pub name: String,
    /// As the linker has it, where that differs.
    pub linkage_name: Option<String>,
    /// Where the name was found.
    pub source: NameSource,
    /// How many bytes the frame's pc lies behind the function's first one.
    pub offset: u64,
}

/// Where a name was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameSource {
    /// In debug information.
    Debug,
    /// In a symbol table.
    Elf,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLocation {
    /// The file, as the compiler named it.
    pub file: PathBuf,
    /// The line, from 1 on.
    pub line: u32,
    /// The column, from 1 on; 0 where it is unknown.
    pub column: u32,
}

/// A source language.
#[allow(missing_docs, reason = "the variants are the languages' own names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    Assembler,
    C,
    Cpp,
    Rust,
    Go,
    Python,
}

/// A symbol that an address lies in or behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolHit {
    /// Its name, demangled.
    pub name: String,
    /// As it stands in the symbol table.
    pub linkage_name: String,
    /// How many bytes the address lies behind it.
    pub offset: u64,
    /// Its size in bytes; zero where the table does not say.
    pub size: u64,
    /// The number of its module.
    pub module: usize,
}

/// `name` or `name+offset`, as disassembly shows it.
impl std::fmt::Display for SymbolHit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if self.offset > 0 { write!(f, "+{}", self.offset) } else { Ok(()) }
    }
}
