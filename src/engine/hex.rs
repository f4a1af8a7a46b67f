//! Numbers that people and programs expect in hexadecimal.

use std::fmt;

use dpdb_snapshot::{AddressRange, Avma};
use serde::{Serialize, Serializer};

/// An address or a register: in JSON a string such as `"0x7ffe00001000"`, since many readers of JSON keep only 53 bits
/// of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex(pub u64);

impl From<Avma> for Hex {
    fn from(address: Avma) -> Hex {
        Hex(address.0)
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A half-open range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HexRange {
    /// The first address inside.
    pub start: Hex,
    /// The first address above.
    pub end: Hex,
}

impl From<AddressRange> for HexRange {
    fn from(range: AddressRange) -> HexRange {
        HexRange { start: range.start.into(), end: range.end.into() }
    }
}
