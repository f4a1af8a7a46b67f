//! The notes of a core: the kernel's and our own.

use std::ops::ControlFlow;

use super::Damage;
use crate::SourceFile;
use crate::capture_report::CaptureReport;
use crate::dpdb_note::{
    self, MemoryNote, NT_DPDB_CAPTURE, NT_DPDB_MEMORY, NT_DPDB_PROCESS, NT_DPDB_SHARED, NT_DPDB_SOURCES, OWNER,
    ProcessNote, SharedNote, SourcesNote,
};
use crate::elf::file_note::{self, FileMapping};
use crate::elf::header::ProgramHeader;
use crate::elf::note::{
    self, NOTE_HEADER, NT_AUXV, NT_FILE, NT_FPREGSET, NT_PRPSINFO, NT_PRSTATUS, NT_SIGINFO, NT_X86_XSTATE, NoteHeader,
};
use crate::elf::status::{PRSTATUS_SIZE, PrPsInfo, PrStatus};
use crate::limits::{
    MAX_AUXV, MAX_FILE_NOTE, MAX_JSON, MAX_NOTES, MAX_NOTES_BESIDE, MAX_REGISTER_NOTE, MAX_REGISTER_NOTES, MAX_THREADS,
};
use crate::process::SigInfo;
use crate::stream::Stream;

/// All that the notes say.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) threads: Vec<ThreadNotes>,
    pub(super) psinfo: Option<PrPsInfo>,
    pub(super) auxv: Vec<(u64, u64)>,
    pub(super) files: Vec<FileMapping>,
    pub(super) process: Option<ProcessNote>,
    pub(super) memory: Option<MemoryNote>,
    pub(super) capture: Option<CaptureReport>,
    /// Whether there is any note of ours, broken or not.
    has_our_notes: bool,
    register_bytes: u64,
}

/// A thread's notes: from its `NT_PRSTATUS` up to the next thread's.
#[derive(Debug)]
pub(super) struct ThreadNotes {
    pub(super) status: PrStatus,
    pub(super) siginfo: Option<SigInfo>,
    pub(super) fp: Option<Vec<u8>>,
    pub(super) xstate: Option<Vec<u8>>,
}

impl Notes {
    /// Whether we wrote the file.
    pub(super) fn is_snapshot(&self) -> bool {
        self.has_our_notes
    }
}

/// Reads the notes of all note segments, as far as they are there.
pub(super) fn read(stream: &Stream, segments: &[ProgramHeader], damage: &mut Vec<Damage>) -> Notes {
    let mut notes = Notes::default();
    let mut budget = MAX_NOTES;
    for segment in segments {
        let end = segment.offset.saturating_add(segment.filesz);
        let mut at = segment.offset;
        while at.saturating_add(NOTE_HEADER) <= end {
            budget = budget.saturating_sub(1);
            match read_one(stream, at, end, budget, &mut notes, damage) {
                ControlFlow::Continue(next) => at = next,
                ControlFlow::Break(reason) => {
                    damage.push(Damage::Notes { at, reason: reason.to_owned() });
                    break;
                }
            }
        }
    }
    notes
}

/// What stands in notes beside the core.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Source files.
    pub(super) sources: Vec<SourceFile>,
    /// The pages that are in the base; `None` where the file does not tell.
    pub(super) shared: Option<SharedNote>,
}

/// Reads the notes beside the core.
pub(super) fn beside(stream: &Stream, damage: &mut Vec<Damage>) -> Beside {
    let frames = stream.skippable(MAX_NOTES_BESIDE);
    let notes: Vec<_> = frames.iter().flat_map(|frame| note::in_bytes(frame)).collect();
    let of_kind = |wanted| {
        let is_it = |(owner, kind, _): &&(&[u8], u32, &[u8])| *owner == OWNER.as_bytes() && *kind == wanted;
        notes.iter().find(is_it).map(|(.., desc)| *desc)
    };
    let sources: Option<SourcesNote> = compressed(of_kind(NT_DPDB_SOURCES), "sources", damage);
    let shared = compressed(of_kind(NT_DPDB_SHARED), "shared pages", damage);
    Beside { sources: sources.map(|note| note.files).unwrap_or_default(), shared }
}

fn compressed<T: serde::de::DeserializeOwned>(
    desc: Option<&[u8]>,
    note: &'static str,
    damage: &mut Vec<Damage>,
) -> Option<T> {
    let json = zstd::bulk::decompress(desc?, MAX_JSON as usize).map_err(|error| error.to_string());
    json.and_then(|json| dpdb_note::parse(&json)).map_err(|reason| damage.push(Damage::Json { note, reason })).ok()
}

/// Reads one note, and returns where the next begins.
fn read_one(
    stream: &Stream,
    at: u64,
    end: u64,
    budget: usize,
    notes: &mut Notes,
    damage: &mut Vec<Damage>,
) -> ControlFlow<&'static str, u64> {
    let mut head = [0; NOTE_HEADER as usize];
    let header = match read_exact(stream, at, &mut head) {
        true => NoteHeader::parse(&head),
        false => return ControlFlow::Break("the rest is cut off or broken"),
    };
    let Some(header) = header else { return ControlFlow::Break("the rest is cut off or broken") };
    let next = at.saturating_add(header.size());
    // The padding behind the last note may be missing.
    if next > end.saturating_add(3) {
        return ControlFlow::Break("a note is longer than its segment");
    }
    if budget == 0 {
        return ControlFlow::Break("there are more than are looked at");
    }
    let mut name = [0; 8];
    let name_size = header.name_size.min(8) as usize;
    if !read_exact(stream, at + NOTE_HEADER, &mut name[..name_size]) {
        return ControlFlow::Break("the rest is cut off or broken");
    }
    let name = name[..name_size].strip_suffix(b"\0").unwrap_or(&name[..name_size]);
    let desc = Desc { stream, at: at + NOTE_HEADER + header.name_padded(), size: u64::from(header.desc_size) };
    let taken = match name {
        b"CORE" | b"LINUX" => notes.take_kernels(header.kind, &desc),
        _ if name == OWNER.as_bytes() => notes.take_ours(header.kind, &desc, damage),
        _ => Some(()),
    };
    match taken {
        Some(()) => ControlFlow::Continue(next),
        None => ControlFlow::Break("the rest is cut off or broken"),
    }
}

/// The bytes of a note, not yet read.
struct Desc<'a> {
    stream: &'a Stream,
    at: u64,
    size: u64,
}

impl Desc<'_> {
    /// The first bytes, up to a limit; `None` where they are not there.
    fn read(&self, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let size = self.size.min(limit) as usize;
        // The length is only a claim until the bytes have been seen.
        while bytes.len() < size {
            let done = bytes.len();
            bytes.resize(size.min(done + (1 << 20)), 0);
            if !read_exact(self.stream, self.at.saturating_add(done as u64), &mut bytes[done..]) {
                return None;
            }
        }
        Some(bytes)
    }
}

fn read_exact(stream: &Stream, at: u64, buf: &mut [u8]) -> bool {
    stream.read_some(at, buf) == Ok(buf.len())
}

impl Notes {
    /// Takes a note of the kernel's; `None` where its bytes are missing.
    fn take_kernels(&mut self, kind: u32, desc: &Desc<'_>) -> Option<()> {
        match kind {
            NT_PRSTATUS if self.threads.len() < MAX_THREADS => {
                if let Some(status) = PrStatus::parse(&desc.read(PRSTATUS_SIZE as u64)?) {
                    self.threads.push(ThreadNotes { status, siginfo: None, fp: None, xstate: None });
                }
            }
            NT_PRPSINFO => self.psinfo = self.psinfo.take().or(PrPsInfo::parse(&desc.read(1 << 10)?)),
            NT_AUXV if self.auxv.is_empty() => self.auxv = auxv(&desc.read(MAX_AUXV)?),
            NT_FILE if self.files.is_empty() => self.files = file_note::parse(&desc.read(MAX_FILE_NOTE)?),
            NT_SIGINFO => {
                let info = SigInfo::from_bytes(&desc.read(SigInfo::SIZE as u64)?);
                if let Some(thread) = self.threads.last_mut() {
                    thread.siginfo = Some(info);
                }
            }
            NT_FPREGSET => self.take_registers(desc, |thread| &mut thread.fp)?,
            NT_X86_XSTATE => self.take_registers(desc, |thread| &mut thread.xstate)?,
            _ => {}
        }
        Some(())
    }

    fn take_registers(&mut self, desc: &Desc<'_>, field: fn(&mut ThreadNotes) -> &mut Option<Vec<u8>>) -> Option<()> {
        if desc.size <= MAX_REGISTER_NOTE && self.register_bytes + desc.size <= MAX_REGISTER_NOTES {
            let bytes = desc.read(MAX_REGISTER_NOTE)?;
            if let Some(field) = self.threads.last_mut().map(field).filter(|field| field.is_none()) {
                *field = Some(bytes);
                self.register_bytes += desc.size;
            }
        }
        Some(())
    }

    /// Takes a note of ours; types that are not known are somebody newer's.
    fn take_ours(&mut self, kind: u32, desc: &Desc<'_>, damage: &mut Vec<Damage>) -> Option<()> {
        self.has_our_notes = true;
        match kind {
            NT_DPDB_PROCESS if self.process.is_none() => self.process = json(desc, "process", damage)?,
            NT_DPDB_MEMORY if self.memory.is_none() => self.memory = json(desc, "memory", damage)?,
            NT_DPDB_CAPTURE if self.capture.is_none() => self.capture = json(desc, "capture", damage)?,
            _ => {}
        }
        Some(())
    }
}

fn json<T: serde::de::DeserializeOwned>(
    desc: &Desc<'_>,
    note: &'static str,
    damage: &mut Vec<Damage>,
) -> Option<Option<T>> {
    if desc.size > MAX_JSON {
        damage.push(Damage::Json { note, reason: format!("its {} bytes are more than are read", desc.size) });
        return Some(None);
    }
    match dpdb_note::parse(&desc.read(MAX_JSON)?) {
        Ok(value) => Some(Some(value)),
        Err(reason) => {
            damage.push(Damage::Json { note, reason });
            Some(None)
        }
    }
}

/// The pairs of the auxiliary vector, up to `AT_NULL`.
fn auxv(desc: &[u8]) -> Vec<(u64, u64)> {
    let word = |pair: &[u8], at| crate::bytes::u64_at(pair, at).unwrap_or_default();
    desc.chunks_exact(16).map(|pair| (word(pair, 0), word(pair, 8))).take_while(|&(kind, _)| kind != 0).collect()
}
