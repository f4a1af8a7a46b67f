//! Why an expression has no value.

use std::fmt;

use crate::runtime::cpython::unreadable::Unreadable;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// Python would raise this exception, with this text.
    Raised(&'static str, String),
    /// Code of the process would have to run, which it cannot.
    Refused(String),
    /// What it is made of cannot be read.
    Unreadable(Unreadable),
    /// It is larger, or takes longer, than a question at a prompt may.
    Limit(&'static str),
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Raised(kind, text) if text.is_empty() => f.write_str(kind),
            Fault::Raised(kind, text) => write!(f, "{kind}: {text}"),
            Fault::Refused(why) => f.write_str(why),
            Fault::Unreadable(why) => write!(f, "not readable: {why}"),
            Fault::Limit(what) => write!(f, "given up: {what}"),
        }
    }
}

impl From<Unreadable> for Fault {
    fn from(why: Unreadable) -> Fault {
        Fault::Unreadable(why)
    }
}

pub(super) fn type_error<T>(text: impl Into<String>) -> Result<T> {
    Err(Fault::Raised("TypeError", text.into()))
}

pub(super) fn value_error<T>(text: impl Into<String>) -> Result<T> {
    Err(Fault::Raised("ValueError", text.into()))
}

pub(super) fn index_error<T>(text: impl Into<String>) -> Result<T> {
    Err(Fault::Raised("IndexError", text.into()))
}

pub(super) fn overflow<T>(text: impl Into<String>) -> Result<T> {
    Err(Fault::Raised("OverflowError", text.into()))
}

/// What would have to run.
pub(super) fn refused<T>(what: impl fmt::Display) -> Result<T> {
    Err(Fault::Refused(format!("{what}, and a dead process runs no code")))
}
