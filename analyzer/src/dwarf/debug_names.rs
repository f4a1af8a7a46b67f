//! `.debug_names` (DWARF 5, section 6.1.1): one table for the whole file, or one for each unit where the linker did not
//! merge them.

use std::collections::BTreeSet;

use gimli::{DebugNames, DebugStr, LittleEndian, NameIndex, UnitOffset};

use super::sections::Slice;

/// Tables that a section may have: one for each unit of a large program.
const MOST_TABLES: usize = 1 << 16;

/// Entries of one name that are looked at.
const MOST_ENTRIES: usize = 1 << 16;

/// The tables of a section, if all of them can be read and together they cover all of `units`.
pub(super) fn tables<'a>(section: &'a [u8], units: &[usize]) -> Option<Vec<NameIndex<Slice<'a>>>> {
    let headers = DebugNames::new(section, LittleEndian).headers();
    let tables: Vec<_> = headers.take(MOST_TABLES).map(|header| header?.index()).collect::<Result<_, _>>().ok()?;
    let mut covered = BTreeSet::new();
    for table in &tables {
        let listed = (0..table.compile_unit_count()).map(|number| table.compile_unit(number));
        let types = (0..table.local_type_unit_count()).map(|number| table.local_type_unit(number));
        for unit in listed.chain(types) {
            covered.insert(unit.ok()?.0);
        }
    }
    units.iter().all(|unit| covered.contains(unit)).then_some(tables)
}

/// The entries with exactly this name, each by its unit and its place there, in the file's order.
pub(super) fn entries_named(
    tables: &[NameIndex<Slice<'_>>],
    name: &str,
    strings: &DebugStr<Slice<'_>>,
) -> Vec<(usize, UnitOffset)> {
    let mut found = BTreeSet::new();
    for table in tables {
        // A damaged table tells less.
        let _ = take_named(table, name, strings, &mut found);
    }
    found.into_iter().map(|(unit, entry)| (unit, UnitOffset(entry))).collect()
}

fn take_named(
    table: &NameIndex<Slice<'_>>,
    name: &str,
    strings: &DebugStr<Slice<'_>>,
    found: &mut BTreeSet<(usize, usize)>,
) -> gimli::Result<()> {
    if !table.has_hash_table() {
        return Ok(());
    }
    let mut same_hash = table.find_by_hash(hash(name))?;
    while let Some(index) = same_hash.next()? {
        if table.name_string(index, strings)?.slice() != name.as_bytes() {
            continue;
        }
        let mut entries = table.name_entries(index)?;
        while let (Some(entry), true) = (entries.next()?, found.len() < MOST_ENTRIES) {
            let of_type_unit = entry.type_unit(table)?.is_some();
            let unit =
                entry.compile_unit(table)?.map_or_else(|| table.default_compile_unit(), |unit| Ok(Some(unit)))?;
            if let (Some(unit), Some(place), false) = (unit, entry.die_offset()?, of_type_unit) {
                found.insert((unit.0, place.0));
            }
        }
    }
    Ok(())
}

/// Bernstein's hash of the name with its case folded (DWARF 5, section 7.33). Folding is done for ASCII alone: other
/// names are not found here, and so by reading them.
fn hash(name: &str) -> u32 {
    name.bytes().fold(5381_u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(byte.to_ascii_lowercase().into()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_dwarfs() {
        // Computed by hand after the formula: ((5381 * 33 + 'a') * 33 + 'b').
        assert_eq!(super::hash("ab"), (5381 * 33 + 97) * 33 + 98);
        assert_eq!(super::hash("AB"), super::hash("ab"));
    }
}
