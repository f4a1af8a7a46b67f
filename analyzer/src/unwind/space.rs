//! What the strategies look at: the address space of the process, and what is known of its code.

use std::sync::Arc;

use dpdb_snapshot::{AddressRange, Avma, Memory, Process};

use super::cfi::CallFrameInfo;
use crate::module::{self, Module};
use crate::object_file::ObjectFile;

/// The address space that a stack is walked in.
pub(crate) struct Space<'a> {
    pub(crate) process: &'a Process,
    pub(crate) memory: &'a dyn Memory,
    pub(crate) modules: &'a [Module],
    pub(crate) cfi: &'a CallFrameInfo,
    /// The separate debug file of a module, where there is one.
    pub(crate) debug_file: &'a dyn Fn(&Module) -> Option<Arc<ObjectFile>>,
    /// The first instruction of the function that an address lies in, out of a symbol table.
    pub(crate) function_start: &'a dyn Fn(Avma) -> Option<Avma>,
}

impl Space<'_> {
    /// Whether there is code at `at`: whether it may be executed, that is.
    pub(super) fn is_code(&self, at: Avma) -> bool {
        if self.process.mappings.is_empty() {
            return module::at(self.modules, at).is_some();
        }
        self.process.mapping_at(at).is_some_and(|mapping| mapping.permissions.execute)
    }

    /// The addresses that the call frame information's entry for `at` covers: a function, or its cold part.
    pub(crate) fn entry_range(&self, at: Avma) -> Option<AddressRange> {
        self.cfi.entry_range(at, module::at(self.modules, at)?, self.memory, self.debug_file)
    }

    /// Up to `buf.len()` bytes of code at `at`; how many of them there are.
    pub(super) fn code(&self, at: Avma, buf: &mut [u8]) -> usize {
        let mut had = 0;
        while had < buf.len() {
            match self.memory.read_some(at.wrapping_add(had as u64), &mut buf[had..]) {
                Ok(more) if more > 0 => had += more,
                _ => break,
            }
        }
        had
    }
}
