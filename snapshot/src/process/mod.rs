//! What a stopped process is made of.

mod cause;
mod exception;
mod facts;
mod mapping;
mod signal;
mod soft_error;
mod thread;

use serde::{Deserialize, Serialize};

pub use cause::{Cause, FirstChance, Freeze};
pub use exception::{CaughtException, ExceptionLanguage, Fate};
pub use facts::{FileDescriptor, Host, Identity, Limit, Module, Namespace, ProcessLink, Rank, Run, Scrubbed, Timing};
pub use mapping::{Mapping, Permissions};
pub use signal::{SigInfo, Signal};
pub use soft_error::{SoftError, Step};
pub use thread::{Syscall, Thread};

use crate::{AddressRange, Avma, Base, Text};

/// One process at one instant: all that is known of it besides the bytes of its memory.
///
/// Every field past the pid may be missing: a kernel's core says less than a snapshot, and what could not be read is
/// listed in [`Process::soft_errors`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// The process id, in the supervisor's pid namespace.
    pub pid: i32,
    /// The process id in the innermost pid namespace of the process, where that differs.
    pub inner_pid: Option<i32>,
    /// The parent's process id.
    pub ppid: i32,
    /// The process group.
    pub pgid: i32,
    /// The session.
    pub sid: i32,
    /// The kernel's short name (15 bytes at most).
    pub comm: Text,
    /// The path of the executable, as `/proc/PID/exe` names it.
    pub executable: Option<Text>,
    /// The command line, a string per argument. The process may have overwritten it.
    pub arguments: Vec<Text>,
    /// The environment as it was when the program started, `NAME=value` each.
    pub environment: Vec<Text>,
    /// The working directory.
    pub cwd: Option<Text>,
    /// The root directory, where it is not `/`.
    pub root: Option<Text>,
    /// Users and groups.
    pub identity: Option<Identity>,
    /// Why the snapshot was taken. A kind that only a newer version knows is read as `None`.
    #[serde(deserialize_with = "crate::dpdb_note::lenient")]
    pub cause: Option<Cause>,
    /// The threads; the one that met the cause comes first. Registers stand in the file's own notes, not in JSON.
    pub threads: Vec<Thread>,
    /// The memory mappings, ascending.
    pub mappings: Vec<Mapping>,
    /// The ELF files among them, by load address.
    pub modules: Vec<Module>,
    /// The auxiliary vector: pairs of type and value, without the closing `AT_NULL`.
    pub auxv: Vec<(u64, u64)>,
    /// Open files.
    pub fds: Vec<FileDescriptor>,
    /// Resource limits.
    pub limits: Vec<Limit>,
    /// The lines of `/proc/PID/cgroup`.
    pub cgroup: Vec<Text>,
    /// Namespaces with their inode numbers.
    pub namespaces: Vec<Namespace>,
    /// `/proc/PID/coredump_filter`, which says what memory is to be kept (core(5)).
    pub coredump_filter: Option<u32>,
    /// How much of the memory was wanted, in the words of `--memory`; `None` where that is all of what the filter says.
    pub memory: Option<String>,
    /// Whether a seccomp filter or strict mode was on (`Seccomp:` of `/proc/PID/status`).
    pub seccomp: Option<u8>,
    /// The rank variables that multi-process frameworks set.
    pub rank: Rank,
    /// All processes of the supervised tree at that instant.
    pub tree: Vec<ProcessLink>,
    /// What was replaced in environment and command line; `None` where nothing was looked for.
    pub scrubbed: Option<Scrubbed>,
    /// The supervisor's run.
    pub run: Option<Run>,
    /// The snapshot that has the pages which this one shares with it; `None` where all are here.
    pub base: Option<Base>,
    /// Clocks.
    pub timing: Timing,
    /// How its memory was held still; `None` in files of versions that did not tell.
    #[serde(deserialize_with = "crate::dpdb_note::lenient")]
    pub freeze: Option<Freeze>,
    /// The machine.
    pub host: Host,
    /// What could not be done, in the order in which it was met.
    pub soft_errors: Vec<SoftError>,
}

impl Process {
    /// The mapping that holds `address`.
    pub fn mapping_at(&self, address: Avma) -> Option<&Mapping> {
        let after = self.mappings.partition_point(|mapping| mapping.range.start <= address);
        self.mappings[..after].last().filter(|mapping| mapping.range.contains(address))
    }

    /// The mapping that ends last below `address`, and the one that starts first above it, where `address` itself
    /// lies in neither.
    pub fn neighbours_of(&self, address: Avma) -> (Option<&Mapping>, Option<&Mapping>) {
        let after = self.mappings.partition_point(|mapping| mapping.range.start <= address);
        let below = self.mappings[..after].last().filter(|mapping| !mapping.range.contains(address));
        (below, self.mappings.get(after))
    }

    /// The thread with this kernel id.
    pub fn thread(&self, tid: i32) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.tid == tid)
    }

    /// The value of an auxiliary vector entry (getauxval(3)).
    pub fn auxv(&self, kind: u64) -> Option<u64> {
        self.auxv.iter().find(|(found, _)| *found == kind).map(|(_, value)| *value)
    }

    /// The range from the lowest to the highest mapping.
    pub fn span(&self) -> Option<AddressRange> {
        let first = self.mappings.first()?;
        let last = self.mappings.last()?;
        Some(AddressRange { start: first.range.start, end: last.range.end })
    }
}
