//! C++'s pointers to members: the place of a member in its class, or a function (Itanium C++ ABI, section 2.3).

use dpdb_snapshot::Avma;
use gimli::{AttributeValue, Operation, constants as dw};

use super::build::Builder;
use super::place::{Missing, Place};
use super::scalar;
use super::tree::ValueTree;
use crate::dwarf::{DieRef, View};
use crate::types::{self, FieldKind, FieldPlace, Record, TypeKind, TypeRef};

/// Bases inside bases that a member is looked for in.
const MOST_LEVELS: usize = 16;
/// Entries of one class that are looked at for a virtual function.
const MOST_MEMBERS: usize = 100_000;
const WORD: u64 = 8;

/// What the pointer at `place` to a member of `class` points to, as C++ writes it: `&Class::member`.
pub(super) fn value(
    builder: &Builder<'_, '_>,
    class: TypeRef,
    to: TypeRef,
    place: &Place,
) -> Result<ValueTree, Missing> {
    let view = builder.context.view;
    let is_function = matches!(types::strip(view, to), Some((_, to)) if matches!(to.kind, TypeKind::Function(_)));
    let word = scalar::integer(&place.read(builder.context.memory(), WORD)?, true);
    let named = match (is_function, word) {
        (false, -1) | (true, 0) => Some("NULL".to_owned()),
        (false, offset) => member_at(view, class, (offset as u64).saturating_mul(8), 0).map(|name| format!("&{name}")),
        // Where functions begin at even addresses, an odd word is one more than a place in the vtable.
        (true, place) if place & 1 == 1 => {
            let found = virtual_function(view, class, (place as u64 - 1) / WORD, 0);
            found.map(|name| format!("&virtual {name}"))
        }
        (true, address) => {
            let hit = builder.context.session.symbol_at(Avma(address as u64)).filter(|hit| hit.offset == 0);
            hit.map(|hit| format!("&{}", hit.name))
        }
    };
    Ok(ValueTree::MemberPointer(named.unwrap_or_else(|| word.to_string())))
}

/// The full name of the member that begins `bit` bits into the class, which may be one of a base.
fn member_at(view: &View<'_>, class: TypeRef, bit: u64, level: usize) -> Option<String> {
    let (die, record) = described(view, class, level)?;
    record.fields.iter().find_map(|field| {
        let FieldPlace::Bits(start) = field.place else { return None };
        match (field.kind, &field.name) {
            (FieldKind::Member, Some(name)) if start == bit && field.bits.is_none() => {
                Some(format!("{}::{name}", view.full_path(die).join("::")))
            }
            (FieldKind::Base, _) => {
                let end = types::size(view, field.of, 0)?.saturating_mul(8).saturating_add(start);
                if (start..end).contains(&bit) { member_at(view, field.of, bit - start, level + 1) } else { None }
            }
            _ => None,
        }
    })
}

/// The full name of the function that the class, or else a base of it, has at a place of its vtable.
fn virtual_function(view: &View<'_>, class: TypeRef, number: u64, level: usize) -> Option<String> {
    let (die, record) = described(view, class, level)?;
    let own = function_at(view, die, number).map(|name| format!("{}::{name}", view.full_path(die).join("::")));
    own.or_else(|| {
        let bases = record.fields.iter().filter(|field| field.kind == FieldKind::Base);
        bases.into_iter().find_map(|field| virtual_function(view, field.of, number, level + 1))
    })
}

fn function_at(view: &View<'_>, class: DieRef, number: u64) -> Option<String> {
    let unit = view.unit(class.unit)?;
    let mut tree = unit.unit.entries_tree(Some(class.offset)).ok()?;
    let mut children = tree.root().ok()?.children();
    for _ in 0..MOST_MEMBERS {
        let child = children.next().ok()??;
        let entry = child.entry();
        let Some(AttributeValue::Exprloc(place)) = entry.attr_value(dw::DW_AT_vtable_elem_location) else { continue };
        let first = place.operations(unit.unit.encoding()).next();
        if matches!(first, Ok(Some(Operation::UnsignedConstant { value })) if value == number) {
            return unit.string(entry.attr_value(dw::DW_AT_name)?);
        }
    }
    None
}

/// A class with its members, wherever they are described.
fn described(view: &View<'_>, class: TypeRef, level: usize) -> Option<(DieRef, Record)> {
    let (die, found) = types::strip(view, class).filter(|_| level < MOST_LEVELS)?;
    match &found.kind {
        TypeKind::Record(record) if !record.declaration => Some((die, record.clone())),
        TypeKind::Record(_) => {
            let die = view.definition_at(die)?;
            match &types::read(view, die)?.kind {
                TypeKind::Record(record) if !record.declaration => Some((die, record.clone())),
                _ => None,
            }
        }
        _ => None,
    }
}
