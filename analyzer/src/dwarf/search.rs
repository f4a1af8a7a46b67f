//! From a name to functions and files, for people who want to see their source.

use std::path::{Path, PathBuf};

use gimli::UnitOffset;

use super::lines::{file_path, files_ending_in};
use super::lookup::entry_point;
use super::name_index::{hash, without_generics};
use super::unit::Unit;
use super::view::{UNITS_AT_ONCE, View};
use crate::{SourceLocation, Svma};

/// Functions of one name that are looked for.
const MOST_FOUND: usize = 100;

/// A function found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundFunction {
    /// The name as a debugger shows it.
    pub(crate) name: String,
    /// Where its code begins; `None` where it was inlined everywhere.
    pub(crate) address: Option<Svma>,
    /// Where it was declared.
    pub(crate) declared: Option<SourceLocation>,
}

impl<'a> View<'a> {
    /// Functions called `name`, with or without their namespaces: `pop` finds `Queue::pop`.
    pub(crate) fn functions_named(&self, name: &str) -> Vec<FoundFunction> {
        let mut found = Vec::new();
        let last = without_generics(name.rsplit("::").next().unwrap_or(name).as_bytes());
        let by_name = self.indexed_functions(hash(last));
        let by_linkage_name = self.indexed_functions(hash(name.as_bytes()));
        for die in by_name.chain(by_linkage_name) {
            let Some(unit) = self.unit(die.unit) else { continue };
            found.extend(self.if_named(&unit, die.offset, name));
            if found.len() >= MOST_FOUND {
                break;
            }
        }
        found.sort_by_key(|function: &FoundFunction| (function.name.clone(), function.address.is_none()));
        found.dedup_by(|a, b| a.name == b.name && a.declared == b.declared);
        found.truncate(MOST_FOUND);
        found
    }

    fn if_named(&self, unit: &Unit<'a>, entry: UnitOffset, name: &str) -> Option<FoundFunction> {
        let gathered = self.function_entry(unit.die(entry));
        let last = without_generics(name.rsplit("::").next()?.as_bytes());
        let own = without_generics(gathered.name.as_deref()?.as_bytes());
        if own != last && gathered.linkage_name.as_deref() != Some(name) {
            return None;
        }
        let full = self.display_name(&gathered, unit.language())?;
        let matches =
            full == name || full.ends_with(&format!("::{name}")) || gathered.linkage_name.as_deref() == Some(name);
        if !matches && without_generics(full.as_bytes()) != name.as_bytes() {
            return None;
        }
        let declared = gathered.declared.and_then(|(home, file, line)| {
            let home = self.unit(home)?;
            Some(SourceLocation { file: file_path(home.with_lines(), file)?, line, column: 0 })
        });
        Some(FoundFunction { name: full, address: entry_point(unit, entry).map(Svma), declared })
    }

    /// Source files whose path ends in `suffix`, such as `queue.cpp` or `src/queue.cpp`. Nothing indexes these: the
    /// line table of every unit is looked at.
    pub(crate) fn files_named(&self, suffix: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for (number, offset) in self.main_units().iter().enumerate() {
            if number.is_multiple_of(UNITS_AT_ONCE) {
                self.info.file.give_pages_back();
            }
            let view = View::passing(self.info);
            let Some(unit) = view.full_unit(*offset) else { continue };
            let lines = unit.with_lines();
            for path in files_ending_in(lines, suffix).into_iter().filter_map(|file| file_path(lines, file)) {
                if !found.contains(&path) && found.len() < MOST_FOUND {
                    found.push(path);
                }
            }
        }
        found
    }
}
