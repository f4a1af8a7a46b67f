//! Any ELF image as the vdso of a process: its headers, symbols and call frame information are read, and a stack is
//! walked by them.
#![no_main]

use dpdb_analyzer::{Options, Session};
use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::Permissions;
use dpdb_snapshot::{Absent, AddressRange, Avma, Mapping, Memory, Process, Registers, Text, Thread};
use libfuzzer_sys::fuzz_target;

const IMAGE: u64 = 0x7fff_0000_0000;
const STACK: u64 = 0x7ffe_0000_0000;

struct Pages(Vec<(u64, Vec<u8>)>);

impl Memory for Pages {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let rest = self.0.iter().find_map(|(start, bytes)| bytes.get(usize::try_from(at.0.checked_sub(*start)?).ok()?..));
        let rest = rest.filter(|rest| !rest.is_empty()).ok_or(Absent::NotMapped(at))?;
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

fuzz_target!(|data: &[u8]| {
    // The first bytes are the stack, whose words lead into the image.
    let (stack, image) = data.split_at(data.len().min(256));
    let words = stack.iter().flat_map(|&byte| (IMAGE + u64::from(byte) * 16).to_le_bytes());
    let stack: Vec<u8> = words.collect();
    let mapping = |start: u64, length: usize, execute: bool, path: &str| Mapping {
        range: AddressRange::new(start, start + length as u64),
        permissions: Permissions { read: true, write: !execute, execute, shared: false },
        path: Text::from(path),
        ..Mapping::default()
    };
    let general = GeneralRegisters { rip: IMAGE + 0x600, rsp: STACK, rbp: STACK, ..GeneralRegisters::default() };
    let registers = Some(Registers { general, ..Registers::default() });
    let process = Process {
        threads: vec![Thread { tid: 1, registers, ..Thread::default() }],
        mappings: vec![mapping(STACK, stack.len(), false, "[stack]"), mapping(IMAGE, image.len(), true, "[vdso]")],
        ..Process::default()
    };
    let memory = Pages(vec![(STACK, stack), (IMAGE, image.to_vec())]);
    let session = Session::new(Box::new((process, memory)), Options::default());
    let backtrace = session.backtrace(1, usize::MAX);
    for frame in backtrace.frames.iter().take(64) {
        let _ = (session.symbolize(frame), session.function_range(frame.pc));
    }
});
