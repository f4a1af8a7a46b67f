//! Exceptions of programming languages, as causes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Avma;

/// An exception that was met at a catchpoint. Unlike a signal it need not end the process: what comes of it is its
/// [`Fate`], as far as that could be told at the stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtException {
    /// The language whose exception it is.
    pub language: ExceptionLanguage,
    /// What is going to come of it.
    pub fate: Fate,
    /// The function at whose entry the thread was stopped, such as `_PyErr_PrintEx`, `sys.exc_info` or
    /// `std::terminate`.
    pub catchpoint: String,
    /// The thread that was stopped.
    pub tid: i32,
    /// The exception object, where it could be found.
    #[serde(default)]
    pub object: Option<Avma>,
    /// Its type and message in the words of its language, such as `ValueError: bad shape`, where they could be read.
    #[serde(default)]
    pub summary: Option<String>,
}

/// A language whose exceptions are caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExceptionLanguage {
    /// CPython.
    Python,
    /// C++, by the Itanium ABI.
    Cxx,
    /// Rust, whose panics are exceptions to the unwinder.
    Rust,
    /// One that a newer version knows.
    #[serde(other)]
    Other,
}

/// What comes of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fate {
    /// Nobody handles it: the thread or the process ends of it.
    Death,
    /// A worker is about to hand it to whoever gave it its task.
    Forwarded,
    /// Its report is being written, and the program goes on.
    Logged,
    /// It has just been raised: whether somebody handles it is not known.
    Raised,
    /// Something that a newer version knows.
    #[serde(other)]
    Other,
}

impl fmt::Display for Fate {
    /// The end of a sentence about the exception.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fate::Death => "nobody handles it",
            Fate::Forwarded => "a worker hands it to whoever gave it its task",
            Fate::Logged => "its report is being written, and the program goes on",
            Fate::Raised => "it has just been raised, and may yet be handled",
            Fate::Other => "what comes of it is in words that only a newer version knows",
        })
    }
}

impl CaughtException {
    /// What was raised: its summary, or what kind of exception it is.
    pub fn what(&self) -> &str {
        match (&self.summary, self.language) {
            (Some(summary), _) => summary,
            (None, ExceptionLanguage::Python) => "a Python exception",
            (None, ExceptionLanguage::Cxx) => "a C++ exception",
            (None, ExceptionLanguage::Rust) => "a Rust panic",
            (None, ExceptionLanguage::Other) => "an exception",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CaughtException, ExceptionLanguage, Fate};
    use crate::process::Cause;

    #[test]
    fn what_a_newer_version_writes_is_read_as_other() {
        let json = r#"{"kind":"exception","language":"zig","fate":"resumed","catchpoint":"x","tid":3,"depth":1}"#;
        let cause: Cause = serde_json::from_str(json).unwrap();
        let Cause::Exception(CaughtException { language, fate, tid: 3, object: None, summary: None, .. }) = cause
        else {
            panic!("{cause:?}");
        };
        assert_eq!((language, fate), (ExceptionLanguage::Other, Fate::Other));
    }
}
