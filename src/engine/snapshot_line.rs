//! A snapshot among others, in one line.

use std::path::PathBuf;

use serde::Serialize;

use super::Crash;

/// What is known of a snapshot without a look into its memory.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotLine {
    /// Its path.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Part of it is cut off or corrupt.
    pub damaged: bool,
    /// When the process started, in nanoseconds since 1970.
    pub started: Option<u64>,
    /// What died, of what, when and where; without a frame, which only its memory would tell.
    pub crash: Crash,
}
