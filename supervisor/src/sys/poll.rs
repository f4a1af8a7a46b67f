//! Waiting for several things at once.

use std::io::{PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

use super::failure::{Call, check};
use super::{Errno, Result};

/// A bell that any thread can ring to wake the one that polls it (eventfd(2)).
#[derive(Clone, Debug)]
pub struct Bell(Arc<EventFd>);

impl Bell {
    /// A bell that was not rung yet.
    ///
    /// # Errors
    /// EMFILE and its like.
    pub fn new() -> Result<Bell> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        EventFd::from_value_and_flags(0, flags).map(|fd| Bell(Arc::new(fd)))
    }

    /// Makes it readable until [`Bell::quiet`].
    pub fn ring(&self) {
        // It fails only where the counter is full, and then it rings already.
        let _ = self.0.write(1);
    }

    /// Takes the ringing back.
    pub fn quiet(&self) {
        // It fails only where it does not ring.
        let _ = self.0.read();
    }
}

impl AsFd for Bell {
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
    let mut entries = [first, second].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    ppoll(&mut entries, timeout.map(TimeSpec::from), None)?;
    let [first, second] = entries.map(|entry| entry.any().unwrap_or(true));
    Ok(Ready { first, second })
}

/// A pipe that no program inherits.
///
/// # Errors
/// EMFILE and its like.
pub fn pipe() -> Result<(PipeReader, PipeWriter)> {
    check(Call::Pipe)?;
    std::io::pipe().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}
