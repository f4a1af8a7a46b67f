//! What a snapshot holds of the memory of the process, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Outcome, Scene, export, finish, fixture, gdb};
use dpdb_snapshot::{Absent, AddressRange, Avma, Memory, Snapshot};

const PAGE: u64 = 4096;

/// A segment of a core that the kernel wrote, by our own reading of elf(5): the program's reader is under test too.
struct Segment {
    range: AddressRange,
    bytes: Vec<u8>,
}

fn kernel_core(directory: &Path) -> Option<Vec<Segment>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let core = entries.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("core"))?;
    let bytes = fs::read(core).unwrap();
    let word = |at: u64| u64::from_le_bytes(bytes[at as usize..][..8].try_into().unwrap());
    let half = |at: u64| u32::from_le_bytes(bytes[at as usize..][..4].try_into().unwrap());
    let (headers, count) = (word(32), u64::from(half(56) & 0xffff));
    let loads = (0..count).map(|index| headers + index * 56).filter(|&at| half(at) == 1);
    let segment = |at: u64| {
        let (offset, start, size, end) = (word(at + 8), word(at + 16), word(at + 32), word(at + 16) + word(at + 40));
        let bytes = bytes[offset as usize..(offset + size) as usize].to_vec();
        Segment { range: AddressRange::new(start, end), bytes }
    };
    Some(loads.map(segment).collect())
}

/// `name start end` lines that a fixture printed.
fn printed_ranges(outcome: &Outcome) -> BTreeMap<String, AddressRange> {
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let line = |line: &str| {
        let [name, start, end] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (name.to_owned(), AddressRange::new(number(start), number(end)))
    };
    outcome.stdout.lines().map(line).collect()
}

/// Runs `memory_kinds` in a scene, with the kernel writing a core of the same death, where it does.
fn memory_kinds(filter: &str) -> (Scene, Snapshot, BTreeMap<String, AddressRange>) {
    let scene = Scene::new();
    let program = fixture("memory_kinds.c");
    let script = "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"";
    // The kernel hides no secrets of the tester's environment.
    let mut command = scene.trace(&["--no-scrub"]);
    let outcome = finish(command.args(["sh", "-c", script, program.to_str().unwrap(), filter])).without_panic();
    let ranges = printed_ranges(&outcome);
    assert_eq!(ranges.len(), 9, "{outcome:?}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    (scene, snapshot, ranges)
}

/// The pages of a range of which the snapshot has bytes, known zeros included.
fn pages_held(snapshot: &Snapshot, range: AddressRange) -> Vec<u64> {
    let held = |at: &u64| snapshot.read(Avma(*at), &mut [0; PAGE as usize]).is_ok();
    (range.start.0..range.end.0).step_by(PAGE as usize).filter(held).collect()
}

fn why_not(snapshot: &Snapshot, range: AddressRange) -> String {
    match snapshot.read_some(range.start, &mut [0]) {
        Err(Absent::NotCaptured { reason, .. }) => reason,
        other => panic!("{range} should be left out: {other:?}"),
    }
}

/// Compares with the kernel's core of the same process at the same instant, where core_pattern let it write one.
fn compare_with_kernel(filter: &str) {
    let (scene, snapshot, _) = memory_kinds(filter);
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let Some(segments) = kernel_core(&scene.out()) else {
        assert!(pattern.starts_with(['|', '/', '@']), "the kernel wrote no core though core_pattern is {pattern}");
        return;
    };
    let mut compared = 0;
    // The thread's `struct rseq`, 32 bytes at a multiple of 32: when it goes on from being cloned, the kernel puts into it
    // on which processor that is (rseq(2)).
    let mut written_by_kernel = 0;
    for segment in &segments {
        let mapping = snapshot.process().mapping_at(segment.range.start).unwrap();
        // The kernel's own data and code: it writes zeros for the one, and we leave out both.
        if ["[vvar]", "[vvar_vclock]", "[vsyscall]"].contains(&mapping.path.to_string().as_str()) {
            continue;
        }
        for (index, page) in segment.bytes.chunks(PAGE as usize).enumerate() {
            let at = segment.range.start.wrapping_add(index as u64 * PAGE);
            let mut ours = vec![0; page.len()];
            match snapshot.read(at, &mut ours) {
                Ok(()) => {
                    let changed = ours.chunks(32).zip(page.chunks(32)).filter(|(ours, theirs)| ours != theirs).count();
                    assert!(changed == 0 || changed + written_by_kernel == 1, "{at} differs ({})", mapping.path);
                    written_by_kernel += changed;
                }
                // Shared pages that nobody touched: the kernel's dump allocates them, ours does not, and without
                // privileges cannot tell them from pages that only others touched.
                Err(Absent::NotCaptured { reason, .. }) if reason.contains("would allocate it") => {}
                Err(absent) => panic!("{at} is in the kernel's core only ({}): {absent}", mapping.path),
            }
            compared += 1;
        }
        // What the kernel left out, we have only where it is an ELF header or a build-id, or never touched and zero.
        let rest =
            AddressRange { start: segment.range.start.wrapping_add(segment.bytes.len() as u64), ..segment.range };
        for at in pages_held(&snapshot, rest) {
            let mut page = [0; PAGE as usize];
            snapshot.read(Avma(at), &mut page).unwrap();
            let of_module = snapshot.process().modules.iter().any(|module| module.range.contains(Avma(at)));
            assert!(of_module || page == [0; PAGE as usize], "{at:#x} is in ours only ({})", mapping.path);
        }
    }
    assert!(compared > 0);
}

#[test]
fn memory_equals_the_kernels_core_with_the_default_filter() {
    compare_with_kernel("0x33");
}

#[test]
fn memory_equals_the_kernels_core_with_an_empty_filter() {
    compare_with_kernel("0x0");
}

#[test]
fn memory_equals_the_kernels_core_with_every_mapping_asked_for() {
    compare_with_kernel("0x7f");
}

#[test]
fn memory_equals_the_kernels_core_with_elf_headers_only() {
    compare_with_kernel("0x10");
}

#[test]
fn touched_pages_have_their_bytes_and_what_is_left_out_says_why() {
    let (_scene, snapshot, ranges) = memory_kinds("0x33");
    for (name, number) in [("private-anonymous", 1), ("shared-anonymous", 2), ("shared-memfd", 3), ("no-access", 6)] {
        for page in [0, 1, 2, 3, 7, 27, 47] {
            let at = ranges[name].start.wrapping_add(page * PAGE + 8);
            assert_eq!(snapshot.read_u64(at).unwrap(), number << 56 | at.0, "{name}");
        }
    }
    let untouched = ranges["private-untouched"];
    assert_eq!(pages_held(&snapshot, untouched).len() as u64, untouched.len() / PAGE);
    let written = ranges["written-file"].start;
    assert_eq!(snapshot.read_u64(written.wrapping_add(5 * PAGE)).unwrap(), 4 << 56 | (written.0 + 5 * PAGE));
    assert_eq!(snapshot.read_u64(written).unwrap(), u64::from_le_bytes(*b"ffffffff"));
    assert_eq!(why_not(&snapshot, ranges["dont-dump"]), "MADV_DONTDUMP");
    assert_eq!(why_not(&snapshot, ranges["private-file"]), "coredump_filter 0x33 leaves out private file mappings");
    assert_eq!(why_not(&snapshot, ranges["shared-file"]), "coredump_filter 0x33 leaves out shared file mappings");
}

#[test]
fn shared_memory_that_only_another_process_filled_is_captured_where_its_file_can_be_asked() {
    let (_scene, snapshot, ranges) = memory_kinds("0x33");
    let at = ranges["shared-anonymous"].start.wrapping_add(50 * PAGE);
    match snapshot.read_u64(at) {
        Ok(word) => assert_eq!(word, 8 << 56 | at.0),
        // Nothing but map_files leads to shared anonymous memory, and that takes CAP_CHECKPOINT_RESTORE.
        Err(absent) => {
            assert!(!nix::unistd::geteuid().is_root() && absent.to_string().contains("allocate"), "{absent}")
        }
    }
}

#[test]
fn a_sparse_terabyte_costs_nothing() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("sparse_terabyte.c")]);
    let snapshot = scene.snapshot();
    assert!(fs::metadata(&snapshot).unwrap().len() < 1 << 20);
    let snapshot = Snapshot::open(&snapshot).unwrap();
    let marks: Vec<u64> = outcome.stdout.lines().map(|line| u64::from_str_radix(line, 16).unwrap()).collect();
    assert_eq!(marks.len(), 3, "{outcome:?}");
    for mark in marks {
        assert_eq!(snapshot.read_u64(Avma(mark)).unwrap(), mark);
        assert_eq!(snapshot.read_u64(Avma(mark + (100 << 30))).unwrap(), 0);
    }
}

#[test]
fn a_gigabyte_passes_through_little_memory() {
    let scene = Scene::new();
    let program = fixture("large_heap.c");
    let script = "\"$0\" 1024; grep VmHWM /proc/$PPID/status";
    let outcome = scene.run(["sh", "-c", script, program.to_str().unwrap()]);
    let kilobytes = |text: &str| text.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    let peak = outcome.stdout.lines().find(|line| line.starts_with("VmHWM")).and_then(kilobytes);
    assert!(peak.expect("the supervisor's peak") < (64 + 4) << 10, "{outcome:?}");
    assert!(fs::metadata(scene.snapshot()).unwrap().len() > 1 << 30, "its bytes do not compress");
}

#[test]
fn a_snapshot_is_for_its_owner_alone_and_nothing_half_written_stays() {
    let scene = Scene::new();
    scene.run([fixture("null_read.c")]);
    assert_eq!(fs::metadata(scene.snapshot()).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(scene.partials(), [] as [PathBuf; 0]);
}

#[test]
fn gdb_opens_the_exported_core_with_all_threads_the_signal_and_the_auxiliary_vector() {
    let scene = Scene::new();
    let program = fixture("many_threads.c");
    scene.run([&program]);
    let core = scene.path("core");
    export(&scene.snapshot(), &core);
    let shown = gdb(&program, &core, &["info threads", "info auxv", "p $_siginfo.si_signo", "p/x $xmm0"]);
    let is_thread = |line: &&str| line.contains("Thread 0x") && !line.starts_with("[Current thread");
    assert_eq!(shown.lines().filter(is_thread).count(), 501, "{shown}");
    assert!(shown.contains("Program terminated with signal SIGSEGV"), "{shown}");
    assert!(shown.contains("AT_SYSINFO_EHDR") && shown.contains("AT_RANDOM"), "{shown}");
    assert!(shown.contains("$1 = 11") && shown.contains("v4_float"), "{shown}");
}

#[test]
fn a_32_bit_process_dies_as_it_would_and_one_sentence_says_why_there_is_no_snapshot() {
    let scene = Scene::new();
    let program = fixture("crash_32_bit.S");
    let plain = finish(&mut std::process::Command::new(&program));
    let outcome = scene.run([&program]);
    assert_eq!(outcome.code(), plain.code(), "{outcome:?}");
    assert_eq!(scene.snapshots(), [] as [PathBuf; 0]);
    if plain.signal() == Some(11) {
        assert!(outcome.stderr.contains("runs 32-bit code"), "{outcome:?}");
    }
}
