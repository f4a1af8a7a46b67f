//! Nodes in a chain: `stl_list.h`, `forward_list.h`.

use dpdb_snapshot::Avma;

use super::super::lens::{Lens, Looked, Object, broken};
use super::super::{Shown, libcxx};
use crate::types::TypeRef;
use crate::value::Logical;

/// Pointers before the value of a node of a list, and of a forward list.
const LIST_LINKS: u64 = 16;
const FORWARD_LINKS: u64 = 8;

pub(super) fn list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(node) = lens.member(object, "_M_impl._M_node") else { return libcxx::list(lens, object) };
    let element = lens.argument(object, 0)?;
    let value = LIST_LINKS.next_multiple_of(lens.alignment(element));
    let head = node.place.address().ok_or(super::super::lens::Doubt::OtherShape)?;
    let size = lens.number_in(&node, "_M_size").ok();
    ring(lens, head, head, [0, 8], size, element, value)
}

/// A ring of nodes from the one behind `head` on; `links` are the offsets of the pointers to the next and the
/// previous node.
pub(in super::super) fn ring(
    lens: &mut Lens<'_, '_, '_>,
    head: Avma,
    start: Avma,
    links: [u64; 2],
    size: Option<u64>,
    element: TypeRef,
    value: u64,
) -> Looked<Shown> {
    let most = lens.limits().elements;
    let (mut nodes, mut at) = (Vec::new(), Avma(lens.word(start.wrapping_add(links[0]))?));
    let mut before = head;
    while at != head && (nodes.len() as u64) < most.min(size.unwrap_or(most)) {
        let previous = lens.word(at.wrapping_add(links[1]))?;
        if previous != before.0 {
            return broken(format!("the node at {at} points back to {previous:#x} and not to {before}"));
        }
        nodes.push(at);
        before = at;
        at = Avma(lens.word(at.wrapping_add(links[0]))?);
    }
    let ended = at == head;
    if let Some(size) = size
        && (size < most && !ended || ended && size != nodes.len() as u64)
    {
        let and = if ended { "" } else { " and more" };
        return broken(format!("it counts {size} elements and has {}{and}", nodes.len()));
    }
    let length = size.or(ended.then_some(nodes.len() as u64));
    let items =
        lens.take(nodes.len() as u64, |lens, index| lens.show_at(element, nodes[index as usize].wrapping_add(value)));
    Ok(Logical::Sequence { items, length }.into())
}

pub(super) fn forward_list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(first) = lens.member(object, "_M_impl._M_head._M_next") else {
        return libcxx::forward_list(lens, object);
    };
    let element = lens.argument(object, 0)?;
    let value = FORWARD_LINKS.next_multiple_of(lens.alignment(element));
    let first = lens.pointer(&first)?.to;
    let (nodes, ended) = chain(lens, first, lens.limits().elements)?;
    let length = ended.then_some(nodes.len() as u64);
    let items =
        lens.take(nodes.len() as u64, |lens, index| lens.show_at(element, nodes[index as usize].wrapping_add(value)));
    Ok(Logical::Sequence { items, length }.into())
}

/// The nodes from `first` on, at most `most`, each of which begins with a pointer to the next; and whether that was
/// all.
pub(in super::super) fn chain(lens: &Lens<'_, '_, '_>, first: Avma, most: u64) -> Looked<(Vec<Avma>, bool)> {
    let (mut nodes, mut at) = (Vec::new(), first);
    let mut seen = std::collections::HashSet::new();
    while at.0 != 0 && (nodes.len() as u64) < most {
        if !seen.insert(at) {
            return broken(format!("its nodes lead back to the one at {at}"));
        }
        nodes.push(at);
        at = Avma(lens.word(at)?);
    }
    Ok((nodes, at.0 == 0))
}
