//! How much work one expression may be.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::fault::{Fault, Result};

/// Operations, items and 64-byte pieces of text.
const STEPS: u64 = 2_000_000;
const LONGEST: Duration = Duration::from_secs(5);
/// The clock is looked at once in so many steps.
const CLOCK: u64 = 1024;

#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<u64>,
    until: Instant,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { left: Cell::new(STEPS), until: Instant::now() + LONGEST }
    }

    /// Takes so many steps.
    pub(super) fn spend(&self, steps: u64) -> Result<()> {
        let before = self.left.get();
        let left = before.checked_sub(steps.max(1)).ok_or(Fault::Limit("it is too much work for one expression"))?;
        self.left.set(left);
        if left / CLOCK != before / CLOCK && Instant::now() > self.until {
            return Err(Fault::Limit("it takes too long"));
        }
        Ok(())
    }
}
