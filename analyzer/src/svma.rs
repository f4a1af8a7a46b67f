//! Addresses as an ELF file states them.

use std::fmt;

/// A stated virtual memory address: where an ELF file says that something would be, were it loaded at its preferred
/// address. Every address in DWARF, in symbol tables and in `.eh_frame` is one.
///
/// Its counterpart is [`Avma`](dpdb_snapshot::Avma), where the thing is in the process; only a
/// [`Module`](crate::Module) knows the distance between the two.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Svma(pub u64);

impl fmt::Display for Svma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Svma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "svma {:#x}", self.0)
    }
}
