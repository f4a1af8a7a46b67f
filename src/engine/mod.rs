//! Questions about one stopped process, or about those of a whole run ([`WholeRun`]), answered as data.
//!
//! The engine holds the analyzer's session and the selection (thread, frame, place in the source). Commands ask it
//! and return [`Reply`] values; what is printed is the renderers' business, and where lines come from the shell's.

mod address;
mod class;
mod comparison;
mod completion;
mod condition;
mod crash;
mod death;
mod disassembly;
mod displays;
mod equal_stacks;
mod error;
mod examine;
mod examine_format;
mod exceptions;
mod first_chance;
mod frames;
mod help;
mod hex;
mod info;
mod mappings;
mod merge;
mod named;
mod open;
mod preferences;
mod process_facts;
mod python;
mod python_frames;
mod python_heap;
mod python_values;
mod registers;
mod registers_fp;
mod reply;
mod search;
mod shell_replies;
mod signature;
mod snapshot_line;
mod source;
mod source_search;
mod stack;
mod tasks;
mod threads;
mod traceback_stack;
mod user_frame;
mod value_limits;
mod values;
mod whatat;
mod whole_run;
mod why;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use dpdb_analyzer::{Memo, PythonMemo, Session};
use dpdb_snapshot::{Avma, Process};

pub use class::{Class, ClassName};
pub use comparison::{ComparedPart, Comparison};
pub use crash::{Crash, Opening};
pub use death::death;
pub use disassembly::{Disassembly, InstructionLine, SourceOfInstruction};
pub use displays::Displayed;
pub use equal_stacks::{EqualStack, EqualStacks, StackMember};
pub use error::CommandError;
pub use examine::{Examined, Unit, Value};
pub use examine_format::Format;
pub use exceptions::{ExceptionLines, Exceptions, TracebackLine};
pub use frames::{Backtrace, Extent, FrameLine, FrameOf, SelectedFrame, View};
pub use help::{CommandHelp, HelpGroup, HelpIndex, Tutorial};
pub use hex::{Hex, HexRange};
pub use info::Info;
pub use mappings::{Mappings, Modules};
pub use named::Names as NamedEntries;
pub use open::{FileFacts, open_session};
pub use preferences::Preferences;
pub use process_facts::{AuxiliaryVector, Environment, FileDescriptors, Limits, Tree};
pub use python::{is_installed as is_installed_python, is_users as is_users_python};
pub use python_frames::{PythonBacktrace, PythonFrameLine};
pub use python_heap::{HeapQuestion, PythonHeap};
pub use python_values::{FoldedGlobals, Interaction, PythonGlobals};
pub use registers::{RegisterLine, Registers};
pub use reply::Reply;
pub use search::Found;
pub use shell_replies::{
    AliasList, Done, History, HistoryLine, HookCommands, HookList, NamedLines, OptionList, OptionValue, ScriptRun,
    ShellStatus,
};
pub use signature::Signature;
pub use snapshot_line::SnapshotLine;
pub use source::SourceListing;
pub use tasks::Tasks;
pub use threads::{Applied, ThreadLine, Threads};
pub use value_limits::{LimitOptions, Show};
pub use values::{Printed, PrintedValue, TypeText, VariableLine, Variables, pattern};
pub use whatat::WhatAt;
pub use whole_run::{
    AppliedToProcesses, PlaceInRun, ProcessAnswer, ProcessNode, ProcessTree, Processes, RunProcess, WholeRun,
};
pub use why::Why;

use crate::waiting::Waiting;
use displays::Display;
use examine::ExamineState;
use source::ListState;
use stack::{Names, Stack};

/// One process being looked at, and where in it.
#[derive(Debug)]
pub struct Engine {
    session: Session,
    file: FileFacts,
    /// The selected thread.
    tid: i32,
    /// The selected frame's number in each thread that was looked at.
    selected: HashMap<i32, usize>,
    stacks: HashMap<i32, Stack>,
    /// The exception whose traceback is the stack of a thread.
    raised: HashMap<i32, usize>,
    names: Names,
    examine: ExamineState,
    list: ListState,
    /// The value history and the convenience variables.
    memo: Memo,
    /// What is set for all answers.
    preferences: Preferences,
    /// The same of Python frames; numbers of the history are shared.
    python_memo: PythonMemo,
    /// What Python code calls the threads, once it was asked for.
    python_names: OnceLock<HashMap<i32, String>>,
    displays: Vec<Display>,
    /// Source files that are newer than the program, a sentence each.
    stale: Vec<String>,
    /// Warnings that were handed out already.
    warned: HashSet<String>,
    /// Whoever waits for long work that is not the session's.
    waiting: Waiting,
}

impl Engine {
    /// What is known of the process besides its memory.
    pub fn process(&self) -> &Process {
        self.session.process()
    }

    /// What is cut off or corrupt in the file, a sentence each.
    pub fn damage(&self) -> &[String] {
        &self.file.damage
    }

    /// The selected thread.
    pub fn tid(&self) -> i32 {
        self.tid
    }

    /// What the user should know of modules, debug files and sources, and was not told yet. They are looked for when
    /// they are needed, so each command may bring new ones.
    pub fn new_warnings(&mut self) -> Vec<String> {
        let all = self.session.warnings().into_iter().chain(self.stale.drain(..));
        let mut new: Vec<String> = all.filter(|warning| !self.warned.contains(warning)).collect();
        new.dedup();
        self.warned.extend(new.iter().cloned());
        new
    }

    /// The address that was typed, in the selected frame.
    ///
    /// # Errors
    /// It makes no sense, or names what does not exist.
    fn address(&mut self, text: &str) -> Result<Avma, CommandError> {
        // What the debugging information knows comes first: in `x/4x table`, table is an array, not its first word.
        let by_expression = match self.address_of_expression(text) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let registers = self.selected_registers();
        let by_symbol = address::evaluate(text, &FrameScope { engine: self, registers }).map(Avma);
        // Members, elements and casts are for expressions alone, and so is what is wrong with them.
        by_symbol.map_err(|error| if text.contains(['[', '.', '>']) { by_expression } else { error })
    }

    /// The symbol at an address, such as `main+4`.
    fn symbol_text(&self, at: Avma) -> Option<String> {
        self.session.symbol_at(at).map(|hit| hit.to_string())
    }
}

/// What an address typed at the prompt may refer to.
struct FrameScope<'a> {
    engine: &'a Engine,
    registers: Vec<RegisterLine>,
}

impl address::Scope for FrameScope<'_> {
    fn register(&self, name: &str) -> Result<u64, CommandError> {
        let name = match name {
            "pc" => "rip",
            "sp" => "rsp",
            "fp" => "rbp",
            name => name,
        };
        let line = self.registers.iter().find(|line| line.name == name);
        let line = line.ok_or_else(|| CommandError::refused(format!("no register is called '{name}'")))?;
        let value = line.value.ok_or_else(|| {
            CommandError::refused(format!("{name} is not saved in this frame; 'frame 0' has all registers"))
        })?;
        Ok(value.0)
    }

    fn symbol(&self, name: &str) -> Result<u64, CommandError> {
        let address = self.engine.session.symbol_named(name);
        let address = address.ok_or_else(|| CommandError::refused(format!("no symbol is called '{name}'")))?;
        Ok(address.0)
    }

    fn word(&self, at: u64) -> Result<u64, CommandError> {
        Ok(self.engine.session.memory().read_u64(Avma(at))?)
    }
}
