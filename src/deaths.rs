//! Telling of deaths on stderr while the tree runs on.
//!
//! The reports are written by a thread of their own: reading back a snapshot takes a while, and a terminal that was
//! stopped with Ctrl-S takes for ever. Reports come in the order of the deaths, and the command's end waits for them.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dpdb_analyzer::FileCache;
use dpdb_snapshot::process::Cause;
use dpdb_snapshot::{Process, Text};
use dpdb_supervisor::{Event, Observer, SnapshotWritten};

use crate::cli::FileArgs;
use crate::engine::{Crash, Engine, FrameLine};
use crate::render::{self, Role, Style, clean, clean_str, units};

/// Frames under a death's line, from the innermost on to this many past the user's own.
const FRAMES_BEYOND: usize = 3;
/// Deaths that are reported with their frames at once, however fast they come.
const BURST: f64 = 16.0;
/// Deaths per second that are so when the burst is used up; the others get their line only.
const RATE: f64 = 8.0;
/// After so long without a death, what is known of programs and their debugging information is forgotten.
const QUIET: Duration = Duration::from_secs(10);
/// A writer that gets nothing done for so long is stuck, and our end does not wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// An observer that reports deaths.
#[derive(Debug)]
pub struct Deaths {
    quiet: bool,
    writer: Option<Writer>,
}

/// The thread that writes reports.
#[derive(Debug)]
struct Writer {
    reports: Sender<Report>,
    progress: Receiver<()>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
enum Report {
    Written(SnapshotWritten),
    Line(String),
}

impl Deaths {
    /// An observer; `quiet` keeps all but errors back.
    pub fn new(quiet: bool) -> Deaths {
        Deaths { quiet, writer: None }
    }

    /// Waits until all reports are written, or the writer is stuck.
    pub fn finish(self) {
        let Some(Writer { reports, progress, thread }) = self.writer else { return };
        drop(reports);
        loop {
            match progress.recv_timeout(PATIENCE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return,
            }
        }
        let _ = thread.join();
    }

    /// The writer starts with the first report: while it supervises, this thread has all its signals blocked, and the
    /// writer inherits that. It must not take signals that are meant for the supervisor, and SIGTTOU must not stop us
    /// when we write from the background of a terminal with `tostop` set: blocked, it lets the write pass (POSIX,
    /// General Terminal Interface).
    fn send(&mut self, report: Report) {
        if self.writer.is_none() {
            self.writer = Writer::start().ok();
        }
        // Without a thread there are no reports, which must not keep the command from running.
        if let Some(writer) = &self.writer {
            let _ = writer.reports.send(report);
        }
    }
}

impl Writer {
    fn start() -> io::Result<Writer> {
        let (reports, inbox) = mpsc::channel();
        let (done, progress) = mpsc::channel();
        let thread = std::thread::Builder::new().name("reports".to_owned());
        let thread = thread.spawn(move || write_reports(&inbox, &done))?;
        Ok(Writer { reports, progress, thread })
    }
}

impl Observer for Deaths {
    fn event(&mut self, event: &Event) {
        match event {
            Event::SnapshotWritten(written) if !self.quiet => self.send(Report::Written(written.clone())),
            Event::SnapshotFailed { pid, comm, cause, reason } => {
                let line = format!("{}: no snapshot: {}", bare_headline(*pid, comm, cause), clean_str(reason));
                self.send(Report::Line(line));
            }
            Event::Attached { pid, processes } if !self.quiet => {
                let others = if *processes > 1 { format!(" and {} more", processes - 1) } else { String::new() };
                self.send(Report::Line(format!("process {pid}{others}: supervised from now on; Ctrl-C lets go")));
            }
            Event::Notice(notice) if !self.quiet => self.send(Report::Line(clean_str(notice))),
            _ => {}
        }
    }
}

fn write_reports(inbox: &Receiver<Report>, done: &Sender<()>) {
    let style = Style::for_stream(io::stderr().is_terminal());
    let mut budget = Budget::new();
    let mut files = FileCache::default();
    loop {
        let report = match inbox.recv_timeout(QUIET) {
            Ok(report) => report,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                files = FileCache::default();
                let Ok(report) = inbox.recv() else { return };
                report
            }
        };
        let text = match report {
            Report::Line(line) => format!("dpdb-trace: {line}\n"),
            Report::Written(written) => {
                let found = if budget.take() { look_into(&written.path, files.clone()) } else { None };
                describe(&written, found, &style)
            }
        };
        // One write, so that it is not torn apart by what the processes write; a closed stderr is none of our business.
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = done.send(());
    }
}

/// What the file that was just written says. Nothing that it holds may end the reports.
fn look_into(path: &Path, files: FileCache) -> Option<(Crash, Vec<FrameLine>)> {
    let read = || {
        let mut engine = Engine::open_sharing(path, &FileArgs::default(), files).ok()?;
        Some((engine.crash(), engine.top_frames(FRAMES_BEYOND)))
    };
    // What a panic leaves half done in the shared files is what was found so far, each fact by itself.
    std::panic::catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// `pid 1234 (worker) died of SIGSEGV (address 0x10 not mapped) in Queue::pop (queue.cpp:41) -> pid_1234.snap (1.2 MiB
/// in 14 ms)`, and the frames.
fn describe(written: &SnapshotWritten, found: Option<(Crash, Vec<FrameLine>)>, style: &Style) -> String {
    let (mut headline, place, frames) = match &found {
        Some((crash, frames)) => (render::headline(crash, style), whole_place(crash), frames.as_slice()),
        None => (bare_headline(written.pid, &written.comm, &written.cause), None, [].as_slice()),
    };
    if let Some(place) = place {
        headline += &place;
    }
    let path = clean(&Text::from(written.path.strip_prefix(".").unwrap_or(&written.path)));
    let size = units::bytes(written.bytes);
    let took = units::duration(u64::try_from(written.took.as_nanos()).unwrap_or(u64::MAX));
    let path = style.paint(Role::Strong, path);
    let cut = written.cut.as_ref().map(|why| format!(", cut: {}", clean_str(why))).unwrap_or_default();
    let mut text = format!("dpdb-trace: {headline} -> {path} ({size} in {took}{cut})\n");
    for line in render::frame_lines(frames, style).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// ` in string_at (_ctypes.c:5564) called from work (w.py:4)`; of an exception ` (train.py:88 in step)`.
fn whole_place(crash: &Crash) -> Option<String> {
    let frame = crash.frame.as_ref()?;
    if crash.exception.is_some()
        && let (Some(function), Some(line)) = (&frame.function, line(frame))
    {
        return Some(format!(" ({line} in {})", clean(function)));
    }
    let place_of = format!(" in {}", place(frame)?);
    let caller = crash.python.as_ref().and_then(place).map(|python| format!(" called from {python}"));
    Some(place_of + &caller.unwrap_or_default())
}

/// `Queue::pop (queue.cpp:41)`; of a program without names, `dash`.
fn place(frame: &FrameLine) -> Option<String> {
    let module = frame.module.as_ref().and_then(file_name);
    let Some(function) = frame.function.as_ref().map(clean) else { return module };
    Some(line(frame).or(module).map_or_else(|| function.clone(), |place| format!("{function} ({place})")))
}

/// `queue.cpp:41`.
fn line(frame: &FrameLine) -> Option<String> {
    Some(format!("{}:{}", file_name(frame.file.as_ref()?)?, frame.line?))
}

fn file_name(path: &Text) -> Option<String> {
    Some(clean(&Text::from(Path::new(path.as_path().file_name()?))))
}

/// The death as far as the cause alone tells it.
fn bare_headline(pid: i32, comm: &Text, cause: &Cause) -> String {
    let process = Process { pid, comm: comm.clone(), cause: Some(cause.clone()), ..Process::default() };
    render::headline(&Crash::new(&process, None), &Style::default())
}

/// How often a snapshot may be read back: a burst, then a rate.
#[derive(Debug)]
struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    fn new() -> Budget {
        Budget { left: BURST, at: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * RATE).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}
