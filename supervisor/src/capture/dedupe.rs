//! Crashes like those that were kept already (`--dedupe`): of such a one only the stacks are kept.
//!
//! What makes crashes alike is known only to who understands a snapshot. So a small one, which has what stacks lead to, is written into a
//! file without a lasting name, and looked into; the process is cloned and gone its way by then, where it can be.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::MemoryChoice;
use super::destination::locked;

/// How much of the heap is looked into: the frames of interpreters are there.
pub(super) const LOOKED_INTO: MemoryChoice = MemoryChoice::Reachable(8 << 20);

/// One who tells what equal crashes have in common.
pub trait SignatureReader: Send + Sync + fmt::Debug {
    /// The signature of the crash in the snapshot at `written`; `None` where it has none.
    fn signature(&self, written: &Path) -> Option<String>;
}

/// The crashes of a run, by their signatures.
#[derive(Clone, Debug)]
pub struct Dedupe {
    /// So many of each are kept whole.
    whole: u64,
    reader: Arc<dyn SignatureReader>,
    seen: Arc<Mutex<HashMap<String, u64>>>,
}

impl Dedupe {
    /// Keeps the first `whole` crashes of each signature that `reader` tells as they are.
    pub fn new(whole: u64, reader: Arc<dyn SignatureReader>) -> Dedupe {
        Dedupe { whole, reader, seen: Arc::default() }
    }

    /// Counts the crash in a small snapshot. How many there were like it before, where those are enough.
    pub(super) fn count(&self, written: &File) -> Option<u64> {
        let path = PathBuf::from(format!("/proc/self/fd/{}", written.as_raw_fd()));
        // A defect of the reader costs room, and not the snapshot.
        let signature = catch_unwind(AssertUnwindSafe(|| self.reader.signature(&path))).ok().flatten()?;
        let mut seen = locked(&self.seen);
        let before = seen.entry(signature).or_default();
        *before += 1;
        (*before > self.whole).then_some(*before - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Content;

    impl SignatureReader for Content {
        fn signature(&self, written: &Path) -> Option<String> {
            let text = std::fs::read_to_string(written).unwrap();
            assert_ne!(text, "defect");
            (!text.is_empty()).then_some(text)
        }
    }

    #[test]
    fn the_first_of_each_signature_are_kept_and_what_has_none_always() {
        let directory = tempfile::tempdir().unwrap();
        let dedupe = Dedupe::new(2, Arc::new(Content));
        let count = |text: &str| {
            let path = directory.path().join("snapshot");
            std::fs::write(&path, text).unwrap();
            dedupe.count(&File::open(&path).unwrap())
        };
        assert_eq!(["a", "a", "b", "a", "a"].map(count), [None, None, None, Some(2), Some(3)]);
        assert_eq!(["", "", "", "defect"].map(count), [None; 4]);
    }
}
