//! The crash in a few lines: what a person sees on opening one, and what a report names.

use dpdb_snapshot::process::{CaughtException, Cause};
use dpdb_snapshot::{Process, Text};
use serde::Serialize;

use super::frames::FrameLine;
use super::source::SourceListing;
use super::whole_run::PlaceInRun;
use super::{CommandError, Engine, Reply, death};

/// What died, of what, when and where.
#[derive(Clone, Debug, Serialize)]
pub struct Crash {
    /// The process.
    pub pid: i32,
    /// Its short name.
    pub comm: Text,
    /// What it died of, such as `SIGSEGV (address 0x10 not mapped)`; none where nothing died.
    pub death: Option<String>,
    /// The exception that it was stopped for.
    pub exception: Option<CaughtException>,
    /// Why the snapshot was taken, where nothing died and nothing was raised.
    pub cause: Option<String>,
    /// Its rank, in a job that numbers its processes.
    pub rank: Option<u32>,
    /// The thread that met it.
    pub tid: i32,
    /// How many threads there are.
    pub threads: usize,
    /// When, in nanoseconds since 1970.
    pub time: Option<u64>,
    /// The host's name.
    pub host: Option<Text>,
    /// The command line.
    pub command: Vec<Text>,
    /// The frame of the user's own code that it happened in.
    pub frame: Option<FrameLine>,
    /// The user's Python frame that called it, where it is native code called from Python.
    pub python: Option<FrameLine>,
}

/// What a person sees on opening a crash.
#[derive(Debug, Serialize)]
pub struct Opening {
    /// What died.
    pub crash: Crash,
    /// The innermost frames, as far as the selected one and a little further; of the many that may raise, panic or
    /// abort, only the first.
    pub frames: Vec<FrameLine>,
    /// How many frames follow.
    pub more: usize,
    /// The source around the selected frame's line.
    pub source: Option<SourceListing>,
    /// What the user should know of the files: damage, refused debug files.
    pub warnings: Vec<String>,
    /// Where it stands among the other snapshots, where several were opened.
    pub run: Option<PlaceInRun>,
    /// What to type next.
    pub hint: &'static str,
}

/// More frames than these before the user's own are not worth the lines.
const MACHINERY_SHOWN: usize = 7;

/// Warnings shown on opening; the rest are behind `info`.
const WARNINGS_SHOWN: usize = 4;

impl Crash {
    /// The crash of a process, in the frame that was found to be the user's own.
    pub fn new(process: &Process, frame: Option<FrameLine>) -> Crash {
        let cause = match &process.cause {
            Some(Cause::Requested { by }) => Some(format!("requested by {by}")),
            _ => None,
        };
        Crash {
            pid: process.pid,
            comm: process.comm.clone(),
            death: death(process),
            exception: process.cause.as_ref().and_then(Cause::exception).cloned(),
            cause,
            rank: process.rank.rank,
            tid: process.threads.first().map_or(0, |thread| thread.tid),
            threads: process.threads.len(),
            time: process.timing.crashed,
            host: Some(process.host.name.clone()).filter(|name| !name.as_bytes().is_empty()),
            command: process.arguments.clone(),
            frame,
            python: None,
        }
    }
}

impl Engine {
    /// What died, of what, when and where.
    pub fn crash(&mut self) -> Crash {
        let tid = self.process().threads.first().map_or(0, |thread| thread.tid);
        let own = self.user_frame(tid).unwrap_or(0);
        let frame = self.frame_line(tid, own).ok();
        let python = self.python_caller(tid, own);
        Crash { python, ..Crash::new(self.process(), frame) }
    }

    /// The innermost frames of the thread that met the cause, as far as `beyond` frames past the user's own. Of many
    /// frames that raise, panic or abort, only the first is among them.
    pub fn top_frames(&mut self, beyond: usize) -> Vec<FrameLine> {
        let tid = self.process().threads.first().map_or(0, |thread| thread.tid);
        let own = self.user_frame(tid).unwrap_or(0);
        let Ok(stack) = self.stack(tid, own + beyond + 1) else { return Vec::new() };
        let shown: Vec<usize> = (0..stack.numbered.len()).filter(|number| !stack.numbered[*number].folded).collect();
        let own = shown.iter().position(|number| *number == own).unwrap_or(0);
        let left_out = if own > MACHINERY_SHOWN { 1..own } else { 0..0 };
        let mut frames = Vec::new();
        for at in (0..shown.len().min(own + beyond + 1)).filter(|at| !left_out.contains(at)) {
            let Ok(mut line) = self.frame_line(tid, shown[at]) else { break };
            line.hidden_after = shown.get(at + 1).map_or(0, |next| next - shown[at] - 1);
            frames.push(line);
        }
        frames
    }

    /// What a person sees on opening a crash.
    ///
    /// # Errors
    /// None at present; a crash without a single frame still has an opening.
    pub fn opening(&mut self) -> Result<Reply, CommandError> {
        const BEYOND: usize = 4;
        let crash = self.crash();
        let tid = self.tid;
        let frames = self.top_frames(BEYOND);
        let last = frames.last().map_or(0, |last| last.number + 1);
        let rest = self.stack(tid, 0).map(|stack| stack.numbered.get(last..).unwrap_or_default());
        let more = rest.map_or(0, |rest| rest.iter().filter(|level| !level.folded).count());
        let source = self.source_around(tid, self.selected_frame(tid), 3);
        let mut warnings = self.file.damage.clone();
        warnings.extend(self.new_warnings());
        if warnings.len() > WARNINGS_SHOWN {
            let more = warnings.len() - WARNINGS_SHOWN;
            warnings.truncate(WARNINGS_SHOWN);
            warnings.push(format!("{more} more warnings: see 'info'"));
        }
        let hint = if crash.death.is_some() || crash.exception.is_some() {
            "'why' explains the fault, 'bt' shows the whole stack, 'help' lists the commands"
        } else {
            "'threads' lists the threads, 'bt' shows the stack, 'help' lists the commands"
        };
        Ok(Reply::Opening(Box::new(Opening { crash, frames, more, source, warnings, run: None, hint })))
    }
}
