//! What is supervised: a command that was started for it, or what ran before we came.

use dpdb_snapshot::process::Signal;

use crate::attach::Attached;
use crate::launch::Launched;
use crate::snap::SnapRequest;
use crate::sys::{Errno, Received};
use crate::tree::Tree;
use crate::{Event, Outcome};

use super::Tracer;

/// The process that it is all about.
#[derive(Debug)]
pub(super) struct Main {
    pub(super) pid: i32,
    origin: Origin,
    /// It has executed its program.
    pub(super) executed: bool,
    pub(super) outcome: Option<Outcome>,
    /// Its group-stop was passed on to our own parent.
    pub(super) stop_mirrored: bool,
    /// The signal of its last group-stop.
    pub(super) stop_signal: Option<Signal>,
    /// We were told to let go of what we did not start.
    pub(super) leaving: bool,
}

/// How it came to be supervised.
#[derive(Debug)]
enum Origin {
    Launched(Launched),
    Attached,
    /// For one snapshot only.
    Visited,
}

/// What the loop is to supervise.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A command that was started.
    Launched(Launched),
    /// Processes that were seized.
    Attached(Attached),
    /// The same, to be let go when this snapshot is there.
    Visited(Attached, SnapRequest),
}

impl Main {
    fn new(pid: i32, origin: Origin) -> Main {
        let (outcome, stop_signal) = (None, None);
        Main { pid, origin, executed: false, outcome, stop_mirrored: false, stop_signal, leaving: false }
    }

    /// It was started by us: its signals and stops are ours, too.
    pub(super) fn is_launched(&self) -> bool {
        matches!(self.origin, Origin::Launched(_))
    }

    /// Why it runs untraced, if it does.
    pub(super) fn untraced(&self) -> Option<Errno> {
        match &self.origin {
            Origin::Launched(launched) => launched.untraced,
            Origin::Attached | Origin::Visited => None,
        }
    }

    pub(super) fn is_untraced(&self) -> bool {
        self.untraced().is_some()
    }

    /// Why the command could not be executed; `None` where it was.
    pub(super) fn exec_failure(&mut self) -> Option<Errno> {
        match &mut self.origin {
            Origin::Launched(launched) => launched.exec_failure(),
            Origin::Attached | Origin::Visited => None,
        }
    }

    /// It is supervised for as long as somebody waits for a snapshot of it.
    pub(super) fn is_visited(&self) -> bool {
        matches!(self.origin, Origin::Visited)
    }
}

impl Subject {
    /// Puts its processes into the tree, and says what is to be done first.
    pub(super) fn enter(self, tree: &mut Tree) -> (Main, Option<Attached>, Option<SnapRequest>) {
        match self {
            Subject::Launched(launched) => {
                if launched.untraced.is_none() {
                    tree.add_process(launched.pid);
                }
                (Main::new(launched.pid, Origin::Launched(launched)), None, None)
            }
            Subject::Attached(attached) => {
                add(&attached, tree);
                (Main::new(attached.pid, Origin::Attached), Some(attached), None)
            }
            Subject::Visited(attached, request) => {
                add(&attached, tree);
                (Main::new(attached.pid, Origin::Visited), Some(attached), Some(request))
            }
        }
    }
}

fn add(attached: &Attached, tree: &mut Tree) {
    for (&tid, &pid) in &attached.threads {
        tree.add_thread(tid, pid);
    }
    // A process is added with its leader, which may have ended before its threads.
    for pid in attached.threads.values() {
        if !attached.threads.contains_key(pid) {
            tree.remove_thread(*pid);
        }
    }
}

impl Tracer {
    /// What was seized runs on. Its catchpoints are set, and who wants to know is told.
    pub(super) fn begin_attached(&mut self, attached: &Attached) {
        for (pid, reason) in &attached.refused {
            self.notice(format!("process {pid} of the tree cannot be traced: {reason}"));
        }
        if self.main.is_visited() {
            return;
        }
        let pids: Vec<i32> = self.tree.processes().map(|process| process.id.pid).collect();
        for &pid in &pids {
            self.catch_in_program(pid);
            self.catch_in_mapped_libraries(pid, pid);
        }
        self.arm_debug_registers();
        self.reporter.tell(Event::Attached { pid: attached.pid, processes: pids.len() });
    }

    /// Signals for us, where what we supervise is not ours: each that ends other programs has us let go of it, when the
    /// snapshots that are being taken are there; the second, at once. A stop (Ctrl-Z) would stop the whole tree at its
    /// next signal.
    pub(super) fn told_to_leave(&mut self, received: Received) {
        if matches!(Signal(received.signal), Signal::INT | Signal::TERM | Signal::HUP | Signal::QUIT) {
            self.abandon |= self.main.leaving;
            self.main.leaving = true;
            self.main.outcome.get_or_insert(Outcome::Detached);
        }
    }

    /// Whether all that we were there for is done.
    pub(super) fn is_visit_over(&self) -> bool {
        self.main.is_visited() && self.answers.is_empty()
    }
}
