//! The ELF header and the program headers of a core.

use super::Damage;
use crate::elf::file_note::FileMapping;
use crate::elf::header::{
    EHDR_SIZE, FileHeader, HeaderError, PF_R, PF_X, PHDR_SIZE, PN_XNUM, PT_LOAD, PT_NOTE, ProgramHeader, SHDR_SIZE,
    extended_segment_count,
};
use crate::limits::{MAX_NOTE_SEGMENTS, MAX_SEGMENTS};
use crate::stream::{Missing, Stream};

/// The segments of a core.
#[derive(Debug, Default)]
pub(super) struct CoreHeaders {
    pub(super) loads: Vec<ProgramHeader>,
    pub(super) notes: Vec<ProgramHeader>,
    /// Not all of them are there.
    pub(super) incomplete: bool,
}

/// Why there are none.
#[derive(Debug)]
pub(super) enum Error {
    Header(HeaderError),
    /// Another `e_type`.
    Kind(String),
    Broken(String),
}

impl CoreHeaders {
    /// Reads as many program headers as are there; it is damage, not an error, when some are missing.
    pub(super) fn read(stream: &Stream, damage: &mut Vec<Damage>) -> Result<CoreHeaders, Error> {
        let header = read_file_header(stream)?;
        let expected = segment_count(stream, &header)?;
        let mut headers = CoreHeaders::default();
        let mut present = 0;
        // Some at a time: the count is only a claim.
        const AT_ONCE: u64 = 1024;
        while present < expected.min(MAX_SEGMENTS) {
            let count = AT_ONCE.min(expected.min(MAX_SEGMENTS) - present);
            let mut bytes = vec![0; count as usize * PHDR_SIZE];
            let at = header.phoff.saturating_add(present * PHDR_SIZE as u64);
            let got = stream.read_some(at, &mut bytes).unwrap_or_default();
            for entry in bytes[..got].chunks_exact(PHDR_SIZE) {
                headers.extend(ProgramHeader::parse(entry));
                present += 1;
            }
            if got < bytes.len() {
                break;
            }
        }
        if present < expected {
            headers.incomplete = true;
            damage.push(Damage::Segments { present, expected });
        }
        Ok(headers)
    }

    /// Adds segments without bytes for mapped files that have no segment.
    ///
    /// gcore leaves out mappings of files that the process never wrote to (seen with gdb 13: the text of every shared
    /// library), and only `NT_FILE` tells of them. Their permissions are not known; text is what they mostly are.
    pub(super) fn add_unlisted_files(&mut self, files: &[FileMapping]) {
        let mut loads = std::mem::take(&mut self.loads);
        loads.sort_by_key(|load| load.vaddr);
        let mut unlisted = Vec::new();
        let mut next = 0;
        // The highest end of all segments below `next`, and of the files before.
        let mut covered = 0;
        for file in files {
            let mut at = file.range.start.0.max(covered);
            while at < file.range.end.0 {
                let load = loads.get(next).filter(|load| load.vaddr < file.range.end.0);
                let until = load.map_or(file.range.end.0, |load| load.vaddr);
                if at < until {
                    let header = ProgramHeader { kind: PT_LOAD, flags: PF_R | PF_X, vaddr: at, ..Default::default() };
                    unlisted.push(ProgramHeader { memsz: until - at, ..header });
                }
                let end = load.map_or(until, |load| load.vaddr.saturating_add(load.memsz.max(load.filesz)));
                next += usize::from(load.is_some());
                at = at.max(end);
                covered = covered.max(at);
            }
        }
        loads.append(&mut unlisted);
        loads.sort_by_key(|load| load.vaddr);
        self.loads = loads;
    }

    fn extend(&mut self, header: Option<ProgramHeader>) {
        match header {
            Some(load) if load.kind == PT_LOAD => self.loads.push(load),
            Some(note) if note.kind == PT_NOTE && self.notes.len() < MAX_NOTE_SEGMENTS => self.notes.push(note),
            _ => {}
        }
    }
}

fn read_file_header(stream: &Stream) -> Result<FileHeader, Error> {
    let mut bytes = [0; EHDR_SIZE];
    let got = match stream.read_some(0, &mut bytes) {
        Ok(got) => got,
        Err(Missing::CutOff) => return Err(Error::Header(HeaderError::Short)),
        Err(Missing::Broken { reason, .. }) => return Err(Error::Broken(reason)),
    };
    let header = FileHeader::parse(&bytes[..got]).map_err(Error::Header)?;
    if !header.is_core {
        let kind = match header.kind {
            1 => "an object file".to_owned(),
            2 => "a program".to_owned(),
            3 => "a program or shared object".to_owned(),
            other => other.to_string(),
        };
        return Err(Error::Kind(kind));
    }
    if header.phnum > 0 && usize::from(header.phentsize) != PHDR_SIZE {
        return Err(Error::Broken(format!("its program headers have {} bytes, not {PHDR_SIZE}", header.phentsize)));
    }
    Ok(header)
}

fn segment_count(stream: &Stream, header: &FileHeader) -> Result<u64, Error> {
    if header.phnum != PN_XNUM {
        return Ok(u64::from(header.phnum));
    }
    let mut section = [0; SHDR_SIZE];
    let got = stream.read_some(header.shoff, &mut section).unwrap_or_default();
    // The kernel writes it at the end of the core, where a file that is cut off has lost it: all that is certain then
    // is that there are at least this many.
    Ok(extended_segment_count(&section[..got]).map_or(u64::from(PN_XNUM), u64::from))
}
