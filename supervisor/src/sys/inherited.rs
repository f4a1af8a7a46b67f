//! What the process was started with, recorded before Rust's runtime changes it.
//!
//! Before `main`, std sets SIGPIPE to ignored and opens `/dev/null` on those of the descriptors 0 to 2 that are
//! closed (library/std/src/sys/pal/unix/mod.rs, `init`); and glibc takes signal 33 for itself when the first thread is
//! made. A command that we start must find none of it: it is to have what *we* were given. The dynamic linker and
//! static start code run `.init_array` before all that, so we look there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static LOOKED: AtomicBool = AtomicBool::new(false);
static IGNORED: AtomicU64 = AtomicU64::new(0);
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// What the process was started with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// The signals that were ignored, a bit each, signal 1 lowest. Exec leaves a process only the choice between
    /// ignored and default.
    pub ignored: u64,
    /// Of standard input, output and error: which were closed.
    pub closed: [bool; 3],
}

/// What the process was started with; what it has now, where that could not be looked at in time.
pub fn inherited() -> Inherited {
    if !LOOKED.load(Ordering::Relaxed) {
        look();
    }
    Inherited {
        ignored: IGNORED.load(Ordering::Relaxed),
        closed: [0, 1, 2].map(|fd: usize| CLOSED[fd].load(Ordering::Relaxed)),
    }
}

#[used]
// SAFETY: an ELF init array holds pointers to functions of the C ABI; extra arguments that glibc passes are ignored
// by it. The function uses nothing of std that would need its runtime.
#[unsafe(link_section = ".init_array")]
static LOOK_AT_START: extern "C" fn() = look;

extern "C" fn look() {
    IGNORED.store(super::ignored_signals(), Ordering::Relaxed);
    for (fd, closed) in CLOSED.iter().enumerate() {
        // SAFETY: no pointers.
        let flags = unsafe { libc::fcntl(fd as i32, libc::F_GETFD) };
        closed.store(flags == -1, Ordering::Relaxed);
    }
    LOOKED.store(true, Ordering::Relaxed);
}
