//! The address table that GCC and rustc write and clang does not: `.debug_aranges` (DWARF 5, section 6.1.2).

use gimli::Section;

use super::ranges::Range;
use super::sections::Dwarf;
use crate::buckets::Buckets;

/// Ranges that `.debug_aranges` may have in all.
const MOST_RANGES: usize = 1 << 24;

/// Which unit covers what, as the table says. A Rust program of 500 MB of DWARF has half a million ranges, one per
/// function, in the order of its units.
#[derive(Debug, Default)]
pub(super) struct ListedRanges {
    /// Where ranges begin, unit by unit, and how many bytes each has; four gigabytes at most.
    lows: Vec<u64>,
    lengths: Vec<u32>,
    /// The units that have ranges, in the order of the table: the number of the first range, and where the unit begins
    /// in `.debug_info`.
    units: Vec<(u32, usize)>,
    /// Where those units begin, sorted.
    listed: Vec<usize>,
    buckets: Buckets,
}

impl ListedRanges {
    /// Reads all of the table, as far as it is not damaged.
    pub(super) fn read(dwarf: &Dwarf<'_>) -> ListedRanges {
        let mut listed = ListedRanges::default();
        // There is room for so many tuples of two addresses.
        let most = (dwarf.debug_aranges.reader().len() / 16).min(MOST_RANGES);
        listed.lows.reserve(most);
        listed.lengths.reserve(most);
        let mut headers = dwarf.debug_aranges.headers();
        while let Ok(Some(header)) = headers.next() {
            let mut entries = header.entries();
            let ranges = std::iter::from_fn(|| entries.next().ok().flatten().map(|entry| entry.range()));
            listed.add(header.debug_info_offset().0, ranges.map(|range| Range { low: range.begin, high: range.end }));
        }
        listed.deal();
        listed
    }

    fn add(&mut self, unit: usize, ranges: impl Iterator<Item = Range>) {
        let first = self.lows.len();
        for range in ranges.filter(Range::is_real).take(MOST_RANGES - first) {
            self.lows.push(range.low);
            self.lengths.push(u32::try_from(range.high - range.low).unwrap_or(u32::MAX));
        }
        if let (Ok(number), true) = (u32::try_from(first), self.lows.len() > first) {
            self.units.push((number, unit));
        }
    }

    fn deal(&mut self) {
        self.listed = self.units.iter().map(|(_, unit)| *unit).collect();
        self.listed.sort_unstable();
        let lengths = self.lengths.iter().map(|length| u64::from(*length));
        self.buckets =
            Buckets::deal(self.lows.iter().zip(lengths).map(|(low, length)| *low..low.saturating_add(length)));
    }

    /// Whether the table tells what the unit at `offset` covers. It is believed then, as gdb does (its dwarf2/aranges.c).
    pub(super) fn has(&self, offset: usize) -> bool {
        self.listed.binary_search(&offset).is_ok()
    }

    /// The unit that covers `address`: of several, that of the range which starts last.
    pub(super) fn covering(&self, address: u64) -> Option<usize> {
        let bucket = self.buckets.at(self.buckets.place(address)?);
        let candidates = bucket.iter().chain(self.buckets.wide()).map(|number| (*number as usize, *number));
        let covering = candidates.filter(|(place, _)| {
            address.checked_sub(self.lows[*place]).is_some_and(|above| above < u64::from(self.lengths[*place]))
        });
        let (_, number) = covering.max_by_key(|(place, number)| (self.lows[*place], self.lengths[*place], *number))?;
        let after = self.units.partition_point(|(first, _)| *first <= number);
        self.units[..after].last().map(|(_, unit)| *unit)
    }
}

#[cfg(test)]
mod tests {
    use super::ListedRanges;
    use crate::dwarf::ranges::Range;

    /// Each range in a unit of its own, which begins at its number.
    fn dealt(ranges: &[(u64, u64)]) -> ListedRanges {
        let mut table = ListedRanges::default();
        ranges.iter().enumerate().for_each(|(unit, &(low, high))| table.add(unit, [Range { low, high }].into_iter()));
        table.deal();
        table
    }

    #[test]
    fn every_address_finds_the_range_that_starts_last_before_it() {
        // Many small ranges, some beside each other, some apart, in no order; one across all; two nested ones.
        let shuffled = (0..1000).map(|step| (step * 7919) % 1000);
        let mut ranges: Vec<(u64, u64)> =
            shuffled.map(|place| (0x1000 + place * 16, 0x1000 + place * 16 + 12)).collect();
        ranges.extend([(0x1000, 0x6000), (0x1100, 0x1180), (0x8000_0000, 0x8000_0010)]);
        let table = dealt(&ranges);
        for address in (0xff0..0x6010).chain(0x7fff_fff0..0x8000_0020) {
            let plain = ranges.iter().enumerate().filter(|(_, range)| range.0 <= address && address < range.1);
            let expected = plain.max_by_key(|(unit, range)| (**range, *unit)).map(|(unit, _)| unit);
            assert_eq!(table.covering(address), expected, "{address:#x}");
        }
        assert!(table.has(1002) && !table.has(1003));
    }

    #[test]
    fn nothing_and_ranges_at_both_ends_of_the_address_space_are_tables_too() {
        assert_eq!(dealt(&[]).covering(7), None);
        let ends = dealt(&[(1, 9), (5, 6), (u64::MAX - 8, u64::MAX), (3, 3)]);
        for (address, unit) in [(0, None), (1, Some(0)), (5, Some(1)), (6, Some(0)), (9, None), (u64::MAX - 1, Some(2))]
        {
            assert_eq!(ends.covering(address), unit, "{address:#x}");
        }
        assert_eq!(ends.covering(u64::MAX), None);
        assert!(!ends.has(3));
    }
}
