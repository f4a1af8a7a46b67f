//! Deltas: what stands in the base is read from there, and a base that is not what it was is refused in one sentence.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use dpdb_snapshot::{
    Absent, AddressRange, Avma, Base, CaptureReport, Content, Memory, Process, Sharing, Snapshot, SourceFile, Text,
    WriteOptions, Written, add_sources, write_snapshot,
};
use proptest::prelude::*;
use support::process::{PatternMemory, pattern, process};

/// The pattern, but for the pages at some addresses, which are what a later process wrote there.
struct Later(Vec<u64>);

impl Memory for Later {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let count = buf.len().min((4096 - at.0 % 4096) as usize);
        let mask = if self.0.contains(&(at.0 & !4095)) { 0x5a } else { 0 };
        buf[..count].iter_mut().zip(at.0..).for_each(|(byte, at)| *byte = pattern(at) ^ mask);
        Ok(count)
    }
}

/// Pages of the made-up process that differ later: on a stack, and in the middle of anonymous memory.
const CHANGED: [u64; 2] = [0x7f00_107f_8000, 0x7000_0010_0000];

fn options(chunk_size: usize, sharing: Sharing) -> WriteOptions {
    WriteOptions { chunk_size, threads: 2, sharing, ..WriteOptions::default() }
}

fn write(process: &Process, memory: &dyn Memory, path: &Path, options: &WriteOptions) -> Written {
    let mut file = File::create(path).unwrap();
    let plan = support::process::process().1;
    let report = CaptureReport { pause_ns: 5, ..CaptureReport::default() };
    let written =
        write_snapshot(process, &plan, memory, &mut file, options, &mut |_: &Written| report.clone()).unwrap();
    assert_eq!(written.file_bytes, file.metadata().unwrap().len());
    written
}

/// Writes `base.snap` and a delta beyond it, `delta.snap`, in which the changed pages differ.
fn write_both(directory: &Path, changed: &[u64], chunk_size: usize) -> Written {
    let (mut process, _) = process();
    let base = directory.join("base.snap");
    let first = write(&process, &PatternMemory::default(), &base, &options(chunk_size, Sharing::First(7)));
    process.base = Some(Base::of(&File::open(&base).unwrap(), Text::from("base.snap")).unwrap());
    let beyond = options(chunk_size, Sharing::Beyond(Arc::new(first.pages)));
    write(&process, &Later(changed.to_vec()), &directory.join("delta.snap"), &beyond)
}

/// Every byte that was captured is that of the later process.
fn reads_as_later(snapshot: &Snapshot, changed: &[u64]) {
    let later = Later(changed.to_vec());
    for planned in process().1.iter().filter(|planned| planned.content == Content::Captured) {
        let (mut bytes, mut expected) = (vec![0; planned.range.len() as usize], vec![0; planned.range.len() as usize]);
        snapshot.read(planned.range.start, &mut bytes).unwrap();
        later.read(planned.range.start, &mut expected).unwrap();
        assert!(bytes == expected, "{}", planned.range);
    }
}

#[test]
fn a_delta_reads_as_the_whole_and_is_a_fraction_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let written = write_both(directory.path(), &CHANGED, 64 << 10);
    let shared: u64 = written.shared.iter().map(AddressRange::len).sum();
    assert_eq!(shared, written.memory_bytes - 3 * 4096, "all but two pages, and one of zeros");
    let size = |name: &str| fs::metadata(directory.path().join(name)).unwrap().len();
    assert!(size("delta.snap") * 20 < size("base.snap"), "{} of {}", size("delta.snap"), size("base.snap"));
    let snapshot = Snapshot::open(&directory.path().join("delta.snap")).unwrap();
    assert_eq!(snapshot.damage(), []);
    assert_eq!(snapshot.capture().unwrap().shared_bytes, shared);
    reads_as_later(&snapshot, &CHANGED);
}

#[test]
fn what_is_exported_of_a_delta_is_the_core_that_needs_no_base() {
    let directory = tempfile::tempdir().unwrap();
    write_both(directory.path(), &CHANGED, 64 << 10);
    let delta = Snapshot::open(&directory.path().join("delta.snap")).unwrap();
    let mut exported = Vec::new();
    delta.export(&mut exported).unwrap();
    let whole = directory.path().join("whole.snap");
    write(delta.process(), &Later(CHANGED.to_vec()), &whole, &options(64 << 10, Sharing::None));
    let core = zstd::stream::decode_all(File::open(whole).unwrap()).unwrap();
    // Only the report at its end tells one from the other.
    let memory = core.len() - dpdb_snapshot::TRAILER_SIZE;
    assert!(exported.len() == core.len() && exported[..memory] == core[..memory]);
}

#[test]
fn a_delta_that_was_made_whole_needs_its_base_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    write_both(directory.path(), &CHANGED, 64 << 10);
    let path = directory.path().join("delta.snap");
    let sources = [SourceFile::new(Text::from("/app/work.py"), b"work()\n", 3)];
    add_sources(&File::options().read(true).write(true).open(&path).unwrap(), &sources, u64::MAX).unwrap();
    let packed = directory.path().join("packed.snap");
    let bytes = Snapshot::open(&path).unwrap().pack(
        &mut File::options().read(true).write(true).create_new(true).open(&packed).unwrap(),
        &WriteOptions::default(),
    );
    assert_eq!(bytes.unwrap(), fs::metadata(&packed).unwrap().len());
    fs::remove_file(directory.path().join("base.snap")).unwrap();
    let snapshot = Snapshot::open(&packed).unwrap();
    assert_eq!((snapshot.damage(), snapshot.sources()), ([].as_slice(), sources.as_slice()));
    assert_eq!((snapshot.process(), snapshot.capture().unwrap().pause_ns), (&process().0, 5));
    reads_as_later(&snapshot, &CHANGED);
    for planned in process().1.iter().filter(|planned| planned.content != Content::Captured) {
        let delta = Snapshot::open(&path).unwrap();
        let read = |snapshot: &Snapshot| (snapshot.read_u64(planned.range.start), planned.range);
        assert_eq!(read(&snapshot), read(&delta));
    }
}

#[test]
fn a_base_that_is_missing_changed_circular_or_elsewhere_is_refused_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    write_both(directory.path(), &CHANGED, 64 << 10);
    let at = |name: &str| directory.path().join(name);
    let own = Snapshot::open(&at("delta.snap")).unwrap().process().base.clone().unwrap();
    let (mut changed, bytes) = (fs::read(at("base.snap")).unwrap(), fs::read(at("base.snap")).unwrap());
    let checksum = changed.len() - 13;
    changed[checksum] ^= 1;
    fs::write(at("changed.snap"), &changed).unwrap();
    fs::write(at("longer.snap"), [bytes.as_slice(), b"x"].concat()).unwrap();
    fs::create_dir(at("directory.snap")).unwrap();
    fs::create_dir(at("elsewhere")).unwrap();
    fs::write(at("elsewhere/base.snap"), &bytes).unwrap();
    symlink("elsewhere/base.snap", at("link.snap")).unwrap();
    let named = |name: &str| Base { name: Text::from(name), ..own.clone() };
    let of = |name: &str| Base::of(&File::open(at(name)).unwrap(), Text::from(name)).unwrap();
    let outside = "is not in the directory of the file";
    for (base, expected) in [
        (named("lost.snap"), "the base lost.snap is not there"),
        (named("changed.snap"), "the base changed.snap is another file than it was, or was changed"),
        (named("longer.snap"), "the base longer.snap is another file than it was, or was changed"),
        (named("directory.snap"), "the base directory.snap is no file"),
        (named("link.snap"), "the base link.snap is no file"),
        (named("elsewhere/base.snap"), outside),
        (named("../base.snap"), outside),
        (named(at("base.snap").to_str().unwrap()), outside),
        (named(".."), outside),
        (named(""), outside),
        (of("delta.snap"), "the base delta.snap is a delta itself"),
        (named("circle.snap"), "the base circle.snap is another file than it was, or was changed"),
    ] {
        let mut process = process().0;
        process.base = Some(base);
        let beyond = options(64 << 10, Sharing::Beyond(Arc::new(hashes(directory.path()))));
        write(&process, &Later(CHANGED.to_vec()), &at("circle.snap"), &beyond);
        let snapshot = Snapshot::open(&at("circle.snap")).unwrap();
        let [damage] = snapshot.damage() else { panic!("{expected}: {:?}", snapshot.damage()) };
        let sentence = damage.to_string();
        assert!(
            sentence.contains(expected) && sentence.ends_with("; memory that is the same there is missing"),
            "{sentence}"
        );
        assert_eq!(snapshot.read_u64(Avma(CHANGED[0])).unwrap() as u8, pattern(CHANGED[0]) ^ 0x5a, "its own is there");
        let Err(Absent::NotCaptured { reason, .. }) = snapshot.read_u64(Avma(0x40_0000)) else { panic!("{expected}") };
        assert!(reason.contains(expected), "{reason}");
        let mut out = tempfile::tempfile().unwrap();
        let refused = snapshot.pack(&mut out, &WriteOptions::default()).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
        assert!(snapshot.export(&mut std::io::sink()).unwrap_err().to_string().contains(expected));
    }
}

/// The pages of the base, hashed as they were.
fn hashes(directory: &Path) -> dpdb_snapshot::PageHashes {
    let again = directory.join("again.snap");
    write(&process().0, &PatternMemory::default(), &again, &options(64 << 10, Sharing::First(7))).pages
}

#[test]
fn of_a_delta_that_is_cut_off_no_byte_of_the_base_reads_as_zero() {
    let directory = tempfile::tempdir().unwrap();
    write_both(directory.path(), &CHANGED, 64 << 10);
    let path = directory.path().join("delta.snap");
    let whole = fs::read(&path).unwrap();
    for kept in [whole.len() - 1, whole.len() * 3 / 4, whole.len() / 2] {
        File::create(&path).unwrap().write_all(&whole[..kept]).unwrap();
        let snapshot = Snapshot::open(&path).unwrap();
        assert!(!snapshot.damage().is_empty());
        for planned in process().1.iter().filter(|planned| planned.content == Content::Captured) {
            for at in (planned.range.start.0..planned.range.end.0).step_by(4096) {
                let (word, expected) = (snapshot.read_u64(Avma(at)), Later(CHANGED.to_vec()).read_u64(Avma(at)));
                assert!(word.is_err() || word == expected, "{at:#x}: {word:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever differs, and however chunks and pages lie, a delta reads as what it was taken of.
    #[test]
    fn any_delta_reads_back(pages in prop::collection::vec(0..1024u64, 0..40), chunk in 4096usize..100_000) {
        let changed: Vec<u64> = pages.into_iter().map(|page| 0x7000_0000_0000 + page * 4096).collect();
        let directory = tempfile::tempdir().unwrap();
        write_both(directory.path(), &changed, chunk);
        let snapshot = Snapshot::open(&directory.path().join("delta.snap")).unwrap();
        prop_assert_eq!(snapshot.damage(), []);
        reads_as_later(&snapshot, &changed);
    }
}
