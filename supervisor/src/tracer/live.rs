//! Snapshots of processes that go on: asked for, taken in some milliseconds, and unseen by the process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Instant;

use dpdb_snapshot::process::{Cause, Signal};

use crate::Stop;
use crate::capture::{Frozen, Request};
use crate::inject::{Injection, SystemCall};
use crate::policy::{Verdict, verdict};
use crate::proc::{self, Status};
use crate::snap::{Answer, SnapRequest};
use crate::snapshots::Job;
use crate::sys::{self, Errno};
use crate::tree::{Dying, Phase, Reaction, SentBack, State};

use super::Tracer;
use super::deaths::STOP_TIMEOUT;
use super::images::{Reaping, Zombie};
use super::ptrace_options;

/// System calls that fail with EINTR when a wait of theirs is interrupted, by a stop for a tracer too, where all others
/// are restarted (signal(7)); with the arguments they had, they can be made once more. Those that a handler interrupts
/// on purpose are told apart by the signal.
const RESTARTED: [i64; 21] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_io_getevents,
    libc::SYS_io_uring_enter,
];

/// Who waits for snapshots, by their numbers.
pub(super) type Answers = HashMap<u64, Sender<Answer>>;

impl Tracer {
    /// Takes what was asked for since the last time.
    pub(super) fn take_requests(&mut self) {
        while let Ok(request) = self.requests.try_recv() {
            self.request(&request);
        }
    }

    pub(super) fn request(&mut self, request: &SnapRequest) {
        let refuse = |pid: i32, reason: &str| {
            let _ = request.answers.send(Answer { path: Err(format!("process {pid}: {reason}")) });
        };
        let Some(pid) = self.tree.owner(request.pid) else {
            return refuse(request.pid, "it is not supervised here");
        };
        let pids = if request.tree { self.tree.processes().map(|process| process.id.pid).collect() } else { vec![pid] };
        for pid in pids {
            match self.snapshots.claim() {
                Ok(number) => {
                    self.answers.insert(number, request.answers.clone());
                    self.look_at(pid, number, &request.by);
                }
                Err(why) => refuse(pid, why),
            }
        }
    }

    /// Reads what can be read of a process while it runs.
    pub(super) fn look_at(&mut self, pid: i32, number: u64, by: &str) {
        let Some(process) = self.tree.process(pid) else {
            self.snapshots.give_back();
            return self.answer(number, Err("it is gone"));
        };
        let cause = Cause::Requested { by: by.to_owned() };
        let tree = self.tree.processes().map(|process| process.id.pid).collect();
        let request = Request {
            cause: cause.clone(),
            stopped_at: Instant::now(),
            tree,
            doing: HashMap::new(),
            number,
            of_crash: None,
        };
        let frozen = Frozen::running(pid, request);
        let job = Job { id: process.id, comm: proc::comm(pid), cause, frozen, image: None };
        self.looked_at.insert(job.id);
        self.snapshots.survey(job);
    }

    /// All that can be known of a running process is: it is stopped.
    pub(super) fn begin_live(&mut self, job: Job) {
        let (pid, number) = (job.id.pid, job.frozen.number());
        self.looked_at.remove(&job.id);
        let is_free =
            |process: &crate::tree::Process| process.id == job.id && process.dying.is_none() && !process.settled;
        if !self.tree.process(pid).is_some_and(is_free) {
            self.snapshots.give_back();
            return self.answer(number, Err("it is gone, or dying"));
        }
        let (cause, facts) = (job.cause.clone(), Some(Box::new(job)));
        self.hold_live(pid, number, cause, None, facts);
    }

    /// Stops a process at once, whatever is known of it, for a snapshot after which it goes on.
    pub(super) fn stop_now(&mut self, pid: i32, number: u64, cause: Cause, of_crash: u64) {
        self.hold_live(pid, number, cause, Some(of_crash), None);
    }

    fn hold_live(&mut self, pid: i32, number: u64, cause: Cause, of_crash: Option<u64>, facts: Option<Box<Job>>) {
        let doing = self.stop_others(pid, 0);
        let Some(process) = self.tree.process_mut(pid) else { return };
        let first = process.threads.iter().find(|(_, thread)| thread.can_be_stopped()).map_or(pid, |(&tid, _)| tid);
        let since = Instant::now();
        process.dying = Some(Dying {
            cause,
            tid: first,
            since,
            deadline: since + STOP_TIMEOUT,
            phase: Phase::Stopping,
            exiting: false,
            detach: false,
            number,
            of_crash,
            doing,
            hold: None,
            facts,
        });
        self.dying.push(pid);
    }

    /// Tells who asked for a snapshot what came of it.
    pub(super) fn answer(&mut self, number: u64, path: Result<&Path, &str>) {
        self.timed_out.remove(&number);
        let Some(sender) = self.answers.remove(&number) else { return };
        let path = path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let path = path.map_err(str::to_owned);
        // Who does not listen any more has changed his mind.
        let _ = sender.send(Answer { path });
    }

    /// Sends a thread back into the system call that our interrupt ended with EINTR, if it did.
    pub(super) fn send_back(&mut self, tid: i32) {
        let Ok(Some(from)) = sys::general_registers(tid) else { return };
        let was_interrupted = from.rax as i64 == -(Errno::EINTR as i64) && RESTARTED.contains(&(from.orig_rax as i64));
        if !was_interrupted {
            return;
        }
        let mut instruction = [0; 2];
        let at = from.rip.wrapping_sub(2);
        let is_call = sys::read_process_memory(tid, at, &mut instruction) == Ok(2) && instruction == [0x0f, 0x05];
        // A signal that waits for it has ended the call by itself.
        let has_signals = Status::of(tid).is_none_or(|status| status.pending & !status.blocked != 0);
        if !is_call || has_signals {
            return;
        }
        let to = dpdb_snapshot::arch::x86_64::GeneralRegisters { rip: at, rax: from.orig_rax, ..from };
        if sys::set_general_registers(tid, &to).is_ok()
            && let Some(thread) = self.tree.thread_mut(tid)
        {
            thread.sent_back = Some(Box::new(SentBack { to, from }));
        }
    }

    /// A thread has stopped that may not yet have come back into its system call. If a handler is about to run, that is
    /// what ends the call: it must see EINTR.
    pub(super) fn note_stop_after_sending_back(&mut self, tid: i32, stop: Stop) {
        let Some(sent) = self.tree.thread_mut(tid).and_then(|thread| thread.sent_back.take()) else { return };
        let Stop::Delivery(signal) = stop else { return };
        let is_there = sys::general_registers(tid) == Ok(Some(sent.to));
        if is_there && Status::of(tid).is_some_and(|status| verdict(signal, &status) == Verdict::Handled) {
            let _ = sys::set_general_registers(tid, &sent.from);
        }
    }

    /// Makes processes that live on wait for the images that were their children.
    pub(super) fn reap_images(&mut self) {
        let zombies = std::mem::take(&mut self.images.to_reap);
        for zombie in zombies {
            let Some(process) = self.tree.process(zombie.parent) else { continue };
            if process.settled {
                continue;
            }
            let is_free = |tid: &i32| !self.images.reaping.iter().any(|reaping| reaping.tid == *tid);
            let running = process.threads.iter().find(|(tid, thread)| thread.can_be_interrupted() && is_free(tid));
            match running.map(|(&tid, _)| tid).filter(|_| process.dying.is_none()) {
                Some(tid) if sys::interrupt(tid).is_ok() => {
                    self.images.reaping.push(Reaping { zombie, tid, injection: None });
                }
                _ => self.images.to_reap.push(zombie),
            }
        }
    }

    /// Whether a report is of a thread that is to wait for an image; then it is dealt with.
    pub(super) fn is_of_reaping(&mut self, tid: i32, stop: Stop) -> bool {
        let Some(at) = self.images.reaping.iter().position(|reaping| reaping.tid == tid) else { return false };
        let is_held = self.tree.owner(tid).and_then(|pid| self.tree.process(pid)).is_none_or(|it| it.dying.is_some());
        if self.images.reaping[at].injection.is_some() {
            let reaping = self.images.reaping.swap_remove(at);
            let (Stop::Delivery(Signal::TRAP), Some(injection)) = (stop, reaping.injection) else { return false };
            injection.restore();
            if !is_held {
                self.send_back(tid);
                self.apply(tid, Reaction::Continue(0));
            }
            return true;
        }
        if stop.is_end() || stop == Stop::Exit || is_held {
            let Zombie { image, parent } = self.images.reaping.swap_remove(at).zombie;
            self.images.to_reap.push(Zombie { image, parent });
            return false;
        }
        if stop != Stop::Trap {
            // Something else came first; what we asked for comes after it.
            return false;
        }
        let zombie = self.images.reaping[at].zombie;
        let options = (libc::__WALL | libc::WNOHANG) as u64;
        let call = SystemCall { number: libc::SYS_wait4, arguments: [zombie.image as u64, 0, options] };
        let injected = Injection::new(tid, ptrace_options(self.options.kill_on_exit))
            .and_then(|injection| injection.start(call).map(|()| injection));
        match injected {
            Ok(injection) => {
                self.images.reaping[at].injection = Some(injection);
                self.set_state(tid, State::Held(stop, Reaction::Continue(0)));
                true
            }
            Err(_) => {
                self.images.reaping.swap_remove(at);
                false
            }
        }
    }
}
