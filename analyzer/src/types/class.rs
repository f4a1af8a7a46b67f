//! What a class of C++ has beside its members: static ones, and functions.

use gimli::{AttributeValue, constants as dw};

use super::model::{Qualifier, TypeKind, TypeRef};
use super::read::{Entry, Reader, flag};
use crate::dwarf::{DieRef, View};

/// Entries of one class that are looked at.
const MOST_ENTRIES: usize = 20_000;

/// A function of a class.
#[derive(Debug, Default)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) returns: TypeRef,
    /// Without `this`.
    pub(crate) parameters: Vec<TypeRef>,
    /// It takes more (`...`).
    pub(crate) more: bool,
    pub(crate) is_virtual: bool,
    /// It has a `this`.
    pub(crate) of_object: bool,
    /// Its `this` points to what it does not change.
    pub(crate) is_const: bool,
}

/// The static members of the class at `die`, with their types, and the functions that the program wrote for it.
pub(crate) fn beside_members(view: &View<'_>, die: DieRef) -> (Vec<(String, TypeRef)>, Vec<Method>) {
    let (mut statics, mut methods) = (Vec::new(), Vec::new());
    let unit = view.unit(die.unit);
    let class = unit.as_ref().and_then(|unit| Some((unit, unit.unit.entry(die.offset).ok()?)));
    if let Some((unit, class)) = class {
        let reader = Reader { view, unit };
        reader.children(&class, |entry| {
            let name = reader.name(entry).filter(|_| !flag(entry, dw::DW_AT_artificial));
            // Before DWARF 5 a static member has the tag of the others.
            let is_static = match entry.tag() {
                dw::DW_TAG_member => flag(entry, dw::DW_AT_declaration),
                tag => tag == dw::DW_TAG_variable,
            };
            match name {
                Some(name) if is_static => statics.push((name, reader.type_of(entry))),
                Some(name) if entry.tag() == dw::DW_TAG_subprogram => methods.push(method(&reader, entry, name)),
                _ => {}
            }
            statics.len() + methods.len() < MOST_ENTRIES
        });
    }
    (statics, methods)
}

fn method<'a>(reader: &Reader<'_, 'a>, entry: &Entry<'a>, name: String) -> Method {
    let virtuality = entry.attr_value(dw::DW_AT_virtuality);
    let is_virtual = !matches!(virtuality, None | Some(AttributeValue::Virtuality(dw::DW_VIRTUALITY_none)));
    let mut method = Method { name, returns: reader.type_of(entry), is_virtual, ..Method::default() };
    reader.children(entry, |child| {
        let of = reader.type_of(child);
        match child.tag() {
            dw::DW_TAG_formal_parameter if flag(child, dw::DW_AT_artificial) => {
                method.of_object = true;
                method.is_const |= points_to_constant(reader.view, of);
            }
            dw::DW_TAG_formal_parameter => method.parameters.push(of),
            dw::DW_TAG_unspecified_parameters => method.more = true,
            _ => {}
        }
        method.parameters.len() < MOST_ENTRIES
    });
    method
}

/// Whether `this` of this type is that of a `const` function. The pointer may be constant itself, too.
fn points_to_constant(view: &View<'_>, this: TypeRef) -> bool {
    let Some((_, pointer)) = super::strip(view, this) else { return false };
    let TypeKind::Pointer(Some(to)) = pointer.kind else { return false };
    let to = super::read(view, to);
    to.is_some_and(|to| matches!(to.kind, TypeKind::Qualified(Qualifier::Const, _)))
}
