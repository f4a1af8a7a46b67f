//! Fork and exec, with a gate between them.
//!
//! Between the two, the child shares nothing with the threads that its parent had: a lock that one of them held (the
//! allocator's) stays locked for ever. So all that the child needs is made before, and it only makes system calls
//! (signal-safety(7)).

use std::ffi::{CStr, CString, c_char};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::ptr;

use super::failure::{Call, check};
use super::{Errno, Inherited, Result, SignalMask};

/// What the child is to execute: the first of `candidates` that there is.
#[derive(Debug)]
pub struct ExecPlan {
    /// The files to try, in this order.
    pub candidates: Vec<CString>,
    /// The arguments, the command's own name first.
    pub arguments: Vec<CString>,
    /// `NAME=VALUE`; our own environment, where it is not another.
    pub environment: Option<Vec<CString>>,
}

/// The state that the command is to find.
#[derive(Clone, Copy, Debug)]
pub struct ChildState {
    /// Its blocked signals.
    pub mask: SignalMask,
    /// What the runtimes changed in us.
    pub inherited: Inherited,
}

/// A child that waits at its gate.
#[derive(Debug)]
pub struct Waiting {
    /// Its process id.
    pub pid: i32,
    /// A byte written here, or closing it, lets the child go on.
    pub gate: PipeWriter,
    /// The errno of a failed exec as four bytes; closed without them when the exec succeeded.
    pub failure: PipeReader,
}

/// Forks a child that waits, then executes `plan`.
///
/// # Errors
/// Where there can be no pipe or no child.
pub fn spawn(plan: &ExecPlan, state: &ChildState) -> Result<Waiting> {
    check(Call::Fork)?;
    let pointers = Pointers::new(plan);
    let (mut wait, gate) = super::pipe()?;
    let (failure, mut report) = super::pipe()?;
    // SAFETY: the child calls what is async-signal-safe and nothing else, up to exec or _exit: see `child`.
    match Errno::result(unsafe { libc::fork() })? {
        0 => {
            drop(gate);
            drop(failure);
            child(&mut wait, &mut report, &pointers, state)
        }
        pid => Ok(Waiting { pid, gate, failure }),
    }
}

/// The arrays that execve(2) wants: made before the fork, since the child must not allocate.
struct Pointers<'plan> {
    candidates: Vec<Candidate<'plan>>,
    arguments: Vec<*const c_char>,
    environment: Option<Vec<*const c_char>>,
}

struct Candidate<'plan> {
    path: &'plan CString,
    /// `sh PATH ARGUMENTS…`, for a script without `#!` (execvp(3), ENOEXEC).
    as_script: Vec<*const c_char>,
}

impl<'plan> Pointers<'plan> {
    fn new(plan: &'plan ExecPlan) -> Pointers<'plan> {
        let rest = || plan.arguments.iter().skip(1).map(|argument| argument.as_ptr());
        let script = |path: &'plan CString| [c"/bin/sh".as_ptr(), path.as_ptr()].into_iter().chain(rest());
        let ended = |pointers: &mut dyn Iterator<Item = *const c_char>| pointers.chain([ptr::null()]).collect();
        Pointers {
            candidates: plan
                .candidates
                .iter()
                .map(|path| Candidate { path, as_script: ended(&mut script(path)) })
                .collect(),
            arguments: ended(&mut plan.arguments.iter().map(|argument| argument.as_ptr())),
            environment: plan
                .environment
                .as_ref()
                .map(|variables| ended(&mut variables.iter().map(|one| one.as_ptr()))),
        }
    }
}

/// The child's life between fork and exec.
fn child(wait: &mut PipeReader, report: &mut PipeWriter, pointers: &Pointers<'_>, state: &ChildState) -> ! {
    // If our parent is gone before it could open the gate, the command runs on without it, as it would later.
    let _ = wait.read(&mut [0]);
    super::set_ignored_signals(state.inherited.ignored);
    for (fd, closed) in state.inherited.closed.iter().enumerate() {
        if *closed {
            // SAFETY: a descriptor that std opened on /dev/null, and that nothing in this child uses.
            unsafe { libc::close(fd as i32) };
        }
    }
    super::restore_mask(&state.mask);
    let errno = exec_first(pointers);
    let _ = report.write_all(&(errno as i32).to_ne_bytes());
    let code = if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) { 127 } else { 126 };
    // SAFETY: always sound.
    unsafe { libc::_exit(code) }
}

/// Why the file cannot be executed.
fn exec(path: &CStr, arguments: &[*const c_char], pointers: &Pointers<'_>) -> Errno {
    // SAFETY: NUL-terminated strings, in arrays that end with a null pointer, all alive in `pointers`.
    unsafe {
        match &pointers.environment {
            None => libc::execv(path.as_ptr(), arguments.as_ptr()),
            Some(environment) => libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()),
        }
    };
    Errno::last()
}

/// execvp(3): a candidate that is not there, or may not be executed, leaves the next one its chance.
fn exec_first(pointers: &Pointers<'_>) -> Errno {
    let mut failure = Errno::ENOENT;
    for candidate in &pointers.candidates {
        match exec(candidate.path, &pointers.arguments, pointers) {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENODEV | Errno::ESTALE | Errno::ETIMEDOUT => {}
            Errno::EACCES => failure = Errno::EACCES,
            Errno::ENOEXEC => {
                exec(c"/bin/sh", &candidate.as_script, pointers);
                return Errno::ENOEXEC;
            }
            errno => return errno,
        }
    }
    failure
}
