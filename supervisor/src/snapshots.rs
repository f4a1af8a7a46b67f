//! The workers that write snapshots while the loop goes on.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use dpdb_snapshot::Text;
use dpdb_snapshot::process::Cause;

use crate::capture::{Destination, Frozen, Written, stream};
use crate::sys::Bell;
use crate::{Event, RunningProcess, SnapshotWritten};

/// How many snapshots are written at once. When 200 processes crash together, more would only share the same disk
/// and processors, and hold more memory.
const AT_ONCE: usize = 2;

/// The snapshots of one run.
#[derive(Debug)]
pub(crate) struct Snapshots {
    destination: Arc<Destination>,
    bell: Bell,
    sender: Sender<Finished>,
    running: usize,
}

/// A frozen process, ready to be written.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: RunningProcess,
    pub(crate) comm: Text,
    pub(crate) cause: Cause,
    pub(crate) frozen: Frozen,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) id: RunningProcess,
    comm: Text,
    cause: Cause,
    result: Result<Written, String>,
}

impl Finished {
    pub(crate) fn into_event(self) -> Event {
        let Finished { id, comm, cause, result } = self;
        match result {
            Ok(Written { path, bytes, took, .. }) => {
                Event::SnapshotWritten(SnapshotWritten { pid: id.pid, comm, cause, path, bytes, took })
            }
            Err(reason) => Event::SnapshotFailed { pid: id.pid, comm, cause, reason },
        }
    }
}

impl Snapshots {
    pub(crate) fn new(destination: Arc<Destination>, bell: Bell) -> (Snapshots, Receiver<Finished>) {
        let (sender, receiver) = channel();
        (Snapshots { destination, bell, sender, running: 0 }, receiver)
    }

    /// The number of the next snapshot; `None` where there may be no more.
    pub(crate) fn claim(&self) -> Option<u64> {
        self.destination.claim()
    }

    /// Takes a claim back that came to nothing.
    pub(crate) fn give_back(&self) {
        self.destination.give_back();
    }

    /// Whether one more may be written now.
    pub(crate) fn has_room(&self) -> bool {
        self.running < AT_ONCE
    }

    /// Writes a snapshot on a worker, which rings the bell when it is done.
    pub(crate) fn start(&mut self, job: Job) {
        self.running += 1;
        let job = Arc::new(std::sync::Mutex::new(Some(job)));
        let run = {
            let (job, destination) = (Arc::clone(&job), Arc::clone(&self.destination));
            let (sender, bell) = (self.sender.clone(), self.bell.clone());
            move || {
                let Some(job) = job.lock().ok().and_then(|mut job| job.take()) else { return };
                // The loop listens for as long as a process is held.
                let _ = sender.send(write(job, &destination));
                bell.ring();
            }
        };
        // Without a thread to be had (a pids limit, no memory), it is written here: the tree waits, but nothing is lost.
        if std::thread::Builder::new().name("snapshot".to_owned()).spawn(run.clone()).is_err() {
            run();
        }
    }

    /// One of those that were started has come back.
    pub(crate) fn one_finished(&mut self) {
        self.running = self.running.saturating_sub(1);
    }
}

fn write(job: Job, destination: &Destination) -> Finished {
    let Job { id, comm, cause, frozen } = job;
    // A defect of the writer must not keep a process in its stop for ever.
    let result = match catch_unwind(AssertUnwindSafe(|| stream(frozen, destination))) {
        Ok(Ok(written)) => Ok(written),
        Ok(Err(error)) => Err(sentence(&error)),
        Err(_) => Err("the writer of snapshots broke".to_owned()),
    };
    Finished { id, comm, cause, result }
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
