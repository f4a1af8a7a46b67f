//! A snapshot among others, in one line.

use std::path::{Path, PathBuf};

use dpdb_snapshot::{OpenError, Process, Snapshot};
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

impl SnapshotLine {
    /// The line of a process whose file is known.
    pub fn new(file: &Path, bytes: u64, damaged: bool, process: &Process) -> SnapshotLine {
        let (started, crash) = (process.timing.started, Crash::new(process, None));
        SnapshotLine { file: file.to_owned(), bytes, damaged, started, crash }
    }

    /// The line of a file, and its process, read from its first frames only.
    ///
    /// # Errors
    /// It is neither a snapshot nor a core, or cannot be read.
    pub fn read(file: &Path) -> Result<(SnapshotLine, Process), OpenError> {
        let info = Snapshot::info(file)?;
        Ok((SnapshotLine::new(file, info.file_bytes, !info.damage.is_empty(), &info.process), info.process))
    }
}
