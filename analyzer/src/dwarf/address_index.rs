//! From an address to the unit that covers it.

use gimli::{DebugInfoOffset, Section};

use super::lock;
use super::ranges::Range;
use super::root_entry;
use super::sections::Dwarf;
use super::view::{MOST_UNITS, UNITS_AT_ONCE, View};
use crate::ObjectFile;

/// Ranges that `.debug_aranges` may have in all.
const MOST_RANGES: usize = 1 << 24;

/// How many ranges that start below an address are looked at for one that covers it. More than one or two overlap in
/// damaged files only.
const MOST_OVERLAPS: usize = 64;

/// Units without any address in their root entry that are searched function by function.
const MOST_UNRANGED: usize = 256;

/// What is known so far of which unit covers what.
#[derive(Debug, Default)]
pub(super) struct AddressIndex {
    /// Out of `.debug_aranges`, sorted; `None` until it was read.
    listed: Option<Vec<(Range, usize)>>,
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
            let listed = index.listed.get_or_insert_with(|| read_aranges(self.main()));
            if let Some(unit) = covering(listed, address).or_else(|| covering(&index.visited, address)) {
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

/// The address table that GCC writes and clang does not (DWARF 5, section 6.1.2).
fn read_aranges(dwarf: &Dwarf<'_>) -> Vec<(Range, usize)> {
    let mut all = Vec::new();
    let mut headers = dwarf.debug_aranges.headers();
    while let Ok(Some(header)) = headers.next() {
        let unit = header.debug_info_offset().0;
        let mut entries = header.entries();
        while let (Ok(Some(entry)), true) = (entries.next(), all.len() < MOST_RANGES) {
            let range = Range { low: entry.range().begin, high: entry.range().end };
            if range.is_real() {
                all.push((range, unit));
            }
        }
    }
    all.sort_unstable();
    all
}
