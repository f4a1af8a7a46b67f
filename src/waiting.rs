//! A line about long work on the terminal, while it goes on, and Ctrl-C for whoever has waited long enough.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dpdb_analyzer::Watch;
use dpdb_supervisor::sys;

/// Work that takes less time is not spoken of.
const PATIENCE: Duration = Duration::from_millis(400);

/// How often the line is written anew.
const PACE: Duration = Duration::from_millis(100);

/// Goes back to the start of the line and erases it (ECMA-48, EL).
const ERASE: &str = "\r\x1b[K";

/// Somebody at a terminal, or nobody.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    started: Option<Instant>,
    /// When the line was written last.
    shown: Option<Instant>,
}

impl Waiting {
    /// Work goes on: `done` of `all` parts of what `doing` says in a few words. [`ControlFlow::Break`] after Ctrl-C.
    pub fn goes_on(&self, doing: impl FnOnce() -> String, done: u64, all: u64) -> ControlFlow<()> {
        if sys::is_interrupted() {
            return ControlFlow::Break(());
        }
        // Whoever finds another thread at it leaves it to that one.
        if let Ok(mut progress) = self.0.try_lock() {
            let now = Instant::now();
            let started = *progress.started.get_or_insert(now);
            let is_due = progress.shown.is_none_or(|shown| now.duration_since(shown) >= PACE);
            if now.duration_since(started) >= PATIENCE && is_due {
                progress.shown = Some(now);
                let percent = u128::from(done) * 100 / u128::from(all.max(1));
                say(&format!("{ERASE}{}: {percent} % (Ctrl-C gives up)", doing()));
            }
        }
        ControlFlow::Continue(())
    }

    /// The work has ended, or was given up: the line goes.
    pub fn has_ended(&self) {
        let progress = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if progress.shown.is_some() {
            say(ERASE);
        }
    }
}

impl Watch for Waiting {
    fn reading_names(&self, file: &Path, done: usize, all: usize) -> ControlFlow<()> {
        let name = || crate::render::clean_str(&file.file_name().unwrap_or_default().to_string_lossy());
        self.goes_on(|| format!("reading the names of {}", name()), done as u64, all as u64)
    }

    fn ended(&self) {
        self.has_ended();
    }
}

fn say(text: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // The terminal may be gone, which is no reason to stop.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}
