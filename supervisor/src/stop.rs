//! What a wait status says: the one place that knows its bits.

use dpdb_snapshot::process::Signal;

/// What happened to a thread that we trace, or to a child that we do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// It is gone, having called exit with this code.
    Exited(i32),
    /// It is gone, killed by a signal.
    Killed {
        /// The signal.
        signal: Signal,
        /// The kernel dumped its core.
        core: bool,
    },
    /// Signal-delivery-stop: it is about to take this signal, or to lose it.
    Delivery(Signal),
    /// Group-stop: a stopping signal has stopped its whole process.
    Group(Signal),
    /// It is new, was interrupted by us, or left a group-stop: the three look the same (ptrace(2),
    /// PTRACE_EVENT_STOP).
    Trap,
    /// It made a process or a thread; the event message is the new id.
    Child(Birth),
    /// Its vfork child has called exec or ended.
    VforkDone,
    /// It became another program; the event message is the id of the thread that called exec.
    Exec,
    /// It is about to be gone, with memory and registers still there; the event message is its wait status.
    Exit,
    /// It was stopped by a seccomp filter that asks its tracer, which we never ask for.
    Seccomp,
    /// It enters or leaves a system call, which we never ask for.
    Syscall,
    /// It was continued by SIGCONT, which only a wait with WCONTINUED tells.
    Continued,
    /// Bits that no kernel known to us sends.
    Unknown(i32),
}

/// How a process or thread was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Birth {
    /// fork(2), or a clone that ends with SIGCHLD.
    Fork,
    /// vfork(2), or posix_spawn(3): the maker sleeps until its child calls exec or ends.
    Vfork,
    /// clone(2): a thread, mostly, but it may be a process.
    Clone,
}

impl Stop {
    /// Takes a raw status of wait(2) apart. Bits 0 to 15 are the classic status; a tracee's event stands above them
    /// (ptrace(2), "PTRACE_EVENT stops").
    pub fn decode(status: i32) -> Stop {
        if libc::WIFEXITED(status) {
            return Stop::Exited(libc::WEXITSTATUS(status));
        }
        if libc::WIFSIGNALED(status) {
            return Stop::Killed { signal: Signal(libc::WTERMSIG(status)), core: libc::WCOREDUMP(status) };
        }
        if libc::WIFCONTINUED(status) {
            return Stop::Continued;
        }
        if !libc::WIFSTOPPED(status) {
            return Stop::Unknown(status);
        }
        let signal = (status >> 8) & 0xff;
        match status >> 16 {
            0 if signal == libc::SIGTRAP | 0x80 => Stop::Syscall,
            0 => Stop::Delivery(Signal(signal)),
            libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => Stop::Trap,
            libc::PTRACE_EVENT_STOP => Stop::Group(Signal(signal)),
            libc::PTRACE_EVENT_FORK => Stop::Child(Birth::Fork),
            libc::PTRACE_EVENT_VFORK => Stop::Child(Birth::Vfork),
            libc::PTRACE_EVENT_CLONE => Stop::Child(Birth::Clone),
            libc::PTRACE_EVENT_VFORK_DONE => Stop::VforkDone,
            libc::PTRACE_EVENT_EXEC => Stop::Exec,
            libc::PTRACE_EVENT_EXIT => Stop::Exit,
            libc::PTRACE_EVENT_SECCOMP => Stop::Seccomp,
            _ => Stop::Unknown(status),
        }
    }

    /// Whether the thread is gone for good.
    pub fn is_end(self) -> bool {
        matches!(self, Stop::Exited(_) | Stop::Killed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{Birth, Stop};
    use dpdb_snapshot::process::Signal;

    #[test]
    fn a_wait_status_decodes_to_what_ptrace_2_says() {
        let stopped = |event: i32, signal: i32| event << 16 | signal << 8 | 0x7f;
        let table = [
            (0x0000, Stop::Exited(0)),
            (0xff00, Stop::Exited(255)),
            (0x000b, Stop::Killed { signal: Signal::SEGV, core: false }),
            (0x008b, Stop::Killed { signal: Signal::SEGV, core: true }),
            (0x0009, Stop::Killed { signal: Signal::KILL, core: false }),
            (0xffff, Stop::Continued),
            (stopped(0, libc::SIGSEGV), Stop::Delivery(Signal::SEGV)),
            // An int3, a single step or a kill -TRAP: the target's own, to be delivered.
            (stopped(0, libc::SIGTRAP), Stop::Delivery(Signal::TRAP)),
            (stopped(0, libc::SIGSTOP), Stop::Delivery(Signal::STOP)),
            (stopped(0, 64), Stop::Delivery(Signal(64))),
            (stopped(0, libc::SIGTRAP | 0x80), Stop::Syscall),
            // Measured: group-stop, then SIGCONT's trap, then its delivery.
            (0x80137f, Stop::Group(Signal::STOP)),
            (0x80057f, Stop::Trap),
            (0x00127f, Stop::Delivery(Signal::CONT)),
            (stopped(128, libc::SIGTSTP), Stop::Group(Signal::TSTP)),
            (stopped(128, libc::SIGTTIN), Stop::Group(Signal::TTIN)),
            (stopped(128, libc::SIGTTOU), Stop::Group(Signal::TTOU)),
            (stopped(1, libc::SIGTRAP), Stop::Child(Birth::Fork)),
            (stopped(2, libc::SIGTRAP), Stop::Child(Birth::Vfork)),
            (stopped(3, libc::SIGTRAP), Stop::Child(Birth::Clone)),
            (stopped(4, libc::SIGTRAP), Stop::Exec),
            (stopped(5, libc::SIGTRAP), Stop::VforkDone),
            (stopped(6, libc::SIGTRAP), Stop::Exit),
            (stopped(7, libc::SIGTRAP), Stop::Seccomp),
            (stopped(99, libc::SIGTRAP), Stop::Unknown(stopped(99, libc::SIGTRAP))),
        ];
        for (status, stop) in table {
            assert_eq!(Stop::decode(status), stop, "{status:#x}");
        }
    }
}
