//! Processes: making, ending and asking after them.

use std::ffi::{CStr, c_char};

use super::failure::{Call, check, done};
use super::{Errno, Result};

/// Which side of a fork one is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forked {
    /// The new process.
    Child,
    /// The one that forked, with the child's pid.
    Parent(i32),
}

/// Makes a child (fork(2)).
///
/// # Safety
/// Other threads' locks stay locked in the child for ever: it may call only what is async-signal-safe
/// (signal-safety(7)), which leaves out allocation, until it calls [`exec`] or [`exit_now`].
///
/// # Errors
/// EAGAIN, ENOMEM.
pub unsafe fn fork() -> Result<Forked> {
    check(Call::Fork)?;
    // SAFETY: the caller's promise.
    match Errno::result(unsafe { libc::fork() })? {
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

/// Becomes the program in file `path`, with our own environment (execve(2)). Returns only where that failed, and says
/// why. `arguments` are NUL-terminated strings and end with a null pointer.
///
/// # Safety
/// `arguments` must be as said.
pub unsafe fn exec(path: &CStr, arguments: &[*const c_char]) -> Errno {
    // SAFETY: the caller's promise; execv uses `environ` as it stands, which nobody changes in the child.
    unsafe { libc::execv(path.as_ptr(), arguments.as_ptr()) };
    Errno::last()
}

/// Ends the process at once, running nothing (_exit(2)).
pub fn exit_now(code: i32) -> ! {
    // SAFETY: always sound.
    unsafe { libc::_exit(code) }
}

/// Sends `signal` to process `pid` (kill(2)).
///
/// # Errors
/// ESRCH, EPERM.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    check(Call::Kill)?;
    // SAFETY: no pointers.
    done(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Sends `signal` to one thread of process `pid` (tgkill(2)).
///
/// # Errors
/// ESRCH, EPERM.
pub fn thread_kill(pid: i32, tid: i32, signal: i32) -> Result<()> {
    // SAFETY: no pointers.
    Errno::result(unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, signal) }).map(drop)
}

/// Whether process `pid` has a thread `tid`. It asks with signal 0, which is cheaper than any file of `/proc`.
pub fn thread_exists(pid: i32, tid: i32) -> bool {
    !matches!(thread_kill(pid, tid, 0), Err(Errno::ESRCH | Errno::EINVAL))
}

/// The process group of `pid`, zero for us.
///
/// # Errors
/// ESRCH.
pub fn group_of(pid: i32) -> Result<i32> {
    // SAFETY: no pointers.
    done(unsafe { libc::getpgid(pid) })
}

/// The session of `pid`, zero for us.
///
/// # Errors
/// ESRCH.
pub fn session_of(pid: i32) -> Result<i32> {
    // SAFETY: no pointers.
    done(unsafe { libc::getsid(pid) })
}

/// The foreground process group of our controlling terminal; `None` where we have none.
pub fn foreground_group() -> Option<i32> {
    use std::os::fd::AsRawFd;
    let terminal = std::fs::File::open("/dev/tty").ok()?;
    // SAFETY: no pointers.
    let group = unsafe { libc::tcgetpgrp(terminal.as_raw_fd()) };
    (group > 0).then_some(group)
}

/// Keeps this process from dumping core when it dies (RLIMIT_CORE).
pub fn set_core_limit_to_zero() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads one rlimit.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
}
