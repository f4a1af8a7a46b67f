//! Stock tools read what we write: gdb, readelf and zstd, on a real process. They are installed where the tests run
//! (fixtures/packages.txt); a missing one is a failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod support;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use dpdb_snapshot::process::Signal;
use dpdb_snapshot::{
    Absent, Avma, CaptureReport, Content, Format, Memory, PlannedRange, Process, Snapshot, Text, WriteOptions, Written,
    write_snapshot,
};
use support::process::{PatternMemory, mapping, pattern, range, thread};
use support::real::{Crash, crash, gdb, plan, run};

/// The crash, its snapshot, and the core that `zstd -dc` makes of it.
fn snapshot_of_crash() -> (Crash, PathBuf, PathBuf) {
    let crash = crash();
    let plain = Snapshot::open(&crash.core).unwrap();
    let snap = crash.directory.path().join("pid_1.snap");
    let options = WriteOptions { chunk_size: 64 << 10, ..WriteOptions::default() };
    let mut file = File::create(&snap).unwrap();
    write_snapshot(plain.process(), &plan(&plain), &plain, &mut file, &options, &mut |_: &Written| {
        CaptureReport::default()
    })
    .unwrap();
    let core = crash.directory.path().join("exported");
    run(Command::new("zstd").args(["-q", "-d", "-o"]).arg(&core).arg(&snap));
    (crash, snap, core)
}

#[test]
fn gdb_sees_in_the_snapshot_what_it_sees_in_its_own_core() {
    let (crash, snap, core) = snapshot_of_crash();
    run(Command::new("zstd").args(["-q", "-t"]).arg(&snap));
    for commands in [
        &["info threads", "thread apply all bt"][..],
        &["p $_siginfo._sifields._sigfault.si_addr", "p $_siginfo.si_signo", "info auxv"],
        &["info registers", "info vector", "p $_tlb", "p *(char (*)[6])sparse", "p sparse + (1 << 19)"],
        // Zeros that are no bytes of the file, in anonymous memory, .bss and a mapping of the program's file.
        &["x/32xg sparse + 8192", "x/8xg sparse + (1 << 20) - 64", "x/32xg sparse_bss + 4096", "p sparse_bss + 300000"],
        &["p was_not_zero", "x/16xg was_not_zero + 4992", "x/16xg was_not_zero + 39992", "p was_not_zero + 65000"],
        &["info proc mappings", "info sharedlibrary", "disassemble crash"],
    ] {
        let (ours, theirs) = (gdb(&crash.executable, &core, commands), gdb(&crash.executable, &crash.core, commands));
        println!("{theirs}\n----\n{ours}\n====");
        assert_eq!(ours, theirs, "{commands:?}");
    }
}

#[test]
fn readelf_takes_every_note_and_segment() {
    let (_crash, _, core) = snapshot_of_crash();
    let notes = run(Command::new("readelf").arg("-nW").arg(&core));
    let kinds = ["NT_PRSTATUS", "NT_PRPSINFO", "NT_SIGINFO", "NT_AUXV", "NT_FILE", "NT_FPREGSET", "NT_X86_XSTATE"];
    let found: Vec<_> = notes.lines().filter_map(|line| kinds.iter().find(|kind| line.contains(**kind))).collect();
    let first = ["NT_PRSTATUS", "NT_PRPSINFO", "NT_SIGINFO", "NT_AUXV", "NT_FILE", "NT_FPREGSET", "NT_X86_XSTATE"];
    // gcore has a siginfo for every thread.
    let second = ["NT_PRSTATUS", "NT_SIGINFO", "NT_FPREGSET", "NT_X86_XSTATE"];
    assert_eq!(found, first.iter().chain(&second).collect::<Vec<_>>(), "{notes}");
    assert_eq!(notes.matches("DPDB").count(), 3, "{notes}");
    let warnings: Vec<_> = notes.lines().filter(|line| line.contains("arning") || line.contains("rror")).collect();
    assert_eq!(warnings, [""; 0]);
    let segments = run(Command::new("readelf").arg("-lW").arg(&core));
    assert!(segments.contains("CORE (Core file)"), "{segments}");
}

#[test]
fn zstd_lists_the_frames_with_their_checksums() {
    let (_crash, snap, core) = snapshot_of_crash();
    let listing = run(Command::new("zstd").args(["-l", "-v"]).arg(&snap));
    let size = core.metadata().unwrap().len();
    assert!(listing.contains(&format!("({size} B)")), "{listing}");
    assert!(listing.contains("Check: XXH64"), "{listing}");
    assert!(listing.contains("# Skippable Frames: 1"), "{listing}");
}

#[test]
fn gcores_file_opens_as_the_process_that_it_is() {
    let crash = crash();
    let core = Snapshot::open(&crash.core).unwrap();
    assert_eq!((core.format(), core.damage()), (Format::Core, [].as_slice()));
    let process = core.process();
    assert_eq!(process.cause.as_ref().and_then(|cause| cause.signal()), Some(Signal::SEGV));
    let info = process.threads[0].siginfo.as_ref().unwrap();
    assert_eq!((info.code_name().as_str(), info.address()), ("SEGV_MAPERR", Some(Avma(0x10))));
    assert_eq!(process.threads.len(), 2);
    assert_eq!(process.executable.as_ref().map(|path| path.as_path()), Some(crash.executable.as_path()));
    assert_eq!(process.arguments, [Text::from(crash.executable.as_path())]);
    assert!(process.environment.iter().any(|variable| variable.as_bytes().starts_with(b"PATH=")));

    let program = process.modules.iter().find(|module| module.path.as_path() == crash.executable).unwrap();
    let headers = run(Command::new("readelf").arg("-nW").arg(&crash.executable));
    assert!(headers.contains(program.build_id.as_ref().unwrap()), "{program:?}\n{headers}");
    for name in ["libc.so", "ld-linux", "[vdso]"] {
        let found = process.modules.iter().find(|module| module.path.to_string().contains(name));
        assert!(found.is_some_and(|module| module.build_id.is_some()), "{name}: {found:?}");
    }
    // gcore has no segment for the text of libraries: it is mapped, but not in the file.
    let pc = process.threads[1].registers.as_ref().unwrap().general.rip;
    assert!(process.mapping_at(Avma(pc)).unwrap().permissions.execute);
    assert!(matches!(core.read_u64(Avma(pc)), Err(Absent::NotCaptured { .. })));
}

#[test]
fn gdb_and_readelf_open_70000_segments() {
    let mut process = Process { pid: 9, cause: None, threads: vec![thread(9, 0x10_0800)], ..Process::default() };
    process.mappings =
        (0..70_000u64).map(|index| mapping(0x10_0000 + index * 0x2000, 0x10_1000 + index * 0x2000, "rw", "")).collect();
    let plan: Vec<PlannedRange> = process
        .mappings
        .iter()
        .map(|mapping| range(mapping.range.start.0, mapping.range.end.0, Content::Captured))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let (snap, core) = (directory.path().join("pid_9.snap"), directory.path().join("core"));
    let memory = PatternMemory::default();
    let mut file = File::create(&snap).unwrap();
    write_snapshot(&process, &plan, &memory, &mut file, &WriteOptions::default(), &mut |_: &Written| {
        Default::default()
    })
    .unwrap();
    let snapshot = Snapshot::open(&snap).unwrap();
    assert_eq!((snapshot.damage(), snapshot.process()), ([].as_slice(), &process));
    let last = Avma(0x10_0000 + 69_999 * 0x2000);
    let word = u64::from_le_bytes(std::array::from_fn(|byte| pattern(last.0 + byte as u64)));
    assert_eq!(snapshot.read_u64(last), Ok(word));

    run(Command::new("zstd").args(["-q", "-d", "-o"]).arg(&core).arg(&snap));
    let header = run(Command::new("readelf").arg("-hW").arg(&core));
    assert!(header.contains("65535 (70002)"), "{header}");
    let text = gdb(Path::new(""), &core, &[&format!("x/1xg {last}"), "info threads", "p $rip"]);
    assert!(text.contains(&format!("{last}:\t{word:#018x}")), "{text}");
    assert!(text.contains("0x0000000000401009 in ??"), "{text}");
}
