//! Waiting for several things at once.

use std::io::{PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::failure::{Call, check, done};
use super::{Errno, Result};

/// A bell that any thread can ring to wake the one that polls it (eventfd(2)).
#[derive(Clone, Debug)]
pub struct Bell(Arc<OwnedFd>);

impl Bell {
    /// A bell that was not rung yet.
    ///
    /// # Errors
    /// EMFILE and its like.
    pub fn new() -> Result<Bell> {
        // SAFETY: no pointers; a descriptor that it returns is ours alone.
        let fd = done(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: as above.
        Ok(Bell(Arc::new(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Makes it readable until [`Bell::quiet`].
    pub fn ring(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight readable bytes. It fails only where the counter is full, and then it rings already.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Takes the ringing back.
    pub fn quiet(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight writable bytes. It fails only where it does not ring.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

impl std::os::fd::AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Which of two descriptors can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The first one.
    pub first: bool,
    /// The second one.
    pub second: bool,
}

/// Waits until one of both can be read, or `timeout` is over (ppoll(2)); then neither is ready.
///
/// # Errors
/// EINTR, ENOMEM.
pub fn wait_until_readable(first: BorrowedFd<'_>, second: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<Ready> {
    check(Call::Poll)?;
    let entry = |fd: BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut entries = [entry(first), entry(second)];
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: two entries, as told; the timespec lives in this frame; no mask.
    Errno::result(unsafe { libc::ppoll(entries.as_mut_ptr(), 2, timeout, std::ptr::null()) })?;
    Ok(Ready { first: entries[0].revents != 0, second: entries[1].revents != 0 })
}

/// A pipe that no program inherits.
///
/// # Errors
/// EMFILE and its like.
pub fn pipe() -> Result<(PipeReader, PipeWriter)> {
    check(Call::Pipe)?;
    std::io::pipe().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}
