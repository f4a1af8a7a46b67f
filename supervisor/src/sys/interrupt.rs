//! Ctrl-C as a request that work in progress may look for.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on the first SIGINT is held for [`is_interrupted`], and the next one before [`forget_interrupt`] ends us:
/// the work in progress did not look.
pub fn hold_interrupts() {
    let action = SigAction::new(SigHandler::Handler(hold), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler touches an atomic and makes two calls that signal-safety(7) lists.
    // It fails for no catchable signal.
    let _ = unsafe { sigaction(Signal::SIGINT, &action) };
}

/// Whether SIGINT came since the last [`forget_interrupt`].
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// What came is past.
pub fn forget_interrupt() {
    INTERRUPTED.store(false, Ordering::Relaxed);
}

/// Waits for a child that has the terminal. Ctrl-C is for it, and not for us, as with system(3); the child must have
/// been started before, since it would inherit that.
pub fn leave_interrupts_to_child<T>(wait: impl FnOnce() -> T) -> T {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: ignoring a signal runs no handler.
    let before = unsafe { sigaction(Signal::SIGINT, &ignore) };
    let result = wait();
    if let Ok(before) = before {
        // SAFETY: this is the action that was in place, whose handler was sound then.
        let _ = unsafe { sigaction(Signal::SIGINT, &before) };
    }
    result
}

extern "C" fn hold(signal: libc::c_int) {
    if INTERRUPTED.swap(true, Ordering::Relaxed) {
        // SAFETY: both are async-signal-safe; the signal is delivered when this handler returns.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}
