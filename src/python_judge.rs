//! Telling which of the exceptions that Python is about to report leave a snapshot.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use dpdb_analyzer::{FileCache, Options, PythonException, PythonExceptions, PythonFrame, Session};
use dpdb_snapshot::process::{CaughtException, Cause, ExceptionLanguage, Fate};
use dpdb_snapshot::{Avma, Text};
use dpdb_supervisor::catch::{CatchList, Catchpoint, Hit, Judge, Likeness, Verdict};
use dpdb_supervisor::proc_dir;

use crate::python_callers;
use crate::python_consequences::Failures;
use crate::python_raises::{self, Raised};

/// The frames between a report and the code that asked for it are fewer.
const FRAMES: usize = 64;
/// So many exceptions of a process are remembered, so that none is taken twice.
const REMEMBERED: usize = 64;
/// So many processes are remembered. Those that are forgotten first have ended long ago, in most jobs.
const MOST_PROCESSES: usize = 4096;
/// So many exceptions that do not end their process are taken of each.
const MOST_OF_SURVIVORS: usize = 8;
/// Where `tb_next` is in a `PyTracebackObject`: behind the head that every object has (Include/cpython/traceback.h).
const TB_NEXT: u64 = 16;

/// Judges stops in CPython.
#[derive(Debug)]
pub struct PythonJudge {
    list: CatchList,
    files: FileCache,
    failures: Failures,
    taken: HashMap<i32, Taken>,
    order: VecDeque<i32>,
}

/// What was taken of a process.
#[derive(Debug, Default)]
struct Taken {
    exceptions: VecDeque<Known>,
    of_survivors: usize,
    raised: Raised,
}

/// An exception that was taken: an address alone is used again.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    at: Option<Avma>,
    headline: Text,
    /// It was taken as it was raised, when so many had been. Then others like it may have been handled since.
    raised: Option<u64>,
}

impl PythonJudge {
    /// One that takes what `list` asks for.
    pub fn new(list: CatchList) -> PythonJudge {
        let (files, failures) = (FileCache::default(), Failures::default());
        PythonJudge { list, files, failures, taken: HashMap::new(), order: VecDeque::new() }
    }
}

impl Judge for PythonJudge {
    fn judge(&mut self, hit: &Hit) -> Verdict {
        let is_traceback = hit.catchpoint == Catchpoint::TracebackNext;
        let chained_by = is_traceback.then_some(TB_NEXT);
        let session = self.session(hit);
        let frames = session.python_stack(hit.tid, FRAMES).map(|stack| stack.frames).unwrap_or_default();
        if hit.catchpoint == Catchpoint::TracebackHere {
            return self.judge_raise(hit, &session, frames.first());
        }
        let fate = fate(hit, &frames).filter(|fate| *fate != Fate::Logged || self.list.python_logged);
        let Some(fate) = fate else { return Verdict { chained_by, ..Verdict::default() } };
        let Some(exceptions) = session.python_exception(hit.tid) else {
            // Nothing is known of it but that it is there; a traceback without an exception is somebody's own.
            let take = (!is_traceback).then(|| caught(hit, fate, None, None));
            return Verdict { take, chained_by, ..Verdict::default() };
        };
        let last = exceptions.last();
        let types: Vec<String> = last.bases.iter().map(ToString::to_string).collect();
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        if !self.list.takes_python(&types) {
            return Verdict { chained_by, ..Verdict::default() };
        }
        let is_new = self.remember(hit, fate, &exceptions);
        if !is_new || self.failures.are_told_by(hit.pid, &exceptions) {
            return Verdict { chained_by, ..Verdict::default() };
        }
        self.failures.note(hit.pid, hit.ancestors(), last.headline());
        let (is_allowed, notice) = self.allows(hit.pid, fate);
        let take = is_allowed.then(|| caught(hit, fate, last.at, Some(last.headline().to_string())));
        Verdict { take, chained_by, notice, ..Verdict::default() }
    }
}

fn caught(hit: &Hit, fate: Fate, object: Option<Avma>, summary: Option<String>) -> CaughtException {
    let catchpoint = hit.catchpoint.to_string();
    CaughtException { language: ExceptionLanguage::Python, fate, catchpoint, tid: hit.tid, object, summary }
}

/// What comes of the exception that is reported where a thread with these frames was stopped; `None` where it is
/// reported to nobody, or to somebody who types at a prompt.
fn fate(hit: &Hit, frames: &[PythonFrame]) -> Option<Fate> {
    match hit.catchpoint {
        Catchpoint::PrintEx if is_prompt(hit.pid) => None,
        // Code in C may print an exception of a callback and go on; at the end of a program no frame is left.
        Catchpoint::PrintEx if !frames.is_empty() => Some(Fate::Logged),
        Catchpoint::PrintEx | Catchpoint::ThreadExcepthook => Some(Fate::Death),
        // What a raw thread ends of; else it is one of `__del__` or a callback.
        Catchpoint::Unraisablehook if frames.is_empty() && hit.tid != hit.pid => Some(Fate::Death),
        Catchpoint::Unraisablehook => Some(Fate::Logged),
        _ => python_callers::fate(frames),
    }
}

/// Whether somebody types at the process: a Python without a script on a terminal, or one that was told to.
fn is_prompt(pid: i32) -> bool {
    let directory = proc_dir(pid);
    let line = fs::read(directory.join("cmdline")).unwrap_or_default();
    let mut words = line.split(|&byte| byte == 0).skip(1).take_while(|word| !word.is_empty());
    let is_told = words.clone().take_while(|word| word.starts_with(b"-")).any(|word| word == b"-i");
    let is_terminal = |path: std::path::PathBuf| {
        let path = path.as_os_str().as_bytes();
        path.starts_with(b"/dev/pts/") || path.starts_with(b"/dev/tty")
    };
    is_told || (words.next().is_none() && fs::read_link(directory.join("fd/0")).is_ok_and(is_terminal))
}

impl PythonJudge {
    /// The process as it is now, as far as reading its Python needs it.
    fn session(&self, hit: &Hit) -> Session {
        let memory = hit.memory();
        let executable = fs::read_link(proc_dir(hit.tid).join("exe")).unwrap_or_default();
        let executable = executable.as_os_str().as_bytes().to_vec();
        let is_interpreter = |path: &[u8]| path == executable || path.windows(6).any(|window| window == b"python");
        let mut process = hit.process(&memory, is_interpreter);
        // It makes the reader look for the exception where this catchpoint has it.
        process.cause = Some(Cause::Exception(caught(hit, Fate::Other, None, None)));
        Session::with_files(Box::new((process, memory)), Options::default(), self.files.clone())
    }

    /// What is to be done with an exception that was raised in this frame, or came to it.
    fn judge_raise(&mut self, hit: &Hit, session: &Session, frame: Option<&PythonFrame>) -> Verdict {
        let likeness = session
            .python_raise(hit.tid)
            .map(|raise| Likeness { words: raise.place, flag: (raise.thread.0, raise.traceback) });
        let Some(exceptions) = session.python_exception(hit.tid) else {
            return Verdict { likeness, ..Verdict::default() };
        };
        let last = exceptions.last();
        let types: Vec<String> = last.bases.iter().map(ToString::to_string).collect();
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let is_wanted = self.list.takes_raised(&types);
        let list = self.list.clone();
        let judged = self.taken_of(hit.pid).raised.judge(frame, &last.traceback, is_wanted, &list);
        let take = judged.take && self.remember(hit, Fate::Raised, &exceptions);
        let take = take.then(|| caught(hit, Fate::Raised, last.at, Some(last.headline().to_string())));
        let notice = judged.enough.then(|| python_raises::notice(hit.pid));
        Verdict { take, notice, likeness, pass_over: judged.pass_over, enough: judged.enough, chained_by: None }
    }

    /// Notes that an exception is about to be taken, and with it those that it came of, which are reported with it.
    /// Whether it was not yet.
    fn remember(&mut self, hit: &Hit, fate: Fate, exceptions: &PythonExceptions) -> bool {
        let taken = self.taken_of(hit.pid);
        let is_told = matches!(fate, Fate::Forwarded | Fate::Logged);
        let raised = (hit.catchpoint == Catchpoint::TracebackHere).then_some(hit.raises);
        let known = |exception: &PythonException| Known { at: exception.at, headline: exception.headline(), raised };
        let last = known(exceptions.last());
        let is_last = |one: &Known| {
            // A death is not to be missed for one that only looks like it.
            let is_same = one.raised.is_none_or(|raised| raised == hit.raises || is_told);
            // Up to 3.11, what C code raised is an object only once a handler has looked at it.
            let is_there = one.at == last.at || (one.at.is_none() && one.raised.is_some());
            is_there && one.headline == last.headline && is_same
        };
        if taken.exceptions.iter().any(is_last) {
            return false;
        }
        taken.exceptions.extend(exceptions.all.iter().map(known));
        let surplus = taken.exceptions.len().saturating_sub(REMEMBERED);
        taken.exceptions.drain(..surplus);
        true
    }

    /// Whether one more may be taken of a process, and what the user should know.
    fn allows(&mut self, pid: i32, fate: Fate) -> (bool, Option<String>) {
        if fate == Fate::Death {
            return (true, None);
        }
        let taken = self.taken_of(pid);
        taken.of_survivors += 1;
        let notice = (taken.of_survivors == MOST_OF_SURVIVORS).then(|| {
            format!("process {pid} has left {MOST_OF_SURVIVORS} snapshots of exceptions and runs on; only its end leaves another")
        });
        (taken.of_survivors <= MOST_OF_SURVIVORS, notice)
    }

    fn taken_of(&mut self, pid: i32) -> &mut Taken {
        if !self.taken.contains_key(&pid) {
            self.order.push_back(pid);
            if self.order.len() > MOST_PROCESSES {
                self.order.pop_front().and_then(|oldest| self.taken.remove(&oldest));
            }
        }
        self.taken.entry(pid).or_default()
    }
}
