//! wait(2) for tracees and children alike.

use super::failure::{Call, check};
use super::{Errno, Result};

/// What a wait brought: whose, and the raw status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The thread's id.
    pub tid: i32,
    /// The status as the kernel encodes it.
    pub status: i32,
}

/// The next change of any tracee or child, threads and clones included (`__WALL`); `None` where nothing is ready.
///
/// # Errors
/// ECHILD where there is neither tracee nor child.
pub fn wait_any() -> Result<Option<Waited>> {
    wait(-1, libc::__WALL | libc::WNOHANG)
}

/// Waits until child `pid` ends or, being traced, stops.
///
/// # Errors
/// ECHILD where it is no child of ours.
pub fn wait_for(pid: i32) -> Result<Waited> {
    loop {
        match wait(pid, libc::__WALL) {
            Ok(Some(waited)) => return Ok(waited),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn wait(pid: i32, flags: i32) -> Result<Option<Waited>> {
    check(Call::Wait)?;
    let mut status = 0;
    // SAFETY: the kernel writes one int, and `status` is one.
    let tid = Errno::result(unsafe { libc::waitpid(pid, &mut status, flags) })?;
    Ok((tid > 0).then_some(Waited { tid, status }))
}
