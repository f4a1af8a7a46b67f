//! Call frame information that is damaged: the vdso of this very process, whose image lies in memory and has its own,
//! with bytes flipped.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use dpdb_analyzer::{FrameTrust, Options, Session};
use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::Permissions;
use dpdb_snapshot::{Absent, AddressRange, Avma, Mapping, Memory, Process, Registers, Text, Thread};

const VDSO: u64 = 0x7fff_0000_0000;
const STACK: u64 = 0x7ffe_0000_0000;

struct Pages(Vec<(u64, Vec<u8>)>);

impl Memory for Pages {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let rest =
            self.0.iter().find_map(|(start, bytes)| bytes.get(usize::try_from(at.0.checked_sub(*start)?).ok()?..));
        let rest = rest.filter(|rest| !rest.is_empty()).ok_or(Absent::NotMapped(at))?;
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// The vdso that the kernel gave this process.
fn own_vdso() -> Vec<u8> {
    let maps = fs::read_to_string("/proc/self/maps").expect("a process may read its own maps");
    let line = maps.lines().find(|line| line.ends_with("[vdso]")).expect("every process has one");
    let (start, rest) = line.split_once('-').expect("proc(5): start-end");
    let (end, _) = rest.split_once(' ').expect("proc(5): the permissions follow");
    let [start, end] = [start, end].map(|digits| u64::from_str_radix(digits, 16).expect("proc(5): in hex"));
    let mut image = vec![0; (end - start) as usize];
    let memory = File::open("/proc/self/mem").expect("a process may read its own memory");
    memory.read_exact_at(&mut image, start).expect("the vdso may be read");
    image
}

/// A session on a process that has only this vdso and a stack, and stands at `pc` in it.
fn session(image: Vec<u8>, pc: u64, stack: Vec<u8>) -> Session {
    let mapping = |start: u64, length: usize, execute: bool, path: &str| Mapping {
        range: AddressRange::new(start, start + length as u64),
        permissions: Permissions { read: true, write: !execute, execute, shared: false },
        path: Text::from(path),
        ..Mapping::default()
    };
    let general = GeneralRegisters { rip: pc, rsp: STACK, rbp: STACK + 64, ..GeneralRegisters::default() };
    let process = Process {
        threads: vec![Thread {
            tid: 1,
            registers: Some(Registers { general, ..Registers::default() }),
            ..Thread::default()
        }],
        mappings: vec![mapping(STACK, stack.len(), false, "[stack]"), mapping(VDSO, image.len(), true, "[vdso]")],
        ..Process::default()
    };
    Session::new(Box::new((process, Pages(vec![(STACK, stack), (VDSO, image)]))), Options::default())
}

/// Somewhere in the code of the vdso, past its prologue: a function's first byte and one more.
fn function(image: &[u8]) -> u64 {
    let whole = session(image.to_vec(), VDSO, vec![0; 4096]);
    let inside = (0..image.len() as u64).step_by(16).map(|offset| Avma(VDSO + offset));
    let mut ranges = inside.filter_map(|at| whole.function_range(at));
    ranges.find(|range| range.len() > 32).expect("the vdso has functions").start.0
}

#[test]
fn the_vdso_is_unwound_out_of_memory() {
    let image = own_vdso();
    let start = function(&image);
    let mut stack = vec![0; 4096];
    stack[..8].copy_from_slice(&(start + 4).to_le_bytes());
    let found = session(image, start, stack).backtrace(1, 10);
    assert_eq!(found.frames[0].cfa, Some(Avma(STACK + 8)), "at its first byte nothing is pushed yet");
    assert_eq!((found.frames[1].pc.0, found.frames[1].trust), (start + 4, FrameTrust::Cfi));
}

#[test]
fn no_damage_makes_a_walk_panic_or_endless() {
    let image = own_vdso();
    let start = function(&image);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    // Most of the image is code and padding; the headers and the tables are in its first half.
    let tables = image.len() as u64 / 2;
    for round in 0..2000 {
        let mut image = image.clone();
        for _ in 0..1 + random() % 8 {
            let at = (random() % tables) as usize;
            image[at] = random() as u8;
        }
        let words: Vec<u8> = (0..512u64)
            .flat_map(|_| match random() % 3 {
                0 => (VDSO + random() % image.len() as u64).to_le_bytes(),
                1 => (STACK + random() % 4096).to_le_bytes(),
                _ => random().to_le_bytes(),
            })
            .collect();
        let pc = start + random() % 64;
        let session = session(image, pc, words);
        let found = session.backtrace(1, usize::MAX);
        assert!(found.frames.len() < 2000, "round {round}: {} frames", found.frames.len());
        let _ = (session.function_range(Avma(pc)), session.symbol_at(Avma(pc)), session.warnings());
    }
}
