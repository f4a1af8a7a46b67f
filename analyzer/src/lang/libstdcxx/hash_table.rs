//! Hash tables: `hashtable.h`. All nodes are in one chain, whatever their bucket.

use dpdb_snapshot::Avma;

use super::super::lens::{Lens, Looked, Object, broken};
use super::super::{Shown, libcxx};
use super::list::chain;
use crate::types::TypeRef;
use crate::value::Logical;

/// A node begins with the pointer to the next.
const NODE_BASE: u64 = 8;

struct Table {
    nodes: Vec<Avma>,
    count: u64,
    element: TypeRef,
    value: u64,
}

fn table(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<Table> {
    let table = lens.member(object, "_M_h")?;
    let count = lens.number_in(&table, "_M_element_count")?;
    let first = lens.pointer_in(&table, "_M_before_begin._M_nxt")?.to;
    let element = lens.argument(&table, 1)?;
    let (nodes, ended) = chain(lens, first, lens.limits().elements)?;
    if ended && nodes.len() as u64 != count || !ended && count < nodes.len() as u64 {
        return broken(format!("it counts {count} elements and has {}", nodes.len()));
    }
    Ok(Table { nodes, count, element, value: NODE_BASE.next_multiple_of(lens.alignment(element)) })
}

pub(super) fn map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    if !lens.has(object, "_M_h") {
        return libcxx::unordered_map(lens, object);
    }
    let table = table(lens, object)?;
    let entries = lens.pairs(&table.nodes, table.element, table.value)?;
    Ok(Logical::Map { entries, length: table.count, unordered: true }.into())
}

pub(super) fn set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    if !lens.has(object, "_M_h") {
        return libcxx::unordered_set(lens, object);
    }
    let table = table(lens, object)?;
    let items = lens.take(table.nodes.len() as u64, |lens, index| {
        lens.show_at(table.element, table.nodes[index as usize].wrapping_add(table.value))
    });
    Ok(Logical::Set { items, length: table.count, unordered: true }.into())
}
