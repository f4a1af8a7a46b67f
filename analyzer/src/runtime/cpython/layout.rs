//! Where the fields of CPython's structures are, by version. Versions differ in this data only as far as they can;
//! `docs/python.md` says where the numbers come from.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use serde::Deserialize;

use super::unreadable::Unreadable;

/// A table per minor version, of release builds for x86-64; that of free-threaded ones has a `t` behind the version.
const TABLES: &str = include_str!("../../../data/cpython-layouts.json");

/// A minor version of CPython 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Minor(pub(super) u8);

impl Minor {
    /// The versions there are tables for.
    pub(super) const ALL: [Minor; 8] =
        [Minor(8), Minor(9), Minor(10), Minor(11), Minor(12), Minor(13), Minor(14), Minor(15)];
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "3.{}", self.0)
    }
}

/// A field: its offset in bytes, or the bits of it in the 32-bit word there.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Field {
    At(u64),
    Bits(u64, u32, u32),
}

#[derive(Deserialize)]
struct Table {
    structs: HashMap<String, HashMap<String, Field>>,
}

/// The structures of one version.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) minor: Minor,
    /// It is of a build without a global lock, whose objects have a larger header (PEP 703).
    pub(super) free_threaded: bool,
    fields: Fields,
}

/// Fields by `STRUCT.FIELD`.
type Fields = HashMap<String, Field, OwnKeys>;

/// Hashes keys that are looked up for every word that is read: names of our own, addresses of types of which there are
/// few. A target that makes them collide makes its own reading slow, within the limits that there are.
pub(super) type OwnKeys = BuildHasherDefault<WordHasher>;

/// FNV-1a over words in place of bytes.
#[derive(Default)]
pub(super) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The tables by version; they are read once.
fn tables() -> &'static HashMap<String, Fields> {
    static READ: OnceLock<HashMap<String, Fields>> = OnceLock::new();
    READ.get_or_init(|| {
        let all: HashMap<String, Table> = serde_json::from_str(TABLES).expect("the tables are part of the program");
        let named = |(name, fields): (String, HashMap<String, Field>)| {
            fields.into_iter().map(move |(field, at)| (format!("{name}.{field}"), at)).collect::<Vec<_>>()
        };
        all.into_iter().map(|(version, table)| (version, table.structs.into_iter().flat_map(named).collect())).collect()
    })
}

impl Layout {
    /// The table of a version.
    pub(super) fn of(minor: Minor, free_threaded: bool) -> Option<Layout> {
        let fields = tables().get(&format!("{minor}{}", if free_threaded { "t" } else { "" }))?;
        Some(Layout { minor, free_threaded, fields: fields.clone() })
    }

    /// Whether this version has the field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The offset of `STRUCT.FIELD`; `STRUCT.sizeof` is its size.
    pub(super) fn offset(&self, field: &'static str) -> Result<u64, Unreadable> {
        match self.fields.get(field) {
            Some(Field::At(offset) | Field::Bits(offset, ..)) => Ok(*offset),
            None => Err(Unreadable::NoField { field, minor: self.minor.0 }),
        }
    }

    /// The first of several names of a field that this version has.
    pub(super) fn any_of(&self, fields: &[&'static str]) -> Result<u64, Unreadable> {
        let found = fields.iter().find(|field| self.has(field));
        self.offset(found.or(fields.first()).copied().unwrap_or_default())
    }

    /// The offset of the 32-bit word that holds a bit field, the field's lowest bit, and its width.
    pub(super) fn bits(&self, field: &'static str) -> Result<(u64, u32, u32), Unreadable> {
        match self.fields.get(field) {
            Some(Field::Bits(offset, low, width)) if *low < 32 && *width < 32 => Ok((*offset, *low, *width)),
            _ => Err(Unreadable::NoField { field, minor: self.minor.0 }),
        }
    }

    /// Replaces what the table says by what the process says itself; whether that was different.
    pub(super) fn correct(&mut self, field: &str, offset: u64) -> bool {
        match self.fields.get_mut(field) {
            Some(Field::At(known)) if *known != offset => {
                *known = offset;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, Minor};

    #[test]
    fn every_version_has_the_fields_that_all_are_read_by() {
        for minor in Minor::ALL {
            let layout = Layout::of(minor, false).expect("a table");
            for field in [
                "_PyRuntimeState.interpreters.head",
                "PyInterpreterState.next",
                "PyInterpreterState.sysdict",
                "PyThreadState.thread_id",
                "PyCodeObject.co_filename",
                "PyTypeObject.tp_flags",
                "PyHeapTypeObject.ht_qualname",
                "PyDictObject.ma_keys",
                "PyListObject.ob_item",
                "PyTupleObject.ob_item",
                "PySetObject.table",
                "PyBaseExceptionObject.args",
                "PyCellObject.ob_ref",
            ] {
                assert!(layout.offset(field).is_ok(), "{minor}: {field}");
            }
            assert!(layout.bits("PyASCIIObject.state.kind").is_ok(), "{minor}");
        }
    }
}
