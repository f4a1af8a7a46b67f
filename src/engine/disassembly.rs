//! `disas`: machine code.

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::{CommandError, Engine, Hex, Reply};

/// The instructions of a function or a range.
#[derive(Debug, Serialize)]
pub struct Disassembly {
    /// The function, where they are one's.
    pub function: Option<String>,
    /// The instructions, ascending.
    pub lines: Vec<InstructionLine>,
    /// Why it ends early, if it does.
    pub ended: Option<String>,
}

/// One instruction.
#[derive(Clone, Debug, Serialize)]
pub struct InstructionLine {
    /// Where it is.
    pub address: Hex,
    /// The symbol it lies in, such as `main+4`.
    pub symbol: Option<String>,
    /// Its bytes in hex.
    pub bytes: String,
    /// Its text, in the AT&T syntax that gdb shows.
    pub text: String,
    /// What an address in it is.
    pub note: Option<String>,
    /// It is the selected frame's pc.
    pub current: bool,
    /// Its line of source, with `/s`.
    pub source: Option<SourceOfInstruction>,
}

/// A line of source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceOfInstruction {
    /// The file.
    pub file: Text,
    /// The line.
    pub line: u32,
    /// Its text, where the file is to be had.
    pub text: Option<Text>,
}

impl Engine {
    /// Machine code of the selected frame's function, or where the arguments say.
    pub fn disassemble(&mut self, _arguments: &str, _with_source: bool) -> Result<Reply, CommandError> {
        Err(CommandError::refused("not yet"))
    }
    pub(super) fn decode(&self, _start: Avma, _count: usize) -> Result<(Vec<InstructionLine>, Avma), CommandError> {
        Err(CommandError::refused("not yet"))
    }
}
