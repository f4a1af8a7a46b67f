//! Names out of ELF symbol tables.

mod by_address;
mod demangle;
mod entry;
mod linkage_table;
mod mini_debug_info;
mod table;

pub use demangle::{demangle, try_demangle};
pub(crate) use mini_debug_info::read as read_mini_debug_info;
pub use table::{SymbolRef, SymbolTable};
