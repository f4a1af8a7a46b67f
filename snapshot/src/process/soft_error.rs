//! What went wrong while capturing, without ending the capture.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a capture that failed while the capture went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftError {
    /// What was being done.
    pub step: Step,
    /// The thread it concerns, if one.
    pub tid: Option<i32>,
    /// The errno, if a system call failed.
    pub errno: Option<i32>,
    /// A sentence with the path, address or length in it.
    pub message: String,
}

/// The steps of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Stopping the other threads.
    StopThread,
    /// Reading a thread's registers.
    Registers,
    /// Reading a signal's siginfo.
    SigInfo,
    /// Reading a file of `/proc`.
    Proc,
    /// Finding out which pages there are.
    Pagemap,
    /// Reading memory.
    Memory,
    /// Finding a module's build-id.
    Module,
    /// Cloning the process to release it early.
    Clone,
    /// Writing the file.
    Write,
    /// Something a newer version knows.
    #[serde(other)]
    Other,
}

impl fmt::Display for SoftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(tid) = self.tid {
            write!(f, " (thread {tid})")?;
        }
        if let Some(errno) = self.errno {
            write!(f, ": {}", std::io::Error::from_raw_os_error(errno))?;
        }
        Ok(())
    }
}
