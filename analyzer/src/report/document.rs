//! The schema `frames/1` as types.

use dpdb_snapshot::{Avma, Text};
use serde::{Serialize, Serializer};

use crate::value::{ValueTree, Variable};

/// A stopped process.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// `frames/1`.
    pub schema: &'static str,
    /// Who wrote it.
    pub producer: Producer,
    /// The limits that were applied.
    pub limits: Limits,
    /// What was looked at.
    pub target: Target,
    /// The thread that met the cause.
    pub crashed_tid: Option<i32>,
    /// The threads, ascending by tid.
    pub threads: Vec<ReportedThread>,
}

/// Who wrote a document.
#[derive(Clone, Debug, Serialize)]
pub struct Producer {
    /// Its name.
    pub tool: &'static str,
    /// Its version.
    pub version: &'static str,
    /// `raw` or `pretty`: how values are shown.
    pub mode: &'static str,
}

/// The limits that were applied.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// Frames of each thread.
    pub frames: usize,
    /// Elements of an array or container.
    pub elements: u64,
    /// Bytes of an array of bytes.
    pub bytes: u64,
    /// Values inside values.
    pub depth: usize,
    /// Values in one variable.
    pub nodes: usize,
}

/// What was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// The executable's real path.
    pub executable: Option<Text>,
    /// The snapshot or core.
    pub core: Option<Text>,
    /// The process id.
    pub pid: i32,
    /// The processor architecture.
    pub arch: &'static str,
}

/// A thread.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedThread {
    /// The kernel's id.
    pub tid: i32,
    /// It met the cause.
    pub crashed: bool,
    /// Its name.
    pub name: Option<Text>,
    /// The signal it was stopped with.
    pub signal: Option<ReportedSignal>,
    /// Its frames, innermost first.
    pub frames: Vec<ReportedFrame>,
    /// The limit cut the walk.
    pub frames_truncated: bool,
    /// Why the walk ended.
    pub stop_reason: String,
}

/// A signal.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedSignal {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: String,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`, for a fault.
    #[serde(serialize_with = "hex_or_null")]
    pub address: Option<Avma>,
}

/// A frame.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedFrame {
    /// 0 is the innermost.
    pub level: usize,
    /// Where it goes on, as found.
    #[serde(serialize_with = "hex")]
    pub pc: Avma,
    /// What it is.
    pub kind: ReportedKind,
    /// The function was inlined into that of the next frame.
    pub inline: bool,
    /// The function's name without parameters.
    pub function: Option<String>,
    /// Its mangled name.
    pub linkage_name: Option<String>,
    /// `debug` or `elf`.
    pub name_source: Option<&'static str>,
    /// The source file.
    pub file: Option<Text>,
    /// The line of the pc, or of the call for a caller.
    pub line: Option<u32>,
    /// The ELF file that the pc lies in.
    pub module: Option<Text>,
    /// The source language.
    pub language: Option<&'static str>,
    /// The stack pointer.
    #[serde(serialize_with = "hex_or_null")]
    pub sp: Option<Avma>,
    /// The frame pointer register.
    #[serde(serialize_with = "hex_or_null")]
    pub fp: Option<Avma>,
    /// The canonical frame address.
    #[serde(serialize_with = "hex_or_null")]
    pub cfa: Option<Avma>,
    /// How the frame was found; an addition of ours to the schema.
    pub trust: String,
    /// Variables could be listed.
    pub has_debug_info: bool,
    /// The arguments and locals, innermost block first.
    pub variables: Vec<ReportedVariable>,
}

/// An argument or local.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedVariable {
    /// As declared.
    pub name: String,
    /// Its type, for people.
    #[serde(rename = "type")]
    pub type_name: String,
    /// It is a parameter.
    pub is_arg: bool,
    /// It has one place for the whole run.
    pub is_static: bool,
    /// The line of its declaration.
    pub scope_line: Option<u32>,
    /// 0 is the innermost block.
    pub block_depth: usize,
    /// Nothing of it is available.
    pub is_optimized_out: bool,
    /// What it is.
    pub value: ValueTree,
    /// What it was when the function was entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_value: Option<ValueTree>,
}

impl From<Variable> for ReportedVariable {
    fn from(variable: Variable) -> ReportedVariable {
        ReportedVariable {
            is_optimized_out: variable.value.is_optimized_out(),
            name: variable.name,
            type_name: variable.type_name,
            is_arg: variable.is_argument,
            is_static: variable.is_static,
            scope_line: variable.line,
            block_depth: variable.block,
            value: variable.value,
            entry_value: variable.entry_value,
        }
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportedKind {
    /// A function's.
    Normal,
    /// An inlined function's.
    Inline,
    /// The kernel's signal trampoline.
    Sigtramp,
    /// One that a tail call left out of the stack.
    Tailcall,
}

fn hex<S: Serializer>(address: &Avma, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

fn hex_or_null<S: Serializer>(address: &Option<Avma>, serializer: S) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_none(),
    }
}
