//! What `/proc/PID/task` tells of threads.

use dpdb_snapshot::process::Syscall;
use dpdb_snapshot::{Process, SoftError, Text, Thread};
use procfs::FromRead;

use super::ProcDir;
use super::stat::{parse_stat, ticks_to_ns};
use crate::proc::Status;

/// The most threads that are described.
const MOST_THREADS: usize = 1 << 16;

/// The most of a `status` that is looked at.
const LONGEST_STATUS: usize = 64 << 10;

/// Fills in names, masks, times and system calls of `process.threads`, and adds the threads that it does not have
/// yet: those that could not be stopped, and a leader that is a zombie already.
pub(super) fn read(process: &mut Process, via: i32) {
    let mut dir = ProcDir::of(via);
    add_missing(&mut dir, &mut process.threads);
    process.soft_errors.append(&mut dir.errors);
    for thread in &mut process.threads {
        read_one(process.pid, thread, &mut process.soft_errors);
    }
}

fn add_missing(dir: &mut ProcDir, threads: &mut Vec<Thread>) {
    let known: std::collections::HashSet<i32> = threads.iter().map(|thread| thread.tid).collect();
    let entries = match std::fs::read_dir(dir.path("task")) {
        Ok(entries) => entries,
        Err(error) => return dir.failed("cannot list", "task", &error),
    };
    let tids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut missing: Vec<i32> = tids.filter(|tid| !known.contains(tid)).collect();
    missing.sort_unstable();
    let room = MOST_THREADS.saturating_sub(threads.len());
    if missing.len() > room {
        dir.complain(format!("{} threads are left out: {MOST_THREADS} is the limit", missing.len() - room), None);
    }
    threads.extend(missing.into_iter().take(room).map(|tid| Thread { tid, ..Thread::default() }));
}

fn read_one(pid: i32, thread: &mut Thread, errors: &mut Vec<SoftError>) {
    let mut dir = ProcDir::of_thread(pid, thread.tid);
    if let Some(status) = dir.read("status", LONGEST_STATUS).map(|text| Status::parse(&text)) {
        thread.pending = status.pending_for_thread;
        thread.blocked = status.blocked;
    }
    if let Some(stat) = dir.read("stat", 4096).and_then(|line| parse_stat(&line)) {
        thread.name = Some(stat.comm);
        // Once it is stopped for us the letter is `t`, which says nothing of what it was doing.
        thread.state = thread.state.or(Some(stat.state).filter(|state| *state != 't'));
        thread.cpu = Some(stat.cpu);
        thread.user_time = Some(ticks_to_ns(stat.user_ticks));
        thread.system_time = Some(ticks_to_ns(stat.system_ticks));
    }
    // A dead leader has no system call, and a kernel may be built without the file: nothing to complain of.
    let line = std::fs::read(dir.path("syscall")).unwrap_or_default();
    thread.syscall = thread.syscall.take().or_else(|| parse_syscall(&line));
    errors.append(&mut dir.errors);
}

/// `/proc/PID/task/TID/syscall` (proc_pid_syscall(5)); `None` where the thread is in none.
fn parse_syscall(line: &[u8]) -> Option<Syscall> {
    match procfs::process::Syscall::from_read(line).ok()? {
        procfs::process::Syscall::Blocked { syscall_number: number @ 0.., argument_registers: arguments, .. } => {
            Some(Syscall { number, arguments })
        }
        _ => None,
    }
}

/// What a running thread was doing: the state letter of its `stat` and the kernel function it sleeps in. To be asked
/// before it is stopped, since a stopped thread only says that it is.
pub(crate) fn doing(pid: i32, tid: i32) -> (Option<char>, Option<String>) {
    let read = |name: &str| std::fs::read(format!("/proc/{pid}/task/{tid}/{name}")).unwrap_or_default();
    let state = parse_stat(&read("stat")).map(|stat| stat.state);
    let wchan = Text(read("wchan")).to_string();
    (state, Some(wchan).filter(|function| !function.is_empty() && function != "0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_call_is_read_and_none_is_none() {
        let line = "7 0x1 0x2 0x3 0x4 0x5 0xffffffffffffffff 0x7ffc 0x7f00\n";
        let syscall = parse_syscall(line.as_bytes()).unwrap();
        assert_eq!((syscall.number, syscall.arguments), (7, [1, 2, 3, 4, 5, u64::MAX]));
        for none in ["running\n", "-1 0x7ffc 0x7f00\n", "", "7 0x1 0x2\n"] {
            assert_eq!(parse_syscall(none.as_bytes()), None, "{none}");
        }
    }
}
