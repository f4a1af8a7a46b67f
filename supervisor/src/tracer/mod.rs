//! The loop: wait, decode the stop, find the tracee, decide, resume.
//!
//! It runs on one thread, since the kernel answers ptrace requests of no other, and it never waits for one tracee: a
//! parent in vfork cannot be stopped until its child is done, a task in a frozen cgroup not at all. So there is one
//! place to wait, for anything, and every wait for something in particular is a state with a deadline.
//!
//! ESRCH, from any request, says that the tracee is on its way out: its next report will tell, so it is no error
//! (ptrace(2), "Death under ptrace").

mod births;
mod catching;
mod deaths;
mod debug_registers;
mod forwarding;
mod holding;
mod images;
mod leaving;
mod live;
mod signals;
mod sparing;
mod subject;
mod triggers;

use std::collections::HashSet;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use dpdb_snapshot::process::Signal;

use crate::catch::Judges;
use crate::history::Reporter;
use crate::leak_sanitizer::LeakSanitizer;
use crate::snap::SnapRequest;
use crate::snapshots::{Report, Snapshots};
use crate::sys::{self, Bell, Errno, Resume, SignalFd, Waited};
use crate::tree::{Reaction, State, Tree};
use crate::triggers::Triggers;
use crate::{Event, Options, Outcome, RunningProcess, Stop};

use catching::Catching;
use forwarding::Forwarding;
use holding::Writing;
use images::Images;
use live::Answers;
pub(crate) use sparing::{Allowance, Chain};
use subject::Main;
pub(crate) use subject::Subject;
use triggers::Timeout;

/// The options with which everything is seized (ptrace(2), PTRACE_SETOPTIONS). EXIT costs ten microseconds per thread
/// and shows the deaths that no signal stop announces.
pub(crate) fn ptrace_options(kill_on_exit: bool) -> i32 {
    let follow = libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK | libc::PTRACE_O_TRACECLONE;
    let kill = if kill_on_exit { libc::PTRACE_O_EXITKILL } else { 0 };
    follow | libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_TRACEEXIT | kill
}

/// All that the thread which speaks ptrace knows.
#[derive(Debug)]
pub(crate) struct Tracer {
    options: Options,
    reporter: Reporter,
    tree: Tree,
    main: Main,
    signals: SignalFd,
    forwarding: Forwarding,
    snapshots: Snapshots,
    reports: Receiver<Report>,
    bell: Bell,
    /// Children that we had before we started: `(sleep 9 & exec dpdb-trace …)`.
    inherited_children: Vec<i32>,
    privileged: bool,
    leak_sanitizer: LeakSanitizer,
    catching: Catching,
    /// The processes that are held for a snapshot, in the order in which they began to die.
    dying: Vec<i32>,
    images: Images,
    writing: Writing,
    requests: Receiver<SnapRequest>,
    answers: Answers,
    timeout: Timeout,
    triggers: Triggers,
    /// Processes that run and are looked at, to be stopped for a snapshot in a moment.
    looked_at: HashSet<RunningProcess>,
    /// The snapshots that the end of the tree waits for.
    timed_out: HashSet<u64>,
    /// Somebody is in a hurry to be rid of us.
    abandon: bool,
}

/// What the loop is made with.
pub(crate) struct Parts {
    pub(crate) options: Options,
    pub(crate) reporter: Reporter,
    pub(crate) subject: Subject,
    pub(crate) signals: SignalFd,
    pub(crate) snapshots: Snapshots,
    pub(crate) reports: Receiver<Report>,
    pub(crate) requests: Receiver<SnapRequest>,
    pub(crate) bell: Bell,
    pub(crate) inherited_children: Vec<i32>,
    pub(crate) privileged: bool,
    pub(crate) judges: Judges,
}

impl Tracer {
    pub(crate) fn new(parts: Parts) -> Tracer {
        let mut tree = Tree::default();
        let (main, attached, request) = parts.subject.enter(&mut tree);
        let timeout = Timeout::new(parts.options.timeout);
        let triggers = Triggers::new(&parts.options.triggers, Instant::now());
        let catching = Catching::new(&parts.options, parts.judges);
        let mut tracer = Tracer {
            options: parts.options,
            reporter: parts.reporter,
            tree,
            main,
            signals: parts.signals,
            forwarding: Forwarding::default(),
            snapshots: parts.snapshots,
            reports: parts.reports,
            bell: parts.bell,
            inherited_children: parts.inherited_children,
            privileged: parts.privileged,
            leak_sanitizer: LeakSanitizer::default(),
            catching,
            dying: Vec::new(),
            images: Images::default(),
            writing: Writing::new(Instant::now()),
            requests: parts.requests,
            answers: Answers::new(),
            timeout,
            triggers,
            looked_at: HashSet::new(),
            timed_out: HashSet::new(),
            abandon: false,
        };
        match &attached {
            None => tracer.tell_start(tracer.main.pid, std::process::id() as i32),
            Some(attached) => tracer.begin_attached(attached),
        }
        if let Some(errno) = tracer.main.untraced() {
            tracer.tell_untraced(errno);
        }
        if let Some(request) = request {
            tracer.request(&request);
        }
        tracer
    }

    /// Supervises until the command, or with `wait_all` the whole tree, has ended.
    pub(crate) fn run(&mut self) -> Outcome {
        loop {
            // Signals are taken before the stops that SIGCHLD announces, and handled after them: whether one was sent
            // to the whole process group shows by what the command got.
            let received = self.signals.receive();
            let nobody_left = self.take_stops();
            self.forward(&received);
            self.mirror_stop();
            self.take_requests();
            self.advance_timeout();
            self.advance_triggers();
            self.advance_catching();
            self.advance_snapshots();
            if let Some(outcome) = self.outcome(nobody_left) {
                self.leave();
                return outcome;
            }
            self.sleep();
        }
    }

    /// What to return, where it is time to.
    fn outcome(&self, nobody_left: bool) -> Option<Outcome> {
        if self.abandon {
            return Some(self.main.outcome.unwrap_or(Outcome::Signaled(Signal::TERM)));
        }
        let visited = self.is_visit_over().then_some(Outcome::Detached);
        let outcome = self.main.outcome.or(visited).or(nobody_left.then_some(Outcome::Exited(1)))?;
        let pending = self.tree.processes().any(|process| process.dying.is_some());
        let others = self.options.wait_all && !nobody_left && !self.main.leaving && visited.is_none();
        (!pending && !others && !self.has_images()).then_some(outcome)
    }

    /// Handles every report that is ready. All are collected before the first is handled, so that none waits behind
    /// one that produces reports without end. Returns whether there is nobody left who could report.
    fn take_stops(&mut self) -> bool {
        let mut ready = Vec::new();
        let childless = loop {
            match sys::wait_any() {
                Ok(Some(waited)) => ready.push(waited),
                Ok(None) => break false,
                Err(Errno::EINTR) => {}
                Err(_) => break true,
            }
        };
        // Where there is no child any more, all reports are of ends, and nothing comes after them that would wake us.
        for waited in ready {
            self.handle(waited);
        }
        childless || self.only_strangers_left()
    }

    /// Whether all who could still report are children that were here before us.
    fn only_strangers_left(&self) -> bool {
        !self.inherited_children.is_empty() && !self.has_images() && self.tree.is_empty() && self.main.outcome.is_some()
    }

    fn handle(&mut self, Waited { tid, status }: Waited) {
        let stop = Stop::decode(status);
        if self.is_of_image(tid, stop) {
            return;
        }
        self.note_stop_after_sending_back(tid, stop);
        if stop.is_end() {
            self.ended(tid, stop);
            return;
        }
        let pid = match self.tree.owner(tid) {
            Some(pid) => pid,
            None => self.adopt(tid),
        };
        let reaction = self.react(pid, tid, stop);
        self.set_debug_registers(pid, tid);
        self.end_call_to_arm(tid, stop);
        self.settle(pid, tid, stop, reaction);
    }

    /// Decides how a thread goes on, and keeps the tree's books.
    fn react(&mut self, pid: i32, tid: i32, stop: Stop) -> Reaction {
        self.note_main_stop(pid, stop);
        match stop {
            Stop::Delivery(signal) => self.delivery(pid, tid, signal),
            Stop::Group(_) => Reaction::Listen,
            Stop::Child(birth) => {
                self.born(pid, tid, birth);
                Reaction::Continue(0)
            }
            Stop::Exec => {
                self.execed(pid);
                Reaction::Continue(0)
            }
            Stop::Exit => {
                self.exiting(pid, tid);
                Reaction::Continue(0)
            }
            _ => Reaction::Continue(0),
        }
    }

    /// Resumes a thread, unless its process is held.
    fn settle(&mut self, pid: i32, tid: i32, stop: Stop, reaction: Reaction) {
        if self.ends_release(pid, tid, stop) {
            self.let_go(pid);
        }
        let held = self.tree.process(pid).is_some_and(|process| process.dying.is_some());
        if reaction == Reaction::Hold {
            self.set_state(tid, State::Held(stop, Reaction::Continue(0)));
        } else if held {
            self.set_state(tid, State::Held(stop, reaction));
        } else {
            self.apply(tid, reaction);
        }
    }

    /// Lets a stopped thread go on.
    fn apply(&mut self, tid: i32, reaction: Reaction) {
        let (result, state) = match reaction {
            Reaction::Continue(signal) => (sys::resume(tid, Resume { signal }), State::Running),
            Reaction::Listen => (sys::listen(tid), State::Listening),
            Reaction::Hold => return,
        };
        // A failure is ESRCH: the thread has been killed, left this stop, and will report its end. Then it runs, too.
        self.set_state(tid, if result.is_ok() { state } else { State::Running });
    }

    fn set_state(&mut self, tid: i32, state: State) {
        if let Some(thread) = self.tree.thread_mut(tid) {
            thread.state = state;
        }
    }

    /// Waits for the next signal (SIGCHLD above all), result of a worker, or deadline.
    fn sleep(&self) {
        let deadlines = [
            self.next_deadline(),
            self.timeout.deadline(),
            self.triggers.deadline().filter(|_| !self.is_over()),
            self.catching.next_deadline(),
        ];
        let deadline = deadlines.into_iter().flatten().min();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        use std::os::fd::AsFd;
        if let Ok(ready) = sys::wait_until_readable(self.signals.as_fd(), self.bell.as_fd(), timeout)
            && ready.second
        {
            self.bell.quiet();
        }
    }

    /// Tells what a report about us would have to say in this place.
    fn notice(&self, message: String) {
        self.reporter.tell(Event::Notice(message));
    }

    fn tell_untraced(&self, errno: Errno) {
        let reason = crate::refusal::why_not_traceable(errno, self.main.pid);
        self.notice(format!("the command runs unsupervised, and no snapshot will be taken: {reason}"));
    }
}
