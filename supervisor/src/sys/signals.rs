//! Our own signals: what is blocked, what is ignored, and reading them as data (signalfd(2)).

use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::failure::{Call, check, done};
use super::{Errno, Result};

/// A set of blocked signals, as this thread had it.
#[derive(Clone, Copy)]
pub struct SignalMask(libc::sigset_t);

impl std::fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: the set is initialised, and the numbers are signals.
        let blocked = (1..=64).filter(|&signal| unsafe { libc::sigismember(&self.0, signal) } == 1);
        f.debug_set().entries(blocked).finish()
    }
}

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
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// One that brings every signal that the calling thread has blocked.
    ///
    /// # Errors
    /// EMFILE and its like.
    pub fn new() -> Result<SignalFd> {
        check(Call::SignalFd)?;
        let mask = current_set();
        // SAFETY: the set is initialised; a descriptor that it returns is ours alone.
        let fd = done(unsafe { libc::signalfd(-1, &mask, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
        // SAFETY: as above.
        Ok(SignalFd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// All signals that are pending, oldest kind first.
    pub fn receive(&self) -> Vec<Received> {
        const AT_ONCE: usize = 8;
        const SIZE: usize = mem::size_of::<libc::signalfd_siginfo>();
        let mut received = Vec::new();
        loop {
            let mut infos = MaybeUninit::<[libc::signalfd_siginfo; AT_ONCE]>::zeroed();
            // SAFETY: as many writable bytes as told.
            let read = unsafe { libc::read(self.0.as_raw_fd(), infos.as_mut_ptr().cast(), AT_ONCE * SIZE) };
            // SAFETY: any bytes are a signalfd_siginfo, which holds integers only.
            let infos = unsafe { infos.assume_init() };
            let count = usize::try_from(read).unwrap_or(0) / SIZE;
            received.extend(infos[..count].iter().map(|info| Received {
                signal: info.ssi_signo as i32,
                code: info.ssi_code,
                sender: info.ssi_pid as i32,
            }));
            if count < AT_ONCE {
                return received;
            }
        }
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
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are written by the calls before they are read; glibc keeps 32 and 33 to itself unblocked.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        SignalMask(before.assume_init())
    }
}

/// Makes `mask` the calling thread's.
pub fn restore_mask(mask: &SignalMask) {
    // SAFETY: an initialised set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &mask.0, std::ptr::null_mut()) };
}

/// The signals that the calling thread has blocked.
pub fn current_mask() -> SignalMask {
    SignalMask(current_set())
}

fn current_set() -> libc::sigset_t {
    let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the call writes the set, and changes nothing where it is given none.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), mask.as_mut_ptr());
        mask.assume_init()
    }
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
    let before = current_set();
    let mut only = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is written before it is read; raise(3) directs the signal to this thread, so it is taken when
    // it is unblocked, before the call returns.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::raise(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
    }
}
