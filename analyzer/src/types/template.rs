//! What a template or generic type was made with, and how a type is aligned.

use gimli::{AttributeValue, constants as dw};

use super::model::{FieldPlace, Record, TypeKind, TypeRef};
use super::read::{self, Entry};
use crate::dwarf::{DieRef, Unit, View};

/// Arguments that one template may have; tuples and variants have as many as they have elements.
const MOST_ARGUMENTS: usize = 1000;
/// Types inside types that are followed.
const MOST_LEVELS: usize = 32;
/// What `new` and the stack are aligned to; nothing has more unless it says so (x86-64 psABI, 3.1.2).
const GREATEST: u64 = 16;

/// A template's or generic type's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TemplateArgument {
    /// The type, or the type of the value.
    pub(crate) of: TypeRef,
    /// The value, of an argument that is a number.
    pub(crate) value: Option<i64>,
}

/// The arguments of the type or function at `die`, those of a parameter pack among them.
pub(crate) fn template_arguments(view: &View<'_>, die: DieRef) -> Vec<TemplateArgument> {
    let mut arguments = Vec::new();
    let die = read::of_signature(view, die).unwrap_or(die);
    if let Some(unit) = view.unit(die.unit) {
        collect(view, &unit, die, 0, &mut arguments);
    }
    arguments
}

fn collect<'a>(view: &View<'a>, unit: &Unit<'a>, die: DieRef, level: usize, arguments: &mut Vec<TemplateArgument>) {
    let Ok(mut tree) = unit.unit.entries_tree(Some(die.offset)) else { return };
    let Ok(root) = tree.root() else { return };
    let mut children = root.children();
    while let (Ok(Some(child)), true) = (children.next(), arguments.len() < MOST_ARGUMENTS) {
        let entry = child.entry();
        match entry.tag() {
            dw::DW_TAG_template_type_parameter => {
                arguments.push(TemplateArgument { of: type_of(view, unit, entry), value: None });
            }
            dw::DW_TAG_template_value_parameter => {
                let value = entry.attr_value(dw::DW_AT_const_value).and_then(|value| number(&value));
                arguments.push(TemplateArgument { of: type_of(view, unit, entry), value });
            }
            dw::DW_TAG_GNU_template_parameter_pack if level == 0 => {
                collect(view, unit, unit.die(entry.offset()), level + 1, arguments);
            }
            _ => {}
        }
    }
}

/// The type that `name` means inside the class at `die`.
pub(crate) fn member_type(view: &View<'_>, die: DieRef, name: &str) -> TypeRef {
    let die = read::of_signature(view, die).unwrap_or(die);
    let unit = view.unit(die.unit)?;
    let mut tree = unit.unit.entries_tree(Some(die.offset)).ok()?;
    let mut children = tree.root().ok()?.children();
    while let Ok(Some(child)) = children.next() {
        let entry = child.entry();
        if entry.tag() == dw::DW_TAG_typedef && unit.string(entry.attr_value(dw::DW_AT_name)?).as_deref() == Some(name)
        {
            return type_of(view, &unit, entry);
        }
    }
    None
}

fn type_of<'a>(view: &View<'a>, unit: &Unit<'a>, entry: &Entry<'a>) -> TypeRef {
    view.follow(unit, &entry.attr_value(dw::DW_AT_type)?)
}

fn number(value: &AttributeValue<crate::dwarf::Slice<'_>>) -> Option<i64> {
    value.sdata_value().or_else(|| value.udata_value().map(|value| value as i64))
}

/// What addresses of values of a type are multiples of, in C and C++: DWARF does not say, unless the source did. It
/// is at least 1.
pub(crate) fn alignment(view: &View<'_>, of: TypeRef) -> u64 {
    aligned(view, of, 0).unwrap_or(1).clamp(1, 1 << 20)
}

fn aligned(view: &View<'_>, of: TypeRef, level: usize) -> Option<u64> {
    let die = of.filter(|_| level < MOST_LEVELS)?;
    if let Some(stated) = stated_alignment(view, die) {
        return Some(stated);
    }
    let found = super::read(view, die)?;
    match &found.kind {
        TypeKind::Alias(to) | TypeKind::Qualified(_, to) => aligned(view, *to, level + 1),
        TypeKind::Array(array) => aligned(view, array.element, level + 1),
        TypeKind::Record(record) if record.declaration => {
            let definition = view.definition_at(die)?;
            (definition != die).then(|| aligned(view, Some(definition), level + 1))?
        }
        TypeKind::Record(record) => Some(record_alignment(view, record, level)),
        TypeKind::Base(_) | TypeKind::Enumeration(_) => {
            super::size(view, of, 0).map(|size| size.next_power_of_two().min(GREATEST))
        }
        _ => Some(8),
    }
}

/// The greatest of its members'; a packed member does not stand where its own alignment would put it.
fn record_alignment(view: &View<'_>, record: &Record, level: usize) -> u64 {
    let variants = record.variants.iter().flat_map(|part| part.variants.iter().map(|variant| &variant.field));
    let of_fields = record.fields.iter().chain(variants).map(|field| {
        let own = aligned(view, field.of, level + 1).unwrap_or(1);
        match &field.place {
            FieldPlace::Bits(bits) if !(bits / 8).is_multiple_of(own) => 1,
            _ => own,
        }
    });
    of_fields.max().unwrap_or(1)
}

fn stated_alignment(view: &View<'_>, die: DieRef) -> Option<u64> {
    let unit = view.unit(die.unit)?;
    let entry = unit.unit.entry(die.offset).ok()?;
    entry.attr_value(dw::DW_AT_alignment)?.udata_value().filter(|align| align.is_power_of_two())
}
