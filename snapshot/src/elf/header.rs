//! The ELF header, program headers, and the one section header that counts them when there are too many.

use crate::bytes::{u16_at, u32_at, u64_at};

pub(crate) const EHDR_SIZE: usize = 64;
pub(crate) const PHDR_SIZE: usize = 56;
pub(crate) const SHDR_SIZE: usize = 64;

/// `e_phnum` when the number of program headers stands in `sh_info` of the first section header (elf(5)).
pub(crate) const PN_XNUM: u16 = 0xffff;
pub(crate) const PT_LOAD: u32 = 1;
pub(crate) const PT_NOTE: u32 = 4;
pub(crate) const PF_X: u32 = 1;
pub(crate) const PF_W: u32 = 2;
pub(crate) const PF_R: u32 = 4;
const ET_CORE: u16 = 4;
const EM_X86_64: u16 = 62;

/// The first bytes of every ELF file.
pub(crate) const MAGIC: [u8; 4] = *b"\x7fELF";

/// A program header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramHeader {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) filesz: u64,
    pub(crate) memsz: u64,
    pub(crate) align: u64,
}

impl ProgramHeader {
    pub(crate) fn parse(bytes: &[u8]) -> Option<ProgramHeader> {
        Some(ProgramHeader {
            kind: u32_at(bytes, 0)?,
            flags: u32_at(bytes, 4)?,
            offset: u64_at(bytes, 8)?,
            vaddr: u64_at(bytes, 16)?,
            filesz: u64_at(bytes, 32)?,
            memsz: u64_at(bytes, 40)?,
            align: u64_at(bytes, 48)?,
        })
    }

    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        out.extend(self.kind.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        for word in [self.offset, self.vaddr, 0, self.filesz, self.memsz, self.align] {
            out.extend(word.to_le_bytes());
        }
    }
}

/// What an ELF header says, as far as a reader wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) is_core: bool,
    pub(crate) kind: u16,
    pub(crate) phoff: u64,
    pub(crate) shoff: u64,
    pub(crate) phentsize: u16,
    pub(crate) phnum: u16,
}

/// Why an ELF header is none that can be read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    Short,
    NotElf,
    Architecture(String),
}

impl FileHeader {
    pub(crate) fn parse(bytes: &[u8]) -> Result<FileHeader, HeaderError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(HeaderError::NotElf);
        }
        let (Some(&class), Some(&data), Some(machine)) = (bytes.get(4), bytes.get(5), u16_at(bytes, 18)) else {
            return Err(HeaderError::Short);
        };
        if (class, data, machine) != (2, 1, EM_X86_64) {
            return Err(HeaderError::Architecture(architecture(class, data, machine)));
        }
        let parse = || {
            let kind = u16_at(bytes, 16)?;
            Some(FileHeader {
                is_core: kind == ET_CORE,
                kind,
                phoff: u64_at(bytes, 32)?,
                shoff: u64_at(bytes, 40)?,
                phentsize: u16_at(bytes, 54)?,
                phnum: u16_at(bytes, 56)?,
            })
        };
        // The last three fields are about sections, which a core does without.
        parse().filter(|_| bytes.len() >= EHDR_SIZE).ok_or(HeaderError::Short)
    }
}

/// How a machine that is not ours is called, such as `aarch64` or `32-bit i386`.
fn architecture(class: u8, data: u8, machine: u16) -> String {
    let name = match machine {
        3 => "i386",
        8 => "mips",
        20 | 21 => "powerpc",
        22 => "s390",
        40 => "arm",
        62 => "x86-64",
        183 => "aarch64",
        243 => "riscv",
        258 => "loongarch",
        other => return format!("machine {other} (e_machine)"),
    };
    let width = if class == 1 { "32-bit " } else { "" };
    let order = if data == 2 { "big-endian " } else { "" };
    format!("{width}{order}{name}")
}

/// Appends the ELF header of a core with `segments` program headers, and the section header that counts them where
/// `e_phnum` cannot. The program headers are to follow at once.
///
/// The kernel writes that section header at the end of the file (`fill_extnum_info`); here it stands in front, so
/// that a file that was cut off still knows how many segments it has.
pub(crate) fn append_file_header(out: &mut Vec<u8>, segments: usize) {
    let extended = segments >= PN_XNUM as usize;
    let phnum = if extended { PN_XNUM } else { segments as u16 };
    let phoff = header_size(segments) - (segments * PHDR_SIZE) as u64;
    out.extend(MAGIC);
    out.extend([2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(ET_CORE.to_le_bytes());
    out.extend(EM_X86_64.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    out.extend(phoff.to_le_bytes());
    out.extend(if extended { EHDR_SIZE as u64 } else { 0 }.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    let (shentsize, shnum) = if extended { (SHDR_SIZE as u16, 1) } else { (0, 0) };
    for half in [EHDR_SIZE as u16, PHDR_SIZE as u16, phnum, shentsize, shnum, 0] {
        out.extend(half.to_le_bytes());
    }
    if extended {
        // sh_size is the number of section headers, sh_link e_shstrndx, sh_info the number of program headers.
        let mut section = [0; SHDR_SIZE];
        section[32..40].copy_from_slice(&1u64.to_le_bytes());
        section[44..48].copy_from_slice(&(segments as u32).to_le_bytes());
        out.extend(section);
    }
}

/// How many bytes the ELF header, the counting section header and the program headers take.
pub(crate) fn header_size(segments: usize) -> u64 {
    let section = if segments >= PN_XNUM as usize { SHDR_SIZE } else { 0 };
    (EHDR_SIZE + section + segments * PHDR_SIZE) as u64
}

/// `sh_info` of the section header in `bytes`: the number of program headers under `PN_XNUM`.
pub(crate) fn extended_segment_count(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 44)
}
