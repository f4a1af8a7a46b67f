//! Type units: types that the compiler put into units of their own, so that the linker keeps one copy of each
//! (`-fdebug-types-section`; DWARF 4 in `.debug_types`, DWARF 5 among the other units). They are referred to by
//! signature.

use std::collections::HashMap;
use std::sync::Arc;

use gimli::{DebugTypeSignature, UnitHeader, UnitOffset, UnitType};

use super::sections::{Dwarf, Slice};
use super::unit::{DieRef, Part, UnitId};
use super::view::{MOST_UNITS, View};

/// For each signature, where the type is.
pub(super) type Signatures = HashMap<u64, DieRef>;

impl<'a> View<'a> {
    /// The type with this signature.
    pub(super) fn type_of_signature(&self, signature: DebugTypeSignature) -> Option<DieRef> {
        let read = || {
            let mut found = Signatures::new();
            let mut take = |part, header: &UnitHeader<Slice<'a>>| {
                let (UnitType::Type { type_signature, type_offset }
                | UnitType::SplitType { type_signature, type_offset }) = header.type_()
                else {
                    return;
                };
                let unit = UnitId { part, offset: offset_of(header) };
                found.entry(type_signature.0).or_insert(DieRef { unit, offset: UnitOffset(type_offset.0) });
            };
            let main = self.main();
            let mut units = main.units();
            for _ in 0..MOST_UNITS {
                let Ok(Some(header)) = units.next() else { break };
                take(Part::Main, &header);
            }
            each_type_unit(main, |header| take(Part::Types, &header));
            found
        };
        self.info.signatures.get_or_init(read).get(&signature.0).copied()
    }

    /// The header of the unit at `offset` of `.debug_types`. The section has no index, but few have so many units that
    /// stepping over them shows.
    pub(super) fn type_unit_header(&self, dwarf: &Arc<Dwarf<'a>>, offset: usize) -> Option<UnitHeader<Slice<'a>>> {
        let mut found = None;
        each_type_unit(dwarf, |header| {
            if offset_of(&header) == offset {
                found = Some(header);
            }
        });
        found
    }
}

fn each_type_unit<'a>(dwarf: &Dwarf<'a>, mut each: impl FnMut(UnitHeader<Slice<'a>>)) {
    let mut units = dwarf.type_units();
    for _ in 0..MOST_UNITS {
        let Ok(Some(header)) = units.next() else { break };
        each(header);
    }
}

fn offset_of(header: &UnitHeader<Slice<'_>>) -> usize {
    let in_info = header.debug_info_offset().map(|offset| offset.0);
    in_info.or(header.debug_types_offset().map(|offset| offset.0)).unwrap_or(0)
}
