//! Source text that a snapshot carries: what the files that the process ran from said when it was captured.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::xxh64;

use crate::Text;

/// A source file, and lines of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceFile {
    /// The file, as the process or its debug information names it.
    pub path: Text,
    /// Its size in bytes.
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// The XXH64 of all its bytes, by which it is known again.
    pub hash: u64,
    /// What of it is carried, ascending.
    pub excerpts: Vec<Excerpt>,
}

/// Lines that follow one another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Excerpt {
    /// The number of the first, from 1.
    pub first: u32,
    /// The lines with their newlines.
    pub text: Text,
}

impl SourceFile {
    /// A file of these bytes, of which nothing is carried yet.
    pub fn new(path: Text, bytes: &[u8], modified_ns: u64) -> SourceFile {
        SourceFile { path, size: bytes.len() as u64, modified_ns, hash: xxh64(bytes, 0), excerpts: Vec::new() }
    }

    /// Whether a file of these bytes is this one.
    pub fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.size && xxh64(bytes, 0) == self.hash
    }
}
