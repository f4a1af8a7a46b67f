//! What the snapshots of a run take together: how many there are, how large, and which goes when there is no more room.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use dpdb_snapshot::Base;

use super::destination::locked;
use super::settings::Room;
use crate::sys;

/// What the notes and the stack of a small process take: with less room than this, no snapshot is begun.
pub(super) const SMALLEST: u64 = 16 << 10;

/// The books of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The number given out last.
    number: u64,
    /// Those that were written, or are on the way.
    kept: u64,
    /// Those that are on the way: each has a promise of [`SMALLEST`].
    on_the_way: u64,
    /// Bytes of their files.
    bytes: u64,
    /// Those that have their names, in the order of their numbers.
    finished: VecDeque<Finished>,
}

/// A snapshot that has its name.
#[derive(Debug)]
pub(super) struct Finished {
    /// Its number in the run.
    pub(super) number: u64,
    pub(super) directory: Arc<sys::Directory>,
    pub(super) name: String,
    pub(super) bytes: u64,
    /// For as long as anybody has this, it is the base of a delta, or may become it.
    pub(super) as_base: Weak<Base>,
    /// The base that it needs, which is had so that it stays.
    #[expect(dead_code, reason = "that it is had is all")]
    pub(super) base: Option<Arc<Base>>,
}

impl Ledger {
    /// The number of the next snapshot, from 1.
    ///
    /// # Errors
    /// Why there may be no more, as a phrase.
    pub(super) fn claim(&mut self, room: &Room) -> Result<u64, &'static str> {
        if room.max_snapshots.is_some_and(|most| self.kept >= most) {
            return Err("as many snapshots were taken as --max-snapshots allows");
        }
        if let Some(most) = room.max_total {
            let may_remove = room.keep.is_some();
            while may_remove && self.promised(1) > most && self.remove_oldest(0) {}
            if self.promised(1) > most {
                return Err("the snapshots are as large together as --max-total allows");
            }
        }
        self.kept += 1;
        self.on_the_way += 1;
        self.number += 1;
        Ok(self.number)
    }

    /// A claim came to nothing.
    pub(super) fn give_back(&mut self) {
        self.kept = self.kept.saturating_sub(1);
        self.on_the_way = self.on_the_way.saturating_sub(1);
    }

    /// What is written and what is promised, with so many more on the way.
    fn promised(&self, more: u64) -> u64 {
        self.bytes.saturating_add(SMALLEST.saturating_mul(self.on_the_way + more))
    }

    /// So many bytes more are written.
    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// A file of so many bytes came to nothing.
    pub(super) fn subtract(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// A file has its name. Of more than `keep`, the oldest are removed.
    pub(super) fn finish(&mut self, finished: Finished, keep: Option<u64>) {
        self.on_the_way = self.on_the_way.saturating_sub(1);
        // Of two that are written at once, the younger may be ready first.
        let place = self.finished.partition_point(|other| other.number <= finished.number);
        self.finished.insert(place, finished);
        while keep.is_some_and(|keep| self.finished.len() as u64 > keep.max(1)) && self.remove_oldest(1) {}
    }

    /// Removes the oldest file of this run that no delta needs, but none of the `newest`; whether there was one.
    fn remove_oldest(&mut self, newest: usize) -> bool {
        let old = self.finished.iter().take(self.finished.len().saturating_sub(newest));
        let found = old.enumerate().find(|(_, file)| file.as_base.strong_count() == 0).map(|(at, _)| at);
        let Some(oldest) = found.and_then(|at| self.finished.remove(at)) else { return false };
        // Who has moved it away has made room, too.
        let _ = oldest.directory.remove(&oldest.name);
        self.subtract(oldest.bytes);
        true
    }
}

/// How much room there is for a file to grow.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) directory: Arc<sys::Directory>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    pub(super) max_total: Option<u64>,
    /// Bytes that must stay free.
    pub(super) min_free: u64,
}

impl Meter {
    /// Whether so many bytes more are more than all snapshots of the run may have, and what is promised to others on their way.
    pub(super) fn exceeds_total(&self, more: u64) -> bool {
        let taken = || {
            let ledger = locked(&self.ledger);
            ledger.bytes + SMALLEST.saturating_mul(ledger.on_the_way.saturating_sub(1))
        };
        self.max_total.is_some_and(|most| taken().saturating_add(more) > most)
    }

    /// Whether so many bytes more leave too little of the disk free.
    pub(super) fn fills_disk(&self, more: u64) -> bool {
        // A file system that does not tell is written to until it refuses.
        self.directory.room().is_ok_and(|(free, _)| free < self.min_free.saturating_add(more))
    }
}
