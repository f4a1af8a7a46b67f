//! Exceptions that a process raises because another one failed, by which that failure is told a second time.

use std::collections::VecDeque;

use dpdb_analyzer::{PythonExceptions, PythonLink};
use dpdb_snapshot::Text;

/// So many failures are remembered; those that are forgotten first were told long ago, in most jobs.
const REMEMBERED: usize = 4096;

/// Of how many failures an exception tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tells {
    /// Of one process.
    One,
    /// Of whatever failed so far.
    All,
}

/// What a process raises because one that it started failed.
const CONSEQUENCES: [(&str, Tells); 7] = [
    ("subprocess.CalledProcessError", Tells::One),
    ("gunicorn.errors.HaltServer", Tells::All),
    ("concurrent.futures.process.BrokenProcessPool", Tells::All),
    ("torch.multiprocessing.spawn.ProcessRaisedException", Tells::All),
    ("torch.multiprocessing.spawn.ProcessExitedException", Tells::All),
    ("torch.distributed.elastic.multiprocessing.errors.ChildFailedError", Tells::All),
    ("loky.process_executor.TerminatedWorkerError", Tells::All),
];
/// What a worker's exception has for its cause once it was handed to another process.
const REMOTE: [&str; 3] = [
    "multiprocessing.pool.RemoteTraceback",
    "concurrent.futures.process._RemoteTraceback",
    "joblib.externals.loky.process_executor._RemoteTraceback",
];

/// The failures of processes of which snapshots were taken.
#[derive(Debug, Default)]
pub struct Failures(VecDeque<Failure>);

#[derive(Debug)]
struct Failure {
    pid: i32,
    headline: Text,
    /// The processes further up to which it was not told yet.
    untold: Vec<i32>,
}

impl Failures {
    /// Notes that process `pid`, which has these ancestors, fails of an exception with this headline.
    pub fn note(&mut self, pid: i32, ancestors: Vec<i32>, headline: Text) {
        self.0.push_back(Failure { pid, headline, untold: ancestors });
        let surplus = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..surplus);
    }

    /// Whether an exception of process `pid` only tells of failures that were noted: a worker's own that was handed on,
    /// or that a process further down failed. Of such a failure each process is told once.
    pub fn are_told_by(&mut self, pid: i32, exceptions: &PythonExceptions) -> bool {
        let last = exceptions.last();
        let cause = last.before.filter(|before| before.link == PythonLink::Cause);
        let cause = cause.and_then(|before| exceptions.all.get(before.number)).map(|cause| cause.type_name.to_string());
        if cause.is_some_and(|cause| REMOTE.contains(&cause.as_str())) {
            let headline = last.headline();
            return self.0.iter().any(|failure| failure.pid != pid && failure.headline == headline);
        }
        let type_name = last.type_name.to_string();
        let consequence = CONSEQUENCES.iter().find(|(name, _)| *name == type_name);
        consequence.is_some_and(|(_, tells)| self.tell(pid, *tells))
    }

    /// Tells a process of failures further down; whether there was one.
    fn tell(&mut self, pid: i32, tells: Tells) -> bool {
        let untold = self.0.iter_mut().filter(|failure| failure.untold.contains(&pid));
        let told = untold.take(if tells == Tells::One { 1 } else { usize::MAX });
        told.map(|failure| failure.untold.retain(|ancestor| *ancestor != pid)).count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Failures, Tells};

    #[test]
    fn a_failure_is_told_once_to_each_process_further_up() {
        let mut failures = Failures::default();
        failures.note(30, vec![20, 10], "Lost".into());
        failures.note(31, vec![20, 10], "Lost".into());
        assert!(!failures.tell(99, Tells::All), "it started neither");
        assert_eq!([(); 3].map(|()| failures.tell(20, Tells::One)), [true, true, false]);
        assert_eq!([(); 2].map(|()| failures.tell(10, Tells::All)), [true, false]);
    }
}
