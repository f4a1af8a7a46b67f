//! B-trees: `collections/btree/node.rs`. Leaves have up to eleven keys; inner nodes begin as leaves do and go on with
//! their children.

use dpdb_snapshot::Avma;

use super::super::Shown;
use super::super::lens::{Lens, Looked, Object, broken};
use super::sequence::unwrapped;
use crate::types::TypeRef;
use crate::value::{Logical, ValueTree};

/// `CAPACITY`: keys in a node.
const NODE_KEYS: u64 = 11;
/// Every node but the root has five keys at least, so 2^64 elements make a tree that is less than 26 high.
const HIGHEST: u64 = 26;

/// The first keys and values, in order.
struct Entries {
    keys: Vec<Avma>,
    values: Vec<Avma>,
    key: TypeRef,
    value: TypeRef,
    count: u64,
}

struct Walk<'w, 'b, 'c, 'a> {
    lens: &'w Lens<'b, 'c, 'a>,
    node: TypeRef,
    /// Where an inner node has its children: behind what it has of a leaf.
    edges: u64,
    sizes: [u64; 2],
    most: usize,
    keys: Vec<Avma>,
    values: Vec<Avma>,
}

impl Walk<'_, '_, '_, '_> {
    fn node(&mut self, at: Avma, parent: Avma, height: u64) -> Looked<()> {
        let node = self.lens.object_at(self.node, at)?;
        let count = self.lens.number_in(&node, "len")?;
        let above = self.lens.word_of(&self.lens.member(&node, "parent")?)?;
        if count == 0 || count > NODE_KEYS {
            return broken(format!("the node at {at} has {count} keys"));
        }
        if above != parent.0 {
            return broken(format!("the node at {at} has {above:#x} for its parent and not {parent}"));
        }
        let keys = self.lens.member(&node, "keys")?.place.address().unwrap_or_default();
        let values = self.lens.member(&node, "vals")?.place.address().unwrap_or_default();
        for index in 0..=count {
            if height > 0 && self.keys.len() < self.most {
                let child = self.lens.word(at.wrapping_add(self.edges + index * 8))?;
                self.node(Avma(child), at, height - 1)?;
            }
            if index < count && self.keys.len() < self.most {
                self.keys.push(keys.wrapping_add(index * self.sizes[0]));
                self.values.push(values.wrapping_add(index * self.sizes[1]));
            }
        }
        Ok(())
    }
}

fn entries(lens: &Lens<'_, '_, '_>, map: &Object) -> Looked<Entries> {
    let count = lens.number_in(map, "length")?;
    let (key, value) = (lens.argument(map, 0)?, lens.argument(map, 1)?);
    if count == 0 {
        return Ok(Entries { keys: Vec::new(), values: Vec::new(), key, value, count });
    }
    let root = lens.member(&lens.payload(&lens.member(map, "root")?, "Some")?, "__0")?;
    let height = lens.number_in(&root, "height")?;
    let node = lens.pointer(&unwrapped(lens, &lens.member(&root, "node")?)?)?;
    if height > HIGHEST {
        return broken(format!("its tree is {height} high"));
    }
    lens.expect_mapped(node.to, "its root")?;
    let mut walk = Walk {
        lens,
        node: node.target,
        edges: lens.size(node.target)?.next_multiple_of(8),
        sizes: [lens.size(key)?, lens.size(value)?],
        most: count.min(lens.limits().elements) as usize,
        keys: Vec::new(),
        values: Vec::new(),
    };
    walk.node(node.to, Avma(0), height)?;
    if walk.keys.len() < walk.most {
        return broken(format!("it counts {count} elements and has {}", walk.keys.len()));
    }
    Ok(Entries { keys: walk.keys, values: walk.values, key, value, count })
}

pub(super) fn map(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let found = entries(lens, object)?;
    let mut entries: Vec<(ValueTree, ValueTree)> = Vec::new();
    for (key, value) in found.keys.iter().zip(&found.values) {
        if lens.is_spent() {
            break;
        }
        let (key, value) = (lens.object_at(found.key, *key)?, lens.object_at(found.value, *value)?);
        entries.push(lens.show_entry(&key, &value));
    }
    Ok(Logical::Map { entries, length: found.count, unordered: false }.into())
}

pub(super) fn set(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let found = entries(lens, &lens.member(object, "map")?)?;
    let items = lens.take(found.keys.len() as u64, |lens, index| lens.show_at(found.key, found.keys[index as usize]));
    Ok(Logical::Set { items, length: found.count, unordered: false }.into())
}
