//! Whose vtable is where. rustc describes each vtable that a unit uses as a variable of a type of its own, which names
//! the type that it is for (`DW_AT_containing_type`).

use std::collections::HashMap;

use gimli::{AttributeValue, Operation, constants as dw};

use super::named_entries::NameKind;
use super::unit::{DieRef, Unit};
use super::view::View;
use crate::svma::Svma;

/// The types of a unit's vtables, by address.
#[derive(Debug, Default)]
pub(super) struct VtableOwners(HashMap<u64, DieRef>);

impl<'a> View<'a> {
    /// The type whose vtable the unit describes at `at`.
    pub(crate) fn owner_of_vtable(&self, unit: &Unit<'a>, at: Svma) -> Option<DieRef> {
        let tables = self.tables(unit.id);
        let owners = tables.vtables.get_or_init(|| {
            let variables = self.named_of_unit(unit, NameKind::Variable);
            VtableOwners(variables.into_iter().filter_map(|die| self.vtable(unit, die)).collect())
        });
        owners.0.get(&at.0).copied()
    }

    fn vtable(&self, unit: &Unit<'a>, die: DieRef) -> Option<(u64, DieRef)> {
        let entry = unit.unit.entry(die.offset).ok()?;
        let of = self.follow(unit, &entry.attr_value(dw::DW_AT_type)?)?;
        let home = self.unit(of.unit)?;
        let of = home.unit.entry(of.offset).ok()?;
        let owner = self.follow(&home, &of.attr_value(dw::DW_AT_containing_type)?)?;
        let AttributeValue::Exprloc(location) = entry.attr_value(dw::DW_AT_location)? else { return None };
        let at = match location.operations(unit.unit.encoding()).next().ok()?? {
            Operation::Address { address } => address,
            Operation::AddressIndex { index } => unit.dwarf.address(&unit.unit, index).ok()?,
            _ => return None,
        };
        Some((at, owner))
    }
}
