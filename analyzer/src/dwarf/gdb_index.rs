//! `.gdb_index`, what gdb-add-index and lld write (gdb's manual, "Index Section Format"): from full names to units.
//!
//! Its hash table is of no use to us, since people leave namespaces out; all names are looked through, which takes as
//! long as reading them.

use std::collections::BTreeSet;

use super::named_entries::{NameKind, same};

/// The versions whose layout is the one below; 9 added a table in front of the constant pool, which the header tells
/// of.
const VERSIONS: std::ops::RangeInclusive<u32> = 7..=9;

/// Units of one name that are looked at.
const MOST_UNITS: usize = 1 << 16;

/// A symbol's kind, in bits 28 to 30 of what refers to its unit.
const TYPE: u32 = 1;
const VARIABLE: u32 = 2;
const FUNCTION: u32 = 3;

/// The table, cut into its parts.
#[derive(Debug)]
pub(super) struct GdbIndex<'a> {
    /// Offset and length of each unit of `.debug_info`.
    units: &'a [[u8; 16]],
    /// Offsets of name and units of each symbol in the pool; zeros where a slot is empty.
    symbols: &'a [[u8; 8]],
    pool: &'a [u8],
}

impl<'a> GdbIndex<'a> {
    /// The table in `section`; `None` where it is damaged or of a version that we do not know.
    pub(super) fn parse(section: &'a [u8]) -> Option<GdbIndex<'a>> {
        let version = word(section, 0)?;
        let offset = |number: usize| word(section, 4 * number).map(|offset| offset as usize);
        let (units, types, symbols) = (offset(1)?, offset(2)?, offset(4)?);
        let (shortcuts, pool) = if version == 9 { (offset(5)?, offset(6)?) } else { (offset(5)?, offset(5)?) };
        Some(GdbIndex {
            units: section.get(units..types)?.as_chunks().0,
            symbols: section.get(symbols..shortcuts)?.as_chunks().0,
            pool: section.get(pool..)?,
        })
        .filter(|_| VERSIONS.contains(&version))
    }

    /// The offsets of its units.
    pub(super) fn units(&self) -> impl Iterator<Item = usize> {
        self.units.iter().filter_map(|unit| unit.first_chunk()).map(|offset| u64::from_le_bytes(*offset) as usize)
    }

    /// The units that have an entry of this kind with this path, ascending; namespaces may be left out from its front.
    pub(super) fn units_naming(&self, path: &[&str], kind: NameKind) -> Vec<usize> {
        let wanted = match kind {
            NameKind::Type(_) => TYPE,
            NameKind::Variable | NameKind::Enumerator => VARIABLE,
            NameKind::Function => FUNCTION,
        };
        // An enumerator's path has its enumeration, which gdb leaves out.
        let path = if kind == NameKind::Enumerator { &path[path.len().saturating_sub(1)..] } else { path };
        let path = path.join("::");
        let mut found = BTreeSet::new();
        for symbol in self.symbols {
            let (name, units) = (word(symbol, 0).unwrap_or(0) as usize, word(symbol, 4).unwrap_or(0) as usize);
            if (name, units) != (0, 0) && self.text(name).is_some_and(|name| ends_in(name, &path)) {
                found.extend(self.units_of(units, wanted).take(MOST_UNITS - found.len()));
            }
        }
        found.into_iter().collect()
    }

    fn units_of(&self, vector: usize, kind: u32) -> impl Iterator<Item = usize> {
        let count = word(self.pool, vector).unwrap_or(0) as usize;
        let values = (1..=count).map_while(move |number| word(self.pool, vector.checked_add(number.checked_mul(4)?)?));
        let units = values.filter(move |value| value >> 28 & 7 == kind).map(|value| (value & 0xff_ffff) as usize);
        units
            .filter_map(|number| self.units.get(number)?.first_chunk())
            .map(|offset| u64::from_le_bytes(*offset) as usize)
    }

    fn text(&self, offset: usize) -> Option<&'a str> {
        let rest = self.pool.get(offset..)?;
        std::str::from_utf8(&rest[..rest.iter().position(|byte| *byte == 0)?]).ok()
    }
}

fn ends_in(name: &str, path: &str) -> bool {
    let front = name.len().checked_sub(path.len());
    let same_length = front.is_some_and(|front| {
        name.get(front..) == Some(path) && (front == 0 || name.get(..front).is_some_and(|front| front.ends_with("::")))
    });
    // Blanks differ in template arguments only.
    same_length || path.contains('<') && (same(name, path) || name.rsplit("::").any(|last| same(last, path)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

/// Takes any bytes for the section: for the fuzzer.
pub fn exercise(bytes: &[u8]) {
    if let Some(index) = GdbIndex::parse(bytes) {
        let _ = (index.units().count(), index.units_naming(&["main"], NameKind::Function));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two units, and `ns::twice` of kind function in the second.
    fn sample() -> Vec<u8> {
        let mut section: Vec<u8> = Vec::new();
        for number in [8_u32, 24, 56, 56, 56, 72] {
            section.extend_from_slice(&number.to_le_bytes());
        }
        for number in [0_u64, 100, 100, 50] {
            section.extend_from_slice(&number.to_le_bytes());
        }
        for number in [0_u32, 0, 8, 0, 1, 1 | FUNCTION << 28] {
            section.extend_from_slice(&number.to_le_bytes());
        }
        section.extend_from_slice(b"ns::twice\0");
        section
    }

    #[test]
    fn a_function_is_found_with_and_without_its_namespace() {
        let section = sample();
        let index = GdbIndex::parse(&section).unwrap();
        assert_eq!(index.units().collect::<Vec<_>>(), [0, 100]);
        for path in [&["ns", "twice"][..], &["twice"]] {
            assert_eq!(index.units_naming(path, NameKind::Function), [100]);
            assert!(index.units_naming(path, NameKind::Variable).is_empty());
        }
        assert!(index.units_naming(&["wice"], NameKind::Function).is_empty());
    }

    #[test]
    fn a_damaged_section_never_panics_or_hangs() {
        let whole = sample();
        for cut in 0..whole.len() {
            exercise(&whole[..cut]);
        }
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                exercise(&damaged);
            }
        }
        let mut old = whole;
        old[0] = 4;
        assert!(GdbIndex::parse(&old).is_none());
    }
}
