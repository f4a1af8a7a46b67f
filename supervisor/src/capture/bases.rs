//! Which earlier snapshot of the run a new one is taken beyond (`--base auto`): a whole one that has most of its pages at the
//! same addresses, as forked workers have, or a process at an earlier time. No delta is taken beyond a delta.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use dpdb_snapshot::{AddressRange, Base, Content, PageHashes, PlannedRange};

use super::destination::locked;

/// A smaller snapshot costs little, and stands alone.
const SMALLEST: u64 = 1 << 20;

/// So many whole snapshots are remembered; each takes up to 16 MiB.
const MOST_BASES: usize = 2;

/// The snapshots that others may be taken beyond.
#[derive(Debug)]
pub(super) struct Bases {
    state: Mutex<State>,
    changed: Condvar,
    /// What the hashes of pages are keyed with: a program cannot know which of its pages would be taken for another.
    key: u64,
}

#[derive(Debug, Default)]
struct State {
    known: VecDeque<Known>,
    /// Those that are being written, by their numbers.
    coming: Vec<(u64, Vec<AddressRange>)>,
    next: u64,
}

#[derive(Debug)]
struct Known {
    base: Arc<Base>,
    pages: Arc<PageHashes>,
}

/// What a snapshot is taken beyond.
#[derive(Debug)]
pub(super) enum Beyond<'a> {
    /// Nothing.
    Nothing,
    /// Nothing, and others may be taken beyond it.
    First(Coming<'a>),
    /// A whole snapshot, which has these pages.
    Base(Arc<Base>, Arc<PageHashes>),
}

/// A whole snapshot that is being written, and for which others may wait.
#[derive(Debug)]
pub(super) struct Coming<'a> {
    bases: &'a Bases,
    ticket: u64,
}

impl Default for Bases {
    fn default() -> Bases {
        Bases { state: Mutex::default(), changed: Condvar::new(), key: RandomState::new().hash_one(0) }
    }
}

impl Bases {
    /// What a snapshot of this plan is taken beyond. One that `may_wait` waits for a base that is being written; one whose
    /// process is held does not.
    pub(super) fn choose(&self, plan: &[PlannedRange], may_wait: bool) -> Beyond<'_> {
        let captured = plan.iter().filter(|planned| planned.content == Content::Captured);
        let wanted: Vec<AddressRange> = captured.map(|planned| planned.range).collect();
        let half = wanted.iter().map(AddressRange::len).sum::<u64>() / 2;
        if half * 2 < SMALLEST {
            return Beyond::Nothing;
        }
        let mut state = locked(&self.state);
        loop {
            let common = |known: &Known| wanted.iter().map(|range| known.pages.bytes_in(*range)).sum::<u64>();
            let best = state.known.iter().max_by_key(|known| common(known)).filter(|known| common(known) >= half);
            if let Some(best) = best {
                return Beyond::Base(Arc::clone(&best.base), Arc::clone(&best.pages));
            }
            let may_come = state.coming.iter().any(|(_, ranges)| overlap(ranges, &wanted) >= half);
            if !(may_wait && may_come) {
                state.next += 1;
                let ticket = state.next;
                state.coming.push((ticket, wanted));
                return Beyond::First(Coming { bases: self, ticket });
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What the hashes of a first snapshot are keyed with.
    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// A delta has so many bytes in common with its base, of so many. Where that is less than half, the next of its kind is
    /// written whole, and others are taken beyond that.
    pub(super) fn judge(&self, base: &Arc<Base>, shared: u64, all: u64) {
        if shared < all / 2 {
            locked(&self.state).known.retain(|known| !Arc::ptr_eq(&known.base, base));
        }
    }
}

impl Coming<'_> {
    /// It is there, with these pages.
    pub(super) fn arrived(self, base: &Arc<Base>, pages: PageHashes) {
        let mut state = locked(&self.bases.state);
        if state.known.len() >= MOST_BASES {
            state.known.pop_front();
        }
        state.known.push_back(Known { base: Arc::clone(base), pages: Arc::new(pages) });
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        locked(&self.bases.state).coming.retain(|(ticket, _)| *ticket != self.ticket);
        self.bases.changed.notify_all();
    }
}

/// How many bytes two lists of ascending ranges have in common.
fn overlap(left: &[AddressRange], right: &[AddressRange]) -> u64 {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut common = 0;
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        common += one.intersection(other).map_or(0, |both| both.len());
        if one.end <= other.end {
            left.next()
        } else {
            right.next()
        };
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(start: u64, end: u64) -> Vec<PlannedRange> {
        vec![PlannedRange { range: AddressRange::new(start, end), content: Content::Captured }]
    }

    #[test]
    fn ranges_in_common_are_counted_once() {
        let ranges = |list: &[(u64, u64)]| -> Vec<_> { list.iter().map(|&(a, b)| AddressRange::new(a, b)).collect() };
        assert_eq!(overlap(&ranges(&[(0, 10), (20, 30)]), &ranges(&[(5, 25), (29, 40)])), 5 + 5 + 1);
        assert_eq!(overlap(&ranges(&[(0, 10)]), &[]), 0);
    }

    #[test]
    fn a_snapshot_waits_for_a_base_that_is_being_written_and_takes_its_place_where_that_fails() {
        let bases = Bases::default();
        let Beyond::First(first) = bases.choose(&plan(0, 4 << 20), true) else { panic!() };
        assert!(matches!(bases.choose(&plan(0, 4 << 20), false), Beyond::First(_)), "one that is held does not wait");
        assert!(matches!(bases.choose(&plan(64 << 20, 68 << 20), true), Beyond::First(_)), "another program");
        assert!(matches!(bases.choose(&plan(0, 4096), true), Beyond::Nothing), "a small one");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| matches!(bases.choose(&plan(1 << 20, 4 << 20), true), Beyond::First(_)));
            drop(first);
            assert!(waiting.join().unwrap());
        });
    }
}
