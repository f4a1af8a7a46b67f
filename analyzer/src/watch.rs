//! Telling whoever waits how long work goes on, and hearing from them whether it should.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody who waits for long work. Any thread calls it.
pub trait Watch: Debug + Send + Sync {
    /// `done` of `all` parts of `file` have been read; [`ControlFlow::Break`] ends the work without a result.
    fn reading_names(&self, file: &Path, done: usize, all: usize) -> ControlFlow<()>;

    /// The work has ended, or was given up.
    fn ended(&self) {}
}

/// Nobody waits.
#[derive(Debug)]
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn reading_names(&self, _: &Path, _: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A break that all threads of one work hear of.
#[derive(Debug, Default)]
pub(crate) struct Interruption(AtomicBool);

impl Interruption {
    /// Asks the watcher, unless it has said enough already.
    pub(crate) fn is_wanted(&self, ask: impl FnOnce() -> ControlFlow<()>) -> bool {
        if !self.0.load(Ordering::Relaxed) && ask().is_break() {
            self.0.store(true, Ordering::Relaxed);
        }
        self.was_wanted()
    }

    /// Whether there was one.
    pub(crate) fn was_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
