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
        for module in modules {
            let Some(object) = module.object().filter(|_| module.path().0.starts_with(b"/")) else { continue };
            for mapping in mappings_of(module, target.process()) {
                let mut range = mapping.range;
                if let Some(relro) = changed_by_relocation(module).and_then(|relro| relro.intersection(&range)) {
                    // The loader relocates these pages and then makes them read-only.
                    range.end = relro.start;
                }
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

/// The mappings whose unchanged pages are the file's: private ones of the module's own file. A writable one may have
/// been changed and then left out for another reason, so its pages stay absent, unless that reason is that it was clean.
fn mappings_of<'a>(module: &'a Module, process: &'a Process) -> impl Iterator<Item = &'a Mapping> {
    let inside = process.mappings.iter().filter(|mapping| module.range().contains(mapping.range.start));
    inside.filter(|mapping| {
        let of_file = module::file_path(mapping).is_some_and(|path| path == module.path().as_path());
        of_file && !mapping.permissions.shared && !mapping.permissions.write
    })
}

/// `PT_GNU_RELRO`, which is page-aligned at its start in memory only as far as the linker could.
fn changed_by_relocation(module: &Module) -> Option<AddressRange> {
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
