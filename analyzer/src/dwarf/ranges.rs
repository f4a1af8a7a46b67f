//! The addresses that a DIE covers: `DW_AT_low_pc`, `DW_AT_high_pc` and `DW_AT_ranges` (DWARF 5, section 2.17).

use gimli::{AttributeValue, Reader};

use super::sections::{Dwarf, Slice};

/// Ranges that one DIE may have. A unit of a program with a section for each function has tens of thousands.
const MOST_RANGES: usize = 1 << 20;

/// A half-open range of file addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Range {
    pub(crate) fn contains(&self, address: u64) -> bool {
        self.low <= address && address < self.high
    }

    /// What the linker left of a function that it discarded starts at zero or, from lld, at the highest addresses,
    /// and no code of a Linux process is there.
    pub(crate) fn is_real(&self) -> bool {
        self.low != 0 && self.low < self.high && self.low < u64::MAX - 1
    }
}

/// The attributes of a DIE that say which addresses it covers, gathered while its attributes are read.
#[derive(Default)]
pub(crate) struct PcAttributes<'a> {
    low: Option<AttributeValue<Slice<'a>>>,
    high: Option<AttributeValue<Slice<'a>>>,
    ranges: Option<AttributeValue<Slice<'a>>>,
}

impl<'a> PcAttributes<'a> {
    /// Keeps `attribute` if it is one of them.
    pub(crate) fn take(&mut self, attribute: &gimli::Attribute<Slice<'a>>) {
        match attribute.name() {
            gimli::DW_AT_low_pc => self.low = Some(attribute.value()),
            gimli::DW_AT_high_pc => self.high = Some(attribute.value()),
            gimli::DW_AT_ranges => self.ranges = Some(attribute.value()),
            _ => {}
        }
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.low.is_none() && self.ranges.is_none()
    }

    /// Calls `each` with every range, in the order they are written; the first one's start is where gdb takes the
    /// function to begin.
    pub(crate) fn for_each(&self, dwarf: &Dwarf<'a>, unit: &gimli::Unit<Slice<'a>>, mut each: impl FnMut(Range)) {
        if let Some(ranges) = self.ranges {
            let Ok(Some(mut list)) = dwarf.attr_ranges(unit, ranges) else { return };
            let mut left = MOST_RANGES;
            while let (Ok(Some(range)), true) = (list.next(), left > 0) {
                left -= 1;
                each(Range { low: range.begin, high: range.end });
            }
            return;
        }
        if let Some(range) = self.single(dwarf, unit) {
            each(range);
        }
    }

    fn single(&self, dwarf: &Dwarf<'a>, unit: &gimli::Unit<Slice<'a>>) -> Option<Range> {
        let low = dwarf.attr_address(unit, self.low?).ok()??;
        let high = match self.high? {
            AttributeValue::Udata(size) => low.checked_add(size)?,
            AttributeValue::Sdata(size) => low.checked_add(u64::try_from(size).ok()?)?,
            AttributeValue::Data1(size) => low.checked_add(size.into())?,
            AttributeValue::Data2(size) => low.checked_add(size.into())?,
            AttributeValue::Data4(size) => low.checked_add(size.into())?,
            AttributeValue::Data8(size) => low.checked_add(size)?,
            value => dwarf.attr_address(unit, value).ok()??,
        };
        Some(Range { low, high })
    }

    /// Whether `address` is covered.
    pub(crate) fn cover(&self, dwarf: &Dwarf<'a>, unit: &gimli::Unit<Slice<'a>>, address: u64) -> bool {
        let mut covered = false;
        self.for_each(dwarf, unit, |range| covered |= range.contains(address));
        covered
    }

    /// The first address: `DW_AT_low_pc`, or the start of the first range.
    pub(crate) fn first(&self, dwarf: &Dwarf<'a>, unit: &gimli::Unit<Slice<'a>>) -> Option<u64> {
        let mut first = None;
        self.for_each(dwarf, unit, |range| {
            first.get_or_insert(range.low);
        });
        first
    }
}

/// The text of an attribute, invalid bytes replaced.
pub(crate) fn text(slice: Slice<'_>) -> String {
    String::from_utf8_lossy(&slice.to_slice().unwrap_or_default()).into_owned()
}
