//! Types that were read, and the definitions of types that are only declared where they are used.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gimli::{AttributeValue, Operation, constants as dw};

use super::lock;
use super::lookup::entry_point;
use super::named_entries::NameKind;
use super::unit::{DieRef, Unit};
use super::view::View;
use crate::svma::Svma;
use crate::types::{Type, TypeKind};

/// Types that are remembered.
const MOST_TYPES: usize = 200_000;

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

    /// The type whose vtable the unit describes at `at`: rustc gives the variable there a type of its own, which names it
    /// (`DW_AT_containing_type`).
    pub(crate) fn owner_of_vtable(&self, unit: &Unit<'a>, at: Svma) -> Option<DieRef> {
        self.named_of_unit(unit, NameKind::Variable).into_iter().find_map(|die| {
            let entry = unit.unit.entry(die.offset).ok()?;
            let AttributeValue::Exprloc(location) = entry.attr_value(dw::DW_AT_location)? else { return None };
            let address = match location.operations(unit.unit.encoding()).next().ok()?? {
                Operation::Address { address } => address,
                Operation::AddressIndex { index } => unit.dwarf.address(&unit.unit, index).ok()?,
                _ => return None,
            };
            let of =
                if address == at.0 { self.follow(unit, &entry.attr_value(dw::DW_AT_type)?)? } else { return None };
            let home = self.unit(of.unit)?;
            let of = home.unit.entry(of.offset).ok()?;
            self.follow(&home, &of.attr_value(dw::DW_AT_containing_type)?)
        })
    }

    /// The definition of the type that is only declared at `die`: one of the same name in the same namespaces and
    /// classes, in the unit itself or any other.
    pub(crate) fn definition_of(&self, die: DieRef) -> Option<Arc<Type>> {
        let found = crate::types::read(self, self.definition_at(die)?)?;
        matches!(&found.kind, TypeKind::Record(record) if !record.declaration).then_some(found)
    }

    /// Where that definition is.
    pub(crate) fn definition_at(&self, die: DieRef) -> Option<DieRef> {
        let path = self.full_path(die);
        let key = path.join("::");
        let known = lock(&self.info.definitions).get(&key).copied();
        known.unwrap_or_else(|| {
            let near = self.unit(die.unit);
            let found = self.find_named(near.as_deref(), &key, NameKind::Type(None));
            let found = found.filter(|found| self.full_path(*found) == path);
            // Whoever interrupted the search gets it another time.
            if found.is_some() || !self.info.names_given_up.load(Ordering::Relaxed) {
                lock(&self.info.definitions).insert(key, found);
            }
            found
        })
    }
}
