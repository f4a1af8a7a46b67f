//! Where an instance keeps its attributes: in a dictionary, or in place of one.

use dpdb_snapshot::Avma;

use super::dict::Entries;
use super::heap::{Heap, INLINE_VALUES, LONG, MANAGED_DICT, TypeFacts};
use super::layout::Minor;
use super::unreadable::Unreadable;

/// Attributes that are looked through for one name.
const MOST_SEARCHED: u64 = 1 << 16;

/// Where it does.
enum Kept {
    /// It has no place for them.
    Nowhere,
    /// It has one, and no attributes yet.
    Nothing,
    Dict(Avma),
    /// Values whose keys belong to the class.
    Values {
        keys: Avma,
        values: Avma,
    },
}

impl Heap<'_> {
    /// The attributes in an instance's `__dict__`, at most `limit` of them; `None` where it can have none.
    pub(super) fn instance_dict(
        &self,
        object: Avma,
        facts: &TypeFacts,
        limit: u64,
    ) -> Result<Option<Entries>, Unreadable> {
        Ok(Some(match self.kept(object, facts)? {
            Kept::Nowhere => return Ok(None),
            Kept::Nothing => Entries::default(),
            Kept::Dict(dict) => self.dict(dict, limit)?,
            Kept::Values { keys, values } => self.inline_entries(keys, values, limit)?,
        }))
    }

    /// The attribute of this name in it.
    pub(super) fn instance_entry(
        &self,
        object: Avma,
        facts: &TypeFacts,
        name: &str,
    ) -> Result<Option<Avma>, Unreadable> {
        Ok(match self.kept(object, facts)? {
            Kept::Nowhere | Kept::Nothing => None,
            Kept::Dict(dict) => self.dict_get(dict, name),
            Kept::Values { keys, values } => {
                let pairs = self.inline_entries(keys, values, MOST_SEARCHED)?.pairs;
                pairs.into_iter().find(|(key, _)| self.is_text(*key, name)).map(|(_, value)| value)
            }
        })
    }

    /// Whether the attributes stand apart from the instance without a dictionary.
    pub(super) fn keeps_values_inline(&self, object: Avma, facts: &TypeFacts) -> Result<bool, Unreadable> {
        Ok(matches!(self.kept(object, facts)?, Kept::Values { .. }))
    }

    fn kept(&self, object: Avma, facts: &TypeFacts) -> Result<Kept, Unreadable> {
        if self.layout.minor < Minor(11) || !facts.has(MANAGED_DICT) {
            return match self.dict_offset(object, facts)? {
                Some(at) => Ok(dict_at(self.memory.read_u64(at)?)),
                None => Ok(Kept::Nowhere),
            };
        }
        let keys = || self.object(facts.at, "PyHeapTypeObject.ht_cached_keys");
        // Two words in front of the collector's, one where that has none (Include/internal/pycore_object.h,
        // `MANAGED_DICT_OFFSET`).
        let before = if self.layout.free_threaded { 8 } else { 24 };
        let word = self.memory.read_u64(object.wrapping_sub(before))?;
        Ok(match self.layout.minor {
            Minor(11) => match self.memory.read_u64(object.wrapping_sub(32))? {
                0 => dict_at(word),
                values => Kept::Values { keys: keys()?, values: Avma(values) },
            },
            Minor(12) if word & 1 == 1 => Kept::Values { keys: keys()?, values: Avma(word.wrapping_add(1)) },
            _ if word != 0 || self.layout.minor == Minor(12) => dict_at(word),
            _ if facts.has(INLINE_VALUES) => {
                let values = object.wrapping_add(self.word(facts.at, "PyTypeObject.tp_basicsize")?);
                match self.byte(values, "PyDictValues.valid")? {
                    0 => Kept::Nothing,
                    _ => Kept::Values { keys: keys()?, values },
                }
            }
            _ => Kept::Nothing,
        })
    }

    /// Where the pointer to the dictionary is, by `tp_dictoffset`: one below zero counts from the end of an object of
    /// variable size (`_PyObject_ComputedDictPointer`, Objects/object.c).
    fn dict_offset(&self, object: Avma, facts: &TypeFacts) -> Result<Option<Avma>, Unreadable> {
        let offset = self.word(facts.at, "PyTypeObject.tp_dictoffset")? as i64;
        if offset >= 0 {
            return Ok((offset > 0).then(|| object.wrapping_add(offset as u64)));
        }
        let size = |field| self.word(facts.at, field);
        let items = match facts.has(LONG) {
            true => self.int_size(object)?.digits,
            false => (self.word(object, "PyVarObject.ob_size")? as i64).unsigned_abs(),
        };
        let end = size("PyTypeObject.tp_itemsize")?.wrapping_mul(items);
        let end = end.wrapping_add(size("PyTypeObject.tp_basicsize")?).wrapping_add(7) & !7;
        Ok(Some(object.wrapping_add(end).wrapping_add(offset as u64)))
    }
}

fn dict_at(word: u64) -> Kept {
    if word == 0 { Kept::Nothing } else { Kept::Dict(Avma(word)) }
}
