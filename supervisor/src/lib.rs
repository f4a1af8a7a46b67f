//! Runs a process tree under ptrace, unseen by it, and captures what dies.
//!
//! **What this crate promises.** The tree behaves as it would alone: same fds, signals, exit statuses and job
//! control. Whatever ends us, the tree runs on, unless the caller asked otherwise. Of each process that dies of a
//! signal in [`Options::signals`], a snapshot is written before the kernel takes it away.
//!
//! **How.** One thread speaks ptrace: wait, decode the [`Stop`], find the tracee, decide, resume. Snapshots are streamed
//! by workers while the dying process is held and all others run. Only `sys` holds unsafe code.
//!
//! **What it does not know.** What the bytes of a process mean.

mod attach;
pub mod capture;
pub mod catch;
pub mod doctor;
pub mod event;
mod history;
mod inject;
mod launch;
mod leak_sanitizer;
pub mod options;
mod policy;
mod proc;
mod refusal;
mod snap;
mod snapshots;
mod stop;
mod stopped;
mod supervise;
pub mod sys;
mod thread_starter;
mod tracer;
mod tree;
pub mod triggers;

pub use event::{Event, Observer, Outcome, SnapshotWritten, SuperviseError};
pub use options::{ExitCodes, Options, SignalSet, UnknownSignal, parse_duration, parse_size};
pub use proc::proc_dir;
pub use snap::{Answers, SnapError, snap};
pub use stop::{Birth, Stop};
pub use stopped::{AbsentThread, RunningProcess, StoppedProcess, StoppedThread};
pub use supervise::{attach, die_of, supervise};
pub use triggers::Trigger;
