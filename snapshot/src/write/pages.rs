//! Pages that an earlier snapshot has at the same address, so that they need not be written again.
//!
//! Whether they are the same is told by hashes of 64 bits. Of two pages that differ, one in 2^64 would be taken for the
//! other; a billion of them are 4 TiB of memory, so that this happens to one in 10^10 such snapshots.

use std::sync::Arc;

use xxhash_rust::xxh64::xxh64;

use crate::elf::PAGE;
use crate::{AddressRange, Avma};

/// The hashes of at most so many pages are kept, 16 MiB of them: what is beyond 4 GiB of one process is not shared.
const MOST_PAGES: usize = 1 << 20;

/// What becomes of pages that other snapshots may have, too.
#[derive(Clone, Debug, Default)]
pub enum Sharing {
    /// All are written.
    #[default]
    None,
    /// All are written, and [`super::Written::pages`] tells them to the snapshots that follow. The number keys the hashes.
    First(u64),
    /// Those that an earlier snapshot has are zeros in the file, and named at its end.
    Beyond(Arc<PageHashes>),
}

/// The pages of a snapshot, by their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageHashes {
    key: u64,
    /// Ascending by address.
    pages: Vec<PageHash>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHash {
    at: Avma,
    hash: u64,
}

impl PageHashes {
    pub(super) fn new(key: u64, mut pages: Vec<PageHash>) -> PageHashes {
        pages.sort_unstable_by_key(|page| page.at);
        PageHashes { key, pages }
    }

    /// How many bytes of memory they stand for.
    pub fn bytes(&self) -> u64 {
        self.pages.len() as u64 * PAGE
    }

    /// How many of the pages in `range` are among them, in bytes.
    pub fn bytes_in(&self, range: AddressRange) -> u64 {
        let before = |address| self.pages.partition_point(|page| page.at < address);
        (before(range.end).saturating_sub(before(range.start))) as u64 * PAGE
    }

    fn has(&self, wanted: PageHash) -> bool {
        self.pages.binary_search_by_key(&wanted.at, |page| page.at).is_ok_and(|found| self.pages[found] == wanted)
    }
}

/// What was found out about the pages of a chunk.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) hashes: Vec<PageHash>,
    /// Those that the base has; they are zeros in the chunk.
    pub(super) shared: Vec<Avma>,
}

impl Sharing {
    /// Looks at one page of memory, which becomes zeros if an earlier snapshot has it.
    pub(super) fn look_at(&self, at: Avma, page: &mut [u8], found: &mut Pages) {
        let hashed = |key| PageHash { at, hash: xxh64(page, key) };
        match self {
            Sharing::None => {}
            // Zeros compress to nothing, and a base that is gone should not take them with it.
            _ if page.iter().all(|&byte| byte == 0) => {}
            Sharing::First(key) => found.hashes.push(hashed(*key)),
            Sharing::Beyond(base) => {
                if base.has(hashed(base.key)) {
                    page.fill(0);
                    found.shared.push(at);
                }
            }
        }
    }

    /// Whether there is anything to look at.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self, Sharing::None)
    }
}

/// What was found out about the pages of all chunks that were written.
#[derive(Debug, Default)]
pub(super) struct AllPages {
    hashes: Vec<PageHash>,
    shared: Vec<Avma>,
}

impl AllPages {
    pub(super) fn add(&mut self, found: &mut Pages) {
        let room = MOST_PAGES - self.hashes.len();
        self.hashes.extend(found.hashes.drain(..).take(room));
        self.shared.append(&mut found.shared);
    }

    /// How many ranges are shared, at most.
    pub(super) fn ranges(&self) -> usize {
        self.shared.len()
    }

    /// The hashes, and the ranges that are shared, ascending.
    pub(super) fn finish(mut self, sharing: &Sharing) -> (PageHashes, Vec<AddressRange>) {
        self.shared.sort_unstable();
        let mut ranges: Vec<AddressRange> = Vec::new();
        for at in self.shared {
            let end = at.wrapping_add(PAGE);
            match ranges.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => ranges.push(AddressRange { start: at, end }),
            }
        }
        let key = if let Sharing::First(key) = sharing { *key } else { 0 };
        (PageHashes::new(key, self.hashes), ranges)
    }
}
