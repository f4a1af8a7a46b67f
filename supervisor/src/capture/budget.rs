//! When a snapshot that is being written has to end: it costs too much room or time.

use std::time::{Duration, Instant};

use dpdb_snapshot::{CaptureReport, Course, Progress, Written};

use super::hold::Hold;
use super::ledger::Meter;
use super::settings::Settings;

/// Bytes between two looks at how full the disk is.
const LOOK: u64 = 4 << 20;

/// The writing of one snapshot.
pub(super) struct Budget<'a> {
    pub(super) settings: &'a Settings,
    pub(super) meter: Meter,
    pub(super) hold: &'a Hold,
    /// How many places in memory were replaced so far.
    pub(super) replaced: &'a dyn Fn() -> u64,
    /// When the process was stopped.
    pub(super) stopped_at: Instant,
    /// How long it was held, where that is over.
    pub(super) released: Option<Duration>,
    /// When the writing began.
    pub(super) started: Instant,
    /// How long the file is when the disk is looked at next.
    pub(super) next_look: u64,
}

impl Course for Budget<'_> {
    fn go_on(&mut self, progress: &Progress) -> Result<(), String> {
        let ended = |why: &str| Err(why.to_owned());
        if self.hold.is_over() {
            return ended("the process was let go");
        }
        if self.settings.max_size.is_some_and(|most| progress.at_most > most) {
            return ended("--max-size");
        }
        if self.settings.deadline.is_some_and(|deadline| self.stopped_at.elapsed() >= deadline) {
            return ended("--deadline");
        }
        let more = progress.at_most.saturating_sub(progress.file_bytes);
        if self.meter.exceeds_total(more) {
            return ended("--max-total");
        }
        if progress.file_bytes >= self.next_look {
            self.next_look = progress.file_bytes + LOOK;
            if self.meter.fills_disk(more) {
                return ended("--min-free");
            }
        }
        Ok(())
    }

    fn report(&mut self, _: &Written) -> CaptureReport {
        let pause = self.released.unwrap_or_else(|| self.stopped_at.elapsed());
        CaptureReport {
            pause_ns: nanoseconds(pause),
            release_ns: self.released.map(nanoseconds),
            capture_ns: nanoseconds(self.started.elapsed()),
            replaced: (self.replaced)(),
            ..CaptureReport::default()
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
