//! Our own signals: what is blocked, what is ignored, and reading them as data (signalfd(2)).

use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::signalfd::{self, SfdFlags};

use super::failure::{Call, check};
use super::{Errno, Result};

/// A set of blocked signals, as this thread had it.
#[derive(Clone, Copy, Debug)]
pub struct SignalMask(SigSet);

/// A signal that was sent to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub signal: i32,
    /// `si_code`: above zero where the kernel made it.
    pub code: i32,
    /// The sender's pid; zero where that is the kernel, or lives in a pid namespace above ours.
    pub sender: i32,
}

/// A descriptor from which the blocked signals of this process are read.
#[derive(Debug)]
pub struct SignalFd(signalfd::SignalFd);

impl SignalFd {
    /// One that brings every signal that the calling thread has blocked.
    ///
    /// # Errors
    /// EMFILE and its like.
    pub fn new() -> Result<SignalFd> {
        check(Call::SignalFd)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        signalfd::SignalFd::with_flags(&current_mask().0, flags).map(SignalFd)
    }

    /// All signals that are pending, oldest kind first.
    pub fn receive(&self) -> Vec<Received> {
        std::iter::from_fn(|| self.0.read_signal().ok().flatten())
            .map(|info| Received { signal: info.ssi_signo as i32, code: info.ssi_code, sender: info.ssi_pid as i32 })
            .collect()
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Blocks every signal for the calling thread and those it will start, and returns what was blocked before. Faults of
/// our own are not held up by it: a blocked synchronous signal kills at once (kernel/signal.c, `force_sig_info`).
pub fn block_all_but_faults() -> SignalMask {
    // It fails for no valid argument. glibc keeps 32 and 33 to itself, unblocked.
    SignalMask(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).unwrap_or_else(|_| SigSet::empty()))
}

/// Makes `mask` the calling thread's.
pub fn restore_mask(mask: &SignalMask) {
    // It fails for no valid argument.
    let _ = mask.0.thread_set_mask();
}

/// The signals that the calling thread has blocked.
pub fn current_mask() -> SignalMask {
    // It fails for no valid argument.
    SignalMask(SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty()))
}

/// The kernel's `struct sigaction` on x86-64 (include/linux/signal_types.h), which is not glibc's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct KernelAction {
    handler: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// rt_sigaction(2) itself: glibc refuses to tell of the signals 32 and 33, which it keeps for threads.
fn kernel_action(signal: i32, new: Option<&KernelAction>) -> Result<KernelAction> {
    let mut old = KernelAction { handler: libc::SIG_DFL, flags: 0, restorer: 0, mask: 0 };
    let new = new.map_or(std::ptr::null(), std::ptr::from_ref);
    let size = mem::size_of::<u64>();
    // SAFETY: both are the kernel's own layout, or null; only SIG_DFL and SIG_IGN are ever set, which run no code.
    let result = unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, std::ptr::from_mut(&mut old), size) };
    Errno::result(result).map(|_| old)
}

/// The signals that are ignored by this process, a bit each, signal 1 lowest.
pub fn ignored_signals() -> u64 {
    let is_ignored = |signal: i32| kernel_action(signal, None).is_ok_and(|action| action.handler == libc::SIG_IGN);
    (1..=64).filter(|&signal| is_ignored(signal)).fold(0, |set, signal| set | 1 << (signal - 1))
}

/// Makes exactly these signals ignored; the others of those that are ignored now get their default action.
pub fn set_ignored_signals(ignored: u64) {
    let now = ignored_signals();
    for signal in 1..=64 {
        let bit = 1 << (signal - 1);
        if (ignored ^ now) & bit != 0 {
            let handler = if ignored & bit != 0 { libc::SIG_IGN } else { libc::SIG_DFL };
            // SIGKILL and SIGSTOP cannot be ignored, so they never are.
            let _ = kernel_action(signal, Some(&KernelAction { handler, flags: 0, restorer: 0, mask: 0 }));
        }
    }
}

/// Gives `signal` its default action.
pub fn set_default(signal: i32) {
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Sends `signal` to the calling thread with its default action, unblocked. Returns where it did not kill: the
/// signal's default action is another one, or we are the init of a pid namespace.
pub fn die_of(signal: i32) {
    set_default(signal);
    raise_unblocked(signal);
}

/// Stops this whole process by `signal`, and returns when it was continued; at once where the kernel would not stop
/// it, as for SIGTSTP in an orphaned process group (setpgid(2)).
pub fn stop_with(signal: i32) {
    raise_unblocked(signal);
}

fn raise_unblocked(signal: i32) {
    let before = current_mask();
    let mut only = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is written before it is read; raise(3) directs the signal to this thread, so it is taken when
    // it is unblocked, before the call returns.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::raise(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
    }
    restore_mask(&before);
}
