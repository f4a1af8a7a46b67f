//! The ELF files in a process, and their build-ids, out of its memory.

use crate::elf::PAGE;
use crate::elf::file_note::FileMapping;
use crate::elf::header::{EHDR_SIZE, FileHeader, MAGIC, PHDR_SIZE, PT_LOAD, PT_NOTE, ProgramHeader};
use crate::elf::note::{self, NT_GNU_BUILD_ID};
use crate::limits::{MAX_MODULE_NOTES, MAX_MODULE_SEGMENTS, MAX_MODULES};
use crate::process::Module;
use crate::{AddressRange, Avma, Memory, Text};

/// The longest build-id that is believed; real ones have 20 bytes, some linkers' 8 or 16.
const MAX_BUILD_ID: usize = 64;

/// The build-id (`NT_GNU_BUILD_ID`, lower-case hex) of the ELF file whose first byte is mapped at `base`, read from its
/// headers and notes in memory.
pub fn build_id_at(memory: &dyn Memory, base: Avma) -> Option<String> {
    let headers = program_headers(memory, base)?;
    let bias = base.0.wrapping_sub(first_page(&headers)?);
    let (segments, size) = MAX_MODULE_NOTES;
    for segment in headers.iter().filter(|header| header.kind == PT_NOTE).take(segments) {
        let mut bytes = vec![0; segment.filesz.min(size) as usize];
        let got = memory.read_some(Avma(bias.wrapping_add(segment.vaddr)), &mut bytes).unwrap_or_default();
        let id = note::in_bytes(&bytes[..got]).find(|(owner, kind, _)| *owner == b"GNU" && *kind == NT_GNU_BUILD_ID);
        if let Some((_, _, id)) = id.filter(|(_, _, id)| !id.is_empty() && id.len() <= MAX_BUILD_ID) {
            return Some(id.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    None
}

/// The program headers of the ELF file at `base`; `None` where there is none.
fn program_headers(memory: &dyn Memory, base: Avma) -> Option<Vec<ProgramHeader>> {
    let mut header = [0; EHDR_SIZE];
    memory.read(base, &mut header).ok()?;
    let header = FileHeader::parse(&header).ok()?;
    let mut bytes = vec![0; usize::from(header.phnum.min(MAX_MODULE_SEGMENTS)) * PHDR_SIZE];
    let got = memory.read_some(base.checked_add(header.phoff)?, &mut bytes).ok()?;
    Some(bytes[..got].chunks_exact(PHDR_SIZE).filter_map(ProgramHeader::parse).collect())
}

/// The page that the file's first byte is linked at.
fn first_page(headers: &[ProgramHeader]) -> Option<u64> {
    let first = headers.iter().filter(|header| header.kind == PT_LOAD).min_by_key(|header| header.vaddr)?;
    Some((first.vaddr & !(PAGE - 1)).wrapping_sub(first.offset & !(PAGE - 1)))
}

/// The ELF files among the mapped ones: those that begin with the magic number, or, where that page is not in the
/// core, those that are mapped from their beginning and executable somewhere (`is_code`). The vdso comes with them.
pub(super) fn find(
    memory: &dyn Memory,
    files: &[FileMapping],
    vdso: Option<AddressRange>,
    is_code: impl Fn(&FileMapping) -> bool,
) -> Vec<Module> {
    let mut modules = Vec::new();
    let mut at = 0;
    while at < files.len() && modules.len() < MAX_MODULES {
        let first = &files[at];
        // One load of a file: its mappings from one that begins the file up to the next that does.
        let next = files[at + 1..].iter().position(|next| next.path != first.path || next.offset == 0);
        let end = next.map_or(files.len(), |distance| at + 1 + distance);
        let mut magic = [0; 4];
        let is_elf = first.offset == 0
            && match memory.read(first.range.start, &mut magic) {
                Ok(()) => magic == MAGIC,
                Err(_) => files[at..end].iter().any(&is_code),
            };
        if is_elf {
            let range = AddressRange { start: first.range.start, end: files[end - 1].range.end };
            modules.push(module(memory, range, &first.path));
        }
        at = end;
    }
    if let Some(range) = vdso {
        modules.push(module(memory, range, &Text::from("[vdso]")));
    }
    modules.sort_by_key(|module| module.range.start);
    modules
}

fn module(memory: &dyn Memory, range: AddressRange, path: &Text) -> Module {
    let bare = path.as_bytes().strip_suffix(b" (deleted)");
    Module {
        range,
        path: Text(bare.unwrap_or(path.as_bytes()).to_vec()),
        deleted: bare.is_some(),
        build_id: build_id_at(memory, range.start),
    }
}
