//! A process made up for tests, with memory whose every byte says where it is.

use dpdb_snapshot::arch::x86_64::GeneralRegisters;
use dpdb_snapshot::process::{Cause, Identity, Module, Permissions, SigInfo, Signal};
use dpdb_snapshot::{
    Absent, AddressRange, Avma, Content, Mapping, Memory, PlannedRange, Process, Registers, Text, Thread,
};

/// Memory in which each byte is computed from its address; some ranges fail.
#[derive(Default)]
pub struct PatternMemory {
    pub unreadable: Vec<AddressRange>,
}

/// The byte at an address: no two neighbouring words are equal, and no page is zero.
pub fn pattern(at: u64) -> u8 {
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29) as u8 ^ (at >> 12) as u8
}

impl Memory for PatternMemory {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        for (index, byte) in buf.iter_mut().enumerate() {
            let next = Avma(at.0 + index as u64);
            if let Some(&range) = self.unreadable.iter().find(|range| range.contains(next)) {
                let page = AddressRange::new(next.0, (next.0 | 4095).min(range.end.0 - 1) + 1);
                let failed = Absent::Unreadable { range: page, reason: "Bad address (os error 14)".to_owned() };
                return if index == 0 { Err(failed) } else { Ok(index) };
            }
            *byte = pattern(next.0);
        }
        Ok(buf.len())
    }
}

pub fn mapping(start: u64, end: u64, letters: &str, path: &str) -> Mapping {
    let has = |letter| letters.contains(letter);
    Mapping {
        range: AddressRange::new(start, end),
        permissions: Permissions { read: has('r'), write: has('w'), execute: has('x'), shared: has('s') },
        inode: u64::from(path.starts_with('/')) * 77,
        path: Text::from(path),
        ..Mapping::default()
    }
}

pub fn range(start: u64, end: u64, content: Content) -> PlannedRange {
    PlannedRange { range: AddressRange::new(start, end), content }
}

pub fn thread(tid: i32, rsp: u64) -> Thread {
    let general =
        GeneralRegisters { rip: 0x40_1000 + tid as u64, rsp, rbx: 0xb0b, cs: 0x33, ss: 0x2b, ..Default::default() };
    let fp = (0..512u32).map(|byte| (byte * 7) as u8).collect();
    let mut xstate: Vec<u8> = (0..832u32).map(|byte| (byte * 3 + tid as u32) as u8).collect();
    // What the processor saves (XCR0: x87, SSE, AVX), which gdb looks for among the bytes reserved for software, and
    // what of it is not in its initial state (XSTATE_BV). gdb refuses a core whose XCR0 is nonsense.
    for at in [464, 512] {
        xstate[at..at + 8].copy_from_slice(&7u64.to_le_bytes());
    }
    Thread {
        tid,
        name: Some(Text::from("worker")),
        state: Some('S'),
        registers: Some(Registers { general, fp: Some(fp), xstate: Some(xstate) }),
        pending: 1 << 9,
        blocked: 0xff00,
        user_time: Some(3_000_002_000),
        system_time: Some(4_000),
        ..Thread::default()
    }
}

/// The bytes of a `siginfo_t` for a fault at an address.
pub fn fault(signal: i32, code: i32, at: u64) -> SigInfo {
    let mut bytes = [0; 128];
    bytes[..4].copy_from_slice(&signal.to_le_bytes());
    bytes[8..12].copy_from_slice(&code.to_le_bytes());
    bytes[16..24].copy_from_slice(&at.to_le_bytes());
    SigInfo::from_bytes(&bytes)
}

/// A process of three threads with a program, a library, a heap, anonymous memory and two stacks.
pub fn process() -> (Process, Vec<PlannedRange>) {
    let left_out = |why: &str| Content::LeftOut(why.to_owned());
    let mut mappings = vec![
        mapping(0x40_0000, 0x40_4000, "rx", "/opt/app/worker"),
        mapping(0x40_4000, 0x40_8000, "rw", "/opt/app/worker"),
        mapping(0x40_8000, 0x40_a000, "rw", ""),
        mapping(0x100_0000, 0x110_0000, "rw", "[heap]"),
        mapping(0x7000_0000_0000, 0x7000_0040_0000, "rw", ""),
        mapping(0x7f00_0000_0000, 0x7f00_0000_2000, "r", "/usr/lib/libc.so.6"),
        mapping(0x7f00_0000_2000, 0x7f00_0000_4000, "rx", "/usr/lib/libc.so.6"),
        mapping(0x7f00_1000_0000, 0x7f00_1080_0000, "rw", ""),
        mapping(0x7ffc_0000_0000, 0x7ffc_0002_0000, "rw", "[stack]"),
        mapping(0xffff_ffff_ff60_0000, 0xffff_ffff_ff60_1000, "x", "[vsyscall]"),
    ];
    mappings[1].offset = 0x4000;
    mappings[6].offset = 0x2000;
    mappings[9].left_out = Some("not of the process".to_owned());
    let plan = vec![
        range(0x40_0000, 0x40_1000, Content::Captured),
        range(0x40_1000, 0x40_4000, left_out("coredump_filter")),
        range(0x40_4000, 0x40_6000, Content::Captured),
        range(0x40_6000, 0x40_7000, Content::Zero),
        range(0x40_7000, 0x40_8000, Content::Captured),
        range(0x40_8000, 0x40_a000, Content::Captured),
        range(0x100_0000, 0x102_0000, Content::Captured),
        range(0x102_0000, 0x108_0000, Content::Zero),
        range(0x108_0000, 0x109_0000, Content::Captured),
        range(0x109_0000, 0x110_0000, left_out("MADV_DONTDUMP")),
        range(0x7000_0000_0000, 0x7000_0040_0000, Content::Captured),
        range(0x7f00_0000_0000, 0x7f00_0000_1000, Content::Captured),
        range(0x7f00_1000_0000, 0x7f00_107f_0000, Content::Zero),
        range(0x7f00_107f_0000, 0x7f00_1080_0000, Content::Captured),
        range(0x7ffc_0000_0000, 0x7ffc_0001_0000, Content::Zero),
        range(0x7ffc_0001_0000, 0x7ffc_0002_0000, Content::Captured),
    ];
    let mut threads = vec![thread(4321, 0x7f00_107f_8000), thread(4320, 0x7ffc_0001_8000), thread(4322, 0)];
    threads[0].siginfo = Some(fault(11, 1, 0x10));
    threads[2].registers = None;
    let cause =
        Cause::FatalSignal { signal: Signal::SEGV, tid: 4321, info: threads[0].siginfo.clone(), first_chance: None };
    let process = Process {
        pid: 4320,
        ppid: 4000,
        pgid: 4320,
        sid: 4000,
        comm: Text::from("worker"),
        executable: Some(Text::from("/opt/app/worker")),
        arguments: ["./worker", "--jobs", "8"].map(Text::from).to_vec(),
        environment: vec![Text::from("HOME=/root"), Text(b"BAD=\xff\xfe".to_vec())],
        identity: Some(Identity { uid: [1001; 4], gid: [1002; 4], groups: vec![4, 24] }),
        cause: Some(cause),
        threads,
        mappings,
        modules: vec![Module {
            range: AddressRange::new(0x40_0000, 0x40_8000),
            path: Text::from("/opt/app/worker"),
            build_id: Some("ab12".to_owned()),
            ..Module::default()
        }],
        auxv: vec![(33, 0x7fff_0000), (6, 4096), (3, 0x40_0040), (9, 0x40_1000), (31, 0x7ffc_0001_ffe0)],
        ..Process::default()
    };
    (process, plan)
}
