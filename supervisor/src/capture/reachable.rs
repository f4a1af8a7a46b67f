//! What pointers lead to: a conservative search, breadth first, as a collector without type information makes it (Boehm and
//! Weiser 1988). Any word that has the value of an address is taken for a pointer to it.
//!
//! Memory is taken in units, so that an object which goes on behind the word that was pointed to is there, and so that a
//! core of what was reached has thousands of segments and not millions. A block of malloc(3) that is larger than a unit is
//! taken whole, where its beginning is pointed to: glibc keeps its size in the word before it.

use std::collections::{HashMap, HashSet, VecDeque};

use dpdb_snapshot::{AddressRange, Avma, Content, Memory, PlannedRange};

/// The least that is taken around a pointer: bytes.
const SMALLEST_UNIT: u64 = 16 << 10;

/// Into so many units the limit is divided at least.
const UNITS: u64 = 4096;

/// Of the limit, one block of malloc gets at most this part.
const LARGEST_PART: u64 = 8;

/// How many pointers are remembered, in case a block of malloc is found to begin there.
const MOST_REMEMBERED: usize = 1 << 20;

/// How many bytes are read at once.
const PIECE: usize = 64 << 10;

/// Where the search begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    /// Words, as those of registers.
    pub(super) words: Vec<u64>,
    /// Memory, in the order in which it is searched.
    pub(super) ranges: Vec<AddressRange>,
}

/// The memory that is reached from `roots`, at most `most` bytes of it and none of what is `kept` already, within what
/// `plan` would capture. In no order.
pub(super) fn search(
    roots: &Roots,
    plan: &[PlannedRange],
    kept: &[AddressRange],
    most: u64,
    memory: &dyn Memory,
) -> Vec<AddressRange> {
    let unit = (most / UNITS).next_power_of_two().max(SMALLEST_UNIT);
    let captured = plan.iter().filter(|planned| planned.content == Content::Captured);
    let mut search = Search {
        memory,
        kept,
        eligible: captured.map(|planned| planned.range).collect(),
        unit,
        left: most,
        largest: most / LARGEST_PART,
        taken: HashSet::new(),
        found: Vec::new(),
        queue: VecDeque::new(),
        pointers: HashSet::new(),
        blocks: HashMap::new(),
    };
    for &word in &roots.words {
        search.follow(word);
    }
    for range in &roots.ranges {
        search.scan(*range);
    }
    while let Some(work) = search.queue.pop_front() {
        match work {
            Work::Scan(range) => search.scan(range),
            Work::Take(range) => search.take_all(range),
        }
    }
    search.found
}

enum Work {
    /// Look for pointers.
    Scan(AddressRange),
    /// Take a block of malloc, and then look for pointers in it.
    Take(AddressRange),
}

struct Search<'a> {
    memory: &'a dyn Memory,
    /// Ascending and apart, as all ranges here that are looked up.
    kept: &'a [AddressRange],
    eligible: Vec<AddressRange>,
    unit: u64,
    left: u64,
    largest: u64,
    /// The units that were taken, by their beginnings.
    taken: HashSet<u64>,
    found: Vec<AddressRange>,
    queue: VecDeque<Work>,
    /// Pointers that were met; a block of malloc may turn out to begin there.
    pointers: HashSet<u64>,
    /// What looks like large blocks of malloc that nobody was seen to point to yet.
    blocks: HashMap<u64, u64>,
}

impl Search<'_> {
    /// Looks for pointers in all words of a range, as far as it can be read.
    fn scan(&mut self, range: AddressRange) {
        let mut buffer = vec![0; PIECE];
        let mut at = range.start;
        let mut before = 0;
        while at < range.end && self.left > 0 {
            let want = PIECE.min((range.end.0 - at.0) as usize);
            let Ok(got) = self.memory.read_some(at, &mut buffer[..want]) else { return };
            for (index, word) in buffer[..got].as_chunks::<8>().0.iter().enumerate() {
                let place = at.0 + index as u64 * 8;
                let word = u64::from_le_bytes(*word);
                if place.is_multiple_of(16) {
                    self.note_block(place, before);
                }
                before = word;
                self.follow(word);
            }
            at = at.wrapping_add((got as u64 / 8 * 8).max(8));
        }
    }

    /// Takes what a word leads to, if it leads anywhere.
    fn follow(&mut self, word: u64) {
        let Some(range) = containing(&self.eligible, Avma(word)) else { return };
        if word.is_multiple_of(16) && self.pointers.len() < MOST_REMEMBERED && self.pointers.insert(word) {
            self.queue_block(word);
        }
        self.take_unit(word, range);
    }

    fn take_unit(&mut self, at: u64, range: AddressRange) {
        let start = at / self.unit * self.unit;
        let unit = AddressRange::new(start.max(range.start.0), (start + self.unit).min(range.end.0));
        if self.left < unit.len() || containing(self.kept, Avma(at)).is_some() || !self.taken.insert(unit.start.0) {
            return;
        }
        self.left -= unit.len();
        self.found.push(unit);
        self.queue.push_back(Work::Scan(unit));
    }

    fn take_all(&mut self, block: AddressRange) {
        let mut at = block.start.0;
        while at < block.end.0 {
            let Some(range) = containing(&self.eligible, Avma(at)) else { return };
            self.take_unit(at, range);
            at = (at / self.unit + 1) * self.unit;
        }
    }

    /// Whether a block of malloc begins at `place`, by the word before that (malloc/malloc.c of glibc, `struct malloc_chunk`:
    /// the size with its own head, a multiple of 16, and flags in the lowest three bits). Smaller ones than a unit are
    /// there anyhow.
    fn note_block(&mut self, place: u64, size: u64) {
        let length = size & !7;
        if length <= self.unit || !length.is_multiple_of(16) || length > 1 << 46 {
            return;
        }
        let is_inside = containing(&self.eligible, Avma(place)).is_some_and(|range| place + length - 16 <= range.end.0);
        if is_inside && self.blocks.len() < MOST_REMEMBERED {
            self.blocks.insert(place, length - 8);
            if self.pointers.contains(&place) {
                self.queue_block(place);
            }
        }
    }

    /// Has the block at a pointer taken, if one is known to begin there.
    fn queue_block(&mut self, pointer: u64) {
        if let Some(length) = self.blocks.remove(&pointer) {
            let end = pointer.saturating_add(length.min(self.largest));
            self.queue.push_back(Work::Take(AddressRange::new(pointer, end)));
        }
    }
}

/// The range that holds `at`.
fn containing(ranges: &[AddressRange], at: Avma) -> Option<AddressRange> {
    let next = ranges.partition_point(|range| range.end <= at);
    ranges.get(next).copied().filter(|range| range.contains(at))
}
