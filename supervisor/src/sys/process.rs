//! Processes: making, ending and asking after them.

use std::os::fd::{FromRawFd, OwnedFd};

use super::failure::{Call, check, done};
use super::{Errno, Result};

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

/// A descriptor that stands for thread `tid` (pidfd_open(2)); for a thread that is not its process's first, the kernel
/// has to be Linux 6.9 or newer (PIDFD_THREAD).
///
/// # Errors
/// ESRCH; EINVAL or ENOENT on older kernels.
pub fn pidfd(tid: i32) -> Result<OwnedFd> {
    let open = |flags: libc::c_int| {
        // SAFETY: no pointers.
        Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, tid, flags) })
    };
    let fd = open(libc::O_EXCL).or_else(|_| open(0))?;
    // SAFETY: a new descriptor that is ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Our effective user id.
pub fn effective_user() -> u32 {
    // SAFETY: always sound.
    unsafe { libc::geteuid() }
}

/// Our effective group id.
pub fn effective_group() -> u32 {
    // SAFETY: always sound.
    unsafe { libc::getegid() }
}

/// Puts `/dev/null` in the place of our standard input and output: whoever reads the other end of a pipe is to see it
/// closed when the command closes it, not when we end.
pub fn drop_standard_streams() {
    use std::os::fd::AsRawFd;
    let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") else { return };
    for fd in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
        // SAFETY: replaces a descriptor that stays open, as std expects of these.
        unsafe { libc::dup2(null.as_raw_fd(), fd) };
    }
}
