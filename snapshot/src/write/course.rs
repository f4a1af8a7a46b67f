//! What the caller has to say while a snapshot is written.

use super::Written;
use crate::CaptureReport;

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file so far.
    pub file_bytes: u64,
    /// Bytes of memory so far, uncompressed.
    pub memory_bytes: u64,
    /// Bytes of memory that there are in all.
    pub of_memory_bytes: u64,
    /// How long the file will be at most, if the next frame of memory is written and then it is ended.
    pub at_most: u64,
}

/// The caller's part in the writing of a snapshot. A closure that makes the report will do where nothing is to be cut.
pub trait Course {
    /// Asked before each frame of memory is written. What comes last is worth least, so that a snapshot may be ended at any time; it is
    /// a valid one then.
    ///
    /// # Errors
    /// Why it is to be ended here, as a short phrase, such as `--max-size`.
    fn go_on(&mut self, _progress: &Progress) -> Result<(), String> {
        Ok(())
    }

    /// Called when all memory is written; what it returns is the last note of the file.
    fn report(&mut self, written: &Written) -> CaptureReport;
}

impl<F: FnMut(&Written) -> CaptureReport> Course for F {
    fn report(&mut self, written: &Written) -> CaptureReport {
        self(written)
    }
}
