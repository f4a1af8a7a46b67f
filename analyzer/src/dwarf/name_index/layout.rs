//! The index as bytes: what is kept in the cache directory, and what is looked up in.
//!
//! ```text
//! header   64 bytes: MAGIC, then as u64: bytes of .debug_info, units, records, bytes of names
//! records  16 bytes each, sorted: hash, kind and unit, entry in the unit, name (u32 each)
//! names    each once, with a NUL behind it
//! sums     of all that is before them
//! ```
//! All numbers are little-endian. Another version of the layout has another magic. A block is checked whenever it is
//! looked at, so that opening an index costs a page and a damaged one is noticed before it is believed.

use super::{Kind, interner};
use crate::cache::sums::{self, Damaged};
use crate::image::Image;

const MAGIC: [u8; 16] = *b"DPDB names v2\0\0\0";
const HEADER: usize = 64;
const RECORD: usize = 16;

/// Units that an index can number.
pub(super) const MOST_UNITS: u32 = 1 << 24;
const ALIAS: u32 = 1 << 31;

/// An entry with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawRecord {
    pub(super) hash: u32,
    kind_and_unit: u32,
    pub(super) entry: u32,
    pub(super) name: u32,
}

/// The same, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) kind: Kind,
    /// The name that it is found by is not the one it is listed by.
    pub(super) is_alias: bool,
    /// The number of the unit among all, a skeleton's where it is split.
    pub(super) unit: u32,
    /// Its offset in the unit.
    pub(super) entry: u32,
    /// The place of its full name.
    pub(super) name: u32,
}

impl RawRecord {
    pub(super) fn new(hash: u32, record: Record) -> RawRecord {
        let alias = if record.is_alias { ALIAS } else { 0 };
        let kind_and_unit = alias | (record.kind as u32) << 24 | record.unit & (MOST_UNITS - 1);
        RawRecord { hash, kind_and_unit, entry: record.entry, name: record.name }
    }

    fn parse(bytes: &[u8; RECORD]) -> RawRecord {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        RawRecord { hash: word(0), kind_and_unit: word(4), entry: word(8), name: word(12) }
    }

    fn to_bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        let words = [self.hash, self.kind_and_unit, self.entry, self.name];
        bytes.chunks_exact_mut(4).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    /// The record, if its kind is one that we know.
    fn record(self) -> Option<Record> {
        let kind = *Kind::ALL.get((self.kind_and_unit >> 24 & 0x7f) as usize)?;
        let (is_alias, unit) = (self.kind_and_unit & ALIAS != 0, self.kind_and_unit & (MOST_UNITS - 1));
        Some(Record { kind, is_alias, unit, entry: self.entry, name: self.name })
    }
}

/// What of the debugging information an index must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The bytes of `.debug_info`.
    pub(super) info_bytes: u64,
    /// Its units.
    pub(super) units: u64,
}

/// The bytes of an index. `records` are sorted.
pub(super) fn write(records: &[RawRecord], names: &[u8], shape: Shape) -> Vec<u8> {
    let contents = HEADER + records.len() * RECORD + names.len();
    let mut bytes = Vec::with_capacity(contents + sums::length_for(contents));
    bytes.extend_from_slice(&MAGIC);
    for number in [shape.info_bytes, shape.units, records.len() as u64, names.len() as u64] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.resize(HEADER, 0);
    records.iter().for_each(|record| bytes.extend_from_slice(&record.to_bytes()));
    bytes.extend_from_slice(names);
    let sums = sums::of(&bytes);
    bytes.extend(sums);
    bytes
}

/// An index, mapped or in memory.
#[derive(Debug)]
pub(crate) struct NameIndex {
    image: Image,
    records: usize,
    /// Where the names end.
    end: usize,
}

impl NameIndex {
    /// The index in `image`, if it is one, whole, and of debugging information of this shape.
    pub(super) fn open(image: Image, shape: Shape) -> Option<NameIndex> {
        let bytes = image.bytes();
        let header = bytes.get(..HEADER)?;
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let fits = header.starts_with(&MAGIC) && Shape { info_bytes: number(16)?, units: number(24)? } == shape;
        let records = usize::try_from(number(32)?).ok()?;
        let end = records.checked_mul(RECORD)?.checked_add(HEADER)?;
        let end = end.checked_add(usize::try_from(number(40)?).ok()?)?;
        let whole = end.checked_add(sums::length_for(end))?;
        (fits && whole == bytes.len()).then_some(NameIndex { image, records, end })
    }

    /// The records with this hash, in the file's order.
    pub(super) fn with(&self, hash: u32) -> Result<Vec<Record>, Damaged> {
        let (mut start, mut end) = (0, self.records);
        while start < end {
            let middle = start + (end - start) / 2;
            if self.raw(middle)?.hash < hash { start = middle + 1 } else { end = middle }
        }
        let mut same = Vec::new();
        for index in start..self.records {
            let record = self.raw(index)?;
            if record.hash != hash {
                break;
            }
            same.push(record);
        }
        same.sort_unstable_by_key(|record| (record.kind_and_unit & (MOST_UNITS - 1), record.entry));
        Ok(same.into_iter().filter_map(RawRecord::record).collect())
    }

    /// All records and all names, the latter with their places.
    pub(super) fn all(
        &self,
    ) -> Result<(impl Iterator<Item = Record> + '_, impl Iterator<Item = (u32, &[u8])>), Damaged> {
        self.check(0, self.end)?;
        let (records, names) = self.image.bytes()[HEADER..self.end].split_at(self.records * RECORD);
        let records = records.as_chunks().0.iter().filter_map(|bytes| RawRecord::parse(bytes).record());
        Ok((records, interner::texts(names)))
    }

    fn raw(&self, index: usize) -> Result<RawRecord, Damaged> {
        let at = HEADER + index * RECORD;
        self.check(at, at + RECORD)?;
        self.image.bytes()[at..].first_chunk().map(RawRecord::parse).ok_or(Damaged)
    }

    fn check(&self, start: usize, end: usize) -> Result<(), Damaged> {
        let (contents, sums) = self.image.bytes().split_at(self.end);
        sums::check(contents, sums, start, end)
    }
}

/// Looks up and lists what `bytes` have, whatever they are: for the fuzzer.
pub(crate) fn exercise(bytes: &[u8]) {
    let number = |at: usize| {
        bytes.get(at..at + 8).map_or(0, |eight| eight.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    };
    let shape = Shape { info_bytes: number(16), units: number(24) };
    let Some(index) = NameIndex::open(Image::Owned(bytes.to_vec()), shape) else { return };
    for number in 0..index.records.min(64) {
        let _ = index.raw(number).and_then(|record| index.with(record.hash));
    }
    let _ = index.all().map(|(records, names)| (records.count(), names.count()));
}

#[cfg(test)]
mod tests {
    use super::super::hash;
    use super::*;

    const SHAPE: Shape = Shape { info_bytes: 1000, units: 3 };

    fn sample() -> Vec<u8> {
        let record = |name: &str, unit, entry, place| {
            let record = Record { kind: Kind::Variable, is_alias: false, unit, entry, name: place };
            RawRecord::new(hash(name.as_bytes()), record)
        };
        let mut records = [record("one", 2, 30, 0), record("two", 1, 40, 4), record("one", 0, 50, 0)];
        records.sort_unstable();
        write(&records, b"one\0two\0", SHAPE)
    }

    #[test]
    fn what_was_written_is_found_in_the_files_order() {
        let index = NameIndex::open(Image::Owned(sample()), SHAPE).unwrap();
        let found: Vec<_> =
            index.with(hash(b"one")).unwrap().iter().map(|record| (record.unit, record.entry)).collect();
        assert_eq!(found, [(0, 50), (2, 30)]);
        assert!(index.with(hash(b"three")).unwrap().is_empty());
        assert_eq!(index.all().unwrap().1.collect::<Vec<_>>(), [(0, &b"one"[..]), (4, b"two")]);
        assert_eq!(hash(b"Box<int, char>"), hash(b"Box<int,char>"));
    }

    #[test]
    fn an_index_that_is_cut_foreign_or_of_another_file_is_refused() {
        let whole = sample();
        for cut in 0..whole.len() {
            assert!(NameIndex::open(Image::Owned(whole[..cut].to_vec()), SHAPE).is_none(), "{cut}");
        }
        let other = Shape { units: 4, ..SHAPE };
        assert!(NameIndex::open(Image::Owned(whole.clone()), other).is_none());
        for at in 0..48 {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            assert!(NameIndex::open(Image::Owned(damaged), SHAPE).is_none(), "{at}");
        }
        for at in 48..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            exercise(&damaged);
            let index = NameIndex::open(Image::Owned(damaged), SHAPE).unwrap();
            assert_eq!(index.with(hash(b"one")).unwrap_err(), Damaged, "{at}");
        }
    }
}
