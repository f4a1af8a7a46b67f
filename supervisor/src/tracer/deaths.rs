//! From the stop that foretells a death to the file, and on to the death.
//!
//! A dying process is held, all of its threads, from the fatal stop until a worker has read its memory; the loop goes
//! on with everybody else. Nothing that its threads meet meanwhile is lost: each keeps its stop, and how it will go on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dpdb_snapshot::process::{Cause, Signal};

use crate::capture::{Doing, Request, freeze};
use crate::snapshots::{Finished, Job, Report};
use crate::sys::{self, Resume};
use crate::tree::{Dying, Phase, Process, Reaction, State, Thread, delivered};
use crate::{AbsentThread, Event, Stop, StoppedProcess, StoppedThread, proc};

use super::Tracer;

/// How long the other threads of a dying process may take to stop. One that takes longer sleeps in the kernel where
/// nothing reaches it; it is left out, and the snapshot says so.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for the other threads of one that seccomp killed: SECCOMP_RET_KILL_THREAD takes that thread alone,
/// and at its exit stop this looks the same as the end of the process.
const LONE_DEATH_TIMEOUT: Duration = Duration::from_millis(100);

impl Tracer {
    /// Holds process `pid`, whose thread `tid` has met `cause`, for a snapshot; or tells why there will be none.
    pub(super) fn begin_snapshot(&mut self, pid: i32, tid: i32, cause: Cause, exiting: bool, detach: bool) {
        if self.is_over() {
            return;
        }
        if let Ok(None) = sys::general_registers(tid) {
            let reason = "it runs 32-bit code, of which no snapshots are taken".to_owned();
            return self.refuse(pid, cause, reason);
        }
        let number = match self.snapshots.claim() {
            Ok(number) => number,
            Err(why) => return self.refuse(pid, cause, why.to_owned()),
        };
        let since = Instant::now();
        let doing = if exiting { HashMap::new() } else { self.stop_others(pid, tid) };
        let lone = exiting && cause.signal() == Some(Signal::SYS);
        let deadline = since + if lone { LONE_DEATH_TIMEOUT } else { STOP_TIMEOUT };
        let Some(process) = self.tree.process_mut(pid) else { return };
        let phase = Phase::Stopping;
        process.dying = Some(Dying {
            cause: cause.clone(),
            tid,
            since,
            deadline,
            phase,
            exiting,
            detach,
            number,
            of_crash: None,
            doing,
            hold: None,
            facts: None,
        });
        self.dying.push(pid);
        self.trigger_on_crash(pid, &cause, number);
    }

    /// Whether no snapshot is begun any more.
    pub(super) fn is_over(&self) -> bool {
        self.main.leaving || (self.main.outcome.is_some() && !self.options.wait_all)
    }

    fn refuse(&mut self, pid: i32, cause: Cause, reason: String) {
        if let Some(process) = self.tree.process_mut(pid) {
            process.settled = true;
            // Whatever it meets from now on leaves none either, so it need not be stopped for that.
            process.planted.clear();
        }
        self.reporter.tell(Event::SnapshotFailed { pid, comm: proc::comm(pid), cause, reason });
    }

    /// Makes all threads of `pid` but `tid` stop, and returns what they were doing until then.
    pub(super) fn stop_others(&mut self, pid: i32, tid: i32) -> HashMap<i32, Doing> {
        let Some(process) = self.tree.process(pid) else { return HashMap::new() };
        let others = process.threads.iter().filter(|&(&other, thread)| other != tid && thread.can_be_stopped());
        let doing: HashMap<i32, Doing> = others.map(|(&other, _)| (other, Doing::of(pid, other))).collect();
        for &other in doing.keys() {
            // ESRCH: it is going; its end will be reported.
            let _ = sys::interrupt(other);
        }
        doing
    }

    /// Thread `tid` is at its exit stop, where all that it had is still there. If a signal ends it that gave no
    /// warning, this is the last chance: SIGKILL, a kill by seccomp, a signal that raced with another one.
    pub(super) fn exiting(&mut self, pid: i32, tid: i32) {
        let status = sys::event_message(tid).unwrap_or(0);
        let signal = Signal((status & 0x7f) as i32);
        let open = self.tree.process(pid).is_some_and(|process| process.dying.is_none() && !process.settled);
        let is_wanted = self.leaves_a_snapshot(signal) || (open && self.trigger_on_kill(pid, signal));
        let Some(process) = self.tree.process_mut(pid) else { return };
        if let Some(thread) = process.threads.get_mut(&tid) {
            thread.exiting = true;
        }
        let settled = process.settled;
        match &process.dying {
            // It was about to die of a signal, and another thread's exit_group came before.
            Some(dying) if dying.tid == tid && signal.0 == 0 && dying.phase.is_early() => self.cancel(pid),
            Some(_) => {}
            None if !settled && is_wanted => {
                self.begin_snapshot(pid, tid, Cause::KilledBy { signal, tid }, true, false);
            }
            None if !settled => {
                if let Some(cause) = self.wants_exit(status) {
                    self.begin_snapshot(pid, tid, cause, true, false);
                }
            }
            None => {}
        }
    }

    /// Takes every dying process as far as it can go now.
    pub(super) fn advance_snapshots(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            match report {
                Report::Surveyed(job) => self.surveyed(*job),
                Report::Finished(finished) => self.finish(*finished),
            }
        }
        for pid in self.dying.clone() {
            self.advance(pid);
        }
        self.reap_images();
    }

    fn advance(&mut self, pid: i32) {
        let now = Instant::now();
        let Some(process) = self.tree.process(pid) else { return self.forget(pid) };
        let Some(dying) = &process.dying else { return self.forget(pid) };
        match dying.phase {
            Phase::Stopping if process.is_still() => self.set_phase(pid, Phase::Queued),
            Phase::Stopping if dying.deadline <= now && process.is_lone_death() => self.cancel(pid),
            Phase::Stopping if dying.deadline <= now => self.set_phase(pid, Phase::Queued),
            Phase::Released if dying.deadline <= now => self.let_go(pid),
            Phase::Streaming if dying.hold.is_some() && dying.deadline <= now => self.look_at_reader(pid, now),
            Phase::Queued => {}
            _ => return,
        }
        let is_queued = self.tree.process(pid).and_then(|process| process.dying.as_ref());
        if is_queued.is_some_and(|dying| dying.phase == Phase::Queued) && self.snapshots.has_room_for_survey() {
            self.survey(pid);
        }
    }

    pub(super) fn set_phase(&mut self, pid: i32, phase: Phase) {
        if let Some(dying) = self.tree.process_mut(pid).and_then(|process| process.dying.as_mut()) {
            dying.phase = phase;
        }
    }

    /// Reads what only this thread can, and leaves the rest to a worker.
    fn survey(&mut self, pid: i32) {
        let tree = self.tree.processes().map(|process| process.id.pid).collect();
        let Some(process) = self.tree.process_mut(pid) else { return };
        let Some(stopped) = process.stopped() else {
            return self.lose_snapshot(pid, "it was gone before it could be read");
        };
        let Some(dying) = process.dying.as_mut() else { return };
        dying.phase = Phase::Surveying;
        let facts = dying.facts.take();
        let doing = std::mem::take(&mut dying.doing);
        let cause = dying.cause.clone();
        let (number, of_crash) = (dying.number, dying.of_crash);
        let request = Request { cause: cause.clone(), stopped_at: dying.since, tree, doing, number, of_crash };
        let mut frozen = freeze(&stopped, request);
        if self.options.no_clone {
            frozen.stay("--no-clone".to_owned());
        }
        let job = Job { id: process.id, comm: proc::comm(pid), cause, frozen, image: None };
        match facts {
            Some(facts) => self.make_image(pid, job.with_facts(*facts)),
            None => self.snapshots.survey(job),
        }
    }

    /// All but its memory is known of a process. It goes its way as soon as there is an image of that, or when it is read.
    fn surveyed(&mut self, job: Job) {
        self.snapshots.one_surveyed();
        let pid = job.id.pid;
        if !job.frozen.is_stopped() {
            return self.begin_live(job);
        }
        let waits = |dying: &Dying| dying.phase == Phase::Surveying && dying.number == job.frozen.number();
        // One that slipped away meanwhile has been told of.
        if self.tree.process(pid).is_some_and(|process| process.dying.as_ref().is_some_and(waits)) {
            self.make_image(pid, job);
        }
    }

    fn finish(&mut self, finished: Finished) {
        self.snapshots.one_finished();
        let (id, image, number) = (finished.id, finished.image, finished.number);
        self.answer(number, finished.path());
        self.reporter.tell(finished.into_event());
        match image {
            Some(image) => self.kill_image(image),
            None if self.is_held_for(id, number) => self.release(id.pid),
            None => {}
        }
        self.start_waiting();
    }

    /// Whether process `id` is held for this snapshot, and was not let go before it was there.
    fn is_held_for(&self, id: crate::RunningProcess, number: u64) -> bool {
        let process = self.tree.process(id.pid).filter(|process| process.id == id);
        let dying = process.and_then(|process| process.dying.as_ref());
        dying.is_some_and(|dying| dying.number == number && dying.phase == Phase::Streaming)
    }

    /// Gives up a snapshot that was not begun to be written: the process does not die of its cause.
    fn cancel(&mut self, pid: i32) {
        if let Some(dying) = self.tree.process(pid).and_then(|process| process.dying.as_ref()) {
            self.answer(dying.number, Err("it ended before it could be read"));
        }
        self.snapshots.give_back();
        self.let_go(pid);
        self.give_up_image(pid, "it does not die of its cause");
    }

    /// A process has slipped away that was held; a worker that reads it already will come to its own end.
    pub(super) fn lose_snapshot(&mut self, pid: i32, reason: &str) {
        let Some(dying) = self.tree.process_mut(pid).and_then(|process| process.dying.take()) else { return };
        self.forget(pid);
        self.give_up_image(pid, reason);
        self.answer(dying.number, Err(reason));
        if dying.phase.is_early() {
            self.snapshots.give_back();
            let (cause, reason) = (dying.cause, reason.to_owned());
            self.reporter.tell(Event::SnapshotFailed { pid, comm: proc::comm(pid), cause, reason });
        }
    }

    /// Lets a process die that was held. The thread that met the cause goes first, and the others when it has come to
    /// its exit stop: one that is about to call exec, or exit_group, would else overtake a death that was there before.
    pub(super) fn release(&mut self, pid: i32) {
        let Some(process) = self.tree.process_mut(pid) else { return };
        let held = process.held();
        let Some(dying) = process.dying.as_mut() else { return };
        if dying.cause.signal().is_none() {
            process.settled = dying.exiting;
            return self.let_go(pid);
        }
        process.settled = true;
        if dying.detach {
            let signal = dying.cause.signal();
            return self.detach_to_die(pid, &held, signal);
        }
        dying.phase = Phase::Released;
        dying.deadline = Instant::now() + STOP_TIMEOUT;
        let cause = dying.tid;
        match held.first() {
            Some(&(tid, _, reaction)) if tid == cause && held.len() > 1 => self.apply(tid, reaction),
            _ => self.let_go(pid),
        }
    }

    /// Lets all threads of a process go on that was held.
    pub(super) fn let_go(&mut self, pid: i32) {
        self.forget(pid);
        let Some(process) = self.tree.process_mut(pid) else { return };
        process.dying = None;
        let lives = !process.settled;
        for (tid, stop, reaction) in process.held() {
            if lives && stop == Stop::Trap {
                self.send_back(tid);
            }
            self.apply(tid, reaction);
        }
    }

    /// Whether a process whose thread was sent to its death need not be held any longer, now that `tid` has stopped.
    pub(super) fn ends_release(&self, pid: i32, tid: i32, stop: Stop) -> bool {
        let dying = self.tree.process(pid).and_then(|process| process.dying.as_ref());
        dying.is_some_and(|dying| dying.phase == Phase::Released && (stop == Stop::Exit || dying.tid == tid))
    }

    /// The init of a pid namespace does not die under ptrace. Nobody will tell us of its end any more: so the thread
    /// that kills it is let go last, when no other is left that would stop once more at its exit.
    fn detach_to_die(&mut self, pid: i32, held: &[(i32, Stop, Reaction)], signal: Option<Signal>) {
        for &(tid, stop, _) in held.iter().rev() {
            let signal = delivered(stop).map_or(0, |signal| signal.0);
            // ESRCH: it was killed meanwhile.
            let _ = sys::detach(tid, Resume { signal });
        }
        self.forget(pid);
        self.tree.remove_process(pid);
        if let Some(signal) = signal {
            self.reporter.tell(Event::Died { pid, signal, core: false });
        }
    }

    fn forget(&mut self, pid: i32) {
        self.dying.retain(|&dying| dying != pid);
    }

    /// When the loop has to wake up though nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let dying = self.dying.iter().filter_map(|&pid| self.tree.process(pid)?.dying.as_ref());
        let waits = |dying: &&Dying| match dying.phase {
            Phase::Stopping | Phase::Released => true,
            Phase::Streaming => dying.hold.is_some(),
            _ => false,
        };
        dying.filter(waits).map(|dying| dying.deadline).min()
    }
}

impl Phase {
    /// Whether nothing was written yet.
    fn is_early(self) -> bool {
        matches!(self, Phase::Stopping | Phase::Queued | Phase::Surveying | Phase::Cloning)
    }
}

impl Thread {
    /// Whether an interrupt would stop it in bounded time.
    pub(super) fn can_be_stopped(&self) -> bool {
        !self.in_vfork && !self.exiting && !matches!(self.state, State::Held(..))
    }

    /// Whether it runs, and an interrupt would stop it in bounded time.
    pub(super) fn can_be_interrupted(&self) -> bool {
        self.state == State::Running && self.can_be_stopped()
    }

    /// Whether it will not move any more, as far as a snapshot is concerned.
    fn is_still(&self, exiting: bool) -> bool {
        match self.state {
            State::Held(stop, _) => !exiting || stop == Stop::Exit,
            // Past its exit stop: a leader that ended before its threads stays as a zombie.
            State::Running | State::Listening => self.in_vfork || self.exiting,
        }
    }
}

impl Process {
    /// Whether all threads are held that can be.
    fn is_still(&self) -> bool {
        let exiting = self.dying.as_ref().is_some_and(|dying| dying.exiting);
        self.threads.values().all(|thread| thread.is_still(exiting))
    }

    /// Whether seccomp has killed one thread, and the others live on.
    fn is_lone_death(&self) -> bool {
        self.dying.as_ref().is_some_and(|dying| dying.exiting && dying.cause.signal() == Some(Signal::SYS))
    }

    /// The proof that it is stopped; `None` where nothing of it is.
    fn stopped(&self) -> Option<StoppedProcess> {
        let held = self.held();
        if held.is_empty() {
            return None;
        }
        let threads = held.iter().map(|&(tid, stop, _)| StoppedThread { tid, signal: delivered(stop) }).collect();
        let absent = self.threads.iter().filter(|(_, thread)| !matches!(thread.state, State::Held(..)));
        let absent = absent.filter(|(_, thread)| !thread.exiting).map(|(&tid, thread)| AbsentThread {
            tid,
            reason: if thread.in_vfork { "it waits for its vfork child" } else { "it did not stop within a second" }
                .to_owned(),
        });
        let exiting = self.dying.as_ref().is_some_and(|dying| dying.exiting);
        Some(StoppedProcess { process: self.id, threads, absent: absent.collect(), exiting })
    }
}
