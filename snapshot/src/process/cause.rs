//! Why a snapshot was taken.

use serde::{Deserialize, Serialize};

use super::{CaughtException, SigInfo, Signal};
use crate::Avma;

/// Why a snapshot was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A signal whose default action ends the process, seen while it was being delivered.
    FatalSignal {
        /// The signal.
        signal: Signal,
        /// The thread that was about to take it.
        tid: i32,
        /// All the kernel said of it.
        info: Option<SigInfo>,
        /// The fault that a handler of the process saw first, where the death came of it.
        first_chance: Option<Box<FirstChance>>,
    },
    /// The process was found dying of a signal at its exit stop; no delivery was seen (a seccomp kill, a SIGKILL, a
    /// race).
    KilledBy {
        /// The signal of its wait status.
        signal: Signal,
        /// The thread that reported the exit.
        tid: i32,
    },
    /// An exception was met at a catchpoint.
    Exception(CaughtException),
    /// Somebody asked for it.
    Requested {
        /// Who, or by what command.
        by: String,
    },
    /// A core file that says no more than that.
    CoreFile,
}

impl Cause {
    /// The signal that it is about, if any.
    pub fn signal(&self) -> Option<Signal> {
        match self {
            Cause::FatalSignal { signal, .. } | Cause::KilledBy { signal, .. } => Some(*signal),
            Cause::Exception(_) | Cause::Requested { .. } | Cause::CoreFile => None,
        }
    }

    /// Whether something went wrong: nobody asked for it.
    pub fn is_crash(&self) -> bool {
        matches!(self, Cause::FatalSignal { .. } | Cause::KilledBy { .. } | Cause::Exception(_))
    }

    /// The exception that it is about, if any.
    pub fn exception(&self) -> Option<&CaughtException> {
        match self {
            Cause::Exception(exception) => Some(exception),
            _ => None,
        }
    }
}

/// How the memory was held still while it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Freeze {
    /// A copy-on-write clone of the process was read, and the process went its way before.
    Clone,
    /// The process itself was read, and held until that was done.
    InPlace {
        /// Why it was not cloned, as a phrase.
        why: String,
    },
}

/// A synchronous fault that the process's own handler took before it died of it. The stack that the death shows is
/// the handler's; this is where the fault was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstChance {
    /// The signal of the fault.
    pub signal: Signal,
    /// The thread that faulted.
    pub tid: i32,
    /// All the kernel said of it.
    pub info: Option<SigInfo>,
    /// The general registers at the fault.
    pub registers: crate::arch::x86_64::GeneralRegisters,
    /// Where the bytes of `stack` were.
    pub stack_at: Avma,
    /// Some of the stack at that time, from the red zone up.
    #[serde(with = "crate::text::hex")]
    pub stack: Vec<u8>,
}
