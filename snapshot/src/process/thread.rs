//! Threads.

use serde::{Deserialize, Serialize};

use super::SigInfo;
use crate::{Registers, Text};

/// One thread of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// The kernel's thread id.
    pub tid: i32,
    /// Its name (15 bytes at most), which an ELF core does not know.
    pub name: Option<Text>,
    /// What it was doing when it was stopped: the state letter of `/proc/PID/task/TID/stat` before the stop
    /// (`R`, `S`, `D`, `Z` …), if known.
    pub state: Option<char>,
    /// Its registers. They stand in `NT_PRSTATUS`, `NT_FPREGSET` and `NT_X86_XSTATE`, not in JSON.
    #[serde(skip)]
    pub registers: Option<Registers>,
    /// The signal it was stopped with, if any (`NT_SIGINFO`).
    #[serde(skip)]
    pub siginfo: Option<SigInfo>,
    /// Pending signals of this thread, a bit each, signal 1 lowest.
    pub pending: u64,
    /// Blocked signals, likewise.
    pub blocked: u64,
    /// The system call in progress.
    pub syscall: Option<Syscall>,
    /// The kernel function it sleeps in (`wchan`).
    pub wchan: Option<String>,
    /// Processor it last ran on.
    pub cpu: Option<i32>,
    /// Processor time in user mode, nanoseconds.
    pub user_time: Option<u64>,
    /// Processor time in the kernel, nanoseconds.
    pub system_time: Option<u64>,
}

/// A system call in progress, out of `/proc/PID/task/TID/syscall`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syscall {
    /// Its number.
    pub number: i64,
    /// Its arguments.
    pub arguments: [u64; 6],
}
