//! The processes and threads that are traced.
//!
//! A thread is found by its id alone: the kernel gives an id to somebody else only after we, its tracer, were told of
//! its end (or of the exec that swallowed it), and then it is struck out here. What outlives a turn of the loop, as a
//! worker's result does, carries the process's serial number beside the pid.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::{Cause, FirstChance, Signal};

use crate::capture::{Doing, Hold};
use crate::catch::{Likeness, PassedOver, Planted};
use crate::snapshots::Job;
use crate::sys::Breakpoints;
use crate::tracer::{Allowance, Chain};
use crate::{RunningProcess, Stop};

/// All that is traced.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    processes: HashMap<i32, Process>,
    owners: HashMap<i32, i32>,
    last_serial: u64,
}

/// A traced process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: RunningProcess,
    pub(crate) threads: BTreeMap<i32, Thread>,
    /// It is held for a snapshot.
    pub(crate) dying: Option<Dying>,
    /// Its death has been dealt with: no second snapshot, whatever its threads meet on their way out.
    pub(crate) settled: bool,
    /// The thread that sleeps until this process calls exec or ends.
    pub(crate) vfork_parent: Option<i32>,
    /// Its catchpoints.
    pub(crate) planted: Vec<Arc<Planted>>,
    /// How often it may still be stopped at them.
    pub(crate) allowance: Allowance,
    /// The calls of catchpoints' functions that are not judged any more.
    pub(crate) passed_over: PassedOver,
    /// How often an exception was raised at a catchpoint, as far as that is known; see [`crate::catch::Hit`].
    pub(crate) raises: u64,
}

/// A traced thread.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    pub(crate) state: State,
    /// It waits in vfork, where nothing but a SIGKILL reaches it (state D): it cannot be made to stop.
    pub(crate) in_vfork: bool,
    /// It has been seen at its exit stop: it will not stop again.
    pub(crate) exiting: bool,
    /// The last fault that a handler of the process took.
    pub(crate) first_chance: Option<Box<FirstChance>>,
    /// It was sent back into a system call that our interrupt had ended: with these registers, instead of those.
    pub(crate) sent_back: Option<Box<SentBack>>,
    /// It was made to stop for its debug registers to be set, and for nothing else.
    pub(crate) called_to_arm: bool,
    /// What its debug registers stop it at, where catchpoints are set by them.
    pub(crate) breakpoints: Breakpoints,
    /// The chain that a catchpoint is being called for.
    pub(crate) chain: Option<Chain>,
    /// How its calls of a function that raises are told apart.
    pub(crate) likeness: Option<Likeness>,
    /// A snapshot was taken of the exception that it is about to end the process with.
    pub(crate) threw: bool,
}

/// What a thread does, as far as we know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It runs, or its next stop was not seen yet.
    #[default]
    Running,
    /// It is in a group-stop, as it would be untraced.
    Listening,
    /// We keep it in this stop; it is to go on like this.
    Held(Stop, Reaction),
}

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// It runs, taking this signal; zero for none.
    Continue(i32),
    /// It is kept in its stop, to go on without a signal when that is decided.
    Hold,
    /// It stays stopped, as its group does.
    Listen,
}

/// The registers of a thread that was sent back into a system call.
#[derive(Debug)]
pub(crate) struct SentBack {
    pub(crate) to: GeneralRegisters,
    pub(crate) from: GeneralRegisters,
}

/// A process that is held for a snapshot.
#[derive(Debug)]
pub(crate) struct Dying {
    pub(crate) cause: Cause,
    /// The thread that met the cause.
    pub(crate) tid: i32,
    /// When it did.
    pub(crate) since: Instant,
    /// When to go on without the threads that did not stop.
    pub(crate) deadline: Instant,
    pub(crate) phase: Phase,
    /// It was caught at its exit stop, so its other threads come to theirs by themselves.
    pub(crate) exiting: bool,
    /// It must be detached to die.
    pub(crate) detach: bool,
    /// The number of its snapshot.
    pub(crate) number: u64,
    /// That of the crash at whose instant it is taken.
    pub(crate) of_crash: Option<u64>,
    /// What its threads were doing before they were made to stop.
    pub(crate) doing: HashMap<i32, Doing>,
    /// Where it is held until it is read: what tells its reader that it is not any more.
    pub(crate) hold: Option<Hold>,
    /// What is known of it already, where that was looked at while it ran.
    pub(crate) facts: Option<Box<Job>>,
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its other threads are being stopped.
    Stopping,
    /// All is still; it waits for its turn.
    Queued,
    /// A worker reads what `/proc` tells of it.
    Surveying,
    /// A thread of it makes its image.
    Cloning,
    /// A worker reads its memory, or will.
    Streaming,
    /// The thread that met the cause goes on; the others are held until it has taken them along.
    Released,
}

impl Tree {
    /// The process that thread `tid` belongs to.
    pub(crate) fn owner(&self, tid: i32) -> Option<i32> {
        self.owners.get(&tid).copied()
    }

    pub(crate) fn process(&self, pid: i32) -> Option<&Process> {
        self.processes.get(&pid)
    }

    pub(crate) fn process_mut(&mut self, pid: i32) -> Option<&mut Process> {
        self.processes.get_mut(&pid)
    }

    /// The thread with this id, of whatever process.
    pub(crate) fn thread(&self, tid: i32) -> Option<&Thread> {
        self.processes.get(self.owners.get(&tid)?)?.threads.get(&tid)
    }

    /// All threads of all processes, by their ids.
    pub(crate) fn threads(&self) -> impl Iterator<Item = (i32, &Thread)> {
        self.processes.values().flat_map(|process| process.threads.iter().map(|(&tid, thread)| (tid, thread)))
    }

    pub(crate) fn thread_mut(&mut self, tid: i32) -> Option<&mut Thread> {
        self.processes.get_mut(self.owners.get(&tid)?)?.threads.get_mut(&tid)
    }

    pub(crate) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Adds a process with its first thread, running.
    pub(crate) fn add_process(&mut self, pid: i32) {
        self.last_serial += 1;
        let id = RunningProcess { pid, serial: self.last_serial };
        let threads = BTreeMap::from([(pid, Thread::default())]);
        let process = Process {
            id,
            threads,
            dying: None,
            settled: false,
            vfork_parent: None,
            planted: Vec::new(),
            allowance: Allowance::new(),
            passed_over: PassedOver::default(),
            raises: 0,
        };
        self.processes.insert(pid, process);
        self.owners.insert(pid, pid);
    }

    /// Adds a running thread to process `pid`, which is added too where it was unknown.
    pub(crate) fn add_thread(&mut self, tid: i32, pid: i32) {
        if !self.processes.contains_key(&pid) {
            self.add_process(pid);
        }
        self.owners.insert(tid, pid);
        if let Some(process) = self.processes.get_mut(&pid) {
            process.threads.entry(tid).or_default();
        }
    }

    /// Strikes out a thread that is gone.
    pub(crate) fn remove_thread(&mut self, tid: i32) {
        if let Some(pid) = self.owners.remove(&tid)
            && let Some(process) = self.processes.get_mut(&pid)
        {
            process.threads.remove(&tid);
        }
    }

    /// Strikes out a process with all of its threads, and returns what was known of it.
    pub(crate) fn remove_process(&mut self, pid: i32) -> Option<Process> {
        let process = self.processes.remove(&pid)?;
        for tid in process.threads.keys() {
            self.owners.remove(tid);
        }
        Some(process)
    }

    /// Takes all catchpoints away.
    pub(crate) fn forget_planted(&mut self) {
        for process in self.processes.values_mut() {
            process.planted.clear();
        }
    }

    /// Process `pid` has called exec: of its threads the one that did is left, and has the process's own id from now
    /// on, whichever it had before (ptrace(2), "execve(2) under ptrace").
    pub(crate) fn keep_only_leader(&mut self, pid: i32) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        for tid in std::mem::take(&mut process.threads).into_keys() {
            self.owners.remove(&tid);
        }
        process.threads.insert(pid, Thread::default());
        process.settled = false;
        self.owners.insert(pid, pid);
    }
}

impl Process {
    /// Whether all of its threads, one at least, are stopped together as job control stops them.
    pub(crate) fn is_group_stopped(&self) -> bool {
        !self.threads.is_empty() && self.threads.values().all(|thread| thread.state == State::Listening)
    }

    /// The threads that we hold, with their stops, that of the cause first.
    pub(crate) fn held(&self) -> Vec<(i32, Stop, Reaction)> {
        let first = self.dying.as_ref().map(|dying| dying.tid);
        let mut held: Vec<_> = self
            .threads
            .iter()
            .filter_map(|(&tid, thread)| match thread.state {
                State::Held(stop, reaction) => Some((tid, stop, reaction)),
                State::Running | State::Listening => None,
            })
            .collect();
        held.sort_by_key(|&(tid, ..)| (Some(tid) != first, tid));
        held
    }
}

/// The signal that a stop is about to deliver.
pub(crate) fn delivered(stop: Stop) -> Option<Signal> {
    match stop {
        Stop::Delivery(signal) => Some(signal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reaction, State, Tree};
    use crate::Stop;

    #[test]
    fn exec_by_a_thread_leaves_the_leader_alone() {
        let mut tree = Tree::default();
        tree.add_process(10);
        tree.add_thread(11, 10);
        tree.add_thread(12, 10);
        tree.keep_only_leader(10);
        assert_eq!((tree.owner(10), tree.owner(11), tree.owner(12)), (Some(10), None, None));
        assert_eq!(tree.process(10).unwrap().threads.keys().copied().collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn a_process_id_that_is_used_again_is_another_process() {
        let mut tree = Tree::default();
        tree.add_process(10);
        let first = tree.process(10).unwrap().id;
        tree.remove_process(10).unwrap();
        tree.add_process(10);
        assert_ne!(tree.process(10).unwrap().id, first);
    }

    #[test]
    fn a_process_is_stopped_when_its_last_thread_is() {
        let mut tree = Tree::default();
        tree.add_thread(11, 10);
        tree.thread_mut(10).unwrap().state = State::Listening;
        assert!(!tree.process(10).unwrap().is_group_stopped());
        tree.thread_mut(11).unwrap().state = State::Listening;
        assert!(tree.process(10).unwrap().is_group_stopped());
        tree.thread_mut(11).unwrap().state = State::Held(Stop::Trap, Reaction::Continue(0));
        assert!(!tree.process(10).unwrap().is_group_stopped());
        assert_eq!(tree.process(10).unwrap().held(), [(11, Stop::Trap, Reaction::Continue(0))]);
    }
}
