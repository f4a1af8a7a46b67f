//! The snapshot that a delta was taken beyond: pages that are the same there stand there only.

use std::fs::File;
use std::io;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::xxh64;

use crate::Text;
use crate::stream::seek_table;

/// How a delta names its base, which lies in the same directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Base {
    /// The name of its file, without a directory.
    pub name: Text,
    /// Bytes of that file.
    pub bytes: u64,
    /// The XXH64 of its seek table, which holds a checksum of each frame.
    pub hash: u64,
}

impl Base {
    /// Names the whole snapshot in `file` for deltas that are to follow.
    ///
    /// # Errors
    /// It cannot be read, or has no seek table.
    pub fn of(file: &File, name: Text) -> io::Result<Base> {
        let bytes = file.metadata()?.len();
        Ok(Base { name, bytes, hash: xxh64(&seek_table::bytes_of(file, bytes)?, 0) })
    }
}
