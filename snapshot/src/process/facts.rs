//! What `/proc` tells of a process besides its memory.

use serde::{Deserialize, Serialize};

use crate::{AddressRange, Text};

/// Users and groups: real, effective, saved and file-system id each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// User ids.
    pub uid: [u32; 4],
    /// Group ids.
    pub gid: [u32; 4],
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// An open file of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDescriptor {
    /// Its number.
    pub fd: i32,
    /// What `/proc/PID/fd/N` points to: a path, `socket:[inode]`, `pipe:[inode]`, `anon_inode:[eventpoll]` …
    pub target: Text,
    /// The position in bytes, from fdinfo.
    pub position: Option<u64>,
    /// The open(2) flags, from fdinfo (octal there).
    pub flags: Option<u32>,
    /// For sockets, the protocol, addresses and state, such as `tcp 127.0.0.1:6379 LISTEN`.
    pub socket: Option<String>,
}

/// One resource limit; `None` is unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Its name as `/proc/PID/limits` writes it, such as `Max open files`.
    pub name: String,
    /// The limit in force.
    pub soft: Option<u64>,
    /// How far the process may raise it.
    pub hard: Option<u64>,
    /// The unit, such as `bytes`; empty where it has none.
    pub unit: String,
}

/// A namespace the process lives in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// `pid`, `net`, `mnt` …
    pub kind: String,
    /// What tells it from others of its kind.
    pub inode: u64,
    /// Whether the supervisor lived in another one.
    pub differs: bool,
}

/// An ELF file in the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Module {
    /// The range from its first to its last mapping.
    pub range: AddressRange,
    /// Its path, as `/proc/PID/maps` writes it without ` (deleted)`; `[vdso]` for the vdso.
    pub path: Text,
    /// The file had been deleted or replaced.
    pub deleted: bool,
    /// The build-id out of its own memory (`NT_GNU_BUILD_ID`), in lower-case hex.
    pub build_id: Option<String>,
}

/// The variables by which multi-process frameworks number their processes, as they were in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rank {
    /// The rank over the whole job (`RANK`, `OMPI_COMM_WORLD_RANK`, `PMI_RANK`, `SLURM_PROCID`).
    pub rank: Option<u32>,
    /// The rank on this machine (`LOCAL_RANK` and its cousins).
    pub local_rank: Option<u32>,
    /// The number of processes (`WORLD_SIZE` and its cousins).
    pub world_size: Option<u32>,
    /// All variables found, `NAME=value` each.
    pub variables: Vec<Text>,
}

/// A process of the supervised tree, as it was at the instant of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessLink {
    /// Its process id.
    pub pid: i32,
    /// Its parent's.
    pub ppid: i32,
    /// The kernel's short name.
    pub comm: Text,
    /// The state letter of `/proc/PID/stat`.
    pub state: char,
    /// How many threads it had.
    pub threads: u32,
}

/// The run of a supervisor that a snapshot was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// The same for all snapshots of a run, and for those of no other (a UUID).
    pub id: String,
    /// The place of this one among them, from 1, in the order in which they were begun.
    pub number: u64,
    /// The number of the snapshot of the crash at whose instant this one was taken.
    pub of_crash: Option<u64>,
    /// How many crashes like it there were before in the run, where it has only its stacks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u64>,
}

/// How much was replaced because it looked like a key, a token or a password: by as many asterisks, here and in the memory that
/// the kernel put it into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scrubbed {
    /// Values of environment variables.
    pub variables: u64,
    /// Arguments of the command line.
    pub arguments: u64,
}

/// Clocks. Times of day are nanoseconds since 1970 (UTC); durations are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// When the process started.
    pub started: Option<u64>,
    /// When the cause was met.
    pub crashed: Option<u64>,
    /// Processor time in user mode.
    pub user_time: Option<u64>,
    /// Processor time in the kernel.
    pub system_time: Option<u64>,
}

/// The machine and who took the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// The host's name.
    pub name: Text,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub machine: String,
    /// Processors online.
    pub cpus: Option<u32>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of memory available to new work at that instant.
    pub available: Option<u64>,
    /// The three load averages.
    pub load: Option<String>,
    /// `boot_id`, which tells one boot of one machine from all others.
    pub boot_id: Option<String>,
    /// The version of dpdb-trace that wrote the file.
    pub writer: String,
}
