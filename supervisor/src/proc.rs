//! The few facts out of `/proc` that the loop itself needs.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::OnceLock;

use dpdb_snapshot::Text;

use crate::sys;

/// The directory of thread or process `tid` in `/proc`.
///
/// A `/proc` that was mounted in another pid namespace than ours numbers processes differently: after
/// `unshare --pid --fork` without `--mount-proc`, `/proc/5` is somebody else. There, a pidfd's fdinfo gives the number
/// that this `/proc` uses (`Pid:`, kernel/fork.c `pidfd_show_fdinfo`).
pub fn proc_dir(tid: i32) -> PathBuf {
    static IS_OURS: OnceLock<bool> = OnceLock::new();
    let is_ours = *IS_OURS.get_or_init(|| {
        fs::read_link("/proc/self").is_ok_and(|link| link.to_str() == Some(&std::process::id().to_string()))
    });
    let tid = if is_ours { tid } else { number_in_proc(tid).unwrap_or(0) };
    PathBuf::from(format!("/proc/{tid}"))
}

fn number_in_proc(tid: i32) -> Option<i32> {
    let fd = sys::pidfd(tid).ok()?;
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    line.trim().parse().ok().filter(|&number| number > 0)
}

/// The kernel's short name of process or thread `tid`; empty where it is gone.
pub(crate) fn comm(tid: i32) -> Text {
    let mut comm = fs::read(proc_dir(tid).join("comm")).unwrap_or_default();
    if comm.last() == Some(&b'\n') {
        comm.pop();
    }
    Text(comm)
}

/// The path of the program of process `pid`; empty where it is gone.
pub(crate) fn executable(pid: i32) -> Text {
    fs::read_link(proc_dir(pid).join("exe")).map(|path| Text::from(path.as_path())).unwrap_or_default()
}

/// The command line of process `pid`; empty where it is gone.
pub(crate) fn arguments(pid: i32) -> Vec<Text> {
    let mut line = fs::read(proc_dir(pid).join("cmdline")).unwrap_or_default();
    if line.last() == Some(&0) {
        line.pop();
    }
    if line.is_empty() { Vec::new() } else { line.split(|&byte| byte == 0).map(|part| Text(part.to_vec())).collect() }
}

/// The children of process `pid`, whichever of its threads made them, ascending.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(proc_dir(pid).join("task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let mut children: Vec<i32> = lists.flat_map(|list| numbers(&list)).collect();
    children.sort_unstable();
    children.dedup();
    children
}

fn numbers(list: &str) -> Vec<i32> {
    list.split_whitespace().flat_map(str::parse).collect()
}

/// What `/proc/TID/status` says (proc_pid_status(5)), as far as is asked of every signal and every thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The process that the thread belongs to.
    pub(crate) tgid: i32,
    /// The process's parent.
    pub(crate) ppid: i32,
    /// Signals pending for the thread and for the process, a bit each, signal 1 lowest.
    pub(crate) pending: u64,
    /// Those pending for the thread alone.
    pub(crate) pending_for_thread: u64,
    /// Signals that the thread has blocked.
    pub(crate) blocked: u64,
    /// Signals ignored.
    pub(crate) ignored: u64,
    /// Signals with a handler.
    pub(crate) caught: u64,
    /// The process id in each pid namespace from that of `/proc` inwards: of the process, whichever thread is asked.
    pub(crate) namespace_pids: Vec<i32>,
}

impl Status {
    /// Reads it for thread `tid`; `None` where it is gone.
    pub(crate) fn of(tid: i32) -> Option<Status> {
        fs::read(proc_dir(tid).join("status")).ok().map(|text| Status::parse(&text))
    }

    /// Takes the text apart; what is missing stays zero.
    pub(crate) fn parse(text: &[u8]) -> Status {
        let text = String::from_utf8_lossy(text);
        let mut status = Status::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let bits = || u64::from_str_radix(value, 16).unwrap_or(0);
            match name {
                "Tgid" => status.tgid = value.parse().unwrap_or(0),
                "PPid" => status.ppid = value.parse().unwrap_or(0),
                "SigPnd" => {
                    status.pending_for_thread = bits();
                    status.pending |= bits();
                }
                "ShdPnd" => status.pending |= bits(),
                "SigBlk" => status.blocked = bits(),
                "SigIgn" => status.ignored = bits(),
                "SigCgt" => status.caught = bits(),
                "NStgid" => status.namespace_pids = value.split_whitespace().flat_map(str::parse).collect(),
                _ => {}
            }
        }
        status
    }

    /// Whether the process is the init of a pid namespace below that of `/proc`.
    pub(crate) fn is_namespace_init(&self) -> bool {
        self.namespace_pids.len() > 1 && self.namespace_pids.last() == Some(&1)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    const TEXT: &[u8] =
        b"Name:\ta b)\nTgid:\t7\nPPid:\t3\nNStgid:\t7\t1\nNSpid:\t9\t3\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000100\n\
        SigBlk:\t0000000000010000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000180004002\n";

    #[test]
    fn a_status_is_taken_apart() {
        let status = Status::parse(TEXT);
        assert_eq!((status.tgid, status.ppid, status.pending), (7, 3, 0x101));
        assert_eq!((status.pending_for_thread, status.blocked), (1, 0x10000));
        assert_eq!((status.ignored, status.caught), (0x1000, 0x1_8000_4002));
        assert!(status.is_namespace_init());
        assert!(!Status { namespace_pids: vec![1], ..Status::default() }.is_namespace_init());
        assert_eq!(Status::parse(b"\xff\xff nonsense\nTgid: x\n"), Status::default());
    }

    #[test]
    fn our_own_status_can_be_read() {
        let status = Status::of(std::process::id() as i32).unwrap();
        assert_eq!(status.tgid, std::process::id() as i32);
        assert!(status.ppid > 0);
    }
}
