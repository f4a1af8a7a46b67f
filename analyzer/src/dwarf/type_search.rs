//! Types that were read, and the definitions of types that are only declared where they are used.

use std::sync::Arc;

use gimli::constants as dw;

use super::lock;
use super::lookup::entry_point;
use super::names::container_name;
use super::unit::{DieRef, Part, Unit};
use super::view::View;
use crate::types::{Type, TypeKind};

/// Types that are remembered.
const MOST_TYPES: usize = 200_000;
/// Entries that are looked at for one definition.
const MOST_ENTRIES: usize = 5_000_000;

impl<'a> View<'a> {
    /// The type at `die`, read by `read` when it was not before.
    pub(crate) fn cached_type(&self, die: DieRef, read: impl FnOnce() -> Option<Type>) -> Option<Arc<Type>> {
        if let Some(known) = lock(&self.info.types).get(&die) {
            return known.clone();
        }
        let found = read().map(Arc::new);
        let mut types = lock(&self.info.types);
        if types.len() < MOST_TYPES {
            types.insert(die, found.clone());
        }
        found
    }

    /// The first address of the function at `die`.
    pub(crate) fn entry_address(&self, die: DieRef) -> Option<u64> {
        entry_point(&*self.unit(die.unit)?, die.offset)
    }

    /// The definition of the type that is only declared at `die`: one of the same name in the same namespaces and
    /// classes, in the unit itself or any other.
    pub(crate) fn definition_of(&self, die: DieRef, name: Option<&str>) -> Option<Arc<Type>> {
        let mut path = self.path_of(die);
        path.push(name?.to_owned());
        let key = path.join("::");
        let known = lock(&self.info.definitions).get(&key).copied();
        let definition = known.unwrap_or_else(|| {
            let found = self.find_definition(die, &path);
            lock(&self.info.definitions).insert(key, found);
            found
        });
        let found = crate::types::read(self, definition?)?;
        matches!(&found.kind, TypeKind::Record(record) if !record.declaration).then_some(found)
    }

    fn find_definition(&self, die: DieRef, path: &[String]) -> Option<DieRef> {
        let mut left = MOST_ENTRIES;
        let own = self.unit(die.unit)?;
        if let Some(found) = definition_in(&own, path, &mut left) {
            return Some(found);
        }
        let others =
            self.main_units().iter().filter(|offset| **offset != die.unit.offset || die.unit.part == Part::Alt);
        others.filter_map(|offset| self.full_unit(*offset)).find_map(|unit| definition_in(&unit, path, &mut left))
    }
}

/// The record with this path that is described in `unit`. Only containers that are on the path are looked into.
fn definition_in(unit: &Unit<'_>, path: &[String], left: &mut usize) -> Option<DieRef> {
    let mut entries = unit.unit.entries();
    // How much of the path the containers around the current entry make up, with the depth of each.
    let mut inside: Vec<isize> = Vec::new();
    let mut skip = None;
    while let (Ok(Some(entry)), true) = (entries.next_dfs(), *left > 0) {
        *left -= 1;
        let depth = entry.depth();
        if skip.is_some_and(|outer| depth > outer) {
            continue;
        }
        while inside.pop_if(|outer| depth <= *outer).is_some() {}
        skip = None;
        if matches!(entry.tag(), dw::DW_TAG_compile_unit | dw::DW_TAG_partial_unit) {
            continue;
        }
        skip = Some(depth);
        let matches = is_container(entry.tag())
            && container_name(unit, entry.offset()).is_some_and(|name| path.get(inside.len()) == Some(&name));
        if !matches {
            continue;
        }
        if inside.len() + 1 < path.len() {
            skip = None;
            inside.push(depth);
        } else if is_record(entry.tag()) && !entry.has_attr(dw::DW_AT_declaration) {
            return Some(unit.die(entry.offset()));
        }
    }
    None
}

fn is_container(tag: gimli::DwTag) -> bool {
    matches!(tag, dw::DW_TAG_namespace | dw::DW_TAG_module) || is_record(tag)
}

fn is_record(tag: gimli::DwTag) -> bool {
    matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type)
}
