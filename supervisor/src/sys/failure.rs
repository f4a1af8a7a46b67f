//! Making a system call fail on purpose.

#[cfg(test)]
use std::cell::RefCell;

use super::{Errno, Result};

/// The calls that a test can make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the calls' own names")]
pub enum Call {
    Fork,
    Seize,
    Resume,
    Listen,
    Interrupt,
    Detach,
    GetRegset,
    SetRegset,
    SingleStep,
    SetOptions,
    SetSigmask,
    GetSiginfo,
    GetEventMessage,
    Wait,
    ReadMemory,
    Kill,
    Poll,
    SignalFd,
    Pipe,
    ScanPagemap,
    OpenDirectory,
    Create,
    Write,
    Sync,
    Rename,
    Link,
    SeekData,
    ReadAt,
    PerfEvent,
    DebugRegister,
}

#[cfg(test)]
thread_local! {
    static PLANNED: RefCell<Vec<(Call, Errno)>> = const { RefCell::new(Vec::new()) };
}

/// The errno of no system call: a call that is planned to fail with it panics, as of a defect of ours.
#[cfg(test)]
pub(crate) const PANIC: Errno = Errno::UnknownErrno;

/// Makes the next use of `call` by this thread fail with `errno`. Twice the same call: its next two uses.
#[cfg(test)]
pub(crate) fn fail_once(call: Call, errno: Errno) {
    PLANNED.with_borrow_mut(|planned| planned.push((call, errno)));
}

/// Takes what this thread has planned, for a thread that it starts.
#[cfg(test)]
pub(crate) fn planned_failures() -> Vec<(Call, Errno)> {
    PLANNED.take()
}

/// Plans `failures` for this thread.
#[cfg(test)]
pub(crate) fn plan_failures(failures: Vec<(Call, Errno)>) {
    PLANNED.set(failures);
}

/// The planned failure of `call`, where there is one.
#[cfg(test)]
pub(super) fn check(call: Call) -> Result<()> {
    PLANNED.with_borrow_mut(|planned| match planned.iter().position(|(found, _)| *found == call) {
        Some(at) => {
            let errno = planned.remove(at).1;
            assert_ne!(errno, PANIC, "planned");
            Err(errno)
        }
        None => Ok(()),
    })
}

#[cfg(not(test))]
#[inline(always)]
#[allow(clippy::unnecessary_wraps, reason = "it fails in tests")]
pub(super) fn check(_: Call) -> Result<()> {
    Ok(())
}

/// `-1` as the errno it stands for.
pub(super) fn done(result: libc::c_int) -> Result<libc::c_int> {
    Errno::result(result)
}

#[cfg(test)]
mod tests {
    use super::{Call, Errno, check, fail_once, plan_failures, planned_failures};

    #[test]
    fn a_planned_failure_happens_once_and_only_to_its_call() {
        fail_once(Call::Resume, Errno::ESRCH);
        assert_eq!(check(Call::Listen), Ok(()));
        assert_eq!(check(Call::Resume), Err(Errno::ESRCH));
        assert_eq!(check(Call::Resume), Ok(()));
    }

    #[test]
    fn planned_failures_can_be_handed_to_another_thread() {
        fail_once(Call::Detach, Errno::EIO);
        let planned = planned_failures();
        assert_eq!(check(Call::Detach), Ok(()));
        std::thread::spawn(move || {
            plan_failures(planned);
            assert_eq!(check(Call::Detach), Err(Errno::EIO));
        })
        .join()
        .unwrap();
    }
}
