//! Images: clones of a process that hold its memory still while it goes its way.
//!
//! A thread of the process is made to call clone(2), without CLONE_VM: the child shares each page until one of both writes to it.
//! It has never run an instruction of the program when it stops for us, and never will: it leaves the session, so that no
//! signal for a group reaches it, lets go of all descriptors, so that ports and locks are free, and is read and killed.
//!
//! Whose child is it? With CLONE_PARENT ours, where the process is. Else the child of the process, with no signal for its
//! end, which no wait but one with `__WALL` sees; when the process dies it is an orphan, and its end is met by who meets
//! the ends of orphans.

use std::collections::{HashMap, VecDeque};

use dpdb_snapshot::process::Signal;

use crate::inject::{Injection, SystemCall};
use crate::proc::Status;
use crate::snapshots::Job;
use crate::sys::{self, Errno, Resume};
use crate::tree::{Phase, State, Thread};
use crate::{Stop, proc};

use super::{Tracer, ptrace_options};

/// How many images there may be at once: each counts against limits on processes, and holds memory that a successor of
/// the dead may need.
const MOST_IMAGES: usize = 16;

/// What an image is traced with: it must not outlive us, and killed by others, it is still read at its exit stop.
const IMAGE_OPTIONS: i32 = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACEEXIT;

/// CLONE_PTRACE makes it ours to trace, and CLONE_UNTRACED keeps its maker from stopping to tell of it.
const CLONE_FLAGS: i32 = libc::CLONE_PTRACE | libc::CLONE_UNTRACED | libc::CLONE_FILES;

/// The images that there are, and those that are being made.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// By the process that is cloned.
    making: HashMap<i32, Making>,
    /// All images that have arrived and are not reaped.
    all: HashMap<i32, Image>,
    /// Those that have ended as children of processes that live on.
    pub(super) to_reap: Vec<Zombie>,
    pub(super) reaping: Vec<Reaping>,
    /// Snapshots whose process went its way, and which wait for a writer.
    waiting: VecDeque<Job>,
    /// A cloning was given up before its image had arrived, which is to be killed when it does.
    may_still_come: bool,
}

/// An image that has arrived.
#[derive(Debug)]
struct Image {
    /// It is to be killed at its next stop.
    kill: bool,
    /// The process whose child it is, and which will have to reap it if it lives on.
    parent: Option<i32>,
}

/// An image that has ended, and the process that has it for a child.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zombie {
    pub(super) image: i32,
    pub(super) parent: i32,
}

/// A thread that is to wait for a zombie.
#[derive(Debug)]
pub(super) struct Reaping {
    pub(super) zombie: Zombie,
    pub(super) tid: i32,
    /// It is at it.
    pub(super) injection: Option<Injection>,
}

/// An image in the making.
#[derive(Debug)]
struct Making {
    job: Job,
    injection: Injection,
    /// The thread that clones.
    tid: i32,
    /// It is a child of ours.
    ours: bool,
    /// The clone call has returned this.
    cloned: Option<i32>,
    /// This one has arrived.
    image: Option<i32>,
    /// What the image still has to do.
    left: Vec<SystemCall>,
    in_image: Option<Injection>,
}

impl Tracer {
    /// Begins to clone a held process, whose facts are read; where that cannot be, it is read in place.
    pub(super) fn make_image(&mut self, pid: i32, job: Job) {
        let why_not = job.frozen.why_no_image().map(str::to_owned);
        let why_not =
            why_not.or_else(|| self.images.is_full().then(|| format!("there were {MOST_IMAGES} clones already")));
        if let Some(why) = why_not {
            return self.read_in_place(pid, job, why);
        }
        match self.begin_clone(pid, &job) {
            Ok((injection, tid, ours)) => {
                self.set_phase(pid, Phase::Cloning);
                let left = vec![
                    // Of descriptors nothing is copied and none is closed: the image leaves the table that it shares.
                    SystemCall { number: libc::SYS_close_range, arguments: [0, u64::from(u32::MAX), 2] },
                    SystemCall { number: libc::SYS_setsid, arguments: [0; 3] },
                ];
                let making = Making { job, injection, tid, ours, cloned: None, image: None, left, in_image: None };
                self.images.making.insert(pid, making);
            }
            Err(errno) => self.read_in_place(pid, job, format!("no system call can be injected: {}", errno.desc())),
        }
    }

    fn begin_clone(&self, pid: i32, job: &Job) -> sys::Result<(Injection, i32, bool)> {
        let process = self.tree.process(pid).ok_or(Errno::ESRCH)?;
        let cause = job.frozen.cause_tid();
        let can = |tid: &i32| {
            let state = process.threads.get(tid).map(|thread| thread.state);
            matches!(state, Some(State::Held(Stop::Trap | Stop::Delivery(_), _)))
        };
        let tid = [cause].into_iter().chain(process.threads.keys().copied()).find(can).ok_or(Errno::EBUSY)?;
        let ours = Status::of(pid).is_some_and(|status| status.ppid == std::process::id() as i32);
        let injection = Injection::new(tid, ptrace_options(self.options.kill_on_exit))?;
        let flags = CLONE_FLAGS | if ours { libc::CLONE_PARENT } else { 0 };
        injection.start(SystemCall { number: libc::SYS_clone, arguments: [flags as u64, 0, 0] })?;
        Ok((injection, tid, ours))
    }

    /// Whether a report is of an image, or of a thread that makes one; then it is dealt with.
    pub(super) fn is_of_image(&mut self, tid: i32, stop: Stop) -> bool {
        if let Some(kill) = self.images.all.get(&tid).map(|image| image.kill) {
            self.image_stopped(tid, stop, kill);
            return true;
        }
        if !self.images.reaping.is_empty() && self.is_of_reaping(tid, stop) {
            return true;
        }
        if self.images.making.is_empty() && !self.images.may_still_come {
            return false;
        }
        if let Some(pid) = self.tree.owner(tid) {
            let makes = self.images.making.get(&pid).is_some_and(|making| making.tid == tid && making.cloned.is_none());
            if !makes {
                return false;
            }
            if stop != Stop::Delivery(Signal::TRAP) {
                // Killed: it comes to its exit stop, or is gone.
                self.give_up_image(pid, "it was killed while it was cloned");
                return false;
            }
            self.cloned(pid);
            return true;
        }
        stop == Stop::Trap && self.image_arrived(tid)
    }

    /// The call that makes the image has returned.
    fn cloned(&mut self, pid: i32) {
        let Some(making) = self.images.making.get_mut(&pid) else { return };
        let result = making.injection.result();
        making.injection.restore();
        match result {
            Ok(image) => {
                making.cloned = Some(image as i32);
                self.advance_image(pid);
            }
            Err(errno) => self.give_up_image(pid, &format!("clone failed: {}", errno.desc())),
        }
    }

    /// Nobody knows `tid`, which has just been born. Whether it is an image that is waited for.
    fn image_arrived(&mut self, tid: i32) -> bool {
        if !is_injected_clone(tid) {
            return false;
        }
        let parent = Status::of(tid).map_or(0, |status| status.ppid);
        let us = std::process::id() as i32;
        let expected = |(&pid, making): (&i32, &Making)| {
            let is_it = making.image.is_none()
                && making.cloned.is_none_or(|image| image == tid)
                && parent == if making.ours { us } else { pid };
            is_it.then_some(pid)
        };
        let expected = self.images.making.iter().find_map(expected);
        let parent = expected.filter(|pid| self.images.making.get(pid).is_some_and(|making| !making.ours));
        self.images.all.insert(tid, Image { kill: false, parent });
        let Some(pid) = expected else {
            // Its making was given up before it came.
            self.kill_image(tid);
            return true;
        };
        // The kernel may need its memory for others: better the copy goes than one of them.
        let _ = std::fs::write(proc::proc_dir(tid).join("oom_score_adj"), "1000");
        let _ = sys::set_options(tid, IMAGE_OPTIONS);
        if let Some(making) = self.images.making.get_mut(&pid) {
            making.image = Some(tid);
        }
        self.advance_image(pid);
        true
    }

    fn image_stopped(&mut self, tid: i32, stop: Stop, kill: bool) {
        let of = self.images.making.iter().find(|(_, making)| making.image == Some(tid)).map(|(&pid, _)| pid);
        if stop.is_end() {
            let ended = self.images.all.remove(&tid);
            if let Some(parent) = ended.and_then(|image| image.parent) {
                self.images.to_reap.push(Zombie { image: tid, parent });
            }
            if let Some(pid) = of {
                self.give_up_image(pid, "the clone was killed");
            }
        } else if kill {
            let _ = sys::resume(tid, Resume { signal: 0 });
        } else if let Some(pid) = of {
            if stop == Stop::Delivery(Signal::TRAP) {
                self.advance_image(pid);
            } else {
                self.give_up_image(pid, "the clone was killed");
            }
        }
        // Killed by somebody else, it is held at its exit stop, where its memory is still there.
    }

    /// Takes an image to its next step, and its process to its own when it is done.
    fn advance_image(&mut self, pid: i32) {
        let Some(making) = self.images.making.get_mut(&pid) else { return };
        let (Some(_), Some(image)) = (making.cloned, making.image) else { return };
        let done = making.in_image.as_ref().map_or(Ok(0), Injection::result);
        let next = done.and_then(|_| match (&making.in_image, making.left.pop()) {
            (_, None) => Ok(false),
            (Some(injection), Some(call)) => injection.start(call).map(|()| true),
            (None, Some(call)) => {
                let injection = making.injection.of_clone(image, IMAGE_OPTIONS)?;
                injection.start(call)?;
                making.in_image = Some(injection);
                Ok(true)
            }
        });
        match next {
            Ok(true) => {}
            Ok(false) => self.image_made(pid),
            Err(errno) => self.give_up_image(pid, &format!("the clone cannot be detached: {}", errno.desc())),
        }
    }

    fn image_made(&mut self, pid: i32) {
        let Some(making) = self.images.making.remove(&pid) else { return };
        let Making { mut job, image, .. } = making;
        let Some(image) = image else { return };
        if let Err(why) = job.frozen.move_to_image(image) {
            self.kill_image(image);
            return self.read_in_place(pid, job, why);
        }
        job.image = Some(image);
        self.release(pid);
        job.frozen.released();
        self.images.waiting.push_back(job);
        self.start_waiting();
    }

    /// Writes the snapshots of processes that went their way, as many as may be written at once.
    pub(super) fn start_waiting(&mut self) {
        while self.snapshots.has_room()
            && let Some(job) = self.images.waiting.pop_front()
        {
            self.snapshots.start(job);
        }
    }

    /// A process that was to be cloned is read where it is, or is gone.
    pub(super) fn give_up_image(&mut self, pid: i32, why: &str) {
        let Some(making) = self.images.making.remove(&pid) else { return };
        match making.image {
            Some(image) => self.kill_image(image),
            None => self.images.may_still_come = true,
        }
        self.read_in_place(pid, making.job, why.to_owned());
    }

    fn read_in_place(&mut self, pid: i32, mut job: Job, why: String) {
        let waits = |process: &crate::tree::Process| process.id == job.id && process.dying.is_some();
        if !self.tree.process(pid).is_some_and(waits) {
            return;
        }
        job.frozen.stay(why);
        self.hold_for_reader(pid, job.frozen.hold());
        self.images.waiting.push_back(job);
        self.start_waiting();
    }

    /// Ends an image. Its end is reported later.
    pub(super) fn kill_image(&mut self, image: i32) {
        if let Some(found) = self.images.all.get_mut(&image) {
            found.kill = true;
            let _ = sys::kill(image, libc::SIGKILL);
            // Where it is at its exit stop already.
            let _ = sys::resume(image, Resume { signal: 0 });
        }
    }

    /// Whether there is an image that has not been reaped and can be, or a snapshot to be written of one.
    pub(super) fn has_images(&self) -> bool {
        let can_reap = |zombie: &Zombie| {
            let process = self.tree.process(zombie.parent).filter(|process| !process.settled);
            process.is_some_and(|process| process.threads.values().any(Thread::can_be_interrupted))
        };
        let zombies = self.images.to_reap.iter().any(can_reap) || !self.images.reaping.is_empty();
        !self.images.all.is_empty() || !self.images.waiting.is_empty() || self.is_injecting() || zombies
    }

    /// Whether foreign registers stand in a thread that must not be left so.
    pub(super) fn is_injecting(&self) -> bool {
        !self.images.making.is_empty() || self.images.reaping.iter().any(|reaping| reaping.injection.is_some())
    }
}

impl Images {
    fn is_full(&self) -> bool {
        self.all.len() + self.making.len() >= MOST_IMAGES
    }
}

/// Whether a newborn comes of a clone of ours: no program traces by proxy, and hides from its tracer at that.
fn is_injected_clone(tid: i32) -> bool {
    let Ok(Some(registers)) = sys::general_registers(tid) else { return false };
    let flags = registers.rdi as i32 & !libc::CLONE_PARENT;
    registers.orig_rax == libc::SYS_clone as u64 && flags == CLONE_FLAGS
}
