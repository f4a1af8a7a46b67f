//! Dictionaries in every form: general tables, tables of `str` keys only (3.11), and split ones whose keys belong to
//! the class.

use dpdb_snapshot::Avma;

use super::heap::Heap;
use super::layout::Minor;
use super::unreadable::Unreadable;

/// More entries than any dictionary that fits into memory.
const MOST_ENTRIES: u64 = 1 << 40;
/// Entries that are looked through for one key.
const MOST_SEARCHED: u64 = 1 << 16;
/// Entries that are read at once.
const CHUNK: u64 = 256;

/// The entries of a dictionary as far as they were asked for, in its order.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) pairs: Vec<(Avma, Avma)>,
    /// How many the dictionary has.
    pub(super) length: u64,
}

/// A table of keys.
struct Keys {
    /// Where the entries begin.
    entries: Avma,
    count: u64,
    /// Bytes of an entry: (key, value), or (hash, key, value).
    size: u64,
}

impl Heap<'_> {
    /// The entries of a dictionary, at most `limit` of them.
    pub(super) fn dict(&self, object: Avma, limit: u64) -> Result<Entries, Unreadable> {
        let length = self.word(object, "PyDictObject.ma_used")?;
        let keys = self.keys(self.object(object, "PyDictObject.ma_keys")?)?;
        let pairs = match self.pointer(object, "PyDictObject.ma_values")? {
            Some(values) => self.split_pairs(&keys, values, length, limit)?,
            None => self.table_pairs(&keys, limit, |_| false)?,
        };
        Ok(Entries { pairs, length })
    }

    /// Where a dictionary keeps its entries, and how many bytes these take: of a split one, the values only.
    pub(super) fn table_of_dict(&self, object: Avma) -> Result<(Avma, u64), Unreadable> {
        let keys = self.keys(self.object(object, "PyDictObject.ma_keys")?)?;
        Ok(match self.pointer(object, "PyDictObject.ma_values")? {
            Some(values) => (values, keys.count * 8),
            None => (keys.entries, keys.count * keys.size),
        })
    }

    /// The value under a `str` key.
    pub(super) fn dict_get(&self, object: Avma, key: &str) -> Option<Avma> {
        let is_key = |at: Avma| self.is_text(at, key);
        let keys = self.keys(self.object(object, "PyDictObject.ma_keys").ok()?).ok()?;
        let pairs = match self.pointer(object, "PyDictObject.ma_values").ok()? {
            Some(values) => {
                let length = self.word(object, "PyDictObject.ma_used").ok()?;
                self.split_pairs(&keys, values, length, MOST_SEARCHED).ok()?
            }
            None => self.table_pairs(&keys, MOST_SEARCHED, is_key).ok()?,
        };
        pairs.into_iter().rev().find(|(at, _)| is_key(*at)).map(|(_, value)| value)
    }

    /// Whether an object is a `str` of this text.
    pub(super) fn is_text(&self, object: Avma, text: &str) -> bool {
        let found = || {
            if self.word(object, "PyASCIIObject.length").ok()? != text.len() as u64 {
                return None;
            }
            self.name(object).ok()
        };
        found().is_some_and(|found| found == text)
    }

    fn keys(&self, at: Avma) -> Result<Keys, Unreadable> {
        let count = self.word(at, "PyDictKeysObject.dk_nentries")?;
        let indices = self.field(at, "PyDictKeysObject.dk_indices")?;
        let (width, size) = if self.layout.minor < Minor(11) {
            let slots = self.word(at, "PyDictKeysObject.dk_size")?;
            let width = match slots {
                0..=0xff => 1,
                0x100..=0xffff => 2,
                0x1_0000..=0xffff_ffff => 4,
                _ => 8,
            };
            (slots.checked_mul(width), 24)
        } else {
            let log = self.byte(at, "PyDictKeysObject.dk_log2_index_bytes")?;
            let general = self.byte(at, "PyDictKeysObject.dk_kind")? == 0;
            (1u64.checked_shl(log.into()), if general { 24 } else { 16 })
        };
        let width = width.filter(|width| *width < MOST_ENTRIES && count < MOST_ENTRIES);
        let width = width.ok_or(Unreadable::Damaged { what: "dictionary's table", at })?;
        Ok(Keys { entries: indices.wrapping_add(width), count, size })
    }

    /// Keys and values of a table, without those that were deleted; up to the one that `enough` accepts.
    fn table_pairs(
        &self,
        keys: &Keys,
        limit: u64,
        enough: impl Fn(Avma) -> bool,
    ) -> Result<Vec<(Avma, Avma)>, Unreadable> {
        let mut pairs = Vec::new();
        let mut from = 0;
        // Deleted entries count, too: a queue made of a dictionary has thousands of them in front.
        while from < keys.count.min(limit.saturating_add(MOST_SEARCHED)) && (pairs.len() as u64) < limit {
            let count = (keys.count - from).min(CHUNK);
            let words = self.words(keys.entries.wrapping_add(from * keys.size), count * keys.size / 8)?;
            for entry in words.chunks_exact(keys.size as usize / 8) {
                let (key, value) = (Avma(entry[entry.len() - 2]), Avma(entry[entry.len() - 1]));
                if value.0 == 0 || key.0 == 0 || pairs.len() as u64 >= limit {
                    continue;
                }
                pairs.push((key, value));
                if enough(key) {
                    return Ok(pairs);
                }
            }
            from += count;
        }
        Ok(pairs)
    }

    /// Keys of the class, values of the instance.
    fn split_pairs(&self, keys: &Keys, values: Avma, used: u64, limit: u64) -> Result<Vec<(Avma, Avma)>, Unreadable> {
        let of_keys = self.key_column(keys)?;
        let places = self.insertion_order(values, used.min(of_keys.len() as u64), of_keys.len())?;
        let slots = if self.layout.minor >= Minor(13) { self.field(values, "PyDictValues.values")? } else { values };
        let slots = self.words(slots, of_keys.len() as u64)?;
        let pair = |place: usize| Some((*of_keys.get(place)?, Avma(*slots.get(place)?)));
        let pairs = places.into_iter().filter_map(pair).filter(|(key, value)| key.0 != 0 && value.0 != 0);
        Ok(pairs.take(limit as usize).collect())
    }

    fn key_column(&self, keys: &Keys) -> Result<Vec<Avma>, Unreadable> {
        // Shared keys are at most 30, before 3.11 a few more (Objects/dictobject.c, SHARED_KEYS_MAX_SIZE).
        let words = self.words(keys.entries, keys.count.min(CHUNK) * keys.size / 8)?;
        Ok(words.chunks_exact(keys.size as usize / 8).map(|entry| Avma(entry[entry.len() - 2])).collect())
    }

    /// In which order the values of a split table were put in: up to 3.10 that of the keys; then a byte each, in front
    /// of the values, from 3.13 on behind them.
    fn insertion_order(&self, values: Avma, used: u64, count: usize) -> Result<Vec<usize>, Unreadable> {
        if self.layout.minor < Minor(11) {
            return Ok((0..count).collect());
        }
        let used = used.min(255);
        let order = if self.layout.minor < Minor(13) {
            let mut order = self.read(values.wrapping_sub(2 + used), used)?;
            order.reverse();
            order
        } else {
            let capacity = u64::from(self.byte(values, "PyDictValues.capacity")?);
            self.read(self.field(values, "PyDictValues.values")?.wrapping_add(capacity * 8), used)?
        };
        Ok(order.into_iter().map(usize::from).collect())
    }

    /// The attributes of an instance that keeps them in its class's table, without a dictionary of its own.
    pub(super) fn inline_entries(&self, keys: Avma, values: Avma, limit: u64) -> Result<Entries, Unreadable> {
        let used = match self.layout.minor {
            Minor(..13) => self.bytes::<1>(values.wrapping_sub(2))?[0],
            _ => self.byte(values, "PyDictValues.size")?,
        };
        let pairs = self.split_pairs(&self.keys(keys)?, values, used.into(), limit)?;
        Ok(Entries { pairs, length: used.into() })
    }
}
