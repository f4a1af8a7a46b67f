//! Memory mappings.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AddressRange, Text};

/// One line of `/proc/PID/maps`, with what `smaps` adds to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// Where it is.
    pub range: AddressRange,
    /// What may be done there.
    pub permissions: Permissions,
    /// The position of its first byte in the file, in bytes.
    pub offset: u64,
    /// The device's major and minor number.
    pub device: (u32, u32),
    /// The file's inode number; zero where there is no file.
    pub inode: u64,
    /// The file's path, or `[heap]`, `[stack]`, `[vdso]`, `[anon:name]`; empty for plain anonymous memory.
    pub path: Text,
    /// `VmFlags:` of smaps, such as `rd wr mr mw me dd`: one text, since a process may have 65,000 mappings.
    pub flags: String,
    /// Why nothing (or only the first page) of it is in the file, where that was decided beforehand, such as
    /// `coredump_filter` or `MADV_DONTDUMP`.
    pub left_out: Option<String>,
    /// It was read after the process had gone its way, of which only private memory was held still: others, or it
    /// itself, may have changed it since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_frozen: bool,
}

/// The `rwxp` letters of a mapping.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permissions {
    /// It may be read.
    pub read: bool,
    /// It may be written.
    pub write: bool,
    /// It may be executed.
    pub execute: bool,
    /// It is shared (`s`), not private (`p`).
    pub shared: bool,
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |set: bool, letter: char| if set { letter } else { '-' };
        write!(
            f,
            "{}{}{}{}",
            letter(self.read, 'r'),
            letter(self.write, 'w'),
            letter(self.execute, 'x'),
            if self.shared { 's' } else { 'p' }
        )
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
