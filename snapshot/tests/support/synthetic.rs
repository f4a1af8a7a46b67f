//! Builds core files and seekable zstd files from the specifications, sharing nothing with the code under test, so
//! that a wrong structure cannot hide in reader and writer at once.
//!
//! Written after elf(5), the kernel's include/linux/elfcore.h and fs/binfmt_elf.c, RFC 8878 and the seekable format's
//! description; fields are pushed one after the other, as C lays them out, instead of put at offsets.

/// Little-endian fields, one after the other.
#[derive(Clone, Default)]
pub struct Fields(pub Vec<u8>);

impl Fields {
    pub fn int(mut self, value: i32) -> Fields {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn short(mut self, value: u16) -> Fields {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn long(mut self, value: u64) -> Fields {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn raw(mut self, bytes: &[u8]) -> Fields {
        self.0.extend(bytes);
        self
    }

    /// A `char` array: the text, then NULs.
    pub fn text(mut self, text: &str, size: usize) -> Fields {
        let end = self.0.len() + size;
        self.0.extend(text.bytes());
        self.0.resize(end, 0);
        self
    }

    /// What the compiler leaves free before a field of this alignment.
    pub fn align(mut self, to: usize) -> Fields {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
        self
    }
}

/// `struct elf_prstatus`; the registers are 1000 times the thread's id and their number.
pub fn prstatus(tid: i32, signal: i32) -> Vec<u8> {
    let mut fields = Fields::default().int(signal).int(0).int(0).short(signal as u16).align(8);
    fields = fields.long(0x11).long(0x22);
    fields = fields.int(tid).int(7).int(8).int(9);
    for _ in ["utime", "stime", "cutime", "cstime"] {
        fields = fields.long(2).long(500_000);
    }
    for register in 0..27 {
        fields = fields.long(tid as u64 * 1000 + register);
    }
    fields.int(1).align(8).0
}

/// `struct elf_prpsinfo`.
pub fn prpsinfo(pid: i32, comm: &str, arguments: &str) -> Vec<u8> {
    let fields = Fields::default().raw(&[0, b'R', 0, 5]).align(8).long(0x40_2000);
    let fields = fields.int(1000).int(1001).int(pid).int(7).int(8).int(9);
    fields.text(comm, 16).text(arguments, 80).0
}

/// `NT_FILE`: start, end, offset in pages, path.
pub fn files(mappings: &[(u64, u64, u64, &str)]) -> Vec<u8> {
    let mut fields = Fields::default().long(mappings.len() as u64).long(4096);
    for (start, end, page, _) in mappings {
        fields = fields.long(*start).long(*end).long(*page);
    }
    for (.., path) in mappings {
        fields = fields.raw(path.as_bytes()).raw(&[0]);
    }
    fields.0
}

/// A note with everything padded to four bytes.
pub fn note(owner: &str, kind: u32, desc: &[u8]) -> Vec<u8> {
    let fields = Fields::default().int(owner.len() as i32 + 1).int(desc.len() as i32).int(kind as i32);
    fields.raw(owner.as_bytes()).raw(&[0]).align(4).raw(desc).align(4).0
}

/// A segment of memory.
#[derive(Clone, Debug)]
pub struct Load {
    pub vaddr: u64,
    pub memsz: u64,
    pub bytes: Vec<u8>,
    pub flags: i32,
}

/// A core in the kernel's own layout: header, program headers, notes, page-aligned memory; with `extended` the number
/// of segments stands in a section header behind everything.
pub fn core(notes: &[u8], loads: &[Load], extended: bool) -> Vec<u8> {
    let segments = loads.len() + 1;
    let notes_at = 64 + 56 * segments as u64;
    let memory_at = (notes_at + notes.len() as u64).next_multiple_of(4096);
    let sizes: Vec<u64> = loads.iter().map(|load| (load.bytes.len() as u64).next_multiple_of(4096)).collect();
    let sections_at = if extended { memory_at + sizes.iter().sum::<u64>() } else { 0 };

    let mut out = Fields::default().raw(b"\x7fELF").raw(&[2, 1, 1]).align(16);
    out = out.short(4).short(62).int(1).long(0).long(64).long(sections_at).int(0);
    let phnum = if extended { 0xffff } else { segments as u16 };
    out = out.short(64).short(56).short(phnum).short(64).short(u16::from(extended)).short(0);
    out = out.int(4).int(0).long(notes_at).long(0).long(0).long(notes.len() as u64).long(0).long(0);
    let mut offset = memory_at;
    for (load, size) in loads.iter().zip(&sizes) {
        out = out.int(1).int(load.flags).long(offset).long(load.vaddr).long(0);
        out = out.long(load.bytes.len() as u64).long(load.memsz).long(4096);
        offset += size;
    }
    out = out.raw(notes).align(4096);
    for load in loads {
        out = out.raw(&load.bytes).align(4096);
    }
    if extended {
        out = out.int(0).int(0).long(0).long(0).long(0).long(1).int(0).int(segments as i32).long(0).long(0);
    }
    out.0
}

/// A process with two threads, a program of two mappings, a stack and anonymous memory, as the kernel dumps it.
pub fn small_core() -> Vec<u8> {
    let mut notes = note("CORE", 1, &prstatus(11, 11));
    notes.extend(note("CORE", 3, &prpsinfo(10, "synthetic", "./synthetic --fast now")));
    let siginfo = Fields::default().int(11).int(0).int(1).align(8).long(0xdead).text("", 128 - 24);
    notes.extend(note("CORE", 0x5349_4749, &siginfo.0));
    let auxv = Fields::default().long(3).long(0x40_0040).long(6).long(4096).long(31).long(0x7ffc_0000_0f00);
    notes.extend(note("CORE", 6, &auxv.long(33).long(0x7fff_0000_0000).long(0).long(0).0));
    let mapped = [(0x40_0000, 0x40_2000, 0, "/opt/synthetic"), (0x40_2000, 0x40_3000, 2, "/opt/synthetic")];
    notes.extend(note("CORE", 0x4649_4c45, &files(&mapped)));
    notes.extend(note("CORE", 2, &[0x5a; 512]));
    notes.extend(note("LINUX", 0x202, &[0xa5; 832]));
    notes.extend(note("CORE", 1, &prstatus(10, 11)));
    notes.extend(note("CORE", 2, &[0x5b; 512]));
    let bytes = |fill: u8, size: usize| vec![fill; size];
    let mut stack = bytes(3, 4096);
    stack[0xf00..0xf0f].copy_from_slice(b"/opt/synthetic\0");
    let loads = [
        Load { vaddr: 0x40_0000, memsz: 0x2000, bytes: program_header_page(), flags: 5 },
        Load { vaddr: 0x40_2000, memsz: 0x1000, bytes: bytes(2, 4096), flags: 6 },
        Load { vaddr: 0x7000_0000_0000, memsz: 0x4000, bytes: bytes(7, 0x4000), flags: 6 },
        Load { vaddr: 0x7ffc_0000_0000, memsz: 0x1000, bytes: stack, flags: 6 },
        Load { vaddr: 0x7fff_0000_0000, memsz: 0x1000, bytes: program_header_page(), flags: 5 },
    ];
    core(&notes, &loads, false)
}

/// The first page of a program: ELF header, a `PT_LOAD`, a `PT_NOTE`, and a build-id of 0xb1 bytes.
pub fn program_header_page() -> Vec<u8> {
    let id = note("GNU", 3, &[0xb1; 20]);
    let mut out = Fields::default().raw(b"\x7fELF").raw(&[2, 1, 1]).align(16);
    out = out.short(3).short(62).int(1).long(0x1000).long(64).long(0).int(0);
    out = out.short(64).short(56).short(2).short(64).short(0).short(0);
    out = out.int(1).int(5).long(0).long(0).long(0).long(0x2000).long(0x2000).long(4096);
    out = out.int(4).int(4).long(0x200).long(0x200).long(0x200).long(id.len() as u64).long(id.len() as u64).long(4);
    out = out.align(0x200).raw(&id);
    out.align(4096).0
}

/// A seekable zstd file: frames of `chunk` bytes each, with checksums, then the seek table.
pub fn seekable(content: &[u8], chunk: usize) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(3).unwrap();
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).unwrap();
    let mut out = Vec::new();
    let mut table = Fields::default();
    for chunk in content.chunks(chunk) {
        let frame = compressor.compress(chunk).unwrap();
        let checksum = xxhash_rust::xxh64::xxh64(chunk, 0) as u32;
        table = table.int(frame.len() as i32).int(chunk.len() as i32).int(checksum as i32);
        out.extend(frame);
    }
    let frames = content.len().div_ceil(chunk) as i32;
    table = table.int(frames).raw(&[0x80]).int(0x8f92_eab1u32 as i32);
    let head = Fields::default().int(0x184d_2a5e).int(table.0.len() as i32);
    [out, head.0, table.0].concat()
}

/// A core in frames, with a skippable frame that holds these notes between them and the end of the file.
pub fn beside(core: &[u8], notes: &[u8]) -> Vec<u8> {
    let mut file = seekable(core, 4096);
    file.truncate(file.len() - 8 - core.len().div_ceil(4096) * 12 - 9);
    file.extend(0x184d_2a53_u32.to_le_bytes());
    file.extend((notes.len() as u32).to_le_bytes());
    file.extend(notes);
    file
}
