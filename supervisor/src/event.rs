//! What the supervisor tells of while it runs, and what came of it.

use std::path::PathBuf;
use std::time::Duration;

use dpdb_snapshot::Text;
use dpdb_snapshot::process::{Cause, Signal};

/// Something that happened in the tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A process was made; it runs its parent's program until it is said to have `Execed`.
    Started {
        /// Its process id.
        pid: i32,
        /// Its parent's.
        ppid: i32,
        /// The kernel's short name.
        comm: Text,
    },
    /// Processes that ran before are supervised from now on.
    Attached {
        /// The process that was asked for.
        pid: i32,
        /// How many they are with it.
        processes: usize,
    },
    /// A process became another program.
    Execed {
        /// Its process id.
        pid: i32,
        /// The kernel's short name.
        comm: Text,
        /// The path of the program.
        executable: Text,
        /// Its command line.
        arguments: Vec<Text>,
    },
    /// A process ended by itself.
    Exited {
        /// Its process id.
        pid: i32,
        /// Its exit code.
        code: i32,
    },
    /// A process was ended by a signal, crash or not. What a snapshot was or was not taken for has been told before.
    Died {
        /// Its process id.
        pid: i32,
        /// The signal of its wait status.
        signal: Signal,
        /// The kernel dumped its core.
        core: bool,
    },
    /// A snapshot is complete under its final name.
    SnapshotWritten(SnapshotWritten),
    /// A process dies of a signal that asks for a snapshot, and there is none.
    SnapshotFailed {
        /// Its process id.
        pid: i32,
        /// The kernel's short name.
        comm: Text,
        /// What it dies of.
        cause: Cause,
        /// Why there is no snapshot, as a sentence without its full stop.
        reason: String,
    },
    /// Something that the user should know, as a sentence without its full stop.
    Notice(String),
}

/// A snapshot that is complete, as far as it was to be.
#[derive(Clone, Debug)]
pub struct SnapshotWritten {
    /// The run, as all of its snapshots bear it.
    pub run: String,
    /// Its number in that.
    pub number: u64,
    /// The process id.
    pub pid: i32,
    /// The kernel's short name of the process.
    pub comm: Text,
    /// What it dies of.
    pub cause: Cause,
    /// Where the file is.
    pub path: PathBuf,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// How long it took from the stop to the final name.
    pub took: Duration,
    /// Why not all of the memory that was wanted is in it.
    pub cut: Option<String>,
}

/// One who is told of events. It is called on the thread that called [`crate::supervise()`], which is not the one that
/// speaks ptrace: taking long delays nobody's process.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// Whether starts, execs and ends are wanted too. They cost the tree some microseconds each; deaths, snapshots and
    /// notices are always told.
    fn wants_history(&self) -> bool {
        false
    }
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this exit code.
    Exited(i32),
    /// Killed by this signal.
    Signaled(Signal),
    /// There is no such command.
    NotFound,
    /// There is such a file, which cannot be executed.
    NotExecutable,
    /// It runs on without us.
    Detached,
}

impl Outcome {
    /// The exit code by which a shell tells of it: 128 and the signal's number, 127, 126, the code itself, or zero for what we let go of.
    pub fn code(self) -> i32 {
        match self {
            Outcome::Exited(code) => code,
            Outcome::Detached => 0,
            Outcome::Signaled(signal) => 128 + signal.0,
            Outcome::NotFound => 127,
            Outcome::NotExecutable => 126,
        }
    }
}

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuperviseError {
    /// It was not called from the main thread, or that is not the only one.
    #[error("supervising must begin on the main thread, before any other is started (by a preloaded library, perhaps)")]
    NotAlone,
    /// There is no such process.
    #[error("there is no process {0}")]
    Gone(i32),
    /// It cannot be traced.
    #[error("process {pid} cannot be traced: {reason}")]
    NotTraceable {
        /// Its process id.
        pid: i32,
        /// Why, as a phrase that says what to do where something can be done.
        reason: String,
    },
    /// The command line is empty.
    #[error("no command was given")]
    NoCommand,
    /// An argument cannot be passed on.
    #[error("an argument holds a NUL byte: {0:?}")]
    NulInArgument(std::ffi::OsString),
    /// The name template is wrong.
    #[error("{reason}")]
    NameTemplate {
        /// As it was given.
        template: String,
        /// What is wrong with it, as a sentence.
        reason: String,
    },
    /// The journal cannot be opened.
    #[error("the journal {path} cannot be opened")]
    Journal {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A system call that must not fail did.
    #[error("{what} failed")]
    System {
        /// What was being done.
        what: &'static str,
        /// Why.
        #[source]
        source: crate::sys::Errno,
    },
    /// The thread that speaks ptrace panicked. Everything it traced was let go and runs on.
    #[error("the supervisor broke; the processes run on without it")]
    Broken,
}
