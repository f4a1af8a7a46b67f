//! What makes snapshots without a crash and without being asked each time: an exit code, a timeout.

use std::time::{Duration, Instant};

use dpdb_snapshot::process::Cause;

use crate::Event;
use crate::sys;

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
