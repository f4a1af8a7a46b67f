//! Red-black trees: `stl_tree.h`.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object, broken};
use super::super::{Shown, libcxx};
use crate::types::TypeRef;
use crate::value::Logical;

/// Where the links of a node are: `_Rb_tree_node_base` begins with the colour.
const PARENT: u64 = 8;
const LEFT: u64 = 16;
const RIGHT: u64 = 24;
const NODE_BASE: u64 = 32;

/// A red-black tree of 2^64 nodes is at most 128 high.
const HIGHEST: usize = 128;

/// Where a tree's nodes keep their links.
#[derive(Clone, Copy)]
pub(in super::super) struct Links {
    pub(in super::super) parent: u64,
    pub(in super::super) left: u64,
    pub(in super::super) right: u64,
}

const LINKS: Links = Links { parent: PARENT, left: LEFT, right: RIGHT };

/// The nodes of the tree, and what type their values are and where in them.
struct Tree {
    nodes: Vec<Avma>,
    count: u64,
    element: TypeRef,
    value: u64,
}

fn tree(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<Tree> {
    let tree = lens.member(object, "_M_t")?;
    let header = lens.member(&tree, "_M_impl._M_header")?;
    let count = lens.number_in(&tree, "_M_impl._M_node_count")?;
    let element = lens.argument(&tree, 1)?;
    let at = header.place.address().ok_or(Doubt::OtherShape)?;
    let root = lens.pointer_in(&header, "_M_parent")?.to;
    let nodes = in_order(lens, at, root, LINKS, count)?;
    Ok(Tree { nodes, count, element, value: NODE_BASE.next_multiple_of(lens.alignment(element)) })
}

/// The first nodes, in order, of the tree under `root`, whose parent is `header`. Every node has to point back to its
/// parent, so there is no cycle; and there have to be as many as `count` says, as far as they are looked at.
pub(in super::super) fn in_order(
    lens: &Lens<'_, '_, '_>,
    header: Avma,
    root: Avma,
    links: Links,
    count: u64,
) -> Looked<Vec<Avma>> {
    let most = lens.limits().elements.min(count);
    let (mut nodes, mut open) = (Vec::new(), Vec::new());
    let (mut next, mut parent) = (root, header);
    while nodes.len() as u64 != most || most == count {
        while next.0 != 0 {
            let back = lens.word(next.wrapping_add(links.parent))?;
            if back != parent.0 {
                return broken(format!("the node at {next} has {back:#x} for its parent and not {parent}"));
            }
            if open.len() >= HIGHEST {
                return broken("its tree is too high for a balanced one");
            }
            open.push(next);
            parent = next;
            next = Avma(lens.word(next.wrapping_add(links.left))?);
        }
        let Some(node) = open.pop() else { break };
        if nodes.len() as u64 >= most {
            return broken(format!("it counts {count} elements and has more"));
        }
        nodes.push(node);
        parent = node;
        next = Avma(lens.word(node.wrapping_add(links.right))?);
    }
    if (nodes.len() as u64) < most {
        return broken(format!("it counts {count} elements and has {}", nodes.len()));
    }
    Ok(nodes)
}

pub(super) fn map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    if !lens.has(object, "_M_t") {
        return libcxx::map(lens, object);
    }
    let tree = tree(lens, object)?;
    let entries = lens.pairs(&tree.nodes, tree.element, tree.value)?;
    Ok(Logical::Map { entries, length: tree.count, unordered: false }.into())
}

pub(super) fn set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    if !lens.has(object, "_M_t") {
        return libcxx::set(lens, object);
    }
    let tree = tree(lens, object)?;
    let items = lens.take(tree.nodes.len() as u64, |lens, index| {
        lens.show_at(tree.element, tree.nodes[index as usize].wrapping_add(tree.value))
    });
    Ok(Logical::Set { items, length: tree.count, unordered: false }.into())
}
