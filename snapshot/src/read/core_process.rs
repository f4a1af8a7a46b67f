//! Describes the process of a core file: from our own notes where it has them, else from the kernel's.

use super::modules;
use super::notes::{Notes, ThreadNotes};
use super::segments::UNEXPLAINED;
use super::stack_strings;
use crate::elf::PAGE;
use crate::elf::file_note::FileMapping;
use crate::elf::header::{PF_R, PF_W, PF_X, ProgramHeader};
use crate::elf::status::{PrPsInfo, PrStatus};
use crate::process::{Cause, Identity, Permissions, Signal};
use crate::{AddressRange, Avma, Mapping, Memory, Process, Registers, Text, Thread};

const AT_PHDR: u64 = 3;
const AT_ENTRY: u64 = 9;
const AT_EXECFN: u64 = 31;
const AT_SYSINFO_EHDR: u64 = 33;
/// The longest path that Linux takes (`PATH_MAX`).
const PATH_MAX: usize = 4096;

/// The process of a core whose notes are these.
pub(super) fn describe(mut notes: Notes, loads: &[ProgramHeader], memory: &dyn Memory) -> Process {
    match notes.process.take() {
        Some(note) => with_registers(note.process, &note.without_registers, notes.threads),
        None => from_kernels_notes(notes, loads, memory),
    }
}

/// Gives the threads of our own note the registers of the kernel's notes.
fn with_registers(mut process: Process, without: &[i32], notes: Vec<ThreadNotes>) -> Process {
    let without: std::collections::HashSet<i32> = without.iter().copied().collect();
    let mut by_tid: std::collections::HashMap<i32, ThreadNotes> =
        notes.into_iter().rev().map(|notes| (notes.status.tid, notes)).collect();
    for thread in &mut process.threads {
        let Some(notes) = by_tid.remove(&thread.tid) else { continue };
        thread.siginfo = notes.siginfo.clone();
        thread.registers = (!without.contains(&thread.tid)).then(|| registers(notes));
    }
    process
}

fn registers(notes: ThreadNotes) -> Registers {
    Registers { general: notes.status.registers, fp: notes.fp, xstate: notes.xstate }
}

/// What a core of the kernel's or gcore's tells.
fn from_kernels_notes(notes: Notes, loads: &[ProgramHeader], memory: &dyn Memory) -> Process {
    let first = notes.threads.first().map(|thread| thread.status).unwrap_or_default();
    let psinfo = notes.psinfo.unwrap_or_default();
    let cause = cause(&first, notes.threads.first());
    let threads: Vec<Thread> = notes.threads.into_iter().map(thread).collect();
    let mut process = Process {
        pid: if psinfo.pid == 0 { first.tid } else { psinfo.pid },
        ppid: psinfo.ppid,
        pgid: psinfo.pgid,
        sid: psinfo.sid,
        comm: Text(psinfo.comm.clone()),
        identity: Some(Identity { uid: [psinfo.uid; 4], gid: [psinfo.gid; 4], groups: Vec::new() }),
        cause: Some(cause),
        threads,
        auxv: notes.auxv,
        ..Process::default()
    };
    process.mappings = mappings(loads, &notes.files);
    name_special_mappings(&mut process);
    let vdso = process.auxv(AT_SYSINFO_EHDR).and_then(|at| process.mapping_at(Avma(at))).map(|mapping| mapping.range);
    process.modules = modules::find(memory, &notes.files, vdso, |file| {
        process.mapping_at(file.range.start).is_some_and(|mapping| mapping.permissions.execute)
    });
    process.executable = executable(&process, memory);
    (process.arguments, process.environment) = strings(&process, &psinfo, memory);
    process
}

fn cause(status: &PrStatus, notes: Option<&ThreadNotes>) -> Cause {
    match status.signal {
        0 => Cause::CoreFile,
        signal => Cause::FatalSignal {
            signal: Signal(signal),
            tid: status.tid,
            info: notes.and_then(|notes| notes.siginfo.clone()),
            first_chance: None,
        },
    }
}

fn thread(notes: ThreadNotes) -> Thread {
    let status = notes.status;
    Thread {
        tid: status.tid,
        siginfo: notes.siginfo.clone(),
        pending: status.pending,
        blocked: status.blocked,
        user_time: Some(status.user_time),
        system_time: Some(status.system_time),
        registers: Some(registers(notes)),
        ..Thread::default()
    }
}

/// A mapping per segment, with the file that `NT_FILE` says was there.
fn mappings(loads: &[ProgramHeader], files: &[FileMapping]) -> Vec<Mapping> {
    let mut mappings: Vec<Mapping> = Vec::with_capacity(loads.len());
    for load in loads.iter().filter(|load| load.memsz > 0) {
        let range = AddressRange::new(load.vaddr, load.vaddr.saturating_add(load.memsz));
        let permissions = permissions(load.flags);
        let after = files.partition_point(|file| file.range.start <= range.start);
        let file = files[..after].last().filter(|file| file.range.contains(range.start));
        let (path, offset) = file.map_or_else(Default::default, |file| {
            (file.path.clone(), file.offset.saturating_add(range.start.0 - file.range.start.0))
        });
        // The kernel keeps a mapping whole, or the first page of an ELF file, or nothing.
        let left_out = (load.filesz < load.memsz && load.filesz <= PAGE).then(|| UNEXPLAINED.to_owned());
        // A mapping whose parts are in several segments, as in a snapshot's core, is one again.
        match mappings.last_mut() {
            Some(last) if file.is_some_and(|file| continues(last, range, permissions, file)) => {
                last.range.end = range.end;
                last.left_out = last.left_out.take().filter(|_| left_out.is_some());
            }
            _ => mappings.push(Mapping { range, permissions, offset, path, left_out, ..Mapping::default() }),
        }
    }
    mappings
}

fn continues(last: &Mapping, range: AddressRange, permissions: Permissions, file: &FileMapping) -> bool {
    last.range.end == range.start && last.permissions == permissions && file.range.contains(last.range.start)
}

fn permissions(flags: u32) -> Permissions {
    Permissions { read: flags & PF_R != 0, write: flags & PF_W != 0, execute: flags & PF_X != 0, shared: false }
}

/// Names the mappings that `/proc/PID/maps` would: the vdso by the auxiliary vector, the main thread's stack by what
/// the kernel put there.
fn name_special_mappings(process: &mut Process) {
    let vdso = process.auxv(AT_SYSINFO_EHDR).map(Avma);
    let stack = process.auxv(AT_EXECFN).map(Avma);
    for mapping in &mut process.mappings {
        let holds = |at: Option<Avma>| at.is_some_and(|at| mapping.range.contains(at));
        if !mapping.path.as_bytes().is_empty() {
            continue;
        }
        if holds(vdso) {
            mapping.path = Text::from("[vdso]");
        } else if holds(stack) {
            mapping.path = Text::from("[stack]");
        }
    }
}

/// The file that holds the program's headers or entry point; else what the kernel was told to execute; else the
/// first word of the command line, where that is a path.
fn executable(process: &Process, memory: &dyn Memory) -> Option<Text> {
    let of_file = |kind| {
        let mapping = process.mapping_at(Avma(process.auxv(kind)?))?;
        let path = mapping.path.as_bytes();
        let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
        (path.first() == Some(&b'/')).then(|| Text(path.to_vec()))
    };
    let execfn = || {
        let (path, whole) = memory.read_c_string(Avma(process.auxv(AT_EXECFN)?), PATH_MAX).ok()?;
        (whole && !path.is_empty()).then_some(Text(path))
    };
    of_file(AT_PHDR).or_else(|| of_file(AT_ENTRY)).or_else(execfn)
}

/// The command line and the environment: the strings on the stack, else the words of `NT_PRPSINFO`.
fn strings(process: &Process, psinfo: &PrPsInfo, memory: &dyn Memory) -> (Vec<Text>, Vec<Text>) {
    let stack = process.auxv(AT_EXECFN).and_then(|at| process.mapping_at(Avma(at))).map(|mapping| mapping.range);
    let found = stack.and_then(|stack| stack_strings::find(memory, stack, &process.auxv));
    found.unwrap_or_else(|| {
        let words = psinfo.arguments.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        (words.map(|word| Text(word.to_vec())).collect(), Vec::new())
    })
}
