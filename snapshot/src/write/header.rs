//! Everything in front of the memory: ELF header, program headers, and the notes in the kernel's own order.

use super::layout::{Layout, is_of_file, whole_pages};
use crate::dpdb_note::{
    LeftOut, MemoryNote, NT_DPDB_MEMORY, NT_DPDB_PROCESS, OWNER, ProcessNoteToWrite, Runs, VERSION,
};
use crate::elf::PAGE;
use crate::elf::file_note::{self, FileMapping};
use crate::elf::header::{PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, ProgramHeader, append_file_header, header_size};
use crate::elf::note::{self, NT_AUXV, NT_FILE, NT_FPREGSET, NT_PRPSINFO, NT_PRSTATUS, NT_SIGINFO, NT_X86_XSTATE};
use crate::elf::status::{PrPsInfo, PrStatus};
use crate::limits::MAX_JSON;
use crate::process::{SoftError, Step};
use crate::{Mapping, Process, Thread};

/// The beginning of the core, padded to a page; the memory of `layout` follows it, and `trailer` bytes of notes.
pub(super) fn core_header(process: &Process, layout: &Layout, trailer: u64) -> Vec<u8> {
    let notes = notes(process, layout);
    let segments = layout.segments.len() + 2;
    let notes_at = header_size(segments);
    let memory_at = whole_pages(notes_at + notes.len() as u64);

    let mut bytes = Vec::with_capacity(memory_at as usize);
    append_file_header(&mut bytes, segments);
    let note_segment = |offset, filesz| ProgramHeader { kind: PT_NOTE, offset, filesz, align: 4, ..Default::default() };
    note_segment(notes_at, notes.len() as u64).append_to(&mut bytes);
    for segment in &layout.segments {
        let header = ProgramHeader {
            kind: PT_LOAD,
            flags: flags(&process.mappings[segment.mapping]),
            offset: memory_at + segment.offset,
            vaddr: segment.range.start.0,
            filesz: segment.filesz,
            memsz: segment.range.len(),
            align: PAGE,
        };
        header.append_to(&mut bytes);
    }
    note_segment(memory_at + layout.stream_size(), trailer).append_to(&mut bytes);
    bytes.extend(notes);
    bytes.resize(memory_at as usize, 0);
    bytes
}

fn flags(mapping: &Mapping) -> u32 {
    let bit = |set: bool, bit: u32| if set { bit } else { 0 };
    let permissions = mapping.permissions;
    bit(permissions.read, PF_R) | bit(permissions.write, PF_W) | bit(permissions.execute, PF_X)
}

/// All notes: the kernel's (fs/binfmt_elf.c, `write_note_info`), then ours.
///
/// The process's own notes follow the first thread's `NT_PRSTATUS`. `NT_SIGINFO` is one per process there; where
/// another thread has one as well, it follows that thread's status, as gcore does it.
fn notes(process: &Process, layout: &Layout) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, thread) in process.threads.iter().enumerate() {
        let status = status(process, thread);
        note::append(&mut out, "CORE", NT_PRSTATUS, &status.to_bytes());
        if index == 0 {
            note::append(&mut out, "CORE", NT_PRPSINFO, &psinfo(process).to_bytes());
        }
        if let Some(info) = &thread.siginfo {
            note::append(&mut out, "CORE", NT_SIGINFO, info.as_bytes());
        }
        if index == 0 {
            note::append(&mut out, "CORE", NT_AUXV, &auxv(process));
            note::append(&mut out, "CORE", NT_FILE, &file_note::to_bytes(&file_mappings(process)));
        }
        let registers = thread.registers.as_ref();
        if let Some(fp) = registers.and_then(|registers| registers.fp.as_ref()) {
            note::append(&mut out, "CORE", NT_FPREGSET, fp);
        }
        if let Some(xstate) = registers.and_then(|registers| registers.xstate.as_ref()) {
            note::append(&mut out, "LINUX", NT_X86_XSTATE, xstate);
        }
    }
    note::append(&mut out, OWNER, NT_DPDB_PROCESS, &process_json(process));
    note::append(&mut out, OWNER, NT_DPDB_MEMORY, &to_json(&memory_note(layout)));
    out
}

fn status(process: &Process, thread: &Thread) -> PrStatus {
    let registers = thread.registers.as_ref();
    PrStatus {
        signal: process.cause.as_ref().and_then(|cause| cause.signal()).map_or(0, |signal| signal.0),
        pending: thread.pending,
        blocked: thread.blocked,
        tid: thread.tid,
        ppid: process.ppid,
        pgid: process.pgid,
        sid: process.sid,
        user_time: thread.user_time.unwrap_or_default(),
        system_time: thread.system_time.unwrap_or_default(),
        registers: registers.map(|registers| registers.general).unwrap_or_default(),
        has_fp: registers.is_some_and(|registers| registers.fp.is_some()),
    }
}

fn psinfo(process: &Process) -> PrPsInfo {
    let state = process.threads.first().and_then(|thread| thread.state).filter(char::is_ascii).unwrap_or('R');
    let arguments: Vec<&[u8]> = process.arguments.iter().map(|argument| argument.as_bytes()).collect();
    let (uid, gid) = process.identity.as_ref().map_or((0, 0), |identity| (identity.uid[0], identity.gid[0]));
    PrPsInfo {
        state: state as u8,
        uid,
        gid,
        pid: process.pid,
        ppid: process.ppid,
        pgid: process.pgid,
        sid: process.sid,
        comm: process.comm.as_bytes().to_vec(),
        arguments: arguments.join(&b' '),
    }
}

fn auxv(process: &Process) -> Vec<u8> {
    let pairs = process.auxv.iter().copied().chain([(0, 0)]);
    pairs.flat_map(|(kind, value)| [kind.to_le_bytes(), value.to_le_bytes()]).flatten().collect()
}

fn file_mappings(process: &Process) -> Vec<FileMapping> {
    let of_files = process.mappings.iter().filter(|mapping| is_of_file(mapping));
    of_files
        .map(|mapping| FileMapping { range: mapping.range, offset: mapping.offset, path: mapping.path.clone() })
        .collect()
}

fn memory_note(layout: &Layout) -> MemoryNote {
    let zero = Runs::of(&layout.zero);
    let mut note = MemoryNote { version: VERSION, page: PAGE, zero, ..MemoryNote::default() };
    // By reason; the end of the last range of each is needed while they grow.
    let mut ends: Vec<u64> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for (range, reason) in &layout.left_out {
        let index = *known.entry(reason).or_insert_with(|| {
            note.left_out.push(LeftOut { reason: reason.clone(), runs: Runs::default() });
            ends.push(0);
            ends.len() - 1
        });
        note.left_out[index].runs.push(&mut ends[index], *range);
    }
    note
}

/// The process as JSON, without its longest lists where it would be longer than readers allow.
fn process_json(process: &Process) -> Vec<u8> {
    let without_registers =
        process.threads.iter().filter(|thread| thread.registers.is_none()).map(|thread| thread.tid).collect();
    let note = ProcessNoteToWrite { version: VERSION, process, without_registers };
    let json = to_json(&note);
    if (json.len() as u64) < MAX_JSON {
        return json;
    }
    let message = format!("open files, environment and tree are left out: {} bytes are too many", json.len());
    let mut process = process.clone();
    process.fds.clear();
    process.environment.clear();
    process.arguments.truncate(1000);
    process.tree.clear();
    process.soft_errors.truncate(1000);
    process.soft_errors.push(SoftError { step: Step::Write, tid: None, errno: None, message });
    to_json(&ProcessNoteToWrite { process: &process, ..note })
}

fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    // It cannot fail: none of our types has a map with keys other than strings, or refuses to be serialized.
    serde_json::to_vec(value).unwrap_or_default()
}
