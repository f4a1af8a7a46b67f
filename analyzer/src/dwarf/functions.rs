//! The functions of one unit, by address.

use gimli::UnitOffset;

use super::ranges::{PcAttributes, Range};
use super::unit::Unit;
use super::view::View;

/// Attributes that are read or stepped over in one unit. The largest unit known to us, of a Rust program linked with
/// fat LTO, has some 100 million bytes; a hostile one could have DIEs of one byte and a thousand empty attributes.
const MOST_ATTRIBUTES: usize = 1 << 27;

/// How many functions that start below an address are looked at for one that covers it.
const MOST_OVERLAPS: usize = 64;

/// Which entries are looked into for functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The unit's and its namespaces': compilers write the instances of methods and templates there.
    Namespaces,
    /// Functions and classes too, for GNU C's nested functions and what else may come.
    Everything,
}

/// The functions of a unit that have addresses, ascending.
#[derive(Debug, Default)]
pub(super) struct FunctionTable(Box<[FunctionRange]>);

/// One range of addresses and the function whose code is there. A function in several parts has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FunctionRange {
    range: Range,
    entry: UnitOffset,
}

impl FunctionTable {
    /// The function that covers `address`, the smallest where several do.
    fn at(&self, address: u64) -> Option<UnitOffset> {
        let after = self.0.partition_point(|function| function.range.low <= address);
        let below = self.0[..after].iter().rev().take(MOST_OVERLAPS);
        let covering = below.filter(|function| function.range.contains(address));
        covering.min_by_key(|function| function.range.high - function.range.low).map(|function| function.entry)
    }

    fn read(unit: &Unit<'_>, depth: Depth) -> FunctionTable {
        let mut functions = Vec::new();
        // What follows a damaged entry is lost, what precedes it is not.
        let _ = each_function(unit, depth, &mut |entry, ranges: &PcAttributes<'_>| {
            ranges.for_each(&unit.dwarf, &unit.unit, |range| {
                if range.is_real() {
                    functions.push(FunctionRange { range, entry });
                }
            });
        });
        functions.sort_by_key(|function| function.range);
        FunctionTable(functions.into())
    }
}

impl View<'_> {
    /// The function of the unit at `offset` of the main file (of the split unit, if that is a skeleton) that covers
    /// `address`.
    pub(super) fn function_in(&self, offset: usize, address: u64) -> Option<UnitOffset> {
        let unit = self.full_unit(offset)?;
        let tables = self.tables(unit.id);
        let read = |depth| FunctionTable::read(&unit, depth);
        tables
            .functions
            .get_or_init(|| read(Depth::Namespaces))
            .at(address)
            .or_else(|| tables.all_functions.get_or_init(|| read(Depth::Everything)).at(address))
    }
}

/// Calls `each` with every `DW_TAG_subprogram` that is looked at and its addresses, in the file's order.
pub(super) fn each_function<'a>(
    unit: &Unit<'a>,
    depth: Depth,
    each: &mut dyn FnMut(UnitOffset, &PcAttributes<'a>),
) -> Result<(), gimli::Error> {
    let mut entries = unit.unit.entries_raw(None)?;
    let mut left = MOST_ATTRIBUTES;
    while !entries.is_empty() {
        let offset = entries.next_offset();
        let outside = entries.next_depth();
        let Some(abbreviation) = entries.read_abbreviation()? else { continue };
        left = left.saturating_sub(1 + abbreviation.attributes().len());
        if left == 0 {
            return Ok(());
        }
        let is_function = abbreviation.tag() == gimli::DW_TAG_subprogram;
        let mut addresses = PcAttributes::default();
        let mut sibling = None;
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute_inline(*specification)?;
            if let (gimli::DW_AT_sibling, gimli::AttributeValue::UnitRef(next)) = (attribute.name(), attribute.value())
            {
                sibling = Some(next);
            }
            if is_function {
                addresses.take(&attribute);
            }
        }
        if is_function {
            each(offset, &addresses);
        }
        if !abbreviation.has_children() || depth == Depth::Everything || holds_functions(abbreviation.tag()) {
            continue;
        }
        match sibling.filter(|next| *next > entries.next_offset()) {
            Some(next) => entries = unit.unit.entries_raw(Some(next))?,
            None => left = left.saturating_sub(skip_children(&mut entries, outside, left)?),
        }
    }
    Ok(())
}

fn holds_functions(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_compile_unit
            | gimli::DW_TAG_partial_unit
            | gimli::DW_TAG_skeleton_unit
            | gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
    )
}

/// Steps over the children of the entry just read, up to where `outside` is the depth again. It returns what it used
/// of `left`.
pub(super) fn skip_children(
    entries: &mut gimli::EntriesRaw<'_, super::sections::Slice<'_>>,
    outside: isize,
    left: usize,
) -> Result<usize, gimli::Error> {
    let mut used = 0;
    while entries.next_depth() > outside && !entries.is_empty() && used < left {
        used += 1;
        if let Some(abbreviation) = entries.read_abbreviation()? {
            used += abbreviation.attributes().len();
            entries.skip_attributes(abbreviation.attributes())?;
        }
    }
    Ok(used)
}
