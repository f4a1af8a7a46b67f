//! Proof that a process is stopped: only such a one can be read.

use dpdb_snapshot::process::Signal;

/// A process that runs, as far as anyone knows; nothing but its ids can be had of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunningProcess {
    /// Its process id, which the kernel will use again once it is gone.
    pub pid: i32,
    /// What tells it from others that have, had or will have that pid: a number of our own, counted up. As its tracer
    /// we are told before the kernel uses an id again, so no clock has to be asked.
    pub serial: u64,
}

/// A process whose threads are held in ptrace stops by the thread that speaks ptrace, so that registers and memory
/// hold still.
///
/// It is made by the loop alone, and while one exists the loop resumes none of `threads`.
#[derive(Clone, Debug)]
pub struct StoppedProcess {
    pub(crate) process: RunningProcess,
    pub(crate) threads: Vec<StoppedThread>,
    pub(crate) absent: Vec<AbsentThread>,
    pub(crate) exiting: bool,
}

/// A thread that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoppedThread {
    /// Its id.
    pub tid: i32,
    /// The signal it was about to take, where it is held in a signal-delivery-stop.
    pub signal: Option<Signal>,
}

/// A thread that could not be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentThread {
    /// Its id.
    pub tid: i32,
    /// Why, as a short phrase.
    pub reason: String,
}

impl StoppedProcess {
    /// The process id, in our pid namespace.
    pub fn pid(&self) -> i32 {
        self.process.pid
    }

    /// The threads that are held; the one that met the cause comes first. There is at least one.
    pub fn threads(&self) -> &[StoppedThread] {
        &self.threads
    }

    /// The thread that met the cause.
    pub fn cause_tid(&self) -> i32 {
        self.threads.first().map_or(self.process.pid, |thread| thread.tid)
    }

    /// The threads that run on, because they did not stop in time.
    pub fn absent(&self) -> &[AbsentThread] {
        &self.absent
    }

    /// Whether it was caught at its exit stop: the kernel has begun to end it, so system calls were cut short, and
    /// siginfo can no longer be asked for.
    pub fn is_exiting(&self) -> bool {
        self.exiting
    }
}
