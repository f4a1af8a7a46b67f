//! Broken files: they open or they do not, but nothing panics, hangs or grows without bound.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod support;

use std::fs;
use std::path::PathBuf;

use dpdb_snapshot::{AddressRange, Content, PlannedRange, Process, Snapshot, WriteOptions, Written, write_snapshot};
use proptest::prelude::*;
use support::exercise::exercise;
use support::process::{PatternMemory, fault, mapping, pattern, range, thread};
use support::synthetic::{Load, core, files, note, prstatus, seekable, small_core};

/// xorshift64: the same mutations on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// A position, more often near the beginning, where headers and notes are.
    fn position(&mut self, length: usize) -> usize {
        let limit = if self.below(4) == 0 { length } else { length.min(6000) };
        self.below(limit)
    }
}

/// Breaks some bytes: bits, numbers at the edges of their range, pieces moved, removed or repeated, the end cut off.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.position(bytes.len());
        match random.below(8) {
            0..3 => bytes[at] ^= 1 << random.below(8),
            3..6 => {
                let numbers = [0, 1, 0x7f, 0xff, 0xffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX, 4095, 1 << 40];
                let number = numbers[random.below(numbers.len())].to_le_bytes();
                let end = bytes.len().min(at + [1, 2, 4, 8][random.below(4)]);
                let length = end - at;
                bytes[at..end].copy_from_slice(&number[..length]);
            }
            6 => {
                let (from, length) = (random.position(bytes.len()), random.below(100));
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                let end = bytes.len().min(at + random.below(100));
                bytes.splice(at..end, piece);
            }
            _ => bytes.truncate(random.below(bytes.len()).max(1)),
        }
    }
}

/// A snapshot of ours, small enough to be broken thousands of times; and the core inside.
fn small_snapshot() -> (Vec<u8>, Vec<u8>) {
    let mut process = Process { pid: 9, ..Process::default() };
    process.threads = vec![thread(9, 0x7000_0000_1000), thread(10, 0)];
    process.threads[0].siginfo = Some(fault(11, 2, 0x40_0000));
    process.mappings = vec![
        mapping(0x40_0000, 0x40_3000, "rx", "/bin/p"),
        mapping(0x7000_0000_0000, 0x7000_0000_4000, "rw", "[stack]"),
    ];
    let plan = [
        range(0x40_0000, 0x40_1000, Content::Captured),
        range(0x7000_0000_0000, 0x7000_0000_1000, Content::Zero),
        range(0x7000_0000_1000, 0x7000_0000_4000, Content::Captured),
    ];
    let mut file = Vec::new();
    let options = WriteOptions { chunk_size: 16 << 10, ..WriteOptions::default() };
    let memory = PatternMemory::default();
    write_snapshot(&process, &plan, &memory, &mut file, &options, &mut |_: &Written| Default::default()).unwrap();
    let core = zstd::stream::decode_all(file.as_slice()).unwrap();
    (file, core)
}

fn scratch_file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    (directory, path)
}

#[test]
fn ten_thousand_broken_files_end_in_an_error_or_a_partial_view() {
    let (snapshot, snapshots_core) = small_snapshot();
    let kernels = small_core();
    let (_directory, path) = scratch_file();
    let mut random = Random(0x5eed_1234_5678_9abc);
    for round in 0..10_000 {
        let original = match round % 10 {
            0..5 => &kernels,
            5..8 => &snapshots_core,
            _ => &snapshot,
        };
        let mut bytes = original.clone();
        mutate(&mut bytes, &mut random);
        // What was broken inside goes through all ways of compressing it.
        let bytes = match round % 50 {
            10 => seekable(&bytes, 3000),
            20 => zstd::bulk::compress(&bytes, 1).unwrap(),
            30 => zstd::stream::encode_all(bytes.as_slice(), 1).unwrap(),
            _ => bytes,
        };
        fs::write(&path, &bytes).unwrap();
        exercise(&path);
    }
}

#[test]
fn a_core_of_nothing_but_overlapping_segments_opens_in_linear_time() {
    let loads: Vec<Load> = (0..60_000u64)
        .map(|index| Load { vaddr: index % 1000 * 0x1000, memsz: u64::MAX - index, bytes: Vec::new(), flags: 7 })
        .collect();
    let mapped: Vec<_> = (0..60_000u64).map(|index| (index, u64::MAX - index, index, "/x")).collect();
    let mut notes = note("CORE", 1, &prstatus(1, 11));
    notes.extend(note("CORE", 0x4649_4c45, &files(&mapped)));
    let (_directory, path) = scratch_file();
    fs::write(&path, core(&notes, &loads, false)).unwrap();
    exercise(&path);
}

#[test]
fn a_million_empty_notes_are_too_many() {
    let notes = note("X", 0, &[]).repeat((1 << 20) + 10);
    let (_directory, path) = scratch_file();
    fs::write(&path, core(&notes, &[], false)).unwrap();
    let snapshot = Snapshot::open(&path).unwrap();
    let sentence = snapshot.damage()[0].to_string();
    assert!(sentence.contains("there are more than are looked at"), "{sentence}");
}

#[test]
fn lengths_that_lie_cost_nothing() {
    let claims = [
        note("CORE", 1, &prstatus(1, 11)),
        [0x05, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 6, 0, 0, 0].to_vec(),
        b"CORE\0\0\0\0".to_vec(),
    ];
    let huge = [Load { vaddr: 0x1000, memsz: 1 << 46, bytes: vec![1; 4096], flags: 6 }];
    let mut bytes = core(&claims.concat(), &huge, false);
    // p_filesz of the PT_LOAD: 64 TiB, of which a page is there.
    bytes[64 + 56 + 32..][..8].copy_from_slice(&(1u64 << 46).to_le_bytes());
    let (_directory, path) = scratch_file();
    fs::write(&path, bytes).unwrap();
    exercise(&path);
    let snapshot = Snapshot::open(&path).unwrap();
    let sentences: Vec<String> = snapshot.damage().iter().map(ToString::to_string).collect();
    assert!(sentences[0].ends_with("a note is longer than its segment"), "{sentences:?}");
    assert!(sentences[1].contains("of 70368744177664 bytes of memory are missing"), "{sentences:?}");
}

/// Mappings as any process might have them, and a plan that covers some of them.
fn any_process() -> impl Strategy<Value = (Process, Vec<PlannedRange>)> {
    let piece = (0..4u64, 1..6u64, 0..4u8);
    let one = (0..3u64, prop::collection::vec(piece, 0..5), 0..4usize);
    prop::collection::vec(one, 0..12).prop_map(|mappings| {
        let (mut process, mut plan, mut at) = (Process { pid: 1, ..Process::default() }, Vec::new(), 0x10_0000);
        process.threads = vec![thread(1, 0x10_2000)];
        for (distance, pieces, path) in mappings {
            let start = at + distance * 4096;
            at = start;
            for (skipped, pages, content) in pieces {
                let from = at + skipped * 4096;
                at = from + pages * 4096;
                let content = match content {
                    0 => Content::Zero,
                    1 => Content::LeftOut("for a reason".to_owned()),
                    _ => Content::Captured,
                };
                plan.push(range(from, at, content));
            }
            at += 4096;
            process.mappings.push(mapping(start, at, "rw", ["", "/lib/a.so", "/data/b", "[heap]"][path]));
        }
        (process, plan)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// For every page of every mapping, the file says what the plan said.
    #[test]
    fn any_plan_reads_back((process, plan) in any_process(), chunk in 4096usize..100_000) {
        let (_directory, path) = scratch_file();
        let options = WriteOptions { level: -1, chunk_size: chunk, threads: 2, ..WriteOptions::default() };
        let mut file = fs::File::create(&path).unwrap();
        let memory = PatternMemory::default();
        write_snapshot(&process, &plan, &memory, &mut file, &options, &mut |_: &Written| Default::default()).unwrap();
        let snapshot = Snapshot::open(&path).unwrap();
        prop_assert_eq!(snapshot.damage(), []);
        prop_assert_eq!(snapshot.process(), &process);
        for mapping in &process.mappings {
            for page in (mapping.range.start.0..mapping.range.end.0).step_by(4096) {
                let here = AddressRange::new(page, page + 4096);
                let planned = plan.iter().find(|planned| planned.range.intersection(&here).is_some());
                check_page(&snapshot, here, planned.map(|planned| &planned.content))?;
            }
        }
    }

    /// Any bytes at all.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000), magic in 0..3usize) {
        let (_directory, path) = scratch_file();
        let start: &[u8] = [&b""[..], b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0\x3e\0", b"\x28\xb5\x2f\xfd"][magic];
        fs::write(&path, [start, &bytes].concat()).unwrap();
        exercise(&path);
    }
}

fn check_page(snapshot: &Snapshot, page: AddressRange, content: Option<&Content>) -> Result<(), TestCaseError> {
    use dpdb_snapshot::{Absent, Memory};
    let mut bytes = [0xee; 4096];
    let read = snapshot.read(page.start, &mut bytes);
    match content {
        Some(Content::Captured) => {
            prop_assert_eq!(read, Ok(()));
            prop_assert!(bytes.iter().zip(page.start.0..).all(|(&byte, at)| byte == pattern(at)), "{}", page);
        }
        Some(Content::Zero) => prop_assert_eq!((read, bytes), (Ok(()), [0; 4096])),
        Some(Content::LeftOut(_)) | None => {
            let wanted = if content.is_some() { "for a reason" } else { "not planned" };
            let Err(Absent::NotCaptured { range, reason }) = read else {
                return Err(TestCaseError::fail(format!("{page}: {read:?}")));
            };
            prop_assert!(range.contains(page.start) && reason == wanted, "{}: {} {}", page, range, reason);
        }
    }
    Ok(())
}
