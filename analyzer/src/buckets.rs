//! Ranges of addresses, dealt out into buckets of neighbours.
//!
//! A large program has half a million symbols, and as many ranges of functions, in the order of its units. Sorting them
//! takes longer than all lookups of a backtrace; this goes through them twice.

use std::ops::Range;

/// Ranges that one bucket has on average. A lookup goes through all of one.
const PER_BUCKET: usize = 64;

/// Buckets that a range may lie across. What is wider is kept apart.
const MOST_BUCKETS: usize = 8;

/// Numbers of ranges (their places in the list that was dealt) by the addresses that they lie at.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    /// The lowest address, and the logarithm of how many addresses belong to one bucket.
    base: u64,
    shift: u32,
    /// Numbers of ranges, bucket by bucket; a range across several buckets stands in each.
    dealt: Vec<u32>,
    /// Where each bucket begins in `dealt`, and where the last one ends.
    starts: Vec<u32>,
    /// Numbers of ranges that are too wide for buckets.
    wide: Vec<u32>,
}

impl Buckets {
    /// Deals out `ranges`, none of which is empty.
    pub(crate) fn deal(ranges: impl ExactSizeIterator<Item = Range<u64>> + Clone) -> Buckets {
        let mut buckets = Buckets::default();
        let lowest = ranges.clone().map(|range| range.start).min();
        let (Some(base), Some(last)) = (lowest, ranges.clone().map(|range| range.end - 1).max()) else {
            return buckets;
        };
        let wanted = (ranges.len() / PER_BUCKET).next_power_of_two();
        let bits = u64::BITS - (last - base).leading_zeros();
        (buckets.base, buckets.shift) = (base, bits.saturating_sub(wanted.trailing_zeros()));
        let end = buckets.unbounded_place(last) + 1;
        let mut places = vec![0_u32; end + 1];
        for range in ranges.clone() {
            if let Some(across) = buckets.across(&range) {
                places[across.start + 1..=across.end].iter_mut().for_each(|count| *count += 1);
            }
        }
        for bucket in 1..=end {
            places[bucket] += places[bucket - 1];
        }
        buckets.dealt = vec![0; places[end] as usize];
        buckets.starts.clone_from(&places);
        for (number, range) in (0_u32..).zip(ranges) {
            let Some(across) = buckets.across(&range) else {
                buckets.wide.push(number);
                continue;
            };
            for place in &mut places[across] {
                buckets.dealt[*place as usize] = number;
                *place += 1;
            }
        }
        buckets
    }

    /// The bucket of `address`, or the last one for an address above all; `None` below all.
    pub(crate) fn place(&self, address: u64) -> Option<usize> {
        address.checked_sub(self.base)?;
        Some(self.unbounded_place(address).min(self.starts.len().checked_sub(2)?))
    }

    /// The numbers of the ranges in one bucket, in the order in which they were dealt.
    pub(crate) fn at(&self, place: usize) -> &[u32] {
        &self.dealt[self.starts[place] as usize..self.starts[place + 1] as usize]
    }

    /// Those of the ranges that lie across many buckets, which stand in none.
    pub(crate) fn wide(&self) -> &[u32] {
        &self.wide
    }

    fn unbounded_place(&self, address: u64) -> usize {
        // All 64 bits are shifted out where the whole address space is one bucket.
        (address - self.base).checked_shr(self.shift).unwrap_or(0) as usize
    }

    fn across(&self, range: &Range<u64>) -> Option<Range<usize>> {
        let (first, last) = (self.unbounded_place(range.start), self.unbounded_place(range.end - 1));
        (last - first < MOST_BUCKETS).then_some(first..last + 1)
    }
}
