//! What `/proc` tells of a process that a test watches from outside.

use std::fs;

/// The value of a line `NAME: value` of `/proc/PID/status`.
#[track_caller]
pub fn status_field(pid: i32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.expect("the kernel tells it").trim().to_owned()
}

/// The state letter of process `pid`.
#[track_caller]
pub fn state_of(pid: i32) -> char {
    status_field(pid, "State").chars().next().expect("a state is a letter")
}

/// Waits until process `pid` is stopped, and by no tracer. Coming under a tracer and being let go, it is awake for a moment
/// (kernel/ptrace.c, `ptrace_set_stopped`, `__ptrace_unlink`).
#[track_caller]
pub fn until_stopped(pid: i32) {
    while state_of(pid) != 'T' {
        std::thread::yield_now();
    }
}

/// Waits until process `pid` is traced, or is not any more.
#[track_caller]
pub fn until_traced(pid: i32, traced: bool) {
    while (status_field(pid, "TracerPid") != "0") != traced {
        std::thread::yield_now();
    }
}

/// Waits until process `pid` has no children, zombies included.
#[track_caller]
pub fn until_childless(pid: i32) {
    let children = || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there").flatten();
        tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default()).collect::<String>()
    };
    while !children().is_empty() {
        std::thread::yield_now();
    }
}
