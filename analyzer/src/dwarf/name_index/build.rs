//! Making the index: units are dealt out to threads, and what they found is put together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::super::DebugInfo;
use super::super::view::{UNITS_AT_ONCE, View};
use super::interner::Interner;
use super::layout::RawRecord;
use super::unit_names;
use crate::watch::Interruption;

/// Threads that read units. More do not help: they wait for each other's memory.
const MOST_THREADS: usize = 8;

/// Records that an index may have: 4 GiB of them.
const MOST_RECORDS: usize = 1 << 28;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Sorted.
    pub(super) records: Vec<RawRecord>,
    pub(super) names: Vec<u8>,
    /// Nothing was missing that may be there another time: a `.dwo` file.
    pub(super) is_complete: bool,
}

/// What one thread found.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) records: Vec<RawRecord>,
    pub(super) names: Interner,
    pub(super) is_complete: bool,
}

/// Reads the names of all `units`; `None` where the user interrupted it.
pub(super) fn build(info: &DebugInfo, units: &[usize]) -> Option<Built> {
    let interruption = Interruption::default();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut share = Share { records: Vec::new(), names: Interner::default(), is_complete: true };
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = units.get(number).filter(|_| share.records.len() < MOST_RECORDS) else { break };
            if interruption.is_wanted(|| info.watch.reading_names(info.file.path(), number, units.len())) {
                break;
            }
            // Of a unit nothing is kept but its names.
            unit_names::read(&View::passing(info), number, *unit, &mut share);
            if number.is_multiple_of(UNITS_AT_ONCE) {
                info.file.give_pages_back();
            }
        }
        share.records.sort_unstable();
        share
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, MOST_THREADS);
    let shares: Vec<Share> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(units.len())).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().map(|other| other.join().expect("reading names does not panic")).chain([own]).collect()
    });
    let built = (!interruption.was_wanted()).then(|| merge(shares));
    info.watch.ended();
    built
}

fn merge(shares: Vec<Share>) -> Built {
    let mut shares = shares.into_iter();
    let Some(mut all) = shares.next() else { return Built::default() };
    for mut share in shares {
        let mut moved: HashMap<u32, u32> = HashMap::new();
        for (place, name) in share.names.iter() {
            moved.extend(all.names.place_of(name).map(|new| (place, new)));
        }
        // A name without room is not told.
        share.records.retain_mut(|record| {
            let new = moved.get(&record.name);
            new.inspect(|new| record.name = **new).is_some()
        });
        all.records.append(&mut share.records);
        all.is_complete &= share.is_complete;
    }
    // Stable sorting makes use of the runs that are sorted already.
    all.records.sort();
    Built { records: all.records, names: all.names.into_bytes(), is_complete: all.is_complete }
}
