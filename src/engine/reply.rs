//! What commands answer: data, without a word about how it is shown.

use serde::Serialize;

use super::class::Class;
use super::comparison::Comparison;
use super::crash::Opening;
use super::disassembly::Disassembly;
use super::displays::Displays;
use super::equal_stacks::EqualStacks;
use super::examine::Examined;
use super::exceptions::Exceptions;
use super::frames::{Backtrace, SelectedFrame};
use super::help::{CommandHelp, HelpIndex, Tutorial};
use super::info::Info;
use super::mappings::{Mappings, Modules};
use super::named::Names;
use super::process_facts::{AuxiliaryVector, Environment, FileDescriptors, Limits, Tree};
use super::python_frames::{PythonBacktrace, PythonFrameLine};
use super::python_heap::PythonHeap;
use super::python_values::{Interaction, PythonGlobals};
use super::registers::Registers;
use super::search::Found;
use super::shell_replies::{AliasList, Done, History, HookList, OptionList, ScriptRun, ShellStatus};
use super::signature::Signature;
use super::source::SourceListing;
use super::tasks::Tasks;
use super::threads::{Applied, SelectedThread, Threads};
use super::values::{Printed, TypeText, Variables};
use super::whatat::WhatAt;
use super::whole_run::{AppliedToProcesses, ProcessTree, Processes};
use super::why::Why;

/// The answer of one command. In JSON, `kind` says which it is.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reply {
    /// What a person sees on opening a crash.
    Opening(Box<Opening>),
    /// `info`.
    Info(Box<Info>),
    /// `why`.
    Why(Why),
    /// `bt`.
    Backtrace(Backtrace),
    /// `frame`, `up`, `down`.
    Frame(SelectedFrame),
    /// `frames`.
    Frames(Backtrace),
    /// `py-bt`.
    PythonBacktrace(PythonBacktrace),
    /// `py-locals`.
    PythonLocals(PythonFrameLine),
    /// `exception`.
    Exceptions(Box<Exceptions>),
    /// `globals` in a Python frame.
    PythonGlobals(PythonGlobals),
    /// `pyheap`.
    PythonHeap(PythonHeap),
    /// `tasks`.
    Tasks(Tasks),
    /// `threads`.
    Threads(Threads),
    /// `thread`.
    Thread(SelectedThread),
    /// `thread apply`.
    Applied(Applied),
    /// `processes`.
    Processes(Processes),
    /// `processes -tree`.
    ProcessTree(ProcessTree),
    /// `process apply`.
    AppliedToProcesses(AppliedToProcesses),
    /// `bt -group`.
    EqualStacks(EqualStacks),
    /// `diff`.
    Comparison(Comparison),
    /// `list`, `longlist`, `source`.
    Source(SourceListing),
    /// `regs`.
    Registers(Registers),
    /// `x`.
    Examined(Examined),
    /// `disas`.
    Disassembly(Disassembly),
    /// `whatat`.
    Whatat(Box<WhatAt>),
    /// `locals`, `args`, `globals`, `p` without an expression.
    Variables(Variables),
    /// `p`, `pp`, or an expression by itself.
    Printed(Box<Printed>),
    /// `whatis`, `ptype`.
    Type(TypeText),
    /// `methods`, `inherits`.
    Class(Class),
    /// `sig`.
    Signature {
        /// What equal crashes have in common.
        signature: Signature,
    },
    /// `display`, `undisplay`.
    Displays(Displays),
    /// `functions`, `types`, `vars`.
    Names(Names),
    /// `find`, `strings`.
    Found(Found),
    /// `modules`.
    Modules(Modules),
    /// `maps`.
    Mappings(Mappings),
    /// `fds`.
    FileDescriptors(FileDescriptors),
    /// `env`.
    Environment(Environment),
    /// `limits`.
    Limits(Limits),
    /// `tree`.
    Tree(Tree),
    /// `auxv`.
    AuxiliaryVector(AuxiliaryVector),
    /// `help`.
    HelpIndex(HelpIndex),
    /// `help NAME`.
    Help(CommandHelp),
    /// `set`, `show`.
    Options(OptionList),
    /// `alias`, `define`.
    Aliases(AliasList),
    /// `hook`.
    Hooks(HookList),
    /// `history`.
    History(History),
    /// `run-script`, `trust`; its lines answered before.
    ScriptRun(ScriptRun),
    /// `shell`.
    ShellStatus(ShellStatus),
    /// What has no data: `save`, `transcript`.
    Done(Done),
    /// `tutorial`.
    Tutorial(Tutorial),
    /// `interact`: the shell is to start a Python on the terminal.
    Interact(Box<Interaction>),
    /// `quit`: the shell is to leave.
    Quit {},
}
