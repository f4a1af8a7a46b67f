//! Keeping the cache directory within its bound.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::SystemTime;

/// What our files end in: nothing else in the directory is ours to remove.
const OWN: [&str; 3] = ["names", "section", TEMPORARY];

/// The end of what is being written, or was when its writer died.
pub(super) const TEMPORARY: &str = "tmp";

/// Files of the directory that are looked at. What is above is evicted another time.
const MOST_FILES: usize = 1 << 16;

/// Removes the files that were not used for longest, until those that are left have at most `room` bytes. A writer
/// whose temporary file goes fails to rename it and does without.
pub(super) fn make_room(directory: &Path, room: u64) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut files: Vec<(SystemTime, u64, DirEntry)> =
        entries.take(MOST_FILES).filter_map(|entry| own_file(entry.ok()?)).collect();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    files.sort_by_key(|(used, _, _)| *used);
    for (_, size, entry) in files {
        if total <= room {
            break;
        }
        // Another session may have been faster.
        let _ = fs::remove_file(entry.path());
        total -= size;
    }
}

fn own_file(entry: DirEntry) -> Option<(SystemTime, u64, DirEntry)> {
    let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let path = entry.path();
    let end = path.extension()?.to_str()?;
    OWN.contains(&end).then_some((metadata.modified().ok()?, metadata.len(), entry))
}
