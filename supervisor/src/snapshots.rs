//! The workers that write snapshots while the loop goes on.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use dpdb_snapshot::Text;
use dpdb_snapshot::process::Cause;

use crate::capture::{Destination, Frozen, Settings, Written, stream};
use crate::sys::Bell;
use crate::thread_starter::ThreadStarter;
use crate::{Event, RunningProcess, SnapshotWritten};

/// How many snapshots are written at once. When 200 processes crash together, more would only share the same disk
/// and processors, and hold more memory.
const AT_ONCE: usize = 2;

/// How many processes are looked at at once, before they go their way. That takes a few milliseconds each, and does not
/// wait for those that are being written.
const SURVEYS_AT_ONCE: usize = 4;

/// The snapshots of one run.
#[derive(Debug)]
pub(crate) struct Snapshots {
    destination: Arc<Destination>,
    settings: Arc<Settings>,
    starter: ThreadStarter,
    bell: Bell,
    sender: Sender<Report>,
    surveying: usize,
    writing: usize,
}

/// A frozen process.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: RunningProcess,
    pub(crate) comm: Text,
    pub(crate) cause: Cause,
    pub(crate) frozen: Frozen,
    /// The clone that is read in its place.
    pub(crate) image: Option<i32>,
}

/// What a worker has done.
#[derive(Debug)]
pub(crate) enum Report {
    /// All that only the process itself shows is known, but for its memory.
    Surveyed(Box<Job>),
    /// The snapshot is written, or will not be.
    Finished(Box<Finished>),
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) id: RunningProcess,
    /// The clone that was read.
    pub(crate) image: Option<i32>,
    /// The number of the snapshot.
    pub(crate) number: u64,
    run: String,
    comm: Text,
    cause: Cause,
    result: Result<Written, String>,
}

impl Job {
    /// The same with what was found out about the process while it ran.
    pub(crate) fn with_facts(self, facts: Job) -> Job {
        Job { frozen: self.frozen.with_facts(facts.frozen), ..self }
    }
}

impl Finished {
    /// Where the snapshot is, or why there is none.
    pub(crate) fn path(&self) -> Result<&Path, &str> {
        self.result.as_ref().map(|written| written.path.as_path()).map_err(String::as_str)
    }

    pub(crate) fn into_event(self) -> Event {
        let Finished { id, comm, cause, result, number, run, .. } = self;
        match result {
            Ok(Written { path, bytes, took, cut, .. }) => Event::SnapshotWritten(SnapshotWritten {
                run,
                number,
                pid: id.pid,
                comm,
                cause,
                path,
                bytes,
                took,
                cut,
            }),
            Err(reason) => Event::SnapshotFailed { pid: id.pid, comm, cause, reason },
        }
    }
}

impl Snapshots {
    pub(crate) fn new(
        destination: Arc<Destination>,
        settings: Settings,
        starter: ThreadStarter,
        bell: Bell,
    ) -> (Snapshots, Receiver<Report>) {
        let (sender, receiver) = channel();
        let settings = Arc::new(settings);
        (Snapshots { destination, settings, starter, bell, sender, surveying: 0, writing: 0 }, receiver)
    }

    /// The number of the next snapshot.
    ///
    /// # Errors
    /// Why there may be no more, as a phrase.
    pub(crate) fn claim(&self) -> Result<u64, &'static str> {
        self.destination.claim()
    }

    /// Takes a claim back that came to nothing.
    pub(crate) fn give_back(&self) {
        self.destination.give_back();
    }

    /// Whether one more may be looked at now.
    pub(crate) fn has_room_for_survey(&self) -> bool {
        self.surveying < SURVEYS_AT_ONCE
    }

    /// Whether one more may be written now.
    pub(crate) fn has_room(&self) -> bool {
        self.writing < AT_ONCE
    }

    /// Looks at a process on a worker, which rings the bell when it is done.
    pub(crate) fn survey(&mut self, job: Job) {
        self.surveying += 1;
        self.run("survey", job, |mut job, _, _| {
            // A defect here costs what it was about to find out, and not the snapshot.
            let _ = catch_unwind(AssertUnwindSafe(|| job.frozen.survey()));
            Report::Surveyed(Box::new(job))
        });
    }

    /// Writes a snapshot on a worker, which rings the bell when it is done.
    pub(crate) fn start(&mut self, job: Job) {
        self.writing += 1;
        self.run("snapshot", job, |job, destination, settings| {
            Report::Finished(Box::new(write(job, destination, settings)))
        });
    }

    /// How many bytes were written, by all writers.
    pub(crate) fn written(&self) -> u64 {
        self.destination.pulse().count()
    }

    /// When the snapshot of a process that was stopped `since` has to be there.
    pub(crate) fn deadline(&self, since: Instant) -> Option<Instant> {
        since.checked_add(self.settings.deadline?)
    }

    fn run(
        &self,
        name: &str,
        job: Job,
        work: impl Fn(Job, &Destination, &Settings) -> Report + Clone + Send + 'static,
    ) {
        let job = Arc::new(Mutex::new(Some(job)));
        let run = {
            let (job, destination) = (Arc::clone(&job), Arc::clone(&self.destination));
            let settings = Arc::clone(&self.settings);
            let (sender, bell) = (self.sender.clone(), self.bell.clone());
            move || {
                let Some(job) = job.lock().ok().and_then(|mut job| job.take()) else { return };
                // The loop listens for as long as a process is held.
                let _ = sender.send(work(job, &destination, &settings));
                bell.ring();
            }
        };
        // Without a thread to be had (a pids limit, no memory), it is done here: the tree waits, but nothing is lost.
        if !self.starter.start(name, run.clone()) {
            run();
        }
    }

    /// A survey has come back.
    pub(crate) fn one_surveyed(&mut self) {
        self.surveying = self.surveying.saturating_sub(1);
    }

    /// A snapshot has come back.
    pub(crate) fn one_finished(&mut self) {
        self.writing = self.writing.saturating_sub(1);
    }
}

fn write(job: Job, destination: &Destination, settings: &Settings) -> Finished {
    let Job { id, comm, cause, frozen, image } = job;
    let number = frozen.number();
    // A defect of the writer must not keep a process in its stop for ever.
    let result = match catch_unwind(AssertUnwindSafe(|| stream(frozen, destination, settings))) {
        Ok(Ok(written)) => Ok(written),
        Ok(Err(error)) => Err(sentence(&error)),
        Err(_) => Err("the writer of snapshots broke".to_owned()),
    };
    Finished { id, image, number, run: destination.run().to_owned(), comm, cause, result }
}

/// An error with all its causes.
fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
