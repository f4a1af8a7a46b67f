//! Addresses in the process, as a type of their own.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An actual virtual memory address: where something is in the process.
///
/// Its counterpart, the address that is written in an ELF file, is another type (`Svma`, in the analyzer), so that
/// the two cannot be mixed up: only a loaded module knows the distance between them.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Avma(pub u64);

impl Avma {
    /// The address `bytes` further up, or `None` past the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Avma> {
        self.0.checked_add(bytes).map(Avma)
    }

    /// The address `bytes` further up; arithmetic wraps, as the processor's does.
    #[must_use]
    pub fn wrapping_add(self, bytes: u64) -> Avma {
        Avma(self.0.wrapping_add(bytes))
    }

    /// The address `bytes` further down; arithmetic wraps, as the processor's does.
    #[must_use]
    pub fn wrapping_sub(self, bytes: u64) -> Avma {
        Avma(self.0.wrapping_sub(bytes))
    }

    /// The distance in bytes from `base` up to this address, or `None` where this address is below it.
    pub fn offset_from(self, base: Avma) -> Option<u64> {
        self.0.checked_sub(base.0)
    }
}

impl fmt::Display for Avma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Avma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A half-open range of process addresses, `start..end`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressRange {
    /// The first address inside.
    pub start: Avma,
    /// The first address above the range.
    pub end: Avma,
}

impl AddressRange {
    /// The range `start..end`; one whose end is not above its start is empty.
    pub fn new(start: u64, end: u64) -> AddressRange {
        AddressRange { start: Avma(start), end: Avma(end.max(start)) }
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Whether it holds no address.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `address` lies inside.
    pub fn contains(&self, address: Avma) -> bool {
        self.start <= address && address < self.end
    }

    /// What both ranges hold, or `None` where that is nothing.
    pub fn intersection(&self, other: &AddressRange) -> Option<AddressRange> {
        let both = AddressRange { start: self.start.max(other.start), end: self.end.min(other.end) };
        (both.start < both.end).then_some(both)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}-{:#x}", self.start.0, self.end.0)
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
