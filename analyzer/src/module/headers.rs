//! The ELF headers of a module as they stand in the process's memory.

use dpdb_snapshot::{Avma, Memory};
use object::elf;
use object::read::elf::FileHeader as _;

use crate::build_id::BuildId;
use crate::object_file::{ObjectFile, Segment};
use crate::svma::Svma;

const LE: object::LittleEndian = object::LittleEndian;

/// What a module's headers say, whether they were read out of memory or out of its file.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    pub(super) entry: Svma,
    pub(super) segments: Vec<Segment>,
}

/// Files have some ten program headers; this bounds what a hostile one may claim.
const MOST_SEGMENTS: usize = 256;

/// Notes before the build-id are a few dozen bytes long.
const LONGEST_NOTES: u64 = 64 << 10;

impl Headers {
    /// The headers of the ELF image whose first byte is at `start`.
    pub(super) fn in_memory(memory: &dyn Memory, start: Avma) -> Option<Headers> {
        let mut bytes = vec![0; 64];
        memory.read(start, &mut bytes).ok()?;
        let header = *elf::FileHeader64::<object::LittleEndian>::parse(&bytes[..]).ok()?;
        let loadable = matches!(header.e_type(LE), elf::ET_EXEC | elf::ET_DYN);
        let count = usize::from(header.e_phnum(LE));
        if !loadable || header.e_machine(LE) != elf::EM_X86_64 || count > MOST_SEGMENTS {
            return None;
        }
        let table = usize::try_from(header.e_phoff(LE)).ok().filter(|&table| table <= 1 << 20)?;
        bytes.resize(table + count * 56, 0);
        memory.read(start, &mut bytes).ok()?;
        let segments = header.program_headers(LE, &bytes[..]).ok()?.iter().map(Segment::from).collect();
        Some(Headers { entry: Svma(header.e_entry(LE)), segments })
    }

    /// The headers of a file.
    pub(super) fn of_file(object: &ObjectFile) -> Headers {
        Headers { entry: object.entry(), segments: object.segments().to_vec() }
    }

    /// How far up the image is loaded, where its bytes from `offset` of the file on are mapped at `start`.
    ///
    /// mmap(2) wants whole pages, so the loader maps a segment from the page below its start on, in the file as in
    /// memory. Mostly `offset` is zero and the segment the first one. Without `-z separate-code`, or from lld, the
    /// same page of the file may belong to two segments; the first one that fits is the one mapped lower, and that
    /// is where `start` comes from.
    pub(super) fn bias(&self, start: Avma, offset: u64) -> Option<u64> {
        let page = |address: u64| address & !0xfff;
        let fits = |segment: &&Segment| segment.is_load() && page(segment.offset) == offset;
        let first = self.segments.iter().find(fits)?;
        Some(start.0.wrapping_sub(page(first.address.0)))
    }

    /// The addresses that the segments take, from the first page to the last.
    pub(super) fn extent(&self) -> Option<(Svma, Svma)> {
        let loads = || self.segments.iter().filter(|segment| segment.is_load());
        let start = loads().map(|segment| segment.address.0 & !0xfff).min()?;
        let end = loads().map(|segment| segment.address.0.saturating_add(segment.memory_size)).max()?;
        Some((Svma(start), Svma(end.checked_next_multiple_of(0x1000)?)))
    }

    /// What the notes in the process's memory say of the build-id. `Err` means that they cannot be read, so that
    /// nobody knows.
    pub(super) fn build_id_in_memory(&self, memory: &dyn Memory, bias: u64) -> Result<Option<BuildId>, ()> {
        let notes = self.segments.iter().filter(|segment| segment.kind == elf::PT_NOTE.0);
        let mut all_read = true;
        for segment in notes {
            let mut bytes = vec![0; segment.memory_size.min(LONGEST_NOTES) as usize];
            match memory.read(Avma(segment.address.0.wrapping_add(bias)), &mut bytes) {
                Ok(()) => {
                    if let Some(id) = BuildId::among_notes(&bytes, segment.align) {
                        return Ok(Some(id));
                    }
                }
                Err(_) => all_read = false,
            }
        }
        if all_read { Ok(None) } else { Err(()) }
    }
}
