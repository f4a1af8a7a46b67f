//! What a class of C++ has beside the layout of its members: who may use them, static ones, and functions.

use gimli::{AttributeValue, constants as dw};

use super::model::{Qualifier, TypeKind, TypeRef};
use super::read::{Entry, Reader, flag};
use crate::dwarf::{DieRef, View};

/// Entries of one class that are looked at.
const MOST_ENTRIES: usize = 20_000;

/// Who may use a member or base class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Access {
    #[default]
    Public,
    Protected,
    Private,
}

/// What the entry of a class says that its layout does not.
#[derive(Debug, Default)]
pub(crate) struct ClassBody {
    /// Of each of the fields of its [`Record`](super::Record), in their order.
    pub(crate) field_access: Vec<Access>,
    pub(crate) statics: Vec<StaticMember>,
    /// The functions that the program wrote for it.
    pub(crate) methods: Vec<Method>,
    /// The compiler made functions for it.
    pub(crate) has_artificial_methods: bool,
}

/// A static member of a class.
#[derive(Debug)]
pub(crate) struct StaticMember {
    pub(crate) name: String,
    pub(crate) of: TypeRef,
    pub(crate) access: Access,
    /// How many fields are declared before it.
    pub(crate) position: usize,
}

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
    pub(crate) access: Access,
}

/// The body of the class, structure or union at `die`.
pub(crate) fn class_body(view: &View<'_>, die: DieRef) -> ClassBody {
    let mut body = ClassBody::default();
    let unit = view.unit(die.unit);
    let Some((unit, class)) = unit.as_ref().and_then(|unit| Some((unit, unit.unit.entry(die.offset).ok()?))) else {
        return body;
    };
    let reader = Reader { view, unit };
    reader.children(&class, |entry| {
        let access = access(&reader, &class, entry);
        let is_elsewhere = flag(entry, dw::DW_AT_external) || flag(entry, dw::DW_AT_declaration);
        let name = reader.name(entry);
        match (entry.tag(), name) {
            (dw::DW_TAG_member | dw::DW_TAG_inheritance, _) if !is_elsewhere => body.field_access.push(access),
            // Before DWARF 5 a static member has the tag of the others.
            (dw::DW_TAG_member | dw::DW_TAG_variable, Some(name)) => {
                let (of, position) = (reader.type_of(entry), body.field_access.len());
                body.statics.push(StaticMember { name, of, access, position });
            }
            (dw::DW_TAG_subprogram, _) if flag(entry, dw::DW_AT_artificial) => body.has_artificial_methods = true,
            (dw::DW_TAG_subprogram, Some(name)) => {
                body.methods.push(Method { access, ..method(&reader, entry, name) });
            }
            _ => {}
        }
        body.field_access.len() + body.statics.len() + body.methods.len() < MOST_ENTRIES
    });
    body
}

/// `DW_AT_accessibility`, or what it is without one: private in a class and public in all else (DWARF 3, 5.6.1); DWARF 2
/// counts all members as public and all bases as private. The pointer to a vtable is nobody's business.
fn access<'a>(reader: &Reader<'_, 'a>, class: &Entry<'a>, entry: &Entry<'a>) -> Access {
    match entry.attr_value(dw::DW_AT_accessibility) {
        _ if flag(entry, dw::DW_AT_artificial) && entry.tag() == dw::DW_TAG_member => Access::Private,
        Some(AttributeValue::Accessibility(dw::DW_ACCESS_protected)) => Access::Protected,
        Some(AttributeValue::Accessibility(dw::DW_ACCESS_private)) => Access::Private,
        Some(_) => Access::Public,
        None if reader.unit.unit.encoding().version < 3 && entry.tag() == dw::DW_TAG_inheritance => Access::Private,
        None if reader.unit.unit.encoding().version < 3 => Access::Public,
        None if class.tag() == dw::DW_TAG_class_type => Access::Private,
        None => Access::Public,
    }
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
