//! The items of containers, as many as are asked for; those of dictionaries are in [`dict`](super::dict).

use dpdb_snapshot::Avma;

use super::heap::{Heap, LIST, TUPLE};
use super::unreadable::Unreadable;

/// Slots of a set's table that are searched for its items.
const MOST_SLOTS: u64 = 1 << 20;
/// Slots that are read at once.
const CHUNK: u64 = 256;
/// Pointers of a block of a deque (`BLOCKLEN`, Modules/_collectionsmodule.c).
const BLOCK: u64 = 64;
/// More items than fit into memory.
const DAMAGE: u64 = 1 << 48;

/// Pointers to objects that stand side by side: the items of a list or a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    start: Avma,
    pub(super) length: u64,
}

/// Items of a container as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    pub(super) items: Vec<Avma>,
    /// How many the container has.
    pub(super) length: u64,
}

impl Heap<'_> {
    /// The items of a list, a tuple, or an object of a type derived from these; `None` for any other.
    pub(super) fn sequence(&self, object: Avma) -> Result<Option<Sequence>, Unreadable> {
        let facts = self.type_of(object)?;
        let (what, start) = match facts {
            facts if facts.has(TUPLE) => ("tuple", self.field(object, "PyTupleObject.ob_item")?),
            facts if facts.has(LIST) => ("list", self.pointer(object, "PyListObject.ob_item")?.unwrap_or_default()),
            _ => return Ok(None),
        };
        let length = self.word(object, "PyVarObject.ob_size")?;
        if length >= DAMAGE {
            return Err(Unreadable::Damaged { what, at: object });
        }
        Ok(Some(Sequence { start, length }))
    }

    /// Items of a sequence from the one at `from` on, at most `count` of them.
    pub(super) fn items(&self, of: Sequence, from: u64, count: u64) -> Result<Vec<Avma>, Unreadable> {
        let count = count.min(of.length.saturating_sub(from));
        if count == 0 {
            return Ok(Vec::new());
        }
        Ok(self.words(of.start.wrapping_add(from * 8), count)?.into_iter().map(Avma).collect())
    }

    /// The first items of a list or a tuple, at most `limit` of them.
    pub(super) fn first_items(&self, object: Avma, limit: u64) -> Result<Members, Unreadable> {
        let sequence = self.sequence(object)?.ok_or(Unreadable::NotA { expected: "tuple", at: object })?;
        Ok(Members { items: self.items(sequence, 0, limit)?, length: sequence.length })
    }

    /// The items of a `collections.deque`, at most `limit` of them: they stand in blocks that are linked.
    pub(super) fn deque(&self, object: Avma, limit: u64) -> Result<Members, Unreadable> {
        let length = self.word(object, "PyVarObject.ob_size")?;
        let mut block = self.object(object, "dequeobject.leftblock")?;
        let mut index = self.word(object, "dequeobject.leftindex")?;
        let mut items = Vec::new();
        while (items.len() as u64) < length.min(limit) {
            if index >= BLOCK {
                index = 0;
                block = self.object(block, "BLOCK.rightlink")?;
            }
            let at = self.field(block, "BLOCK.data")?.wrapping_add(index * 8);
            items.push(Avma(self.memory.read_u64(at)?));
            index += 1;
        }
        Ok(Members { items, length })
    }

    /// The items of a `set` or a `frozenset` in the order of its table, at most `limit` of them: slots with a key whose
    /// hash is not -1, which marks a deleted one (Objects/setobject.c).
    pub(super) fn set(&self, object: Avma, limit: u64) -> Result<Members, Unreadable> {
        let length = self.word(object, "PySetObject.used")?;
        let slots = self.word(object, "PySetObject.mask")?.saturating_add(1).min(MOST_SLOTS);
        let table = self.object(object, "PySetObject.table")?;
        let wanted = length.min(limit);
        let mut found = Members { items: Vec::new(), length };
        let mut from = 0;
        while from < slots && (found.items.len() as u64) < wanted {
            let count = CHUNK.min(slots - from);
            for entry in self.words(table.wrapping_add(from * 16), count * 2)?.chunks_exact(2) {
                if entry[0] != 0 && entry[1] as i64 != -1 && (found.items.len() as u64) < wanted {
                    found.items.push(Avma(entry[0]));
                }
            }
            from += count;
        }
        Ok(found)
    }
}
