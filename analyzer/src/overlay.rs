//! The pages that a core leaves out because they are unchanged parts of a file, taken from that file.

use std::sync::Arc;

use dpdb_snapshot::{Absent, AddressRange, Avma, Mapping, Memory, Process};
use object::elf;

use crate::module::{self, Module};
use crate::object_file::ObjectFile;
use crate::target::Target;

const PAGE: u64 = 4096;

/// The memory of a target, and under it the files that it had mapped. What the target holds always wins: a page
/// that was captured may have been changed.
pub(crate) struct Overlay {
    target: Arc<dyn Target>,
    /// Ascending, not overlapping.
    regions: Vec<Region>,
}

struct Region {
    range: AddressRange,
    object: Arc<ObjectFile>,
    /// Where the region's first byte stands in the file.
    offset: u64,
}

impl Overlay {
    /// Lays the files of `modules`, as far as they were found, under the memory of `target`.
    pub(crate) fn new(target: Arc<dyn Target>, modules: &[Module]) -> Overlay {
        let mut regions = Vec::new();
        let process = target.process();
        for module in modules {
            let Some(object) = module.object().filter(|_| module.path().0.starts_with(b"/")) else { continue };
            for mapping in mappings_of(module, process) {
                let range = unchanged_part(module, mapping, process);
                if !range.is_empty() {
                    regions.push(Region { range, object: Arc::clone(object), offset: mapping.offset });
                }
            }
        }
        Overlay { target, regions }
    }

    fn region_at(&self, at: Avma) -> Option<&Region> {
        let after = self.regions.partition_point(|region| region.range.start <= at);
        self.regions[..after].last().filter(|region| region.range.contains(at))
    }
}

/// The private mappings of the module's own file.
fn mappings_of<'a>(module: &'a Module, process: &'a Process) -> impl Iterator<Item = &'a Mapping> {
    let inside = process.mappings.iter().filter(|mapping| module.range().contains(mapping.range.start));
    inside.filter(|mapping| {
        let of_file = module::file_path(mapping).is_some_and(|path| path == module.path().as_path());
        of_file && !mapping.permissions.shared
    })
}

/// The part of a mapping whose absent pages are certainly the file's. What can be written, or was relocated and then
/// made read-only, may have been changed and left out all the same.
fn unchanged_part(module: &Module, mapping: &Mapping, process: &Process) -> AddressRange {
    let mut range = mapping.range;
    if was_never_written(mapping, process) {
        return range;
    }
    if mapping.permissions.write {
        range.end = range.start;
    } else if let Some(relro) = relocated_part(module).and_then(|relro| relro.intersection(&range)) {
        range.end = relro.start;
    }
    range
}

/// Whether a private file mapping was left out *because* nothing in it had been written: with bit 0 of
/// `coredump_filter` set, a written one is kept whatever else the filter says (core(5), fs/coredump.c
/// `vma_dump_size`), unless the process asked for it to be left out (`MADV_DONTDUMP`, the flag `dd`).
fn was_never_written(mapping: &Mapping, process: &Process) -> bool {
    const PRIVATE_ANONYMOUS: u32 = 1;
    let is_stack = |mapping: &&Mapping| mapping.path.0 == b"[stack]" && mapping.left_out.is_none();
    let keeps_written = match process.coredump_filter {
        Some(filter) => filter & PRIVATE_ANONYMOUS != 0,
        // A kernel's core does not say; but with that bit unset it would hold no stack.
        None => process.mappings.iter().any(|mapping| is_stack(&mapping)),
    };
    keeps_written && mapping.left_out.is_some() && !mapping.flags.split_whitespace().any(|flag| flag == "dd")
}

/// `PT_GNU_RELRO`, which is page-aligned at its start in memory only as far as the linker could.
fn relocated_part(module: &Module) -> Option<AddressRange> {
    let relro = module.segments().iter().find(|segment| segment.kind == elf::PT_GNU_RELRO.0)?;
    let start = module.to_avma(relro.address).0;
    Some(AddressRange::new(start & !(PAGE - 1), start.saturating_add(relro.memory_size)))
}

impl Region {
    /// The file's bytes from `at` to the end of its page.
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Option<usize> {
        let page_left = (PAGE - at.0 % PAGE).min(self.range.end.0 - at.0) as usize;
        let want = page_left.min(buf.len());
        let position = usize::try_from(self.offset.checked_add(at.0 - self.range.start.0)?).ok()?;
        let data = self.object.data();
        // The page that the file ends in is zero behind its end, and later ones are SIGBUS (mmap(2)).
        if position >= data.len().next_multiple_of(PAGE as usize) {
            return None;
        }
        let from_file = data.get(position..).unwrap_or_default();
        let copied = from_file.len().min(want);
        buf[..copied].copy_from_slice(&from_file[..copied]);
        buf[copied..want].fill(0);
        Some(want)
    }
}

impl Memory for Overlay {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let absent = match self.target.memory().read_some(at, buf) {
            Err(absent) if !buf.is_empty() => absent,
            had => return had,
        };
        // No further than the page's end: the next one may have been captured.
        self.region_at(at).and_then(|region| region.read_some(at, buf)).ok_or(absent)
    }
}

#[cfg(test)]
mod tests {
    use dpdb_snapshot::process::Permissions;
    use dpdb_snapshot::{AddressRange, Mapping, Process, Text};

    use super::was_never_written;

    fn mapping(path: &str, left_out: bool, flags: &str) -> Mapping {
        Mapping {
            range: AddressRange::new(0x1000, 0x2000),
            permissions: Permissions { read: true, write: true, ..Permissions::default() },
            path: Text::from(path),
            flags: flags.to_owned(),
            left_out: left_out.then(|| "the core file does not hold it".to_owned()),
            ..Mapping::default()
        }
    }

    fn with(coredump_filter: Option<u32>, stack_is_kept: bool) -> Process {
        let mappings = vec![mapping("[stack]", !stack_is_kept, "")];
        Process { coredump_filter, mappings, ..Process::default() }
    }

    #[test]
    fn a_writable_page_is_the_files_only_if_it_was_left_out_for_being_clean() {
        let data = mapping("/lib/libx.so", true, "rd wr");
        assert!(was_never_written(&data, &with(Some(0x33), true)));
        assert!(was_never_written(&data, &with(None, true)));
        assert!(!was_never_written(&data, &with(Some(0x32), true)), "the filter leaves out written ones too");
        assert!(!was_never_written(&data, &with(None, false)), "so this core's filter did");
        assert!(!was_never_written(&mapping("/lib/libx.so", true, "rd dd"), &with(Some(0x33), true)));
        assert!(!was_never_written(&mapping("/lib/libx.so", false, "rd"), &with(Some(0x33), true)), "it was kept");
    }
}
