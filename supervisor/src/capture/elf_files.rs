//! The ELF files that a process has mapped: where they are, their build-ids, and the pages that identify them.
//!
//! All is read out of the process's own memory: the file may have been replaced since, and a file that is not there
//! any more still has its build-id here.

use dpdb_snapshot::process::Module;
use dpdb_snapshot::{AddressRange, Avma, Memory, Text};

use super::mapping_table::MappedMemory;
use super::plan::PAGE;

/// The most program headers that are looked at: the kernel itself takes no more than fit into 64 KiB
/// (fs/binfmt_elf.c, `load_elf_phdrs`).
const MOST_HEADERS: u16 = 1170;

/// The most bytes of notes that are searched for a build-id, and the longest build-id (SHA-1 has 20 bytes).
const MOST_NOTES: u64 = 64 << 10;
const LONGEST_BUILD_ID: usize = 64;

/// The most ELF files that are described.
const MOST_MODULES: usize = 16_384;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;

/// What was found.
#[derive(Debug, Default)]
pub struct ElfFiles {
    /// By load address.
    pub modules: Vec<Module>,
    /// The pages with ELF headers, program headers and build-ids: kept in every snapshot.
    pub pages: Vec<AddressRange>,
}

/// Finds the ELF files: mappings of a file's start that begin with ELF's magic, and the vdso. `may_read` says of a
/// mapping whether reading its first pages is harmless.
pub fn find_elf_files(
    mappings: &[MappedMemory],
    memory: &dyn Memory,
    may_read: impl Fn(&MappedMemory) -> bool,
) -> ElfFiles {
    let mut found = ElfFiles::default();
    for (index, mapped) in mappings.iter().enumerate() {
        let mapping = &mapped.mapping;
        let is_start = mapping.offset == 0 && mapping.permissions.read && mapped.has_file();
        if !(is_start || mapping.path.as_bytes() == b"[vdso]") || !may_read(mapped) {
            continue;
        }
        let Some(header) = ElfHeader::read(memory, mapping.range.start) else { continue };
        if found.modules.len() == MOST_MODULES {
            break;
        }
        let end = last_of_file(&mappings[index..]).unwrap_or(mapping.range.end);
        let range = AddressRange { start: mapping.range.start, end };
        let (path, deleted) = strip_deleted(&mapping.path);
        found.pages.push(header.pages(range));
        let build_id = header.find_build_id(memory, range, &mut found.pages);
        found.modules.push(Module { range, path, deleted, build_id });
    }
    found.pages.sort_unstable_by_key(|range| range.start);
    found
}

/// The ELF files whose path `wanted` says yes to.
pub fn modules_of(mappings: &[MappedMemory], memory: &dyn Memory, wanted: impl Fn(&[u8]) -> bool) -> Vec<Module> {
    find_elf_files(mappings, memory, |mapped| wanted(mapped.mapping.path.as_bytes())).modules
}

/// The end of the last mapping of the same file as the first one, before the file's start is mapped again.
fn last_of_file(mappings: &[MappedMemory]) -> Option<Avma> {
    let (first, rest) = mappings.split_first()?;
    let identity = |mapped: &MappedMemory| (mapped.mapping.device, mapped.mapping.inode);
    let mut end = first.mapping.range.end;
    if !first.has_file() {
        return Some(end);
    }
    for mapped in rest {
        let anonymous = !mapped.has_file();
        if identity(mapped) == identity(first) {
            if mapped.mapping.offset == 0 && mapped.mapping.path != first.mapping.path {
                break;
            }
            end = mapped.mapping.range.end;
        } else if !anonymous {
            break;
        }
    }
    Some(end)
}

fn strip_deleted(path: &Text) -> (Text, bool) {
    match path.as_bytes().strip_suffix(b" (deleted)") {
        Some(path) => (Text(path.to_vec()), true),
        None => (path.clone(), false),
    }
}

/// The ELF header of an x86-64 file in memory, and where it is (elf(5)).
struct ElfHeader {
    at: Avma,
    headers_at: u64,
    header_size: u16,
    header_count: u16,
}

/// One program header, as far as we use it.
struct ProgramHeader {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl ElfHeader {
    fn read(memory: &dyn Memory, at: Avma) -> Option<ElfHeader> {
        let mut bytes = [0; 64];
        memory.read(at, &mut bytes).ok()?;
        // ELFCLASS64, ELFDATA2LSB: a 32-bit file in a 64-bit process is data.
        if bytes[..4] != *b"\x7fELF" || bytes[4] != 2 || bytes[5] != 1 {
            return None;
        }
        let header_count = u16_at(&bytes, 56)?.min(MOST_HEADERS);
        Some(ElfHeader { at, headers_at: u64_at(&bytes, 32)?, header_size: u16_at(&bytes, 54)?, header_count })
    }

    /// The pages of the ELF header and the program headers.
    fn pages(&self, range: AddressRange) -> AddressRange {
        let size = self.headers_at.saturating_add(u64::from(self.header_size) * u64::from(self.header_count));
        let size = size.clamp(1, MOST_NOTES).next_multiple_of(PAGE);
        AddressRange { start: range.start, end: self.at.wrapping_add(size).min(range.end) }
    }

    fn program_headers(&self, memory: &dyn Memory, range: AddressRange) -> Vec<ProgramHeader> {
        let mut headers = Vec::new();
        for index in 0..u64::from(self.header_count) {
            let mut bytes = [0; 56];
            let offset = self.headers_at.saturating_add(index * u64::from(self.header_size));
            let Some(at) = self.at.checked_add(offset).filter(|at| range.contains(*at)) else { break };
            if self.header_size < 56 || memory.read(at, &mut bytes).is_err() {
                break;
            }
            let parsed = || {
                Some(ProgramHeader {
                    kind: u32_at(&bytes, 0)?,
                    offset: u64_at(&bytes, 8)?,
                    address: u64_at(&bytes, 16)?,
                    size: u64_at(&bytes, 32)?,
                })
            };
            headers.extend(parsed());
        }
        headers
    }

    /// The build-id, and the pages it is on.
    fn find_build_id(&self, memory: &dyn Memory, range: AddressRange, pages: &mut Vec<AddressRange>) -> Option<String> {
        let headers = self.program_headers(memory, range);
        // What is at address A of the file is at A + bias in the process; the first PT_LOAD says it for its start.
        let first = headers.iter().find(|header| header.kind == PT_LOAD)?;
        let bias = self.at.0.wrapping_sub(first.address.wrapping_sub(first.offset));
        for note in headers.iter().filter(|header| header.kind == PT_NOTE) {
            let at = Avma(note.address.wrapping_add(bias));
            let size = note.size.min(MOST_NOTES);
            let whole = AddressRange::new(at.0, at.0.saturating_add(size));
            if !range.contains(at) || whole.end > range.end {
                continue;
            }
            let mut bytes = vec![0; size as usize];
            if memory.read(at, &mut bytes).is_err() {
                continue;
            }
            if let Some(build_id) = build_id_note(&bytes) {
                let start = whole.start.0 / PAGE * PAGE;
                pages.push(AddressRange::new(start, whole.end.0.next_multiple_of(PAGE)));
                return Some(build_id.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
        None
    }
}

/// The contents of the `NT_GNU_BUILD_ID` note among `notes` (elf(5), "Notes"): each is the sizes of name and contents
/// and a type, then name and contents, padded to four bytes.
fn build_id_note(notes: &[u8]) -> Option<&[u8]> {
    let mut rest = notes;
    loop {
        let name_size = u32_at(rest, 0)? as usize;
        let size = u32_at(rest, 4)? as usize;
        let kind = u32_at(rest, 8)?;
        let name = rest.get(12..12usize.checked_add(name_size)?)?;
        let at = 12 + name_size.checked_next_multiple_of(4)?;
        let contents = rest.get(at..at.checked_add(size)?)?;
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" && (1..=LONGEST_BUILD_ID).contains(&size) {
            return Some(contents);
        }
        rest = rest.get(at + size.checked_next_multiple_of(4)?..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::mapping_table::read_mapping_table;
    use dpdb_snapshot::Absent;

    /// Memory that is one buffer at one address.
    struct Buffer(u64, Vec<u8>);

    impl Memory for Buffer {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            let from = at.0.checked_sub(self.0).and_then(|offset| self.1.get(offset as usize..));
            let from = from.filter(|rest| !rest.is_empty()).ok_or(Absent::NotMapped(at))?;
            let size = from.len().min(buf.len());
            buf[..size].copy_from_slice(&from[..size]);
            Ok(size)
        }
    }

    fn elf(note_at: u64, note_size: u64) -> Vec<u8> {
        let mut bytes = vec![0; 0x4000];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..58].copy_from_slice(&[56, 0, 2, 0]);
        let header = |kind: u32, address: u64, size: u64| {
            let mut header = [0; 56];
            header[..4].copy_from_slice(&kind.to_le_bytes());
            header[16..24].copy_from_slice(&address.to_le_bytes());
            header[32..40].copy_from_slice(&size.to_le_bytes());
            header
        };
        bytes[64..120].copy_from_slice(&header(PT_LOAD, 0, 0x4000));
        bytes[120..176].copy_from_slice(&header(PT_NOTE, note_at, note_size));
        bytes
    }

    fn found(image: Vec<u8>) -> ElfFiles {
        let maps = b"10000-12000 r--p 00000000 fe:00 7 /lib/x.so (deleted)\n12000-14000 r-xp 00002000 fe:00 7 /lib/x.so (deleted)\n";
        let table = read_mapping_table(&maps[..]).unwrap();
        find_elf_files(&table.mappings, &Buffer(0x10000, image), |_| true)
    }

    #[test]
    fn a_build_id_far_from_the_header_is_found_and_its_page_kept() {
        let note = b"\x04\0\0\0\x02\0\0\0\x01\0\0\0ABC\0xx\0\0\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0\xde\xad\xbe\xef";
        let mut image = elf(0x2ff0, note.len() as u64);
        image[0x2ff0..0x2ff0 + note.len()].copy_from_slice(note);
        let files = found(image);
        let [module] = &files.modules[..] else { panic!("{files:?}") };
        assert_eq!(module.build_id.as_deref(), Some("deadbeef"));
        assert_eq!((module.path.as_bytes(), module.deleted), (&b"/lib/x.so"[..], true));
        assert_eq!(module.range, AddressRange::new(0x10000, 0x14000));
        assert_eq!(files.pages, [AddressRange::new(0x10000, 0x11000), AddressRange::new(0x12000, 0x14000)]);
    }

    #[test]
    fn headers_that_lie_cost_nothing_and_read_nothing_outside() {
        for (at, size) in [(0, u64::MAX), (u64::MAX - 3, 8), (0x3fff, 2), (0x100, 12), (0x100, 0)] {
            let mut image = elf(at, size);
            image[0x100..0x10c].copy_from_slice(&[0xff; 12]);
            let files = found(image);
            assert_eq!(files.modules[0].build_id, None, "{at:#x} {size:#x}");
            assert_eq!(files.pages, [AddressRange::new(0x10000, 0x11000)]);
        }
        let mut image = elf(0, 0);
        image[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        image[54..58].copy_from_slice(&[0xff; 4]);
        let files = found(image);
        assert!(files.pages[0].len() <= 0x4000);
        assert!(found(b"\x7fELF".to_vec()).modules.is_empty());
    }

    #[test]
    fn our_own_modules_have_their_build_ids() {
        let smaps = std::fs::read("/proc/self/smaps").unwrap();
        let table = read_mapping_table(&smaps[..]).unwrap();
        let memory = crate::capture::memory::ProcessMemory::new(std::process::id() as i32);
        let files = find_elf_files(&table.mappings, &memory, |_| true);
        let vdso = files.modules.iter().find(|module| module.path == Text::from("[vdso]")).unwrap();
        assert_eq!(vdso.build_id.as_ref().map(|id| id.len() % 2), Some(0));
        assert!(files.modules.iter().any(|module| module.path.to_string().contains("libc")));
    }
}
