//! An ELF file, mapped: its sections by name, its segments, and what names its debug files.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use object::elf;
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};

use crate::CacheDirectory;
use crate::build_id::BuildId;
use crate::cache::sections::{self, Contents};
use crate::compressed;
use crate::image::Image;
use crate::svma::Svma;

type Header = elf::FileHeader64<object::LittleEndian>;
type RawSection = elf::SectionHeader64<object::LittleEndian>;

const LE: object::LittleEndian = object::LittleEndian;

/// An ELF file that was mapped into memory, or an image that was read out of a process.
///
/// Opening it looks at its headers only. Sections are slices of the map, except compressed ones, which are
/// decompressed (or found in the cache directory) when they are first asked for and held from then on.
pub struct ObjectFile {
    path: PathBuf,
    image: Image,
    kind: u16,
    entry: Svma,
    sections: Vec<SectionEntry>,
    segments: Vec<Segment>,
    build_id: Option<BuildId>,
    has_damaged_table: bool,
    cache: Option<CacheDirectory>,
}

/// Why a file is no use as an ELF file.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFileError {
    /// It cannot be opened or mapped.
    #[error("{}: cannot be opened", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What open(2) or mmap(2) said.
        #[source]
        source: std::io::Error,
    },
    /// It is no ELF file, or its headers are damaged.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A section is damaged, or compressed in a way that cannot be undone.
    #[error("{}: section {section}: {reason}", path.display())]
    Section {
        /// The file.
        path: PathBuf,
        /// The section's name, as it stands in the file.
        section: String,
        /// What is wrong with it.
        reason: String,
    },
}

struct SectionEntry {
    section: Section,
    compression: Compression,
    /// The decompressed contents, or why there are none. Only for compressed sections.
    decompressed: OnceLock<Result<Contents, String>>,
    /// Why its contents could not be had, once somebody wanted them.
    failure: OnceLock<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    /// `SHF_COMPRESSED`: an `Elf64_Chdr` says how.
    Header,
    /// `.zdebug_*`, what GNU tools wrote before the gABI knew compression: `ZLIB` and a big-endian size.
    Gnu,
}

/// A section's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, with `.zdebug_` already written `.debug_`.
    pub name: Vec<u8>,
    /// Its number in the section table.
    pub index: usize,
    /// `SHT_*`.
    pub kind: u32,
    /// `SHF_*`.
    pub flags: u64,
    /// Where it is loaded; zero where it is not.
    pub address: Svma,
    /// Where its bytes stand in the file.
    pub offset: u64,
    /// How many bytes it has there; for `SHT_NOBITS`, in memory.
    pub size: u64,
    /// `sh_link`: for a symbol table, the number of its string table.
    pub link: u32,
}

/// A program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `PT_*`.
    pub kind: u32,
    /// `PF_*`.
    pub flags: u32,
    /// Where its bytes stand in the file.
    pub offset: u64,
    /// How many bytes of it the file holds.
    pub file_size: u64,
    /// Where it is loaded.
    pub address: Svma,
    /// How many bytes it has in memory.
    pub memory_size: u64,
    /// Its alignment in bytes.
    pub align: u64,
}

impl Segment {
    /// Whether `address` lies in the segment's memory.
    pub fn contains(&self, address: Svma) -> bool {
        address.0.checked_sub(self.address.0).is_some_and(|above| above < self.memory_size)
    }

    /// Whether the loader maps it (`PT_LOAD`).
    pub fn is_load(&self) -> bool {
        self.kind == elf::PT_LOAD.0
    }
}

impl ObjectFile {
    /// Maps the ELF file at `path`.
    ///
    /// # Errors
    /// It cannot be opened, is no regular file, or is no 64-bit little-endian ELF file.
    pub fn open(path: &Path) -> Result<ObjectFile, ObjectFileError> {
        let image = Image::map(path).map_err(|source| ObjectFileError::Io { path: path.to_owned(), source })?;
        ObjectFile::from_image(path.to_owned(), image)
    }

    /// Takes the bytes of an ELF file that is not on disk by itself: the vdso out of memory, or `.gnu_debugdata`.
    /// `path` is what messages call it.
    ///
    /// # Errors
    /// It is no 64-bit little-endian ELF file.
    pub fn from_bytes(path: PathBuf, bytes: Vec<u8>) -> Result<ObjectFile, ObjectFileError> {
        ObjectFile::from_image(path, Image::Owned(bytes))
    }

    fn from_image(path: PathBuf, image: Image) -> Result<ObjectFile, ObjectFileError> {
        let malformed = |reason: &str| ObjectFileError::Malformed { path: path.clone(), reason: reason.to_owned() };
        let bytes = image.bytes();
        if !bytes.starts_with(&elf::ELFMAG) {
            return Err(malformed("not an ELF file"));
        }
        if bytes.get(4..6) != Some(&[elf::ELFCLASS64.0, elf::ELFDATA2LSB.0]) {
            return Err(malformed("not a 64-bit little-endian ELF file"));
        }
        let header = Header::parse(bytes).map_err(|_| malformed("its ELF header is cut off or damaged"))?;
        // Damaged section headers leave the segments usable, and the other way round.
        let (sections, has_damaged_table) = match section_entries(header, bytes) {
            Ok(sections) => (sections, false),
            Err(_) => (Vec::new(), true),
        };
        let segments: Vec<Segment> =
            header.program_headers(LE, bytes).unwrap_or_default().iter().map(Segment::from).collect();
        let build_id = build_id(&sections, &segments, bytes);
        let (kind, entry) = (header.e_type(LE).0, Svma(header.e_entry(LE)));
        Ok(ObjectFile { path, kind, entry, sections, segments, build_id, has_damaged_table, cache: None, image })
    }

    /// The same, with a place for what is found out about it, if there is one.
    pub(crate) fn cached_in(self, cache: Option<&CacheDirectory>) -> ObjectFile {
        ObjectFile { cache: cache.cloned(), ..self }
    }

    /// Where what was found out about it is kept, by its build-id.
    pub(crate) fn cache(&self) -> Option<(&CacheDirectory, &BuildId)> {
        self.cache.as_ref().zip(self.build_id.as_ref())
    }

    /// The path it was opened by, or what stands for it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All bytes of the file.
    pub fn data(&self) -> &[u8] {
        self.image.bytes()
    }

    /// `e_type`: `ET_EXEC`, `ET_DYN` …
    pub fn kind(&self) -> u16 {
        self.kind
    }

    /// `e_entry`.
    pub fn entry(&self) -> Svma {
        self.entry
    }

    /// As [`Image::give_pages_back`].
    pub(crate) fn give_pages_back(&self) {
        self.image.give_pages_back();
    }

    /// As [`Image::give_back`]: the memory of a section that was read from one end to the other.
    pub(crate) fn give_back(&self, part: &[u8]) {
        self.image.give_back(part);
    }

    /// The contents of its `NT_GNU_BUILD_ID` note.
    pub fn build_id(&self) -> Option<&BuildId> {
        self.build_id.as_ref()
    }

    /// All program headers, in the file's order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All section headers, in the file's order.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().map(|entry| &entry.section)
    }

    /// The header of the first section with this name, such as `.debug_info` (which finds `.zdebug_info` too).
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.section_entry(name).map(|entry| &entry.section)
    }

    /// The contents of the section with this name, decompressed; `None` where there is no such section or the file
    /// holds no bytes of it (`SHT_NOBITS`, as in a separate debug file's `.eh_frame`).
    ///
    /// # Errors
    /// The section reaches beyond the file's end, or cannot be decompressed.
    pub fn section_data(&self, name: &str) -> Result<Option<&[u8]>, ObjectFileError> {
        self.section_entry(name)
            .filter(|entry| entry.section.kind != elf::SHT_NOBITS.0)
            .map(|entry| self.contents(entry))
            .transpose()
    }

    /// The contents of a section of this file, decompressed, as [`ObjectFile::section_data`] gives them; by number,
    /// for the string table of a symbol table.
    ///
    /// # Errors
    /// As [`ObjectFile::section_data`].
    pub fn section_data_at(&self, index: usize) -> Result<Option<&[u8]>, ObjectFileError> {
        let entry = self.sections.iter().find(|entry| entry.section.index == index);
        entry.filter(|entry| entry.section.kind != elf::SHT_NOBITS.0).map(|entry| self.contents(entry)).transpose()
    }

    /// The bytes that the file holds of what is loaded at `address`, up to the end of the segment's part in the file.
    pub fn loaded_from(&self, address: Svma) -> Option<&[u8]> {
        let segment = self.segments.iter().find(|segment| segment.is_load() && segment.contains(address))?;
        let above = address.0 - segment.address.0;
        let start = usize::try_from(segment.offset.checked_add(above)?).ok()?;
        let length = usize::try_from(segment.file_size.checked_sub(above)?).ok()?;
        let data = self.data();
        data.get(start..start.saturating_add(length).min(data.len()))
    }

    /// The name and the CRC32 of its separate debug file (`.gnu_debuglink`).
    pub fn debug_link(&self) -> Option<(&OsStr, u32)> {
        let data = self.section_data(".gnu_debuglink").ok()??;
        let (name, rest) = split_at_nul(data)?;
        // gdb, "Separate Debug Files": the CRC stands at the next multiple of four after the name's NUL.
        let crc = rest.get((name.len() + 1).next_multiple_of(4) - (name.len() + 1)..)?.first_chunk::<4>()?;
        (!name.is_empty()).then(|| (OsStr::from_bytes(name), u32::from_le_bytes(*crc)))
    }

    /// The path and the build-id of the file that `dwz -m` moved what several files share to (`.gnu_debugaltlink`).
    pub fn debug_alt_link(&self) -> Option<(&OsStr, BuildId)> {
        let data = self.section_data(".gnu_debugaltlink").ok()??;
        let (path, id) = split_at_nul(data)?;
        (!path.is_empty()).then_some((OsStr::from_bytes(path), BuildId::from_bytes(id)?))
    }

    /// What of the file turned out to be damaged so far, a sentence each: its section headers, and sections that were
    /// asked for in vain.
    pub fn damage(&self) -> Vec<String> {
        let table = format!("{}: its section headers are cut off or damaged", self.path.display());
        let failures = self.sections.iter().filter_map(|entry| entry.failure.get().cloned());
        self.has_damaged_table.then_some(table).into_iter().chain(failures).collect()
    }

    fn section_entry(&self, name: &str) -> Option<&SectionEntry> {
        self.sections.iter().find(|entry| entry.section.name == name.as_bytes())
    }

    fn contents<'a>(&'a self, entry: &'a SectionEntry) -> Result<&'a [u8], ObjectFileError> {
        let failed = |reason: &str| {
            let section = dpdb_snapshot::Text(entry.section.name.clone()).to_string();
            let error = ObjectFileError::Section { path: self.path.clone(), section, reason: reason.to_owned() };
            entry.failure.get_or_init(|| error.to_string());
            error
        };
        let bytes = file_slice(self.data(), entry.section.offset, entry.section.size)
            .ok_or_else(|| failed("it reaches beyond the end of the file"))?;
        let decompress = match entry.compression {
            Compression::None => return Ok(bytes),
            Compression::Header => compressed::gabi,
            Compression::Gnu => compressed::gnu,
        };
        let get = || sections::decompressed(self.cache(), &entry.section.name, bytes, decompress);
        entry.decompressed.get_or_init(get).as_ref().map(Contents::bytes).map_err(|reason| failed(reason))
    }
}

impl fmt::Debug for ObjectFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectFile").field("path", &self.path).field("build_id", &self.build_id).finish_non_exhaustive()
    }
}

fn file_slice(data: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    data.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn split_at_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let nul = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..nul], &bytes[nul + 1..]))
}

fn section_entries(header: &Header, bytes: &[u8]) -> object::Result<Vec<SectionEntry>> {
    let table = header.sections(LE, bytes)?;
    let entry = |(index, raw): (usize, &RawSection)| {
        let name = table.section_name(LE, raw).unwrap_or_default();
        let gnu = name.strip_prefix(b".zdebug_");
        let compression = if raw.sh_flags(LE).0 & elf::SHF_COMPRESSED.0 != 0 {
            Compression::Header
        } else if gnu.is_some() {
            Compression::Gnu
        } else {
            Compression::None
        };
        let section = Section {
            name: gnu.map_or_else(|| name.to_vec(), |rest| [b".debug_", rest].concat()),
            index,
            kind: raw.sh_type(LE).0,
            flags: raw.sh_flags(LE).0,
            address: Svma(raw.sh_addr(LE)),
            offset: raw.sh_offset(LE),
            size: raw.sh_size(LE),
            link: raw.sh_link(LE),
        };
        SectionEntry { section, compression, decompressed: OnceLock::new(), failure: OnceLock::new() }
    };
    Ok(table.iter().enumerate().map(entry).collect())
}

impl From<&elf::ProgramHeader64<object::LittleEndian>> for Segment {
    fn from(raw: &elf::ProgramHeader64<object::LittleEndian>) -> Segment {
        Segment {
            kind: raw.p_type(LE).0,
            flags: raw.p_flags(LE).0,
            offset: raw.p_offset(LE),
            file_size: raw.p_filesz(LE),
            address: Svma(raw.p_vaddr(LE)),
            memory_size: raw.p_memsz(LE),
            align: raw.p_align(LE),
        }
    }
}

/// Looks through the sections first: in a separate debug file the program headers are a copy of the original's, whose
/// offsets mean nothing there.
fn build_id(sections: &[SectionEntry], segments: &[Segment], bytes: &[u8]) -> Option<BuildId> {
    let notes = sections.iter().map(|entry| &entry.section).filter(|section| section.kind == elf::SHT_NOTE.0);
    let in_sections =
        notes.filter_map(|section| BuildId::among_notes(file_slice(bytes, section.offset, section.size)?, 4)).next();
    let notes = segments.iter().filter(|segment| segment.kind == elf::PT_NOTE.0);
    in_sections.or_else(|| {
        notes
            .filter_map(|segment| {
                BuildId::among_notes(file_slice(bytes, segment.offset, segment.file_size)?, segment.align)
            })
            .next()
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{ObjectFile, ObjectFileError};

    #[test]
    fn a_running_programs_own_file_has_its_sections_and_segments() {
        let own = ObjectFile::open(&std::env::current_exe().unwrap()).unwrap();
        let text = own.section(".text").unwrap();
        let from_section = own.section_data(".text").unwrap().unwrap();
        assert_eq!(from_section.len() as u64, text.size);
        assert!(own.loaded_from(text.address).unwrap().starts_with(from_section));
        assert_eq!(own.section_data(".bss").unwrap(), None, "it takes no bytes of the file");
        assert_eq!(own.section_data(".nothing").unwrap(), None);
        assert!(own.segments().iter().any(|segment| segment.is_load() && segment.contains(own.entry())));
    }

    #[test]
    fn no_cut_or_flipped_file_panics() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let mut headers = own[..4096].to_vec();
        headers[0x28..0x30].copy_from_slice(&1024u64.to_le_bytes());
        for at in 0..1200 {
            for flip in [1, 0x80, 0xff] {
                headers[at] ^= flip;
                if let Ok(object) = ObjectFile::from_bytes(PathBuf::from("flipped"), headers.clone()) {
                    for section in object.sections() {
                        let _ = object.section_data_at(section.index);
                    }
                    for segment in object.segments() {
                        let _ = object.loaded_from(segment.address);
                    }
                    let _ = (object.debug_link(), object.debug_alt_link());
                }
                headers[at] ^= flip;
            }
        }
        for cut in 0..100 {
            let _ = ObjectFile::from_bytes(PathBuf::from("cut"), own[..cut].to_vec());
        }
    }

    #[test]
    fn what_is_no_regular_elf_file_is_refused_by_name() {
        for (path, complaint) in
            [("/dev/zero", "cannot be opened"), ("/", "cannot be opened"), ("/etc/passwd", "not an ELF file")]
        {
            let error = ObjectFile::open(Path::new(path)).unwrap_err();
            assert!(error.to_string().contains(complaint), "{error}");
            assert!(error.to_string().starts_with(path), "{error}");
            assert_eq!(matches!(error, ObjectFileError::Io { .. }), complaint == "cannot be opened");
        }
    }
}
