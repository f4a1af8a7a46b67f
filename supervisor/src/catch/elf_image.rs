//! What an ELF file will look like in memory, as far as its relative relocations make it so.

use object::elf::{PF_W, PF_X, R_X86_64_RELATIVE};
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol, RelocationFlags};

/// The loadable segments of a file, at the addresses that the file gives them.
#[derive(Debug, Default)]
pub struct ElfImage {
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
}

#[derive(Debug)]
struct Segment {
    at: u64,
    bytes: Vec<u8>,
    executable: bool,
    writable: bool,
}

/// A symbol that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) at: u64,
    pub(crate) size: u64,
}

impl ElfImage {
    /// Takes an x86-64 file apart, and finds those of its symbols that `wanted` says yes to; `None` where it is none,
    /// or its segments are larger together than it is.
    pub fn parse(file: &[u8], wanted: impl Fn(&str) -> bool) -> Option<ElfImage> {
        let elf = ElfFile64::<Endianness, _>::parse(file).ok()?;
        let endian = elf.endian();
        let mut image = ElfImage::default();
        let mut room = file.len();
        for header in elf.elf_program_headers() {
            if header.p_type(endian) != object::elf::PT_LOAD {
                continue;
            }
            let Ok(bytes) = header.data(endian, file) else { continue };
            // Segments may overlap in a hostile file; in any other they are parts of it.
            room = room.checked_sub(bytes.len())?;
            let flags = header.p_flags(endian);
            image.segments.push(Segment {
                at: header.p_vaddr(endian),
                bytes: bytes.to_vec(),
                executable: flags.contains(PF_X),
                writable: flags.contains(PF_W),
            });
        }
        for symbol in elf.dynamic_symbols().chain(elf.symbols()) {
            let Ok(name) = symbol.name() else { continue };
            if symbol.is_definition() && wanted(name) {
                image.symbols.push(Symbol { name: name.to_owned(), at: symbol.address(), size: symbol.size() });
            }
        }
        for (at, relocation) in elf.dynamic_relocations().into_iter().flatten() {
            if relocation.flags() == (RelocationFlags::Elf { r_type: R_X86_64_RELATIVE }) {
                image.write(at, relocation.addend() as u64);
            }
        }
        Some(image)
    }

    /// The first symbol of that name.
    pub(crate) fn symbol(&self, name: &str) -> Option<&Symbol> {
        self.symbols.iter().find(|symbol| symbol.name == name)
    }

    /// The first symbol that `is` says yes to.
    pub(crate) fn symbol_that(&self, is: impl Fn(&str) -> bool) -> Option<&Symbol> {
        self.symbols.iter().find(|symbol| is(&symbol.name))
    }

    /// At most `limit` bytes from `at` on, out of one segment.
    pub(crate) fn bytes(&self, at: u64, limit: usize) -> &[u8] {
        let found = self.segments.iter().find_map(|segment| {
            let from = usize::try_from(at.checked_sub(segment.at)?).ok()?;
            segment.bytes.get(from..).filter(|rest| !rest.is_empty())
        });
        found.map(|rest| &rest[..rest.len().min(limit)]).unwrap_or_default()
    }

    /// The pointer at `at`.
    pub(crate) fn word(&self, at: u64) -> Option<u64> {
        self.bytes(at, 8).first_chunk().copied().map(u64::from_le_bytes)
    }

    /// Whether the C string at `at` is `text`.
    pub(crate) fn string_is(&self, at: u64, text: &str) -> bool {
        let bytes = self.bytes(at, text.len() + 1);
        bytes.len() == text.len() + 1 && bytes.starts_with(text.as_bytes()) && bytes.ends_with(&[0])
    }

    /// Whether there is code at `at`.
    pub(crate) fn is_code(&self, at: u64) -> bool {
        let inside =
            |segment: &&Segment| at.checked_sub(segment.at).is_some_and(|from| from < segment.bytes.len() as u64);
        self.segments.iter().filter(|segment| segment.executable).any(|segment| inside(&segment))
    }

    /// The addresses of all aligned words of data that can be written, or could be until it was relocated.
    pub(crate) fn data_words(&self) -> impl Iterator<Item = u64> {
        self.segments.iter().filter(|segment| segment.writable).flat_map(|segment| {
            let start = segment.at.next_multiple_of(8);
            (start..segment.at.saturating_add(segment.bytes.len() as u64)).step_by(8)
        })
    }

    fn write(&mut self, at: u64, word: u64) {
        let place = self.segments.iter_mut().find_map(|segment| {
            let from = usize::try_from(at.checked_sub(segment.at)?).ok()?;
            segment.bytes.get_mut(from..from.checked_add(8)?)
        });
        if let Some(place) = place {
            place.copy_from_slice(&word.to_le_bytes());
        }
    }
}
