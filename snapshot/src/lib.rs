//! The vocabulary of a stopped process, and the file it is kept in.
//!
//! **What this crate promises.** [`Process`] describes one process at one instant; [`Memory`] reads its bytes; a
//! snapshot file is a zstd-compressed ELF core that holds both. Any byte string can be offered as a file: reading
//! never panics, and allocates no more than the limits named in this crate, whatever a length field claims. What a
//! file does not hold is an [`Absent`] with its reason, never a made-up zero.
//!
//! **What it does not know.** How a process is stopped (that is the supervisor's), and what its bytes mean (that is
//! the analyzer's). It never calls ptrace and knows no DWARF.

#![forbid(unsafe_code)]

mod address;
pub mod arch;
mod base;
mod bytes;
mod capture_report;
mod dpdb_note;
mod elf;
pub mod limits;
mod memory;
pub mod process;
mod read;
mod sources;
mod stream;
mod text;
mod write;

pub use address::{AddressRange, Avma};
pub use arch::Registers;
pub use base::Base;
pub use capture_report::{CaptureReport, UnreadableRange};
pub use memory::{Absent, Memory};
pub use process::{Cause, Mapping, Process, SoftError, Thread};
pub use read::{Damage, ExportError, Format, Info, OpenError, PackError, Snapshot, build_id_at};
pub use sources::{Excerpt, SourceFile};
pub use text::Text;
pub use write::{
    Content, Course, PageHashes, PlannedRange, Progress, Sharing, TRAILER_SIZE, WriteError, WriteOptions, Written,
    add_sources, write_snapshot,
};
