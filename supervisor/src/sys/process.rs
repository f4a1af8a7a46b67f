//! Processes: making, ending and asking after them.

use std::fs::{File, OpenOptions};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{self, Pid};

use super::failure::{Call, check, done};
use super::{Errno, Result};

/// Sends `signal` to process `pid` (kill(2)); nix has no real-time signals.
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
    unistd::getpgid(Some(Pid::from_raw(pid))).map(Pid::as_raw)
}

/// The session of `pid`, zero for us.
///
/// # Errors
/// ESRCH.
pub fn session_of(pid: i32) -> Result<i32> {
    unistd::getsid(Some(Pid::from_raw(pid))).map(Pid::as_raw)
}

/// The foreground process group of our controlling terminal; `None` where we have none.
pub fn foreground_group() -> Option<i32> {
    let terminal = File::open("/dev/tty").ok()?;
    unistd::tcgetpgrp(terminal).ok().map(Pid::as_raw).filter(|&group| group > 0)
}

/// Keeps this process from dumping core when it dies (RLIMIT_CORE).
pub fn set_core_limit_to_zero() {
    // The limit may always be lowered.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// Lets this process open as many files as it may (RLIMIT_NOFILE): the breakpoints of a large tree have a descriptor
/// each. To be called when the command is started already, which keeps the limit that we were given.
pub fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Gives the calling thread a table of descriptors of its own, a copy (close_range(2), CLOSE_RANGE_UNSHARE; unshare(2) is
/// what containers forbid). What it opens from then on closes when it ends, whatever other threads there are.
///
/// # Errors
/// ENOSYS before Linux 5.9, ENOMEM.
pub fn own_descriptor_table() -> Result<()> {
    const NO_DESCRIPTOR: u32 = u32::MAX;
    // SAFETY: no pointers; no descriptor has this number, so that none is closed.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, NO_DESCRIPTOR, NO_DESCRIPTOR, libc::CLOSE_RANGE_UNSHARE) };
    Errno::result(result).map(drop)
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

/// The pid and the user of who is at the other end of a socket (SO_PEERCRED, unix(7)).
///
/// # Errors
/// EBADF and its like.
pub fn peer(socket: &UnixStream) -> Result<(i32, u32)> {
    let credentials = getsockopt(socket, sockopt::PeerCredentials)?;
    Ok((credentials.pid(), credentials.uid()))
}

/// How many ticks of processor time a second has (sysconf(3), _SC_CLK_TCK): 100 on every Linux that we know.
pub fn ticks_per_second() -> u64 {
    const USUAL: u64 = 100;
    let ticks = unistd::sysconf(unistd::SysconfVar::CLK_TCK).ok().flatten();
    ticks.and_then(|ticks| u64::try_from(ticks).ok()).unwrap_or(USUAL)
}

/// Our effective user id.
pub fn effective_user() -> u32 {
    unistd::geteuid().as_raw()
}

/// Our effective group id.
pub fn effective_group() -> u32 {
    unistd::getegid().as_raw()
}

/// Puts `/dev/null` in the place of our standard input and output: whoever reads the other end of a pipe is to see it
/// closed when the command closes it, not when we end.
pub fn drop_standard_streams() {
    let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") else { return };
    // Open descriptors, all three: nothing can fail here.
    let _ = unistd::dup2_stdin(&null);
    let _ = unistd::dup2_stdout(&null);
}
