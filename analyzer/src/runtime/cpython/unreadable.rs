//! Why something of an interpreter cannot be shown.

use dpdb_snapshot::{Absent, Avma};

/// Why a part of an interpreter's state cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The memory it is in is absent.
    #[error("{0}")]
    Memory(#[from] Absent),
    /// What is there is no such object.
    #[error("{at} is no {expected}")]
    NotA {
        /// What was expected, such as `str object`.
        expected: &'static str,
        /// Where.
        at: Avma,
    },
    /// A number there is beyond all reason.
    #[error("the {what} at {at} is damaged")]
    Damaged {
        /// What it is the number of.
        what: &'static str,
        /// Where.
        at: Avma,
    },
    /// It is larger than what is read.
    #[error("the {what} at {at} is too large")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Where.
        at: Avma,
    },
    /// A pointer that cannot be NULL is.
    #[error("{0} is NULL")]
    Null(&'static str),
    /// This version has no such field.
    #[error("CPython 3.{minor} has no {field}")]
    NoField {
        /// The structure and its field.
        field: &'static str,
        /// The minor version.
        minor: u8,
    },
}
