//! Source text for a snapshot, which somebody who understands the snapshot finds.

use std::fmt;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dpdb_snapshot::{SourceFile, add_sources};

use super::settings::Settings;

/// One who finds the source text that goes into a snapshot.
pub trait SourceReader: Send + Sync + fmt::Debug {
    /// The text for the snapshot in the file at `written`, which is whole but for this. What files the process sees can
    /// be told through process `via` until this returns. Where it was not cloned it is held for so long.
    fn read(&self, written: &Path, via: i32) -> Vec<SourceFile>;
}

/// Adds source text to a snapshot of so many bytes, and returns how many that took. Nothing that goes wrong here costs
/// the snapshot, and it is left out where the file would become larger than it may.
pub(super) fn add(settings: &Settings, file: &File, bytes: u64, via: i32) -> u64 {
    let Some(reader) = &settings.sources else { return 0 };
    let room = settings.max_size.map_or(u64::MAX, |most| most.saturating_sub(bytes));
    let written = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let found = catch_unwind(AssertUnwindSafe(|| reader.read(&written, via))).unwrap_or_default();
    if found.is_empty() { 0 } else { add_sources(file, &found, room).unwrap_or_default() }
}
