//! `info`: everything about the crash and the file but its memory.

use dpdb_snapshot::process::{Cause, Freeze, Host, Identity, Namespace, Rank, Scrubbed, SigInfo, Timing};
use dpdb_snapshot::{Base, Process, Text};
use serde::Serialize;

use super::crash::Crash;
use super::open::FileFacts;
use super::{Engine, Hex, Reply};

/// What died and how, where it ran, and what the file could not keep.
#[derive(Debug, Serialize)]
pub struct Info {
    /// The file.
    pub file: FileFacts,
    /// What died, of what, when and where.
    pub crash: Crash,
    /// The siginfo of the signal.
    pub signal: Option<SignalDetails>,
    /// The parent's process id.
    pub ppid: i32,
    /// The process group.
    pub pgid: i32,
    /// The session.
    pub sid: i32,
    /// The process id in its own pid namespace, where that differs.
    pub inner_pid: Option<i32>,
    /// The executable's path.
    pub executable: Option<Text>,
    /// The working directory.
    pub cwd: Option<Text>,
    /// Users and groups.
    pub identity: Option<Identity>,
    /// Rank variables.
    pub rank: Rank,
    /// Namespaces that are not the supervisor's.
    pub namespaces: Vec<Namespace>,
    /// Control groups.
    pub cgroup: Vec<Text>,
    /// Clocks.
    pub timing: Timing,
    /// How its memory was held still, where the file tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
    /// How much of the memory was wanted, in the words of `--memory`; nothing where that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// How many crashes like it there were before in its run, where it has only its stacks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u64>,
    /// The snapshot in the same directory that has what this one shares with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// What was replaced in environment and command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrubbed: Option<Scrubbed>,
    /// The machine, and the version that wrote the file.
    pub host: Host,
    /// The version that reads it.
    pub reader: &'static str,
    /// Steps of the capture that failed, a sentence each.
    pub soft_errors: Vec<String>,
    /// What the user should know of modules and debug files.
    pub warnings: Vec<String>,
}

/// What the kernel said of the signal.
#[derive(Debug, Serialize)]
pub struct SignalDetails {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: i32,
    /// The name of `si_code`.
    pub code: String,
    /// `si_addr` of a fault.
    pub address: Option<Hex>,
    /// The sender's pid and uid.
    pub sender: Option<(i32, u32)>,
    /// A handler of the process saw another fault first.
    pub first_chance: Option<String>,
}

impl Info {
    /// What a process and its file tell, with what was found out about the crash.
    pub fn new(file: FileFacts, process: &Process, crash: Crash, warnings: Vec<String>) -> Info {
        Info {
            file,
            crash,
            signal: signal_details(process),
            ppid: process.ppid,
            pgid: process.pgid,
            sid: process.sid,
            inner_pid: process.inner_pid,
            executable: process.executable.clone(),
            cwd: process.cwd.clone(),
            identity: process.identity.clone(),
            rank: process.rank.clone(),
            namespaces: process.namespaces.iter().filter(|namespace| namespace.differs).cloned().collect(),
            cgroup: process.cgroup.clone(),
            timing: process.timing.clone(),
            freeze: process.freeze.clone(),
            memory: process.memory.clone(),
            repeats: process.run.as_ref().and_then(|run| run.repeats),
            base: process.base.clone(),
            scrubbed: process.scrubbed,
            host: process.host.clone(),
            reader: concat!("dpdb-trace ", env!("CARGO_PKG_VERSION")),
            soft_errors: process.soft_errors.iter().map(ToString::to_string).collect(),
            warnings,
        }
    }
}

impl Engine {
    /// Everything about the crash and the file but its memory.
    pub fn info(&mut self) -> Reply {
        let crash = self.crash();
        let warnings = self.session.warnings();
        Reply::Info(Box::new(Info::new(self.file.clone(), self.process(), crash, warnings)))
    }
}

fn signal_details(process: &Process) -> Option<SignalDetails> {
    let (told, first) = match process.cause.as_ref() {
        Some(Cause::FatalSignal { info, first_chance, .. }) => (info.as_ref(), first_chance.as_ref()),
        _ => (None, None),
    };
    let info = told.or_else(|| process.threads.first()?.siginfo.as_ref())?;
    Some(SignalDetails {
        name: info.signal().to_string(),
        number: info.signal().0,
        code: info.code_name(),
        address: info.address().map(Hex::from),
        sender: info.sender(),
        first_chance: first.map(|first| {
            let at = first.info.as_ref().and_then(SigInfo::address);
            let at = at.map(|at| format!(" at address {at}")).unwrap_or_default();
            format!("{}{at} in thread {}, taken by a handler before", first.signal, first.tid)
        }),
    })
}
