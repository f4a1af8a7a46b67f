//! `NT_FILE`: which files were mapped where (fs/binfmt_elf.c, `fill_files_note`).

use crate::bytes::u64_at;
use crate::elf::PAGE;
use crate::{AddressRange, Text};

/// A mapping of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileMapping {
    pub(crate) range: AddressRange,
    /// Bytes from the beginning of the file.
    pub(crate) offset: u64,
    pub(crate) path: Text,
}

/// The note's mappings, ascending. Those whose range or path does not fit are left out.
pub(crate) fn parse(desc: &[u8]) -> Vec<FileMapping> {
    let mut mappings = parse_in_order(desc).unwrap_or_default();
    mappings.sort_by_key(|mapping| mapping.range.start);
    mappings
}

fn parse_in_order(desc: &[u8]) -> Option<Vec<FileMapping>> {
    let count = usize::try_from(u64_at(desc, 0)?).ok()?;
    // The kernel and gcore write 4096 and count the offsets in it; some writers say 1 and mean bytes.
    let unit = u64_at(desc, 8)?;
    let names_at = count.checked_mul(24)?.checked_add(16)?;
    let mut names = desc.get(names_at..)?.split(|&byte| byte == 0);
    let mut mappings = Vec::new();
    for entry in desc.get(16..names_at)?.chunks_exact(24) {
        let path = names.next()?;
        let (start, end, offset) = (u64_at(entry, 0)?, u64_at(entry, 8)?, u64_at(entry, 16)?);
        let Some(offset) = offset.checked_mul(unit).filter(|_| start < end) else { continue };
        mappings.push(FileMapping { range: AddressRange::new(start, end), offset, path: Text(path.to_vec()) });
    }
    Some(mappings)
}

/// The bytes of the note for these mappings.
pub(crate) fn to_bytes(mappings: &[FileMapping]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + mappings.len() * 64);
    bytes.extend((mappings.len() as u64).to_le_bytes());
    bytes.extend(PAGE.to_le_bytes());
    for mapping in mappings {
        for word in [mapping.range.start.0, mapping.range.end.0, mapping.offset / PAGE] {
            bytes.extend(word.to_le_bytes());
        }
    }
    for mapping in mappings {
        bytes.extend(mapping.path.as_bytes().iter().filter(|&&byte| byte != 0));
        bytes.push(0);
    }
    bytes
}
