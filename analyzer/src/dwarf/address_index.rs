//! From an address to the unit that covers it.

use gimli::{DebugInfoOffset, Section};

use super::listed_ranges::ListedRanges;
use super::lock;
use super::ranges::Range;
use super::root_entry;
use super::sections::Dwarf;
use super::view::{MOST_UNITS, UNITS_AT_ONCE, View};
use crate::ObjectFile;

/// Ranges of root entries that are kept.
const MOST_RANGES: usize = 1 << 24;

/// How many ranges that start below an address are looked at for one that covers it. More than one or two overlap in
/// damaged files only.
const MOST_OVERLAPS: usize = 64;

/// Units without any address in their root entry that are searched function by function.
const MOST_UNRANGED: usize = 256;

/// What is known so far of which unit covers what.
#[derive(Debug, Default)]
pub(super) struct AddressIndex {
    /// Out of `.debug_aranges`; `None` until it was read.
    listed: Option<ListedRanges>,
    /// Out of root entries visited so far, sorted.
    visited: Vec<(Range, usize)>,
    /// Units whose root entry says nothing about addresses.
    unranged: Vec<usize>,
    /// Where the next unit to visit is.
    next: Next,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Start,
    At(usize),
    End,
    /// The units end there, though the section does not.
    Broken(usize),
}

impl View<'_> {
    /// The unit of the main file that covers `address`.
    pub(super) fn unit_covering(&self, address: u64) -> Option<usize> {
        {
            let mut index = lock(&self.info.index);
            let listed = index.listed.get_or_insert_with(|| {
                let listed = ListedRanges::read(self.main());
                self.info.file.give_back(self.main().debug_aranges.reader().slice());
                listed
            });
            if let Some(unit) = listed.covering(address).or_else(|| covering(&index.visited, address)) {
                return Some(unit);
            }
            if let Some(unit) = index.visit_until(self.main(), &self.info.file, address) {
                return Some(unit);
            }
            if let Next::Broken(at) = index.next {
                self.info.broken_at.get_or_init(|| at);
            }
        }
        let unranged: Vec<usize> = lock(&self.info.index).unranged.iter().copied().take(MOST_UNRANGED).collect();
        unranged.into_iter().find(|unit| self.function_in(*unit, address).is_some())
    }
}

impl AddressIndex {
    /// Visits units that were not visited yet until one covers `address`.
    fn visit_until(&mut self, dwarf: &Dwarf<'_>, file: &ObjectFile, address: u64) -> Option<usize> {
        let (mut fresh, mut units) = (Vec::new(), 0_usize);
        let found = loop {
            units += 1;
            if units.is_multiple_of(UNITS_AT_ONCE) {
                file.give_pages_back();
            }
            let at = match self.next {
                Next::Start => 0,
                Next::At(at) => at,
                Next::End | Next::Broken(_) => break None,
            };
            let Ok(header) = dwarf.debug_info.header_from_offset(DebugInfoOffset(at)) else {
                let is_end = at >= dwarf.debug_info.reader().len();
                self.next = if is_end { Next::End } else { Next::Broken(at) };
                break None;
            };
            let following = at.checked_add(header.length_including_self()).filter(|next| *next > at);
            self.next = following.map_or(Next::End, Next::At);
            if self.listed.as_ref().is_some_and(|listed| listed.has(at)) {
                continue;
            }
            match root_entry::ranges_of(dwarf, header) {
                None => self.unranged.push(at),
                Some(ranges) => {
                    let covers = ranges.iter().any(|range| range.contains(address));
                    fresh.extend(ranges.into_iter().map(|range| (range, at)));
                    if covers {
                        break Some(at);
                    }
                }
            }
            if fresh.len() > MOST_RANGES || self.unranged.len() > MOST_UNITS {
                self.next = Next::End;
            }
        };
        if !fresh.is_empty() {
            self.visited.append(&mut fresh);
            self.visited.sort_unstable();
        }
        found
    }
}

fn covering(sorted: &[(Range, usize)], address: u64) -> Option<usize> {
    let after = sorted.partition_point(|(range, _)| range.low <= address);
    let below = sorted[..after].iter().rev().take(MOST_OVERLAPS);
    below.into_iter().find(|(range, _)| range.contains(address)).map(|(_, unit)| *unit)
}
