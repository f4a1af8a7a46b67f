//! The ELF of a core file: headers, notes, and the kernel's structures in the notes (x86-64, little-endian).
//!
//! Names are those of elf(5) and of the kernel's `include/uapi/linux/elf.h` and `fs/binfmt_elf.c`.

pub(crate) mod file_note;
pub(crate) mod header;
pub(crate) mod note;
pub(crate) mod status;

/// The page size of x86-64, to which segments are aligned.
pub(crate) const PAGE: u64 = 4096;
