//! What is written reads back: every byte, every register, every note.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod support;

use std::io::Write;

use dpdb_snapshot::process::{CaughtException, Cause, ExceptionLanguage, Fate};
use dpdb_snapshot::{
    Absent, AddressRange, Avma, CaptureReport, Content, Course, Format, Memory, PlannedRange, Process, Progress,
    Snapshot, Text, WriteOptions, Written, write_snapshot,
};
use support::process::{PatternMemory, pattern, process};

/// Writes to a temporary file.
fn write(process: &Process, plan: &[PlannedRange], memory: &PatternMemory) -> (tempfile::NamedTempFile, Written) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let options = WriteOptions { level: 1, chunk_size: 64 << 10, threads: 2, ..WriteOptions::default() };
    let report = CaptureReport { pause_ns: 5, capture_ns: 6, ..CaptureReport::default() };
    let written =
        write_snapshot(process, plan, memory, &mut file, &options, &mut |_: &Written| report.clone()).unwrap();
    file.flush().unwrap();
    assert_eq!(written.file_bytes, file.as_file().metadata().unwrap().len());
    (file, written)
}

#[test]
fn every_byte_of_the_plan_reads_back_and_what_is_absent_says_why() {
    let (process, plan) = process();
    let (file, _) = write(&process, &plan, &PatternMemory::default());
    let snapshot = Snapshot::open(file.path()).unwrap();
    assert_eq!((snapshot.format(), snapshot.damage()), (Format::Snap, [].as_slice()));
    for planned in &plan {
        let mut bytes = vec![0xaa; planned.range.len() as usize];
        let read = snapshot.read(planned.range.start, &mut bytes);
        match &planned.content {
            Content::Captured => {
                assert_eq!(read, Ok(()), "{}", planned.range);
                let expected = (planned.range.start.0..).map(pattern);
                assert!(bytes.iter().copied().zip(expected).all(|(got, want)| got == want), "{}", planned.range);
            }
            Content::Zero => {
                assert_eq!(read, Ok(()), "{}", planned.range);
                assert!(bytes.iter().all(|&byte| byte == 0), "{}", planned.range);
            }
            Content::LeftOut(reason) => {
                assert_eq!(read, Err(Absent::NotCaptured { range: planned.range, reason: reason.clone() }));
            }
        }
    }
    let mut byte = [0];
    let unplanned = AddressRange::new(0x7f00_0000_1000, 0x7f00_0000_4000);
    let absent = Absent::NotCaptured { range: unplanned, reason: "not planned".to_owned() };
    assert_eq!(snapshot.read(Avma(0x7f00_0000_1800), &mut byte), Err(absent));
    let gate = AddressRange::new(0xffff_ffff_ff60_0000, 0xffff_ffff_ff60_1000);
    let absent = Absent::NotCaptured { range: gate, reason: "not of the process".to_owned() };
    assert_eq!(snapshot.read(gate.start, &mut byte), Err(absent));
    assert_eq!(snapshot.read(Avma(0x50_0000), &mut byte), Err(Absent::NotMapped(Avma(0x50_0000))));
    assert_eq!(snapshot.read(Avma(u64::MAX), &mut byte), Err(Absent::NotMapped(Avma(u64::MAX))));
}

#[test]
fn reads_go_on_over_segments_and_stop_short_before_what_is_absent() {
    let (process, plan) = process();
    let (file, _) = write(&process, &plan, &PatternMemory::default());
    let snapshot = Snapshot::open(file.path()).unwrap();
    let mut bytes = vec![0; 0x10_0000];
    assert_eq!(snapshot.read_some(Avma(0x101_f000), &mut bytes), Ok(0x7_1000), "up to MADV_DONTDUMP");
    assert_eq!(bytes[0xfff], pattern(0x101_ffff));
    assert_eq!((bytes[0x1000], bytes[0x6_0fff]), (0, 0));
    assert_eq!(bytes[0x6_1000], pattern(0x108_0000));
    assert_eq!(snapshot.read_some(Avma(0x100_0000), &mut []), Ok(0));
}

#[test]
fn the_process_and_all_registers_read_back() {
    let (process, plan) = process();
    let (file, written) = write(&process, &plan, &PatternMemory::default());
    let snapshot = Snapshot::open(file.path()).unwrap();
    assert_eq!(*snapshot.process(), process);
    let report = snapshot.capture().unwrap();
    assert_eq!((report.pause_ns, report.capture_ns, report.memory_bytes), (5, 6, written.memory_bytes));
    let info = Snapshot::info(file.path()).unwrap();
    assert_eq!((info.process, info.file_bytes), (process, written.file_bytes));
}

#[test]
fn an_exception_reads_back_as_the_cause() {
    let (mut process, plan) = process();
    let exception = CaughtException {
        language: ExceptionLanguage::Python,
        fate: Fate::Forwarded,
        catchpoint: "sys.exc_info".to_owned(),
        tid: 4321,
        object: Some(Avma(0x7f00_1000_0010)),
        summary: Some("ValueError: bad\nshape".to_owned()),
    };
    process.cause = Some(Cause::Exception(exception));
    let (file, _) = write(&process, &plan, &PatternMemory::default());
    assert_eq!(Snapshot::open(file.path()).unwrap().process().cause, process.cause);
}

#[test]
fn what_cannot_be_read_is_zeros_in_the_file_and_a_reason_for_the_reader() {
    let (process, plan) = process();
    let gone =
        [AddressRange::new(0x7000_0001_0000, 0x7000_0003_1000), AddressRange::new(0x7000_003f_f000, 0x7000_0040_0000)];
    let (file, written) = write(&process, &plan, &PatternMemory { unreadable: gone.to_vec() });
    assert_eq!(written.unreadable.iter().map(|gone| gone.range).collect::<Vec<_>>(), gone);
    let snapshot = Snapshot::open(file.path()).unwrap();
    let mut bytes = vec![0; 0x2_0000];
    assert_eq!(snapshot.read_some(Avma(0x7000_0000_0000), &mut bytes), Ok(0x1_0000));
    let absent = Absent::Unreadable { range: gone[0], reason: "Bad address (os error 14)".to_owned() };
    assert_eq!(snapshot.read(Avma(0x7000_0003_0fff), &mut bytes), Err(absent));
    assert_eq!(snapshot.read(Avma(0x7000_0003_1000), &mut bytes), Ok(()));
}

#[test]
fn the_export_is_what_zstd_gives_and_opens_as_a_plain_core() {
    let (process, plan) = process();
    let gone = vec![AddressRange::new(0x7000_0001_0000, 0x7000_0001_1000)];
    let (file, written) = write(&process, &plan, &PatternMemory { unreadable: gone });
    let snapshot = Snapshot::open(file.path()).unwrap();
    let mut core = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(snapshot.export(&mut core).unwrap(), written.core_bytes);
    let expected = zstd::stream::decode_all(std::fs::File::open(file.path()).unwrap()).unwrap();
    assert!(std::fs::read(core.path()).unwrap() == expected);
    let plain = Snapshot::open(core.path()).unwrap();
    assert_eq!((plain.format(), plain.damage(), plain.process()), (Format::Core, [].as_slice(), &process));
    let absent = Absent::Unreadable {
        range: AddressRange::new(0x7000_0001_0000, 0x7000_0001_1000),
        reason: "Bad address (os error 14)".to_owned(),
    };
    assert_eq!(plain.read_u64(Avma(0x7000_0001_0000)), Err(absent));
}

#[test]
fn a_file_that_cannot_be_written_ends_all_threads_with_its_error() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::from_raw_os_error(28));
            }
            self.0 = self.0.saturating_sub(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (process, plan) = process();
    for room in [0, 50_000, 200_000] {
        let options = WriteOptions { chunk_size: 16 << 10, ..WriteOptions::default() };
        let memory = PatternMemory::default();
        let result =
            write_snapshot(&process, &plan, &memory, &mut Full(room), &options, &mut |_: &Written| Default::default());
        assert_eq!(result.unwrap_err().to_string(), "cannot write the snapshot: No space left on device (os error 28)");
    }
}

#[test]
fn a_snapshot_cut_off_in_its_memory_keeps_the_process_and_the_crashed_stack() {
    let (process, plan) = process();
    let (file, _) = write(&process, &plan, &PatternMemory::default());
    let bytes = std::fs::read(file.path()).unwrap();
    // Behind the frames of the headers and the first frame of memory: a third of the file.
    file.as_file().set_len(bytes.len() as u64 / 3).unwrap();
    let snapshot = Snapshot::open(file.path()).unwrap();
    assert_eq!((snapshot.format(), snapshot.process()), (Format::Snap, &process));
    let sentences: Vec<String> = snapshot.damage().iter().map(ToString::to_string).collect();
    assert!(sentences[0].starts_with("the file is cut off: its "), "{sentences:?}");
    assert!(sentences.iter().any(|sentence| sentence.ends_with("bytes of memory are missing at the end of the file")));
    assert!(sentences.iter().any(|sentence| sentence.starts_with("the capture report is missing")), "{sentences:?}");
    let stack = Avma(process.threads[0].registers.as_ref().unwrap().general.rsp);
    let word = u64::from_le_bytes(std::array::from_fn(|byte| pattern(stack.0 + byte as u64)));
    assert_eq!(snapshot.read_u64(stack), Ok(word));
    let range = AddressRange::new(0x7000_003f_0000, 0x7000_0040_0000);
    let absent = Absent::NotCaptured { range, reason: "the file is cut off".to_owned() };
    assert_eq!(snapshot.read_u64(range.start), Err(absent));
}

#[test]
fn a_process_too_long_for_its_note_loses_its_longest_lists_and_says_so() {
    let (mut process, plan) = process();
    process.environment = vec![Text::from("X".repeat(4 << 20).as_str()); 9];
    let (file, _) = write(&process, &plan, &PatternMemory::default());
    let snapshot = Snapshot::open(file.path()).unwrap();
    assert_eq!(snapshot.damage(), []);
    assert_eq!((snapshot.process().environment.len(), &snapshot.process().mappings), (0, &process.mappings));
    let error = snapshot.process().soft_errors.last().unwrap().to_string();
    assert!(error.starts_with("open files, environment and tree are left out: "), "{error}");
}

/// Ends a snapshot before a frame of memory that would make it longer than so many bytes.
struct Budget(u64);

impl Course for Budget {
    fn go_on(&mut self, progress: &Progress) -> Result<(), String> {
        if progress.at_most <= self.0 { Ok(()) } else { Err("--max-size".to_owned()) }
    }

    fn report(&mut self, _: &Written) -> CaptureReport {
        CaptureReport { pause_ns: 5, ..CaptureReport::default() }
    }
}

#[test]
fn a_snapshot_that_is_ended_early_is_whole_within_its_budget_and_says_what_is_missing() {
    let (process, plan) = process();
    let memory = PatternMemory::default();
    let options = WriteOptions { chunk_size: 16 << 10, ..WriteOptions::default() };
    let stack = Avma(process.threads[0].registers.as_ref().unwrap().general.rsp);
    let mut whole = Vec::new();
    write_snapshot(&process, &plan, &memory, &mut whole, &options, &mut Budget(u64::MAX)).unwrap();
    let mut cut_ones = 0;
    for budget in (0..8).map(|eighth| eighth * (whole.len() as u64 + 20_000) / 7) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let written = write_snapshot(&process, &plan, &memory, &mut file, &options, &mut Budget(budget)).unwrap();
        let snapshot = Snapshot::open(file.path()).unwrap();
        assert_eq!(snapshot.damage(), []);
        assert_eq!(snapshot.export(&mut std::io::sink()).unwrap(), written.core_bytes);
        let report = snapshot.capture().unwrap();
        assert_eq!((&report.cut, report.pause_ns), (&written.cut, 5));
        if written.cut.is_none() {
            assert_eq!((snapshot.read_u64(stack).is_ok(), report.cut_at), (true, None));
            continue;
        }
        cut_ones += 1;
        assert!(written.file_bytes <= budget || written.memory_bytes == 0, "{written:?} for {budget}");
        // Each byte is as it was, or absent with the reason: none is a zero that stands for what was cut off.
        let mut there = 0;
        for planned in plan.iter().filter(|planned| planned.content == Content::Captured) {
            for at in (planned.range.start.0..planned.range.end.0).step_by(512) {
                match snapshot.read_u64(Avma(at)) {
                    Ok(word) => {
                        assert_eq!(word, u64::from_le_bytes(std::array::from_fn(|byte| pattern(at + byte as u64))));
                        there += 512;
                    }
                    Err(Absent::NotCaptured { reason, .. }) => assert_eq!(reason, "--max-size"),
                    Err(absent) => panic!("{absent}"),
                }
            }
        }
        assert!(there <= written.memory_bytes + 4096, "{there} of {written:?}");
    }
    assert!(cut_ones > 2, "{cut_ones} of the budgets were too small");
}
