//! ELF files made by tests: the sections they want, and nothing else.

/// A section: name, `SHT_*`, `SHF_*`, address, `sh_link` and contents.
pub(crate) struct TestSection {
    pub(crate) name: &'static str,
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) link: u32,
    pub(crate) data: Vec<u8>,
}

impl TestSection {
    pub(crate) fn new(name: &'static str, kind: u32, data: impl Into<Vec<u8>>) -> TestSection {
        TestSection { name, kind, flags: 0, address: 0, link: 0, data: data.into() }
    }
}

/// A 64-bit little-endian ELF file. The first of `sections` gets number 1.
pub(crate) fn elf(sections: &[TestSection]) -> Vec<u8> {
    let mut names = vec![0u8];
    let (mut body, mut headers) = (Vec::new(), vec![0u8; 64]);
    let mut header = |name: &str, kind: u32, flags: u64, address: u64, link: u32, offset: usize, size: usize| {
        headers.extend_from_slice(&(names.len() as u32).to_le_bytes());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        headers.extend_from_slice(&kind.to_le_bytes());
        for word in [flags, address, offset as u64, size as u64] {
            headers.extend_from_slice(&word.to_le_bytes());
        }
        headers.extend_from_slice(&link.to_le_bytes());
        headers.extend_from_slice(&[0; 20]);
        names.clone()
    };
    for section in sections {
        let (offset, size) = (64 + body.len(), section.data.len());
        header(section.name, section.kind, section.flags, section.address, section.link, offset, size);
        body.extend_from_slice(&section.data);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let size = names_size(sections);
    let names = header(".shstrtab", object::elf::SHT_STRTAB.0, 0, 0, 0, 64 + body.len(), size);
    body.extend_from_slice(&names);
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend_from_slice(&[3, 0, 62, 0, 1, 0, 0, 0]);
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&(64 + body.len() as u64).to_le_bytes());
    file.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 0, 0, 64, 0]);
    for half in [sections.len() as u16 + 2, sections.len() as u16 + 1] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    [file, body, headers].concat()
}

fn names_size(sections: &[TestSection]) -> usize {
    1 + sections.iter().map(|section| section.name.len() + 1).sum::<usize>() + ".shstrtab".len() + 1
}

/// A `NT_GNU_BUILD_ID` note.
pub(crate) fn build_id_section(id: &[u8]) -> TestSection {
    let mut note = Vec::new();
    for word in [4, id.len() as u32, object::elf::NT_GNU_BUILD_ID.0] {
        note.extend_from_slice(&word.to_le_bytes());
    }
    note.extend_from_slice(b"GNU\0");
    note.extend_from_slice(id);
    TestSection::new(".note.gnu.build-id", object::elf::SHT_NOTE.0, note)
}

/// One `Elf64_Sym`.
pub(crate) fn symbol(name: u32, kind: u8, binding: u8, section: u16, address: u64, size: u64) -> Vec<u8> {
    let mut entry = name.to_le_bytes().to_vec();
    entry.extend_from_slice(&[binding << 4 | kind, 0]);
    entry.extend_from_slice(&section.to_le_bytes());
    entry.extend_from_slice(&address.to_le_bytes());
    entry.extend_from_slice(&size.to_le_bytes());
    entry
}
