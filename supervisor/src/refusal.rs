//! Why the kernel does not let us trace a process, in words that say what to do about it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::sys::{self, Errno};
use crate::{doctor, proc};

/// What a refusal may come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    /// The process or thread that traces it (`TracerPid`), zero for nobody.
    tracer: i32,
    /// The state letter of `/proc/PID/status`.
    state: Option<char>,
    is_kernel_thread: bool,
    /// It was started by us.
    is_child: bool,
    /// Its real user.
    user: u32,
    /// The owner of its `/proc` directory: root where it is not dumpable (proc_pid(5)).
    owner: u32,
    /// Our effective user.
    us: u32,
    /// We have CAP_SYS_PTRACE.
    privileged: bool,
    /// `kernel.yama.ptrace_scope` (Documentation/admin-guide/LSM/Yama.rst).
    scope: String,
}

/// Why process `pid` could not be seized, as a sentence without its full stop.
pub(crate) fn why_not_traceable(errno: Errno, pid: i32) -> String {
    let status = fs::read_to_string(proc::proc_dir(pid).join("status")).unwrap_or_default();
    let field = |name: &str| doctor::field(&status, name);
    let first = |name: &str| field(name).and_then(|value| value.split_whitespace().next()?.parse().ok());
    let us = sys::effective_user();
    let facts = Facts {
        tracer: first("TracerPid").unwrap_or(0) as i32,
        state: field("State").and_then(|state| state.chars().next()),
        is_kernel_thread: first("Kthread") == Some(1),
        is_child: first("PPid") == Some(std::process::id()),
        user: first("Uid").unwrap_or(us),
        owner: fs::metadata(proc::proc_dir(pid)).map_or(us, |directory| directory.uid()),
        us,
        privileged: doctor::has_ptrace_capability(),
        scope: fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default().trim().to_owned(),
    };
    reason(errno, &facts)
}

fn reason(errno: Errno, facts: &Facts) -> String {
    match (errno, facts.scope.as_str()) {
        _ if facts.tracer != 0 => format!("process {} traces it already", facts.tracer),
        (Errno::ENOSYS, _) => "there is no ptrace here; a sandbox such as gVisor may be the reason".to_owned(),
        (Errno::EPERM, _) if matches!(facts.state, Some('Z' | 'X')) => "it has ended already".to_owned(),
        (Errno::EPERM, _) if facts.is_kernel_thread => "it is a thread of the kernel".to_owned(),
        (Errno::EPERM, "3") => "kernel.yama.ptrace_scope is 3, which forbids ptrace to everybody".to_owned(),
        (Errno::EPERM, "2") if !facts.privileged => {
            "kernel.yama.ptrace_scope is 2, which leaves ptrace to CAP_SYS_PTRACE: run this as root".to_owned()
        }
        (Errno::EPERM, _) if !facts.privileged && facts.user != facts.us => {
            format!("it belongs to user {}: run this as that user or as root", facts.user)
        }
        (Errno::EPERM, _) if !facts.privileged && facts.owner != facts.us => {
            "it hides from tracers (PR_SET_DUMPABLE, or a program with privileges): run this as root".to_owned()
        }
        (Errno::EPERM, "1") if !facts.privileged && !facts.is_child => {
            "kernel.yama.ptrace_scope is 1, which leaves ptrace to parents: run this as root, or 'sysctl \
             kernel.yama.ptrace_scope=0' first"
                .to_owned()
        }
        (Errno::EPERM, _) => {
            "ptrace is not permitted, by seccomp or a security module; dpdb-trace doctor says more".to_owned()
        }
        (errno, _) => format!("ptrace failed: {}", errno.desc()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, reason};
    use crate::sys::Errno;

    #[test]
    fn each_refusal_names_what_it_comes_from() {
        let plain = Facts { user: 7, owner: 7, us: 7, scope: "1".to_owned(), ..Facts::default() };
        for (facts, errno, expected) in [
            (Facts { tracer: 5, ..plain.clone() }, Errno::EPERM, "process 5 traces it already"),
            (Facts { state: Some('Z'), ..plain.clone() }, Errno::EPERM, "ended already"),
            (Facts { is_kernel_thread: true, ..plain.clone() }, Errno::EPERM, "thread of the kernel"),
            (Facts { user: 0, owner: 0, ..plain.clone() }, Errno::EPERM, "belongs to user 0"),
            (Facts { owner: 0, ..plain.clone() }, Errno::EPERM, "hides from tracers"),
            (plain.clone(), Errno::EPERM, "ptrace_scope is 1"),
            (Facts { is_child: true, ..plain.clone() }, Errno::EPERM, "by seccomp or a security module"),
            (Facts { privileged: true, user: 0, ..plain.clone() }, Errno::EPERM, "by seccomp or a security module"),
            (Facts { scope: "2".to_owned(), ..plain.clone() }, Errno::EPERM, "leaves ptrace to CAP_SYS_PTRACE"),
            (Facts { scope: "3".to_owned(), privileged: true, ..plain.clone() }, Errno::EPERM, "forbids ptrace"),
            (plain.clone(), Errno::ENOSYS, "gVisor"),
            (plain.clone(), Errno::EIO, "ptrace failed: "),
        ] {
            let told = reason(errno, &facts);
            assert!(told.contains(expected), "{facts:?}: {told}");
        }
    }
}
