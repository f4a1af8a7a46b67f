//! Finding a name through the tables that linkers and gdb write for it, so that nothing needs to be read before.
//!
//! What they say is confirmed by the entries, as with our own index, and what they do not say is looked for there: none
//! of them has everything (clang's `.debug_names` lacks enumerators, and a linker may have had objects without any).
//! They are asked only where they cover every unit, for else the first in the file's order might not be among theirs.

use std::collections::BTreeSet;

use super::debug_names;
use super::gdb_index::GdbIndex;
use super::named_entries::NameKind;
use super::unit::DieRef;
use super::view::View;

impl<'a> View<'a> {
    /// Candidates for the entry with this path, in the file's order, none of them confirmed; `hash` is the last
    /// component's.
    pub(super) fn accelerated(&self, path: &[&str], hash: u32, kind: NameKind) -> Vec<DieRef> {
        self.in_debug_names(path).or_else(|| self.in_gdb_index(path, hash, kind)).unwrap_or_default()
    }

    fn in_debug_names(&self, path: &[&str]) -> Option<Vec<DieRef>> {
        let tables = debug_names::tables(self.section(".debug_names")?, self.main_units())?;
        let found = debug_names::entries_named(&tables, path.last()?, &self.main().debug_str);
        let found = found.into_iter().filter_map(|(unit, entry)| {
            let unit = self.full_unit(unit)?;
            entry.is_in_bounds(&unit.unit.header).then(|| unit.die(entry))
        });
        Some(found.collect())
    }

    fn in_gdb_index(&self, path: &[&str], hash: u32, kind: NameKind) -> Option<Vec<DieRef>> {
        let index = GdbIndex::parse(self.section(".gdb_index")?)?;
        let listed: BTreeSet<usize> = index.units().collect();
        let covers_all = self.main_units().iter().all(|unit| listed.contains(unit));
        let units = covers_all.then(|| index.units_naming(path, kind))?;
        let of_unit = |unit| self.full_unit(unit).map(|unit| self.entries_with(&unit, hash)).unwrap_or_default();
        Some(units.into_iter().flat_map(of_unit).collect())
    }

    fn section(&self, name: &str) -> Option<&'a [u8]> {
        self.info.file.section_data(name).ok()?.filter(|data| !data.is_empty())
    }
}
