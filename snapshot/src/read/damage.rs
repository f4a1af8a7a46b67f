//! What is wrong with a file, in sentences.

use std::fmt;

use super::core_headers::CoreHeaders;
use crate::stream::Stream;

/// Something that a file should have and has not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The file ends inside a frame.
    FileCutOff {
        /// Where that frame begins.
        at: u64,
        /// How long the file is.
        of: u64,
    },
    /// The memory does not reach to its end.
    MemoryCutOff {
        /// How many bytes of memory there are.
        present: u64,
        /// How many there should be.
        expected: u64,
    },
    /// There is a seek table, but it is wrong; the frames were searched instead.
    SeekTable {
        /// How.
        reason: String,
    },
    /// There is no frame where one should be; what follows is lost.
    Frame {
        /// Where in the file.
        at: u64,
        /// What is wrong.
        reason: String,
    },
    /// Program headers are missing.
    Segments {
        /// How many there are.
        present: u64,
        /// How many there should be.
        expected: u64,
    },
    /// The notes end early, or are more than are read.
    Notes {
        /// Where in the core.
        at: u64,
        /// What is wrong.
        reason: String,
    },
    /// One of our own notes cannot be understood.
    Json {
        /// Which.
        note: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// What a delta shares with its base cannot be had.
    Base {
        /// Why, as a sentence about the base.
        reason: String,
    },
    /// The last note of a snapshot is missing: how the capture went, and what could not be read.
    NoCaptureReport,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::FileCutOff { at, of } => {
                write!(f, "the file is cut off: its {of} bytes end inside the frame that begins at {at:#x}")
            }
            Damage::MemoryCutOff { present, expected } => {
                let missing = expected - present;
                write!(f, "{missing} of {expected} bytes of memory are missing at the end of the file")
            }
            Damage::SeekTable { reason } => write!(f, "the seek table is not used: {reason}"),
            Damage::Frame { at, reason } => {
                write!(f, "the file is broken at {at:#x} ({reason}); what follows cannot be read")
            }
            Damage::Segments { present, expected } => write!(f, "only {present} of {expected} segments are described"),
            Damage::Notes { at, reason } => write!(f, "the notes are read up to {at:#x} only: {reason}"),
            Damage::Json { note, reason } => write!(f, "the {note} note cannot be read: {reason}"),
            Damage::Base { reason } => write!(f, "{reason}; memory that is the same there is missing"),
            Damage::NoCaptureReport => {
                f.write_str("the capture report is missing: memory that could not be read may look like zeros")
            }
        }
    }
}

/// Compares how long the core is with how long its headers say it is.
pub(super) fn note_missing_end(
    stream: &Stream,
    headers: &CoreHeaders,
    has_report: bool,
    is_snapshot: bool,
    damage: &mut Vec<Damage>,
) {
    if let Some(size) = stream.known_size() {
        let mut present = 0u64;
        let mut expected = 0u64;
        for load in &headers.loads {
            expected = expected.saturating_add(load.filesz);
            present = present.saturating_add(load.filesz.min(size.saturating_sub(load.offset)));
        }
        if present < expected {
            damage.push(Damage::MemoryCutOff { present, expected });
        }
    }
    if is_snapshot && !has_report {
        damage.push(Damage::NoCaptureReport);
    }
}
