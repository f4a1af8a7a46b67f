//! Which address is where in the stream.

use crate::dpdb_note::MemoryNote;
use crate::elf::header::ProgramHeader;
use crate::{AddressRange, Avma};

/// The segments of a core, ascending and without overlap, and what is known of the parts without bytes.
#[derive(Debug, Default)]
pub(super) struct Segments {
    loads: Vec<Load>,
    gaps: Vec<Gap>,
    reasons: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Load {
    range: AddressRange,
    /// Where the part with bytes ends.
    bytes_end: Avma,
    /// Where its first byte is in the stream.
    offset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    range: AddressRange,
    /// The reason's number; `None` for zeros.
    reason: Option<u32>,
}

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Bytes of the stream from `offset` on; `range` is what the segment has of them.
    Bytes { offset: u64, range: AddressRange },
    /// Zeros.
    Zero { end: Avma },
    /// Nothing.
    Absent { range: AddressRange, reason: &'a str },
}

/// What is said of a part without bytes when no note of ours explains it.
pub(super) const UNEXPLAINED: &str = "the core file does not hold it";

impl Segments {
    pub(super) fn new(loads: &[ProgramHeader], memory: Option<&MemoryNote>) -> Segments {
        let mut segments = Segments { loads: disjoint(loads), ..Segments::default() };
        let Some(memory) = memory else { return segments };
        let zero = memory.zero.ranges(memory.page).map(|range| Gap { range, reason: None });
        segments.gaps.extend(zero);
        for (index, left_out) in memory.left_out.iter().enumerate() {
            let ranges = left_out.runs.ranges(memory.page);
            segments.gaps.extend(ranges.map(|range| Gap { range, reason: Some(index as u32) }));
            segments.reasons.push(left_out.reason.clone());
        }
        segments.gaps.retain(|gap| !gap.range.is_empty());
        segments.gaps.sort_by_key(|gap| gap.range.start);
        // Ours do not overlap; the first of those in a broken file wins.
        segments.gaps.dedup_by(|next, previous| next.range.start < previous.range.end);
        segments
    }

    /// What is at an address; `None` where nothing was mapped.
    pub(super) fn find(&self, at: Avma) -> Option<Place<'_>> {
        let after = self.loads.partition_point(|load| load.range.start <= at);
        let load = self.loads[..after].last().filter(|load| load.range.contains(at))?;
        if at < load.bytes_end {
            let range = AddressRange { start: load.range.start, end: load.bytes_end };
            return Some(Place::Bytes { offset: load.offset.saturating_add(at.0 - load.range.start.0), range });
        }
        let without = AddressRange { start: load.bytes_end, end: load.range.end };
        Some(self.gap(at, without))
    }

    /// The range around an address of which no segment knows.
    pub(super) fn unknown(&self, at: Avma) -> AddressRange {
        let after = self.loads.partition_point(|load| load.range.start <= at);
        let start = self.loads[..after].last().map_or(Avma(0), |load| load.range.end);
        AddressRange { start, end: self.loads.get(after).map_or(Avma(u64::MAX), |load| load.range.start) }
    }

    /// What the note says of an address in the part of a segment that has no bytes.
    fn gap(&self, at: Avma, without: AddressRange) -> Place<'_> {
        let after = self.gaps.partition_point(|gap| gap.range.start <= at);
        let Some(gap) = self.gaps[..after].last().filter(|gap| gap.range.contains(at)) else {
            let end = self.gaps.get(after).map_or(without.end, |next| next.range.start.min(without.end));
            return Place::Absent { range: AddressRange { start: at, end }, reason: UNEXPLAINED };
        };
        match gap.reason {
            None => Place::Zero { end: gap.range.end.min(without.end) },
            Some(reason) => {
                let reason = self.reasons.get(reason as usize).map_or(UNEXPLAINED, String::as_str);
                Place::Absent { range: gap.range, reason }
            }
        }
    }
}

/// The segments in ascending order; where two overlap, which only a broken file has, the lower one keeps the bytes.
fn disjoint(headers: &[ProgramHeader]) -> Vec<Load> {
    let mut headers: Vec<&ProgramHeader> =
        headers.iter().filter(|header| header.memsz.max(header.filesz) > 0).collect();
    headers.sort_by_key(|header| header.vaddr);
    let mut loads = Vec::with_capacity(headers.len());
    let mut floor = 0;
    for header in headers {
        let end = header.vaddr.saturating_add(header.memsz.max(header.filesz));
        let start = header.vaddr.max(floor);
        if start >= end {
            continue;
        }
        loads.push(Load {
            range: AddressRange::new(start, end),
            bytes_end: Avma(header.vaddr.saturating_add(header.filesz).max(start)),
            offset: header.offset.saturating_add(start - header.vaddr),
        });
        floor = end;
    }
    loads
}
