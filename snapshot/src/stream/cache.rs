//! The decompressed frames that were used last, bounded by bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What an entry costs besides its bytes, so that tiny frames are bounded too.
const ENTRY: usize = 256;

/// Blocks of the stream by their position; those that were used least recently go first, by and large.
#[derive(Debug)]
pub(crate) struct Cache {
    limit: usize,
    bytes: usize,
    clock: u64,
    blocks: HashMap<u64, (u64, Arc<[u8]>)>,
    by_age: BTreeMap<u64, u64>,
}

impl Cache {
    pub(crate) fn new(limit: usize) -> Cache {
        Cache { limit, bytes: 0, clock: 0, blocks: HashMap::new(), by_age: BTreeMap::new() }
    }

    pub(crate) fn get(&mut self, start: u64) -> Option<Arc<[u8]>> {
        // Reads go to the same few blocks again and again: to move one that is young costs more than the read itself.
        let young = self.blocks.len() as u64 / 2;
        let (used, block) = self.blocks.get_mut(&start)?;
        if self.clock - *used < young {
            return Some(Arc::clone(block));
        }
        self.by_age.remove(used);
        self.clock += 1;
        *used = self.clock;
        self.by_age.insert(self.clock, start);
        Some(Arc::clone(block))
    }

    pub(crate) fn insert(&mut self, start: u64, block: Vec<u8>) -> Arc<[u8]> {
        let block: Arc<[u8]> = block.into();
        self.remove(start);
        self.clock += 1;
        self.bytes += block.len() + ENTRY;
        self.blocks.insert(start, (self.clock, Arc::clone(&block)));
        self.by_age.insert(self.clock, start);
        while self.bytes > self.limit
            && let Some((_, oldest)) = self.by_age.first_key_value()
        {
            self.remove(*oldest);
        }
        block
    }

    fn remove(&mut self, start: u64) {
        if let Some((used, block)) = self.blocks.remove(&start) {
            self.by_age.remove(&used);
            self.bytes -= block.len() + ENTRY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, ENTRY};

    #[test]
    fn the_least_recently_used_block_goes_first_and_bytes_stay_bounded() {
        let mut cache = Cache::new(2 * (100 + ENTRY));
        cache.insert(0, vec![0; 100]);
        cache.insert(1, vec![1; 100]);
        assert!(cache.get(0).is_some());
        cache.insert(2, vec![2; 100]);
        assert!(cache.get(1).is_none(), "1 was used least recently");
        assert!(cache.get(0).is_some() && cache.get(2).is_some());
        cache.insert(3, vec![3; 10_000]);
        assert_eq!((cache.bytes, cache.blocks.len(), cache.by_age.len()), (0, 0, 0), "too large to be kept");
    }
}
