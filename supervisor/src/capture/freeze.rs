//! The part of a capture that only the thread which speaks ptrace can do: registers and siginfo.

use std::collections::HashMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use dpdb_snapshot::arch::Registers;
use dpdb_snapshot::process::{Freeze, Step, Timing};
use dpdb_snapshot::{Cause, Process, SoftError, Thread};

use super::hold::Hold;
use super::image::{self, Kept};
use super::{proc_facts, survey};
use crate::stopped::{StoppedProcess, StoppedThread};
use crate::sys::{self, Errno};

/// The bytes of FXSAVE, which `NT_FPREGSET` holds.
const FXSAVE: usize = 512;

/// The first guess of the size of the XSAVE area, and the most that is ever asked for: AMX has 11 KiB.
const XSAVE: usize = 4096;
const LARGEST_XSAVE: usize = 1 << 20;

/// What a thread was doing when it still ran.
#[derive(Clone, Debug, Default)]
pub struct Doing {
    state: Option<char>,
    wchan: Option<String>,
}

impl Doing {
    /// Looks at a running thread: its state and the kernel function it sleeps in. To be asked before it is stopped,
    /// since a stopped thread only says that it is.
    pub fn of(pid: i32, tid: i32) -> Doing {
        let (state, wchan) = proc_facts::doing(pid, tid);
        Doing { state, wchan }
    }
}

/// What is to be captured, and why.
#[derive(Debug)]
pub struct Request {
    /// Why.
    pub cause: Cause,
    /// When the process was stopped: its pause is counted from here.
    pub stopped_at: Instant,
    /// The processes of the supervised tree.
    pub tree: Vec<i32>,
    /// What its threads were doing before they were stopped, by tid; may lack any of them.
    pub doing: HashMap<i32, Doing>,
    /// The number of this snapshot ([`super::Destination::claim`]).
    pub number: u64,
    /// That of the crash at whose instant it is taken.
    pub of_crash: Option<u64>,
}

/// A process that is stopped, with its registers read: all that a worker needs to go on from here.
#[derive(Debug)]
pub struct Frozen {
    /// What is known by now: ids, cause, threads with their registers, soft errors.
    pub(super) process: Process,
    /// A thread through which `/proc` shows files and memory; a leader may be a zombie.
    pub(super) via: i32,
    pub(super) request: Request,
    /// It runs 32-bit code.
    pub(super) is_32_bit: bool,
    is_stopped: bool,
    /// What its `/proc` tells has been read.
    pub(super) surveyed: bool,
    /// Why it cannot be cloned.
    pub(super) why_no_image: Option<String>,
    /// What of its memory a clone would not have.
    pub(super) kept: Kept,
    /// Whether it still is held, where it is read in place.
    pub(super) hold: Hold,
    /// When it went its way, where that was before its memory was read.
    pub(super) released_at: Option<Instant>,
}

impl Frozen {
    /// The process id.
    pub fn pid(&self) -> i32 {
        self.process.pid
    }

    /// The number of the snapshot.
    pub fn number(&self) -> u64 {
        self.request.number
    }

    /// The thread that met the cause.
    pub fn cause_tid(&self) -> i32 {
        self.via
    }

    /// A process that runs, to be surveyed before it is stopped.
    pub fn running(pid: i32, request: Request) -> Frozen {
        let process = Process { pid, cause: Some(request.cause.clone()), ..Process::default() };
        Frozen::new(process, pid, request, false, None)
    }

    /// Whether it was stopped, and its registers read.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// The same with `facts`, found out while it ran. Threads that came since have their registers and no names; those that
    /// went are left out.
    pub fn with_facts(self, facts: Frozen) -> Frozen {
        let mut described: HashMap<i32, Thread> =
            facts.process.threads.into_iter().map(|thread| (thread.tid, thread)).collect();
        let threads = self.process.threads.into_iter().map(|thread| match described.remove(&thread.tid) {
            Some(known) => Thread { registers: thread.registers, siginfo: thread.siginfo, ..known },
            None => thread,
        });
        let threads = threads.collect();
        let timing = Timing { crashed: self.process.timing.crashed, ..facts.process.timing };
        let mut soft_errors = self.process.soft_errors;
        soft_errors.extend(facts.process.soft_errors);
        let process = Process { threads, timing, soft_errors, ..facts.process };
        let why_no_image = self.why_no_image.or(facts.why_no_image);
        Frozen { process, surveyed: true, why_no_image, kept: facts.kept, ..self }
    }

    fn new(process: Process, via: i32, request: Request, is_32_bit: bool, why_no_image: Option<String>) -> Frozen {
        let kept = Kept::default();
        let (surveyed, is_stopped, released_at) = (false, false, None);
        let hold = Hold::default();
        Frozen { process, via, request, is_32_bit, surveyed, is_stopped, why_no_image, kept, hold, released_at }
    }

    /// Reads what `/proc` tells of the process itself, and whether a clone could stand in for its memory. On any thread.
    pub fn survey(&mut self) {
        self.surveyed = true;
        survey::read_facts(&mut self.process, self.via, &self.request.tree);
        if self.why_no_image.is_none() {
            self.why_no_image = image::why_not(self.via, &self.process);
        }
        if self.why_no_image.is_none() {
            self.kept = image::shared_pages(self.via);
        }
    }

    /// What says that it is not held any longer.
    pub fn hold(&self) -> Hold {
        self.hold.clone()
    }

    /// Why it is to be read in place.
    pub fn why_no_image(&self) -> Option<&str> {
        self.why_no_image.as_deref()
    }

    /// It is to be read in place.
    pub fn stay(&mut self, why: String) {
        self.process.freeze = Some(Freeze::InPlace { why: why.clone() });
        self.why_no_image = Some(why);
        self.kept = Kept::default();
    }

    /// Its memory is read from `image` from now on, a clone of it, but for what such a one lacks, which is read now.
    ///
    /// # Errors
    /// Where that is too much: why, as a phrase.
    pub fn move_to_image(&mut self, image: i32) -> Result<(), String> {
        self.kept.keep_what_clones_lack(self.via, image)?;
        self.process.freeze = Some(Freeze::Clone);
        self.via = image;
        Ok(())
    }

    /// It goes its way now.
    pub fn released(&mut self) {
        self.released_at = Some(Instant::now());
    }
}

/// Reads what only the tracer can. Must run on the thread that traces the process. It never fails: a thread that
/// vanished meanwhile is a soft error.
pub fn freeze(stopped: &StoppedProcess, request: Request) -> Frozen {
    let mut process = Process {
        pid: stopped.pid(),
        cause: Some(request.cause.clone()),
        timing: Timing { crashed: crashed(request.stopped_at), ..Timing::default() },
        ..Process::default()
    };
    for absent in stopped.absent() {
        let message = format!("the thread could not be stopped: {}", absent.reason);
        process.soft_errors.push(SoftError { step: Step::StopThread, tid: Some(absent.tid), errno: None, message });
        process.threads.push(thread_of(absent.tid, &request));
    }
    let mut is_32_bit = false;
    let mut held = Vec::with_capacity(stopped.threads().len());
    for stopped_thread in stopped.threads() {
        let mut thread = thread_of(stopped_thread.tid, &request);
        is_32_bit |= read_registers(&mut thread, &mut process.soft_errors);
        read_siginfo(stopped_thread, &mut thread, &mut process.soft_errors);
        held.push(thread);
    }
    held.append(&mut process.threads);
    process.threads = held;
    recorded_siginfo(&mut process);
    let why_no_image = stopped.is_exiting().then(|| "it was at its exit stop".to_owned());
    let frozen = Frozen::new(process, stopped.cause_tid(), request, is_32_bit, why_no_image);
    Frozen { is_stopped: true, ..frozen }
}

/// The time of day at which it was stopped, in nanoseconds.
fn crashed(stopped_at: Instant) -> Option<u64> {
    let then = SystemTime::now().checked_sub(stopped_at.elapsed())?;
    then.duration_since(UNIX_EPOCH).ok().map(|since| since.as_nanos() as u64)
}

fn thread_of(tid: i32, request: &Request) -> Thread {
    let doing = request.doing.get(&tid).cloned().unwrap_or_default();
    Thread { tid, state: doing.state, wchan: doing.wchan, ..Thread::default() }
}

/// Reads all register sets. Returns whether the thread runs 32-bit code, whose registers we have no room for.
fn read_registers(thread: &mut Thread, errors: &mut Vec<SoftError>) -> bool {
    let tid = thread.tid;
    let mut failed = |what: &str, errno: Errno| {
        let message = format!("cannot read the {what}");
        errors.push(SoftError { step: Step::Registers, tid: Some(tid), errno: Some(errno as i32), message });
    };
    let general = match sys::general_registers(tid) {
        Ok(Some(general)) => general,
        Ok(None) => return true,
        Err(errno) => {
            failed("registers", errno);
            return false;
        }
    };
    let fp = sys::register_set(tid, libc::NT_PRFPREG, FXSAVE);
    let xstate = extended_state(tid);
    thread.registers = Some(Registers {
        general,
        fp: fp.map_err(|errno| failed("floating-point registers", errno)).ok(),
        xstate: xstate.map_err(|errno| failed("extended registers", errno)).ok(),
    });
    false
}

/// The XSAVE area. The kernel cuts it to the buffer without saying so: a full buffer may have been too small.
fn extended_state(tid: i32) -> sys::Result<Vec<u8>> {
    /// include/uapi/linux/elf.h; libc lacks it.
    const NT_X86_XSTATE: i32 = 0x202;
    let mut size = XSAVE;
    loop {
        let bytes = sys::register_set(tid, NT_X86_XSTATE, size)?;
        if bytes.len() < size || size >= LARGEST_XSAVE {
            return Ok(bytes);
        }
        size *= 2;
    }
}

/// The siginfo of a thread that is held while a signal is delivered to it.
fn read_siginfo(stopped: &StoppedThread, thread: &mut Thread, errors: &mut Vec<SoftError>) {
    if stopped.signal.is_none() {
        return;
    }
    match sys::signal_info(stopped.tid) {
        Ok(info) => thread.siginfo = Some(info),
        Err(errno) => errors.push(SoftError {
            step: Step::SigInfo,
            tid: Some(stopped.tid),
            errno: Some(errno as i32),
            message: "cannot read the siginfo of the signal".to_owned(),
        }),
    }
}

/// What the loop recorded of the fatal signal is as good as asking again, and at an exit stop it is all there is.
fn recorded_siginfo(process: &mut Process) {
    let Some(Cause::FatalSignal { tid, info: Some(info), .. }) = &process.cause else { return };
    if let Some(thread) = process.threads.iter_mut().find(|thread| thread.tid == *tid) {
        thread.siginfo.get_or_insert_with(|| info.clone());
    }
}
