//! How long a process that is read in place is held: until it is read, and no longer than its reader gets on.

use std::time::{Duration, Instant};

use crate::capture::Hold;
use crate::tree::Phase;

use super::Tracer;

/// When nothing at all was written for so long, the disk does not answer, and nobody is held for it any longer.
const STALL: Duration = Duration::from_secs(10);

/// How the writers get on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing {
    /// What they had written when that was looked at last, and it had grown.
    written: u64,
    since: Instant,
}

impl Writing {
    pub(super) fn new(now: Instant) -> Writing {
        Writing { written: 0, since: now }
    }

    /// Whether they stand still, having written so much by now.
    fn is_stuck(&mut self, written: u64, now: Instant) -> bool {
        if written != self.written {
            *self = Writing { written, since: now };
        }
        now.saturating_duration_since(self.since) >= STALL
    }
}

impl Tracer {
    /// Process `pid` stays held until a worker has read it.
    pub(super) fn hold_for_reader(&mut self, pid: i32, hold: Hold) {
        let now = Instant::now();
        let written = self.snapshots.written();
        if !self.holds_for_reader() {
            // Who waited for nobody has not stood still.
            self.writing = Writing { written, since: now };
        }
        let Some(dying) = self.tree.process_mut(pid).and_then(|process| process.dying.as_mut()) else { return };
        dying.phase = Phase::Streaming;
        dying.hold = Some(hold);
        let end = self.snapshots.deadline(dying.since);
        dying.deadline = end.map_or(now + STALL, |end| end.min(now + STALL));
    }

    fn holds_for_reader(&self) -> bool {
        let mut dying = self.dying.iter().filter_map(|&pid| self.tree.process(pid)?.dying.as_ref());
        dying.any(|dying| dying.phase == Phase::Streaming && dying.hold.is_some())
    }

    /// The time that a reader had is over: it gets more, unless it stands still or is at its end.
    pub(super) fn look_at_reader(&mut self, pid: i32, now: Instant) {
        let is_stuck = self.writing.is_stuck(self.snapshots.written(), now);
        let Some(dying) = self.tree.process_mut(pid).and_then(|process| process.dying.as_mut()) else { return };
        let Some(hold) = dying.hold.clone() else { return };
        let end = self.snapshots.deadline(dying.since);
        if is_stuck || end.is_some_and(|end| end <= now) {
            hold.end();
            self.release(pid);
            return;
        }
        let next = now + STALL;
        dying.deadline = end.map_or(next, |end| end.min(next));
    }
}

#[cfg(test)]
mod tests {
    use super::{STALL, Writing};
    use std::time::Instant;

    #[test]
    fn a_writer_is_stuck_when_nothing_was_written_for_the_whole_time() {
        let start = Instant::now();
        let mut writing = Writing::new(start);
        assert!(!writing.is_stuck(7, start + STALL), "something was");
        assert!(!writing.is_stuck(7, start + STALL * 2 - STALL / 4));
        assert!(!writing.is_stuck(8, start + STALL * 2));
        assert!(writing.is_stuck(8, start + STALL * 3));
    }
}
