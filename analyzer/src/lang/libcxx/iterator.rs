//! Iterators of this library, shown as those of the other one: the element that each is at.

use dpdb_snapshot::Avma;

use super::super::Shown;
use super::super::lens::{Doubt, Lens, Looked, Object};
use super::super::libstdcxx::iterator::{at_element, nowhere};
use super::{HASH_NODE, LIST_NODE, TREE_NODE, unwrapped};
use crate::types::{self, TypeKind, TypeRef};

/// `__wrap_iter` and `__deque_iterator`.
pub(super) fn pointer(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let current = lens.pointer(&lens.any_member(object, &["__i_", "__ptr_"])?)?;
    match current.to.0 {
        0 => Ok(nowhere("a sequence")),
        _ => at_element(lens, current.target, current.to),
    }
}

/// Those of maps are around those of the tree or table that a map is.
pub(super) fn of_map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let inner = lens.member(object, "__i_")?;
    if lens.has(&inner, "__node_") { hash(lens, &inner) } else { tree(lens, &inner) }
}

pub(super) fn tree(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let element = unwrapped(lens, lens.argument(object, 0)?)?;
    let node = lens.pointer_in(object, "__ptr_")?.to;
    in_node(lens, element, node, TREE_NODE)
}

pub(super) fn list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let element = lens.argument(object, 0)?;
    let node = lens.pointer_in(object, "__ptr_")?.to;
    in_node(lens, element, node, LIST_NODE)
}

pub(super) fn hash(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    // Its argument is a pointer to a node, which has the element's type for its own.
    let node = lens.argument(object, 0)?;
    let Some(TypeKind::Pointer(node)) = types::strip(lens.view(), node).map(|(_, of)| of.kind.clone()) else {
        return Err(Doubt::OtherShape);
    };
    let node = lens.object_at(node, Avma(0))?;
    let element = unwrapped(lens, lens.argument(&node, 0)?)?;
    let at = lens.pointer_in(object, "__node_")?.to;
    in_node(lens, element, at, HASH_NODE)
}

/// The element in a node behind `links` bytes of pointers.
fn in_node(lens: &mut Lens<'_, '_, '_>, element: TypeRef, node: Avma, links: u64) -> Looked<Shown> {
    if node.0 == 0 {
        return Ok(nowhere("a container"));
    }
    let offset = links.next_multiple_of(lens.alignment(element));
    at_element(lens, element, node.wrapping_add(offset))
}
