//! The types of a program, as its debugging information describes them.

mod class;
mod model;
mod read;
mod template;

use std::sync::Arc;

use gimli::constants as dw;

pub(crate) use class::{Access, ClassBody, Method, StaticMember, class_body};
pub(crate) use model::{
    Array, Base, Bound, Count, Dimension, Enumeration, Field, FieldKind, FieldPlace, Qualifier, Record, RecordKind,
    Type, TypeKind, TypeRef, Variant, VariantPart,
};

pub(crate) use template::{TemplateArgument, alignment, member_type, template_arguments};

use crate::dwarf::{DieRef, View};

/// Types inside types that are followed; a program's own nest a few deep.
const MOST_LEVELS: usize = 64;

/// The type at `die`.
pub(crate) fn read(view: &View<'_>, die: DieRef) -> Option<Arc<Type>> {
    view.cached_type(die, || read::read(view, die))
}

/// The types of a function's parameters, and whether it takes more (`...`).
pub(crate) fn parameters(view: &View<'_>, die: DieRef) -> Option<(Vec<TypeRef>, bool)> {
    read::parameters(view, die)
}

/// Whether the function's entry says that C would check its parameters.
pub(crate) fn is_prototyped(view: &View<'_>, die: DieRef) -> bool {
    read::is_prototyped(view, die)
}

/// The type behind all aliases and qualifiers; `None` for `void`.
pub(crate) fn strip(view: &View<'_>, of: TypeRef) -> Option<(DieRef, Arc<Type>)> {
    let mut die = of?;
    for _ in 0..MOST_LEVELS {
        let found = read(view, die)?;
        match found.kind {
            TypeKind::Alias(to) | TypeKind::Qualified(_, to) => die = to?,
            _ => return Some((die, found)),
        }
    }
    None
}

/// The size of a type in bytes, where it is a constant. `void` has none.
pub(crate) fn size(view: &View<'_>, of: TypeRef, level: usize) -> Option<u64> {
    if level > MOST_LEVELS {
        return None;
    }
    let found = read(view, of?)?;
    match &found.kind {
        _ if found.size.is_some() => found.size,
        TypeKind::Alias(to) | TypeKind::Qualified(_, to) => size(view, *to, level + 1),
        TypeKind::Pointer(_) | TypeKind::Reference { .. } => Some(8),
        TypeKind::Enumeration(enumeration) => size(view, enumeration.of, level + 1),
        TypeKind::Array(array) => {
            let element = size(view, array.element, level + 1)?;
            array.dimensions.iter().try_fold(element, |bytes, dimension| match dimension.count {
                Count::Constant(count) => bytes.checked_mul(count),
                Count::Unknown | Count::Variable(..) => None,
            })
        }
        // A pointer to a data member is an offset, one to a member function two words (Itanium C++ ABI, 2.3).
        TypeKind::MemberPointer { to, .. } => {
            let function = matches!(strip(view, *to), Some((_, to)) if matches!(to.kind, TypeKind::Function(_)));
            Some(if function { 16 } else { 8 })
        }
        _ => None,
    }
}

/// What C writes before a literal of this type of wide characters: `L`, `u` or `U` (C11, 6.4.4.4); `None` for all other
/// types. In C++ they are types of their own, in C `typedef`s whose name alone tells them from numbers.
pub(crate) fn literal_prefix(view: &View<'_>, of: TypeRef, stripped: &Type) -> Option<&'static str> {
    let TypeKind::Base(base) = stripped.kind else { return None };
    let is_integer = matches!(base.encoding, dw::DW_ATE_signed | dw::DW_ATE_unsigned | dw::DW_ATE_UTF);
    if !is_integer || !matches!(stripped.size, Some(2 | 4)) {
        return None;
    }
    let mut die = of?;
    for _ in 0..MOST_LEVELS {
        let found = read(view, die)?;
        match (found.name.as_deref(), &found.kind) {
            (Some("wchar_t"), _) => return Some("L"),
            (Some("char16_t"), _) => return Some("u"),
            (Some("char32_t"), _) => return Some("U"),
            (_, TypeKind::Alias(to) | TypeKind::Qualified(_, to)) => die = (*to)?,
            _ if base.encoding == dw::DW_ATE_UTF => return Some(if stripped.size == Some(2) { "u" } else { "U" }),
            _ => return None,
        }
    }
    None
}

/// How the numbers of a type are encoded, where it is one of numbers.
fn base_encoding(view: &View<'_>, die: DieRef) -> Option<gimli::DwAte> {
    match strip(view, Some(die))?.1.kind {
        TypeKind::Base(base) => Some(base.encoding),
        _ => None,
    }
}

/// Whether values of this encoding have a sign.
pub(crate) fn is_signed(encoding: gimli::DwAte) -> bool {
    matches!(encoding, dw::DW_ATE_signed | dw::DW_ATE_signed_char)
}
