//! All threads and their stacks as one document: the schema `frames/1`, which names no tool and no language.
//!
//! gdb's and lldb's view of the same process can be written in it too, and the two compared. A missing key and `null`
//! mean the same: unknown.

mod document;

use std::path::{Path, PathBuf};

use dpdb_snapshot::process::{SigInfo, Signal};
use dpdb_snapshot::{Avma, Text, Thread};

pub use document::{
    Document, Limits, Producer, ReportedFrame, ReportedKind, ReportedSignal, ReportedThread, ReportedVariable, Target,
};

use crate::frame::{Frame, FrameKind, WalkEnd};
use crate::session::Session;
use crate::source_frame::{Language, NameSource, SourceFrame};
use crate::value::{ValueLimits, ValueStyle, Variable};

/// The schema's name.
const SCHEMA: &str = "frames/1";

/// The DWARF numbers of the frame pointer and the stack pointer (x86-64 psABI, figure 3.36).
const RBP: u16 = 6;
const RSP: u16 = 7;

impl Session {
    /// Everything about the threads and their frames, at most `limit` frames of each, with their variables. `core` is
    /// the file that was opened.
    pub fn report(&self, core: Option<&Path>, limit: usize, values: ValueLimits) -> Document {
        let process = self.process();
        let executable = self.modules().first().and_then(|module| real_path(module.file()));
        let executable = executable.or_else(|| process.executable.as_ref().map(|path| path.as_path().to_owned()));
        let crashed = process.threads.first().map(|thread| thread.tid);
        let mut threads: Vec<&Thread> = process.threads.iter().collect();
        threads.sort_by_key(|thread| thread.tid);
        Document {
            schema: SCHEMA,
            producer: Producer { tool: "dpdb-trace", version: env!("CARGO_PKG_VERSION"), mode: mode(values.style) },
            limits: Limits {
                frames: limit,
                elements: values.elements,
                bytes: values.bytes,
                depth: values.depth,
                nodes: values.nodes,
            },
            target: Target {
                executable: executable.map(|path| Text::from(path.as_path())),
                core: real_path(core).map(|path| Text::from(path.as_path())),
                pid: process.pid,
                arch: "x86_64",
            },
            crashed_tid: crashed,
            threads: threads.into_iter().map(|thread| self.reported_thread(thread, crashed, limit, values)).collect(),
        }
    }

    fn reported_thread(
        &self,
        thread: &Thread,
        crashed: Option<i32>,
        limit: usize,
        values: ValueLimits,
    ) -> ReportedThread {
        let backtrace = self.backtrace(thread.tid, limit);
        let mut frames = Vec::new();
        for (index, frame) in backtrace.frames.iter().enumerate() {
            let mut variables = self.variables(thread.tid, &backtrace.frames, index, values).into_iter();
            for source in self.symbolize(frame) {
                let variables = variables.next().unwrap_or_default();
                frames.push(self.reported_frame(frames.len(), frame, &source, variables));
            }
        }
        let truncated = frames.len() > limit || matches!(backtrace.end, WalkEnd::Limit(_));
        frames.truncate(limit);
        ReportedThread {
            tid: thread.tid,
            crashed: Some(thread.tid) == crashed,
            name: thread.name.clone(),
            signal: thread.siginfo.as_ref().and_then(reported_signal),
            frames,
            frames_truncated: truncated,
            stop_reason: backtrace.end.to_string(),
        }
    }

    fn reported_frame(
        &self,
        level: usize,
        frame: &Frame,
        source: &SourceFrame,
        variables: Vec<Variable>,
    ) -> ReportedFrame {
        let module = source.module.and_then(|index| self.modules().get(index));
        let path = module.and_then(|module| real_path(module.file()).map(|path| Text::from(path.as_path())));
        let (function, location) = (source.function.as_ref(), source.location.as_ref());
        ReportedFrame {
            level,
            pc: frame.pc,
            kind: match frame.kind {
                FrameKind::SignalTrampoline => ReportedKind::Sigtramp,
                FrameKind::TailCall => ReportedKind::Tailcall,
                FrameKind::Normal if source.inline => ReportedKind::Inline,
                FrameKind::Normal => ReportedKind::Normal,
            },
            inline: source.inline,
            function: function.map(|function| function.name.clone()),
            linkage_name: function.and_then(|function| function.linkage_name.clone()),
            name_source: function.map(|function| match function.source {
                NameSource::Debug => "debug",
                NameSource::Elf => "elf",
            }),
            file: location.map(|location| Text::from(location.file.as_path())),
            line: location.map(|location| location.line),
            module: path.or_else(|| module.map(|module| module.path().clone())),
            language: source.language.and_then(language),
            sp: frame.registers.get(RSP).map(Avma),
            fp: frame.registers.get(RBP).map(Avma),
            cfa: frame.cfa,
            trust: frame.trust.to_string(),
            has_debug_info: function.is_some_and(|function| function.source == NameSource::Debug),
            variables: variables.into_iter().map(ReportedVariable::from).collect(),
        }
    }
}

fn mode(style: ValueStyle) -> &'static str {
    match style {
        ValueStyle::Raw => "raw",
        ValueStyle::Pretty => "pretty",
    }
}

fn real_path(path: Option<&Path>) -> Option<PathBuf> {
    path.map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

fn reported_signal(info: &SigInfo) -> Option<ReportedSignal> {
    let number = info.signal();
    (number != Signal(0)).then(|| ReportedSignal {
        number: number.0,
        name: number.to_string(),
        code: info.code(),
        address: info.address(),
    })
}

fn language(language: Language) -> Option<&'static str> {
    Some(match language {
        Language::Assembler => "asm",
        Language::C => "c",
        Language::Cpp => "c++",
        Language::Rust => "rust",
        Language::Go => "go",
        Language::Python => "python",
    })
}
