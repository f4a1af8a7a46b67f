//! The C++ standard library of LLVM: `__string/`, `__vector/`, `__tree`, `__hash_table` and so on.
//!
//! Up to version 19 a member that shares its place with an allocator is in a `__compressed_pair`, whose halves are
//! bases with the member `__value_`; from 20 on it stands by itself.

mod iterator;

use dpdb_snapshot::Avma;

use super::lens::{Doubt, Lens, Looked, Object, broken};
use super::libstdcxx::callable::{class_of_function, class_of_vtable, first_argument};
use super::libstdcxx::list::{chain, ring};
use super::libstdcxx::pointer::owner;
use super::libstdcxx::tree::{Links, in_order};
use super::libstdcxx::vocabulary::{alternative, any_of, held, no_value};
use super::{Formatters, Shown, bare};
use crate::types::TypeRef;
use crate::value::{Logical, ValueTree};

/// Types that only this library has. Of those that both have, the functions of the other one try these shapes, too.
pub(super) static FORMATTERS: &Formatters = &[
    ("__wrap_iter", STD, iterator::pointer),
    ("__deque_iterator", STD, iterator::pointer),
    ("__map_iterator", STD, iterator::of_map),
    ("__map_const_iterator", STD, iterator::of_map),
    ("__hash_map_iterator", STD, iterator::of_map),
    ("__hash_map_const_iterator", STD, iterator::of_map),
    ("__tree_iterator", STD, iterator::tree),
    ("__tree_const_iterator", STD, iterator::tree),
    ("__list_iterator", STD, iterator::list),
    ("__list_const_iterator", STD, iterator::list),
    ("__hash_iterator", STD, iterator::hash),
    ("__hash_const_iterator", STD, iterator::hash),
];

const STD: &[&str] = &["std"];
/// Owners of one object that are believed.
const MOST_OWNERS: u64 = 1 << 31;
/// `__tree_node_base`: left, right, parent, then one byte of colour, after which a value may begin.
const LINKS: Links = Links { parent: 16, left: 0, right: 8 };
const TREE_NODE: u64 = 25;
/// `__hash_node`: the next node, the hash.
const HASH_NODE: u64 = 16;
const LIST_NODE: u64 = 16;
const FORWARD_NODE: u64 = 8;
/// `__shared_weak_count`: its vtable, then the counts.
const OWNERS: u64 = 8;
const OBSERVERS: u64 = 16;

pub(super) fn string(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let whole = lens.any_member(object, &["__r_.__value_", "__rep_"])?;
    let unit = lens.text_unit(lens.pointer_in(&whole, "__l.__data_")?.target)?;
    let short_size = lens.member(&whole, "__s.__size_")?;
    let (is_long, length) = match lens.number_in(&whole, "__s.__is_long_") {
        Ok(flag) => (flag != 0, lens.number(&short_size)?),
        // Before version 14 the flag was the lowest bit of the size, or in the other layout the highest.
        Err(_) => {
            let byte = lens.number(&short_size)?;
            match short_size.place.address() == whole.place.address() {
                true => (byte & 1 != 0, byte >> 1),
                false => (byte & 0x80 != 0, byte),
            }
        }
    };
    if !is_long {
        let data = lens.member(&whole, "__s.__data_")?;
        let room = lens.size(whole.type_ref())? / unit.width.max(1);
        if length > room {
            return broken(format!("its length is {length} and there is room for {room}"));
        }
        let data = data.place.address().ok_or(Doubt::OtherShape)?;
        return Ok(lens.text(data, length, unit)?.into());
    }
    let length = lens.number_in(&whole, "__l.__size_")?;
    let capacity = lens.number_in(&whole, "__l.__cap_")?;
    // The capacity is kept without the bit that says that it is long: in the lowest place, or in the highest.
    if length > capacity.saturating_mul(2) {
        return broken(format!("its length is {length} and its capacity {capacity}"));
    }
    let data = lens.pointer_in(&whole, "__l.__data_")?.to;
    Ok(lens.text(data, length, unit)?.into())
}

pub(super) fn vector(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let first = lens.pointer_in(object, "__begin_")?;
    if let Ok(count) = lens.member(object, "__size_") {
        let count = lens.number(&count)?;
        let items = if count == 0 { Vec::new() } else { lens.bits(first.to, 0, count)? };
        return Ok(Logical::Sequence { items, length: Some(count) }.into());
    }
    let end = lens.pointer_in(object, "__end_")?.to;
    let limit = lens.any_member(object, &["__end_cap_.__value_", "__end_cap_", "__cap_"])?;
    let limit = lens.pointer(&limit)?.to;
    Ok(lens.extent(first, end, Some(limit))?.into())
}

pub(super) fn deque(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let element = lens.argument(object, 0)?;
    let size = lens.size(element)?.max(1);
    let in_block = if size < 256 { 4096 / size } else { 16 };
    let first = lens.pointer_in(object, "__map_.__begin_")?.to;
    let end = lens.pointer_in(object, "__map_.__end_")?.to;
    let start = lens.number_in(object, "__start_")?;
    let count = lens.number(&lens.any_member(object, &["__size_.__value_", "__size_"])?)?;
    let room = end.offset_from(first).map(|bytes| (bytes / 8).saturating_mul(in_block));
    if room.is_none_or(|room| start.checked_add(count).is_none_or(|used| used > room)) {
        return broken(format!("it counts {count} elements from number {start} on, of blocks from {first} to {end}"));
    }
    let items = lens.take(count, |lens, index| {
        let index = start + index;
        match lens.memory().read_u64(first.wrapping_add(index / in_block * 8)) {
            Ok(block) => lens.show_at(element, Avma(block.wrapping_add(index % in_block * size))),
            Err(absent) => ValueTree::Missing(absent.into()),
        }
    });
    Ok(Logical::Sequence { items, length: Some(count) }.into())
}

pub(super) fn list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let head = lens.member(object, "__end_")?.place.address().ok_or(Doubt::OtherShape)?;
    let size = lens.any_member(object, &["__size_alloc_.__value_", "__size_"])?;
    let size = lens.number(&size)?;
    let element = lens.argument(object, 0)?;
    let value = LIST_NODE.next_multiple_of(lens.alignment(element));
    ring(lens, head, head, [8, 0], Some(size), element, value)
}

pub(super) fn forward_list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let first = lens.any_member(object, &["__before_begin_.__value_.__next_", "__before_begin_.__next_"])?;
    let first = lens.pointer(&first)?.to;
    let element = lens.argument(object, 0)?;
    let value = FORWARD_NODE.next_multiple_of(lens.alignment(element));
    let (nodes, ended) = chain(lens, first, lens.limits().elements)?;
    let length = ended.then_some(nodes.len() as u64);
    let items =
        lens.take(nodes.len() as u64, |lens, index| lens.show_at(element, nodes[index as usize].wrapping_add(value)));
    Ok(Logical::Sequence { items, length }.into())
}

struct Nodes {
    nodes: Vec<Avma>,
    count: u64,
    element: TypeRef,
    value: u64,
}

/// Maps keep their pairs in a `__value_type` or `__hash_value_type` up to version 20.
fn unwrapped(lens: &Lens<'_, '_, '_>, element: TypeRef) -> Looked<TypeRef> {
    let wrapper = lens.object_at(element, Avma(0))?;
    Ok(lens.any_member(&wrapper, &["__cc_", "__cc"]).map_or(element, |pair| pair.type_ref()))
}

fn tree(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<Nodes> {
    let tree = lens.member(object, "__tree_")?;
    let end = lens.any_member(&tree, &["__pair1_.__value_", "__end_node_"])?;
    let count = lens.number(&lens.any_member(&tree, &["__pair3_.__value_", "__size_"])?)?;
    let element = unwrapped(lens, lens.argument(&tree, 0)?)?;
    let header = end.place.address().ok_or(Doubt::OtherShape)?;
    let root = Avma(lens.word(header)?);
    let nodes = in_order(lens, header, root, LINKS, count)?;
    Ok(Nodes { nodes, count, element, value: TREE_NODE.next_multiple_of(lens.alignment(element)) })
}

pub(super) fn map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let tree = tree(lens, object)?;
    let entries = lens.pairs(&tree.nodes, tree.element, tree.value)?;
    Ok(Logical::Map { entries, length: tree.count, unordered: false }.into())
}

pub(super) fn set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let tree = tree(lens, object)?;
    let items = values(lens, &tree);
    Ok(Logical::Set { items, length: tree.count, unordered: false }.into())
}

fn values(lens: &mut Lens<'_, '_, '_>, nodes: &Nodes) -> Vec<ValueTree> {
    lens.take(nodes.nodes.len() as u64, |lens, index| {
        lens.show_at(nodes.element, nodes.nodes[index as usize].wrapping_add(nodes.value))
    })
}

fn table(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<Nodes> {
    let table = lens.member(object, "__table_")?;
    let first = lens.any_member(&table, &["__p1_.__value_.__next_", "__first_node_.__next_"])?;
    let first = lens.pointer(&first)?.to;
    let count = lens.number(&lens.any_member(&table, &["__p2_.__value_", "__size_"])?)?;
    let element = unwrapped(lens, lens.argument(&table, 0)?)?;
    let (nodes, ended) = chain(lens, first, lens.limits().elements)?;
    if ended && nodes.len() as u64 != count || !ended && count < nodes.len() as u64 {
        return broken(format!("it counts {count} elements and has {}", nodes.len()));
    }
    Ok(Nodes { nodes, count, element, value: HASH_NODE.next_multiple_of(lens.alignment(element)) })
}

pub(super) fn unordered_map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let table = table(lens, object)?;
    let entries = lens.pairs(&table.nodes, table.element, table.value)?;
    Ok(Logical::Map { entries, length: table.count, unordered: true }.into())
}

pub(super) fn unordered_set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let table = table(lens, object)?;
    let items = values(lens, &table);
    Ok(Logical::Set { items, length: table.count, unordered: true }.into())
}

/// Each element is in a `__tuple_leaf`, all of which are bases of the tuple's only member.
pub(super) fn tuple(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let implementation = lens.any_member(object, &["__base_", "base_"])?;
    let leaves: Vec<Object> =
        lens.bases(&implementation).into_iter().filter(|base| bare(base.name()) == "__tuple_leaf").collect();
    let items = lens.take(leaves.len() as u64, |lens, index| {
        let leaf = &leaves[index as usize];
        let element = lens.any_member(leaf, &["__value_", "value"]).ok();
        // An element that is an empty class is a base of its leaf.
        let element = element.or_else(|| lens.bases(leaf).into_iter().next());
        lens.show_object(element.as_ref().unwrap_or(leaf))
    });
    Ok(Logical::Tuple(items).into())
}

pub(super) fn optional(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let engaged = lens.member(object, "__engaged_")?;
    let value = lens.member(object, "__val_")?;
    held(lens, &engaged, &value)
}

pub(super) fn variant(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let implementation = lens.any_member(object, &["__impl_", "__impl"])?;
    let index = lens.any_member(&implementation, &["__index", "__index_"])?;
    let storage = lens.any_member(&implementation, &["__data", "__data_"])?;
    alternative(lens, object, &index, &storage)
}

pub(super) fn complex(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let (re, im) = (lens.member(object, "__re_")?, lens.member(object, "__im_")?);
    match (lens.show_object(&re).plain(), lens.show_object(&im).plain()) {
        (ValueTree::Float(re), ValueTree::Float(im)) => Ok(Shown::Instead(ValueTree::Complex(re, im))),
        _ => Err(Doubt::OtherShape),
    }
}

/// As with libstdc++, a function that manages the value tells its type.
pub(super) fn any(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let handler = lens.pointer_in(object, "__h_")?.to;
    if handler.0 == 0 {
        return Ok(no_value());
    }
    let class = class_of_function(lens, handler).ok_or(Doubt::OtherShape)?;
    let of = lens.argument(&class, 0)?;
    let value = match bare(class.name()) {
        "_SmallHandler" => {
            let buffer = lens.member(object, "__s_")?;
            lens.show(of, &buffer.place)
        }
        "_LargeHandler" => {
            let at = lens.pointer_in(object, "__s_.__ptr")?.to;
            lens.show_at(of, at)
        }
        _ => return broken("the function that handles its value is none of any's"),
    };
    Ok(any_of(lens, of, value))
}

/// What a function calls is told by the class of the object that it keeps, `__func<FUNCTOR, ALLOCATOR, SIGNATURE>`.
pub(super) fn function(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let functor = lens.pointer_in(object, "__f_.__f_")?.to;
    let summary = if functor.0 == 0 {
        "no function".to_owned()
    } else {
        let table = Avma(lens.word(functor)?);
        let symbol = lens.context().session.symbol_at(table).ok_or(Doubt::OtherShape)?.name;
        let class = class_of_vtable(&symbol).ok_or(Doubt::OtherShape)?;
        let arguments = class.split_once("__func<").ok_or(Doubt::OtherShape)?.1;
        let called = first_argument(arguments).trim();
        // A pointer to a function follows the vtable.
        let pointed = called.contains("(*)").then(|| lens.word(functor.wrapping_add(8))).transpose()?;
        pointed.and_then(|at| lens.symbol(Avma(at))).unwrap_or_else(|| called.to_owned())
    };
    Ok(Shown::Beside(Logical::Object { summary, fields: Vec::new() }.into()))
}

pub(super) fn unique(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let pointer = lens.any_member(object, &["__ptr_.__value_", "__ptr_"])?;
    let pointer = lens.pointer(&pointer)?;
    Ok(owner(lens, "unique_ptr", pointer, None))
}

pub(super) fn counted(lens: &mut Lens<'_, '_, '_>, object: &Object, kind: &'static str) -> Looked<Shown> {
    let pointer = lens.pointer_in(object, "__ptr_")?;
    let counts = lens.pointer_in(object, "__cntrl_")?;
    if counts.to.0 == 0 {
        return Ok(owner(lens, kind, pointer, None));
    }
    let block = lens.object_at(counts.target, counts.to)?;
    // clang leaves the description of the class, which has virtual functions, to the library.
    let count = |name, offset| lens.number_in(&block, name).or_else(|_| lens.word(counts.to.wrapping_add(offset)));
    // Both are kept one less than they are; all owners together count as one observer.
    let owners = count("__shared_owners_", OWNERS)?.wrapping_add(1);
    let observers = count("__shared_weak_owners_", OBSERVERS)?.wrapping_add(1);
    let together = u64::from(owners > 0);
    if owners > MOST_OWNERS || observers > MOST_OWNERS || observers < together {
        return broken(format!("it counts {owners} owners and {observers} observers"));
    }
    Ok(owner(lens, kind, pointer, Some((owners, observers - together))))
}
