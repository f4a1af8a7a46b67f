//! Cores that others write: the kernel's layout, compressed and not, cut off, of other machines.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod support;

use std::io::Write;
use std::path::Path;

use dpdb_snapshot::process::{Cause, Signal};
use dpdb_snapshot::{Absent, AddressRange, Avma, Damage, Format, Memory, OpenError, Snapshot, Text};
use support::synthetic::{Load, core, note, prpsinfo, prstatus, seekable, small_core};

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn open(bytes: &[u8]) -> Snapshot {
    Snapshot::open(file_of(bytes).path()).unwrap()
}

fn open_error(bytes: &[u8]) -> String {
    let file = file_of(bytes);
    let error = Snapshot::open(file.path()).unwrap_err();
    error.to_string().replace(&file.path().display().to_string(), "FILE")
}

/// What everybody who opens `small_core()` must see.
fn check_small_core(snapshot: &Snapshot) {
    assert_eq!(snapshot.damage(), []);
    let process = snapshot.process();
    assert_eq!((process.pid, process.ppid, process.pgid, process.sid), (10, 7, 8, 9));
    assert_eq!(process.comm, Text::from("synthetic"));
    assert_eq!(process.identity.as_ref().unwrap().uid[0], 1000);
    assert_eq!(process.identity.as_ref().unwrap().gid[0], 1001);
    assert_eq!(process.arguments, ["./synthetic", "--fast", "now"].map(Text::from));
    assert_eq!(process.executable, Some(Text::from("/opt/synthetic")));
    let Some(Cause::FatalSignal { signal: Signal::SEGV, tid: 11, info: Some(info), .. }) = &process.cause else {
        panic!("{:?}", process.cause)
    };
    assert_eq!((info.code_name().as_str(), info.address()), ("SEGV_MAPERR", Some(Avma(0xdead))));

    assert_eq!(process.threads.iter().map(|thread| thread.tid).collect::<Vec<_>>(), [11, 10]);
    let (first, second) = (&process.threads[0], &process.threads[1]);
    assert_eq!((first.pending, first.blocked, first.user_time), (0x11, 0x22, Some(2_500_000_000)));
    let registers = first.registers.as_ref().unwrap();
    assert_eq!((registers.general.r15, registers.general.rip, registers.general.gs), (11_000, 11_016, 11_026));
    assert_eq!(
        (registers.fp.as_deref(), registers.xstate.as_deref()),
        (Some(&[0x5a; 512][..]), Some(&[0xa5; 832][..]))
    );
    let registers = second.registers.as_ref().unwrap();
    assert_eq!((registers.fp.as_deref(), registers.xstate.as_deref()), (Some(&[0x5b; 512][..]), None));
    assert_eq!((second.siginfo.is_some(), first.siginfo.as_ref()), (false, Some(info)));

    let modules: Vec<_> = process.modules.iter().map(|module| (module.range, module.path.to_string())).collect();
    let program = AddressRange::new(0x40_0000, 0x40_3000);
    let vdso = AddressRange::new(0x7fff_0000_0000, 0x7fff_0000_1000);
    assert_eq!(modules, [(program, "/opt/synthetic".to_owned()), (vdso, "[vdso]".to_owned())]);
    assert_eq!(process.modules[0].build_id, Some("b1".repeat(20)));
    let names: Vec<_> = process.mappings.iter().map(|mapping| mapping.path.to_string()).collect();
    assert_eq!(names, ["/opt/synthetic", "/opt/synthetic", "", "[stack]", "[vdso]"]);
    assert_eq!((process.mappings[1].offset, process.mappings[0].permissions.to_string()), (0x2000, "r-xp".to_owned()));

    assert_eq!(snapshot.read_u64(Avma(0x7000_0000_3ff8)), Ok(0x0707_0707_0707_0707));
    assert_eq!(snapshot.read_u64(Avma(0x7000_0000_4000)), Err(Absent::NotMapped(Avma(0x7000_0000_4000))));
    let tail = AddressRange::new(0x40_1800, 0x40_2000);
    let reason = "the core file does not hold it".to_owned();
    assert_eq!(snapshot.read_u64(tail.start), Err(Absent::NotCaptured { range: tail, reason }));
}

#[test]
fn a_kernels_core_opens_plain_and_compressed_in_every_way() {
    let core = small_core();
    let plain = open(&core);
    assert_eq!(plain.format(), Format::Core);
    check_small_core(&plain);
    let one_frame_of_known_size = zstd::bulk::compress(&core, 3).unwrap();
    let one_frame_of_unknown_size = zstd::stream::encode_all(core.as_slice(), 3).unwrap();
    let frames_without_table: Vec<u8> =
        core.chunks(5000).flat_map(|chunk| zstd::bulk::compress(chunk, 1).unwrap()).collect();
    let skippable_first = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice(), &one_frame_of_known_size].concat();
    let forms = [
        one_frame_of_known_size,
        one_frame_of_unknown_size,
        frames_without_table,
        skippable_first,
        seekable(&core, 3000),
    ];
    for compressed in forms {
        let snapshot = open(&compressed);
        assert_eq!(snapshot.format(), Format::CompressedCore);
        check_small_core(&snapshot);
        let mut exported = Vec::new();
        snapshot.export(&mut exported).unwrap();
        assert!(exported == core);
    }
}

#[test]
fn a_core_of_70000_segments_opens() {
    let mut notes = note("CORE", 1, &prstatus(11, 6));
    notes.extend(note("CORE", 3, &prpsinfo(11, "many", "many")));
    let loads: Vec<Load> = (0..70_000u64)
        .map(|index| {
            let bytes = if index % 10_000 == 0 { vec![index as u8; 4096] } else { Vec::new() };
            Load { vaddr: 0x10_0000 + index * 0x2000, memsz: 0x1000, bytes, flags: 4 }
        })
        .collect();
    let bytes = core(&notes, &loads, true);
    let snapshot = open(&bytes);
    assert_eq!((snapshot.damage(), snapshot.process().mappings.len()), ([].as_slice(), 70_000));
    assert_eq!(snapshot.read_u64(Avma(0x10_0000 + 60_000 * 0x2000)), Ok(0x6060_6060_6060_6060));
    // Where the section header is cut off, there are at least 65,535.
    let cut = open(&bytes[..bytes.len() - 4096]);
    assert!(cut.process().mappings.len() >= 65_534);
}

#[test]
fn a_file_cut_off_anywhere_opens_and_says_so() {
    let core = small_core();
    let compressed = seekable(&core, 3000);
    // Less than the first frame, which is one block here, has not even an ELF header.
    let first_frame = compressed[4..].windows(4).position(|magic| magic == b"\x28\xb5\x2f\xfd").unwrap() + 4;
    for (bytes, smallest) in [(core.clone(), 64), (compressed, first_frame)] {
        let whole = open(&bytes);
        let full = whole.process().threads.len();
        for size in (smallest..bytes.len()).step_by(97) {
            let snapshot = open(&bytes[..size]);
            let cut_memory = snapshot.damage().iter().any(|damage| matches!(damage, Damage::MemoryCutOff { .. }));
            let lost = snapshot.process().threads.len() < full
                || snapshot.process().mappings.len() < whole.process().mappings.len();
            let last = snapshot.read_u64(Avma(0x7fff_0000_0000));
            assert!(!snapshot.damage().is_empty() || (last.is_ok() && !lost), "{size}: no damage, but {last:?}");
            if cut_memory && last.is_err() {
                let Err(Absent::NotCaptured { reason, .. }) = last else { panic!("{size}: {last:?}") };
                assert!(reason.starts_with("the file is cut off"), "{size}: {reason}");
            }
        }
    }
    let cut = open(&core[..core.len() - 0x2800]);
    assert_eq!(cut.damage()[0].to_string(), "10240 of 32768 bytes of memory are missing at the end of the file");
    assert_eq!(cut.read_u64(Avma(0x7000_0000_0000)), Ok(0x0707_0707_0707_0707));
}

#[test]
fn a_stream_cut_off_gives_what_came_before() {
    let noise = (0..1u64 << 20).map(|index| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8).collect();
    let loads = [Load { vaddr: 0x1000, memsz: 1 << 20, bytes: noise, flags: 6 }];
    let whole = core(&note("CORE", 1, &prstatus(11, 6)), &loads, false);
    let compressed = zstd::stream::encode_all(whole.as_slice(), 3).unwrap();
    let snapshot = open(&compressed[..compressed.len() / 2]);
    let sentence =
        format!("the file is cut off: its {} bytes end inside the frame that begins at 0x0", compressed.len() / 2);
    assert_eq!(snapshot.damage().iter().map(ToString::to_string).collect::<Vec<_>>(), [sentence]);
    let mut bytes = vec![0; 1 << 20];
    let got = snapshot.read_some(Avma(0x1000), &mut bytes).unwrap();
    assert!(got > 100_000 && bytes[..got] == loads[0].bytes[..got], "{got}");
    let range = AddressRange::new(0x1000 + got as u64, 0x10_1000);
    let absent = Absent::NotCaptured { range, reason: "the file is cut off".to_owned() };
    assert_eq!(snapshot.read_u64(range.start), Err(absent));
}

#[test]
fn what_is_no_core_gets_one_clear_sentence() {
    let core = small_core();
    let with = |at: usize, bytes: &[u8]| {
        let mut core = core.clone();
        core[at..at + bytes.len()].copy_from_slice(bytes);
        core
    };
    let cases = [
        (Vec::new(), "FILE is empty"),
        (b"hello, world".to_vec(), "FILE is neither a snapshot nor an ELF core"),
        (zstd::bulk::compress(b"hello", 1).unwrap(), "FILE is neither a snapshot nor an ELF core"),
        (with(16, &[2]), "FILE is an ELF file, but no core: its type is a program"),
        (with(18, &[183]), "FILE is a core of a process on aarch64; only 64-bit x86-64 ones can be read"),
        (with(4, &[1]), "FILE is a core of a process on 32-bit x86-64; only 64-bit x86-64 ones can be read"),
        (core[..40].to_vec(), "FILE cannot be read: it is cut off inside its ELF header"),
        (with(54, &[1]), "FILE cannot be read: its program headers have 1 bytes, not 56"),
        (b"\xfd7zXZ\0...".to_vec(), "FILE is compressed with xz: decompress it first, or have it compressed with zstd"),
        (
            b"\x04\x22\x4d\x18....".to_vec(),
            "FILE is compressed with lz4: decompress it first, or have it compressed with zstd",
        ),
    ];
    for (bytes, sentence) in cases {
        assert_eq!(open_error(&bytes), sentence);
    }
    let missing = Snapshot::open(Path::new("/nonexistent/core")).unwrap_err();
    assert!(matches!(missing, OpenError::Io { .. }), "{missing}");
    assert!(Snapshot::open(Path::new("/")).is_err());
}

#[test]
fn a_broken_frame_is_unreadable_and_the_rest_is_not() {
    let core = small_core();
    let mut bytes = seekable(&core, 4096);
    // The third frame holds the first page of memory but one.
    let frame = bytes.windows(4).enumerate().filter(|(_, magic)| *magic == b"\x28\xb5\x2f\xfd").nth(3).unwrap().0;
    bytes[frame + 12] ^= 0xff;
    let snapshot = open(&bytes);
    assert_eq!(snapshot.damage(), [], "it shows when it is read");
    let Err(Absent::Unreadable { range, reason }) = snapshot.read_u64(Avma(0x7000_0000_0000)) else {
        panic!("{:?}", snapshot.read_u64(Avma(0x7000_0000_0000)))
    };
    assert_eq!(range, AddressRange::new(0x7000_0000_0000, 0x7000_0000_1000));
    assert!(reason.contains("frame at 0x"), "{reason}");
    assert_eq!(snapshot.read_u64(Avma(0x7000_0000_1000)), Ok(0x0707_0707_0707_0707));
    let mut exported = Vec::new();
    let error = snapshot.export(&mut exported).unwrap_err().to_string();
    assert!(error.starts_with(&format!("4096 of {} bytes are lost", core.len())), "{error}");
    let differ = exported.iter().zip(&core).filter(|(got, want)| got != want).count();
    assert_eq!((exported.len(), differ), (core.len(), 4096));
}

#[test]
fn a_wrong_seek_table_is_not_used() {
    let core = small_core();
    let mut bytes = seekable(&core, 4096);
    let at = bytes.len() - 9 - 12;
    bytes[at] ^= 1;
    let snapshot = open(&bytes);
    let sentence = "the seek table is not used: its frames do not add up to the file";
    assert_eq!(snapshot.damage().iter().map(ToString::to_string).collect::<Vec<_>>(), [sentence]);
    assert_eq!(snapshot.read_u64(Avma(0x7000_0000_0000)), Ok(0x0707_0707_0707_0707));

    let mut bytes = seekable(&core, 4096);
    let at = bytes.len() - 9 - 12 + 8;
    bytes[at] ^= 1;
    let snapshot = open(&bytes);
    assert!(matches!(snapshot.read_u64(Avma(0x7fff_0000_0000)), Err(Absent::Unreadable { .. })), "its checksum");
}
