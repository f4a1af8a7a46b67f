//! Taking a snapshot of a stopped process.
//!
//! Two phases: [`freeze()`] runs on the thread that speaks ptrace and reads what only it can read, the registers; and
//! [`stream()`] runs on a worker, reads all else through `/proc` and process_vm_readv(2), and writes the file. The
//! process stays stopped until `stream` is done. No failure short of writing the file ends a capture: what could not
//! be read is named in the snapshot.

mod backing;
mod bases;
mod budget;
mod choice;
mod dedupe;
mod destination;
mod elf_files;
mod freeze;
mod headroom;
mod hold;
mod image;
mod ledger;
mod mapping_table;
mod memory;
mod name_template;
mod plan;
mod proc_facts;
mod reachable;
mod residency;
mod scrub;
mod scrub_memory;
mod settings;
mod sources;
mod stream;
mod survey;

pub use choice::MemoryChoice;
pub use dedupe::{Dedupe, SignatureReader};
pub use destination::{CaptureError, Destination};
pub(crate) use elf_files::modules_of;
pub use freeze::{Doing, Frozen, Request, freeze};
pub(crate) use headroom::cgroup_use;
pub use hold::{Hold, Pulse};
pub(crate) use mapping_table::{MappedMemory, read_mapping_table};
pub use memory::ProcessMemory;
pub use name_template::{NameTemplate, TemplateError};
pub(crate) use scrub::scrubbed_arguments;
pub use scrub_memory::Pattern;
pub use settings::{MinFree, Room, Settings};
pub use sources::SourceReader;
pub use stream::{Written, stream};

#[cfg(test)]
mod tests;
