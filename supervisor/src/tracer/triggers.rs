//! What makes snapshots without a crash and without being asked each time: an exit code, a timeout, and what the engine of
//! triggers says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dpdb_snapshot::process::{Cause, Signal};

use crate::policy::{DefaultAction, Verdict, default_action, verdict};
use crate::proc::Status;
use crate::sys;
use crate::tree::Process;
use crate::triggers::{Fired, Sample};
use crate::{Event, RunningProcess};

use super::Tracer;

/// How long the command may take to end after its SIGTERM, before all that is left is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How far a timeout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeout {
    /// There is none, or it is over.
    None,
    /// It runs out then.
    Runs(Instant),
    /// The tree is being snapshot.
    Snapshots,
    /// The command was told to end; at that time the tree is killed.
    Ends(Instant),
}

impl Timeout {
    pub(super) fn new(after: Option<Duration>) -> Timeout {
        after.and_then(|after| Instant::now().checked_add(after)).map_or(Timeout::None, Timeout::Runs)
    }

    /// When something has to be done about it.
    pub(super) fn deadline(self) -> Option<Instant> {
        match self {
            Timeout::Runs(at) | Timeout::Ends(at) => Some(at),
            Timeout::None | Timeout::Snapshots => None,
        }
    }
}

impl Tracer {
    /// A thread of process `pid` is at its exit stop, with this wait status and no signal. Whether `--on-exit` wants a
    /// snapshot of it.
    pub(super) fn wants_exit(&self, status: u64) -> Option<Cause> {
        let wanted = self.options.on_exit?;
        let code = ((status >> 8) & 0xff) as i32;
        let signal = status & 0x7f;
        (signal == 0 && wanted.includes(code)).then(|| Cause::Requested { by: format!("--on-exit (exit code {code})") })
    }

    /// Takes what triggers ask for now.
    pub(super) fn advance_triggers(&mut self) {
        let now = Instant::now();
        if self.triggers.deadline().is_none_or(|deadline| deadline > now) || self.is_over() {
            return;
        }
        let free: Vec<RunningProcess> = self.free_processes();
        let wanted = self.triggers.wants_samples(now);
        let sample = |process: &RunningProcess, wanted| Some((*process, Sample::of(*process, wanted)?));
        let samples: Option<Vec<_>> =
            wanted.map(|wanted| free.iter().filter_map(|process| sample(process, wanted)).collect());
        // What fires together for one process is one snapshot.
        let mut wishes: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for fired in self.triggers.look(now, samples.as_deref()) {
            let (of, by) = match &fired {
                Fired::Process(process, by) => (std::slice::from_ref(process), by),
                Fired::Tree(by) => (free.as_slice(), by),
            };
            of.iter().for_each(|process| wishes.entry(process.pid).or_default().push(by.clone()));
        }
        for (pid, by) in wishes {
            self.look_at_all(&[pid], &by.join(", "));
        }
    }

    /// The processes of which no snapshot is being taken, ascending.
    fn free_processes(&self) -> Vec<RunningProcess> {
        let is_free =
            |process: &&Process| process.dying.is_none() && !process.settled && !self.looked_at.contains(&process.id);
        let mut free: Vec<RunningProcess> = self.tree.processes().filter(is_free).map(|process| process.id).collect();
        free.sort_unstable();
        free
    }

    /// Takes snapshots of processes that go on, as many as may be taken.
    fn look_at_all(&mut self, pids: &[i32], by: &str) {
        for &pid in pids {
            if let Ok(number) = self.snapshots.claim() {
                self.look_at(pid, number, by);
            }
        }
    }

    /// Process `pid`, whose thread `tid` is about to take `signal`, is snapshot first where a trigger says so. Returns whether
    /// it is.
    pub(super) fn trigger_on_signal(&mut self, pid: i32, tid: i32, signal: Signal) -> bool {
        if !self.triggers.is_about(signal) {
            return false;
        }
        // A death that leaves a snapshot by itself needs no second one.
        let dies = || Status::of(tid).is_none_or(|status| verdict(signal, &status) == Verdict::Dies);
        if self.leaves_a_snapshot(signal) && default_action(signal) == DefaultAction::End && dies() {
            return false;
        }
        let Some(id) = self.tree.process(pid).map(|process| process.id) else { return false };
        let Some(by) = self.triggers.on_signal(id, signal, Instant::now()) else { return false };
        let sender = sys::signal_info(tid).ok().and_then(|info| info.sender());
        let by = sender.map_or_else(|| by.clone(), |(sender, _)| format!("{by} (from pid {sender})"));
        self.begin_snapshot(pid, tid, Cause::Requested { by }, false, false);
        true
    }

    /// Whether process `pid`, which somebody has killed, is snapshot before it goes.
    pub(super) fn trigger_on_kill(&mut self, pid: i32, signal: Signal) -> bool {
        // After a timeout it is we who kill.
        if signal != Signal::KILL || self.timeout != Timeout::None && !matches!(self.timeout, Timeout::Runs(_)) {
            return false;
        }
        let id = self.tree.process(pid).map(|process| process.id);
        id.is_some_and(|id| self.triggers.on_kill(id, Instant::now()))
    }

    /// Process `pid` crashes: all others are stopped at this instant and snapshot, where a trigger says so.
    pub(super) fn trigger_on_crash(&mut self, pid: i32, cause: &Cause, number: u64) {
        if !cause.is_crash() {
            return;
        }
        let Some(by) = self.triggers.on_crash(Instant::now()) else { return };
        let is_other = |process: &&Process| process.id.pid != pid && process.dying.is_none() && !process.settled;
        let others: Vec<i32> = self.tree.processes().filter(is_other).map(|process| process.id.pid).collect();
        for other in others {
            if let Ok(of_other) = self.snapshots.claim() {
                let by = format!("{by} (crash of pid {pid}, snapshot {number})");
                self.stop_now(other, of_other, Cause::Requested { by }, number);
            }
        }
    }

    /// Takes the timeout as far as it can go now.
    pub(super) fn advance_timeout(&mut self) {
        let now = Instant::now();
        match self.timeout {
            Timeout::Runs(at) if at <= now => {
                self.reporter.tell(Event::Notice("the timeout is over: the tree is snapshot and ended".to_owned()));
                let pids: Vec<i32> = self.tree.processes().map(|process| process.id.pid).collect();
                for pid in pids {
                    if let Ok(number) = self.snapshots.claim() {
                        self.timed_out.insert(number);
                        self.look_at(pid, number, "--timeout");
                    }
                }
                self.timeout = Timeout::Snapshots;
            }
            Timeout::Snapshots if self.timed_out.is_empty() => {
                // Gone is as good as told.
                let _ = sys::kill(self.main.pid, libc::SIGTERM);
                self.timeout = Timeout::Ends(now + GRACE);
            }
            Timeout::Ends(at) if at <= now => {
                for process in self.tree.processes() {
                    let _ = sys::kill(process.id.pid, libc::SIGKILL);
                }
                self.timeout = Timeout::None;
            }
            _ => {}
        }
    }
}
