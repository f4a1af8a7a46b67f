//! Iterators, as gdb shows them: the element that each is at in a few words, with the element itself beside it.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object};
use super::super::{Shown, summary};
use crate::types::{self, TypeKind, TypeRef};
use crate::value::{Logical, Remark, ValueTree};

pub(in super::super) fn at_element(lens: &mut Lens<'_, '_, '_>, of: TypeRef, at: Avma) -> Looked<Shown> {
    let element = lens.object_at(of, at)?;
    let summary = summary::text(lens, &element, 0)?;
    let words = Logical::Object { summary, fields: Vec::new() };
    let remark = Remark::Meaning(lens.show_object(&element));
    Ok(Shown::Instead(ValueTree::Remarked { value: Box::new(words.into()), remark: Box::new(remark) }))
}

pub(in super::super) fn nowhere(what: &str) -> Shown {
    Logical::Object { summary: format!("non-dereferenceable iterator for {what}"), fields: Vec::new() }.into()
}

pub(super) fn pointer(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let current = lens.pointer(&lens.any_member(object, &["_M_current", "_M_cur"])?)?;
    match (current.to.0, object.name().starts_with("_Deque")) {
        (0, true) => Ok(nowhere("std::deque")),
        (0, false) => Ok(nowhere("std::vector")),
        _ => at_element(lens, current.target, current.to),
    }
}

/// An iterator of `_GLIBCXX_DEBUG`, around a plain one (`debug/safe_iterator.h`): it is valid as long as it bears the
/// version of its container.
pub(super) fn safe(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let sequence = lens.pointer_in(object, "_M_sequence")?;
    if sequence.to.0 != 0 {
        let sequence = lens.object_at(sequence.target, sequence.to)?;
        if lens.number_in(object, "_M_version")? != lens.number_in(&sequence, "_M_version")? {
            return Ok(Logical::Object { summary: "invalid iterator".to_owned(), fields: Vec::new() }.into());
        }
    }
    let plain = lens.bases(object).into_iter().next().ok_or(Doubt::OtherShape)?;
    Ok(Shown::Instead(lens.show_object(&plain)))
}

/// What an iterator is at. gcc leaves the argument of some of them out; then `reference` tells it.
fn element(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<TypeRef> {
    lens.argument(object, 0).or_else(|_| {
        let reference = types::member_type(lens.view(), object.die, "reference");
        match types::strip(lens.view(), reference).map(|(_, of)| of.kind.clone()) {
            Some(TypeKind::Reference { to, .. }) => Ok(to),
            _ => Err(Doubt::OtherShape),
        }
    })
}

/// The element in a node behind `links` bytes of pointers.
fn node(lens: &mut Lens<'_, '_, '_>, object: &Object, what: &str, links: u64) -> Looked<Shown> {
    let node = lens.pointer_in(object, "_M_node")?.to;
    if node.0 == 0 {
        return Ok(nowhere(what));
    }
    let element = element(lens, object)?;
    let offset = links.next_multiple_of(lens.alignment(element));
    at_element(lens, element, node.wrapping_add(offset))
}

pub(super) fn tree(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    node(lens, object, "associative container", 32)
}

pub(super) fn list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    node(lens, object, "std::list", 16)
}

pub(super) fn forward_list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    node(lens, object, "std::forward_list", 8)
}

pub(super) fn bit_reference(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let mask = lens.number_in(object, "_M_mask")?;
    bit_text(lens, object, mask, "invalid std::vector<bool>::reference")
}

pub(super) fn bit(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let offset = lens.number_in(object, "_M_offset")?;
    let mask = u32::try_from(offset).ok().and_then(|offset| 1_u64.checked_shl(offset)).ok_or(Doubt::OtherShape)?;
    bit_text(lens, object, mask, "non-dereferenceable iterator for std::vector<bool>")
}

fn bit_text(lens: &Lens<'_, '_, '_>, object: &Object, mask: u64, nowhere: &str) -> Looked<Shown> {
    let word = lens.pointer_in(object, "_M_p")?.to;
    let summary = match word.0 {
        0 => nowhere.to_owned(),
        _ if lens.word(word)? & mask != 0 => "True".to_owned(),
        _ => "False".to_owned(),
    };
    Ok(Logical::Object { summary, fields: Vec::new() }.into())
}
