//! Files that are broken, and places that cannot be written: one clear line, never a panic, and the target none the
//! wiser.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Outcome, Scene, decompress, finish, fixture, inspect};
use dpdb_analyzer::{Options, Session};
use dpdb_snapshot::Snapshot;
use nix::unistd::geteuid;

/// What is asked of every broken file through the binary.
const QUESTIONS: [&str; 10] = ["-c", "info", "-c", "why", "-c", "bt", "-c", "threads", "-c", "x/4gx $sp"];

#[test]
fn a_file_that_is_no_snapshot_is_one_clear_line() {
    let scene = Scene::new();
    let file = scene.path("file");
    let elf = fs::read(env!("CARGO_BIN_EXE_dpdb-trace")).unwrap();
    let mut zstd_of_text = zstd::encode_all(&b"no core at all"[..], 3).unwrap();
    let cases: [(&str, Vec<u8>); 7] = [
        ("empty", Vec::new()),
        ("text", b"hello\n".repeat(1000)),
        ("one byte", vec![0x28]),
        ("zeros", vec![0; 4096]),
        ("an executable", elf),
        ("zstd of text", zstd_of_text.clone()),
        ("an open zstd frame", zstd_of_text.drain(..8).collect()),
    ];
    for (what, bytes) in cases {
        fs::write(&file, bytes).unwrap();
        for outcome in [inspect(&file, ["-c", "bt"]), info(&file), export_of(&file, &scene.path("core"))] {
            assert_clear_error(what, &outcome);
        }
        assert!(!scene.path("core").exists(), "{what}: half an export is left");
    }
    for missing in [scene.path("nothing"), scene.out()] {
        assert_clear_error("missing or a directory", &inspect(&missing, ["-c", "bt"]));
    }
}

#[test]
fn a_snapshot_cut_off_anywhere_opens_as_far_as_it_goes_or_says_why_not() {
    let scene = Scene::new();
    let whole = fs::read(crash(&scene, "null_read.c")).unwrap();
    let file = scene.path("cut.snap");
    let mut partial_views = 0;
    for step in 0..100 {
        fs::write(&file, &whole[..whole.len() * step / 100]).unwrap();
        let outcome = inspect(&file, QUESTIONS);
        assert!(outcome.code() <= 1, "{step} %: {}\n{}", outcome.status, outcome.stderr);
        partial_views += usize::from(outcome.stdout.contains("innermost"));
        let is_whole = whole.len() * step / 100 >= whole.len() - seek_table_length(&whole);
        assert_eq!(outcome.stderr.is_empty(), is_whole, "{step} %: {}", outcome.stderr);
        assert_eq!(outcome.status.success(), is_whole, "{step} %: a partial view ends with status 1");
    }
    // Registers and notes come first, so that most of the cuts leave them.
    assert!(partial_views > 50, "only {partial_views} of 100 cuts show the crash");
}

#[test]
fn every_prefix_of_a_small_snapshot_can_be_opened_or_refused() {
    let scene = Scene::new();
    let whole = fs::read(crash(&scene, "null_read.c")).unwrap();
    let file = scene.path("cut.snap");
    // Every byte of the first and last stretch, where headers and the seek table are, and a sample of the middle.
    let ends = (0..whole.len()).filter(|&end| end < 300 || whole.len() - end < 300 || end % 1009 == 0);
    for end in ends {
        fs::write(&file, &whole[..end]).unwrap();
        survive(&file, &format!("cut at {end}"));
    }
}

/// Together with the next test, ten thousand.
#[test]
fn nine_thousand_mutations_of_a_small_snapshot_and_core_never_panic() {
    mutate_and_survive("freestanding.c", 9_000);
}

#[test]
fn a_thousand_mutations_of_a_snapshot_and_core_with_libraries_never_panic() {
    mutate_and_survive("null_read.c", 1_000);
}

fn mutate_and_survive(fixture: &str, rounds: usize) {
    let scene = Scene::new();
    let snapshot = crash(&scene, fixture);
    let core = scene.path("core");
    decompress(&snapshot, &core);
    let originals = [fs::read(&snapshot).unwrap(), fs::read(&core).unwrap()];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let file = scene.path("mutant");
    for round in 0..rounds {
        let mutant = mutate(&originals[round % 2], &mut random);
        // Mutants of the compressed stream mostly break its checksum; one packed again brings the damage inside.
        let packed = if round % 8 == 1 { zstd::encode_all(&mutant[..], 1).unwrap() } else { mutant };
        fs::write(&file, packed).unwrap();
        survive(&file, &format!("round {round}"));
    }
}

#[test]
fn mutations_through_the_binary_end_with_status_0_or_1() {
    let scene = Scene::new();
    let snapshot = crash(&scene, "null_read.c");
    let core = scene.path("core");
    decompress(&snapshot, &core);
    let originals = [fs::read(&snapshot).unwrap(), fs::read(&core).unwrap()];
    let mut random = Random(42);
    let file = scene.path("mutant");
    for round in 0..300 {
        fs::write(&file, mutate(&originals[round % 2], &mut random)).unwrap();
        // 2 GiB of address space: who believes a length field ends by SIGABRT.
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 2097152; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_dpdb-trace"), "inspect"]);
        let outcome = finish(command.arg(&file).args(QUESTIONS)).without_panic();
        assert!(outcome.code() <= 1, "round {round}: {}\n{}", outcome.status, outcome.stderr);
    }
}

#[test]
fn a_full_disk_costs_the_snapshot_and_nothing_else() {
    on_a_disk_of("4k", |outcome| {
        assert!(outcome.stdout.ends_with("status 42\n"), "no partial is left: {}", outcome.stdout);
        assert_one_line_each(outcome, "No space left on device", 2);
    });
}

#[test]
fn a_small_disk_costs_the_rest_of_the_snapshot_and_nothing_else() {
    on_a_disk_of("16k", |outcome| {
        let (_, left) = outcome.stdout.split_once("status 42\n").unwrap_or_else(|| panic!("{}", outcome.stdout));
        let whole = |name: &&str| name.starts_with("pid_") && name.ends_with(".snap");
        assert_eq!((left.lines().count(), left.lines().filter(whole).count()), (2, 2), "no partial is left: {left}");
        assert_one_line_each(outcome, "cut: --min-free", 2);
    });
}

/// Lets two of a pool's workers crash, with a file system of that size for their snapshots, and what is on it listed in
/// the end.
fn on_a_disk_of(size: &str, check: impl Fn(&Outcome)) {
    let scene = Scene::new();
    let full = scene.path("full");
    fs::create_dir(&full).unwrap();
    let script = format!("mount -t tmpfs -o size={size} none \"$0\" && \"$@\"; echo \"status $?\"; ls -A \"$0\"");
    let trace = env!("CARGO_BIN_EXE_dpdb-trace");
    let mut command = Command::new("unshare");
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "sh", "-c", &script]).arg(&full).args([trace, "--output-dir"]).arg(&full);
    let outcome = finish(command.arg("--").arg(fixture("fork_pool.c"))).without_panic();
    if outcome.stdout.contains("status") && !outcome.stderr.contains("mount:") {
        check(&outcome);
    } else {
        // No mount is allowed here, so a limit on file sizes has to stand in for the full disk.
        println!("unshare or mount is refused here: {}", outcome.stderr);
        assert_file_size_limit_is_survived();
    }
}

#[test]
fn a_file_size_limit_costs_the_snapshot_and_not_the_supervisor() {
    assert_file_size_limit_is_survived();
}

#[test]
fn a_directory_that_cannot_be_written_is_named_and_the_target_goes_on() {
    let scene = Scene::new();
    let closed = scene.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    // Permissions do not hold root back; in /sys nobody makes a file.
    let place = if geteuid().is_root() { Path::new("/sys") } else { &closed };
    let mut command = scene.trace(&["--output-dir", place.to_str().unwrap()]);
    let outcome = finish(command.arg(fixture("fork_pool.c"))).without_panic();
    assert_eq!(outcome.code(), 42, "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 6);
    assert!(outcome.stderr.contains(place.to_str().unwrap()), "{}", outcome.stderr);
}

#[test]
fn a_process_killed_while_it_is_captured_dies_as_it_would_without_us() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("killed_while_captured.c")]);
    assert!([9, 11].contains(&outcome.code()), "{}\n{}", outcome.status, outcome.stderr);
    assert!(scene.partials().is_empty());
    for snapshot in scene.snapshots() {
        inspect(&snapshot, ["-c", "bt"]).success();
    }
}

/// Runs a crashing fixture and gives the only snapshot.
#[track_caller]
fn crash(scene: &Scene, name: &str) -> PathBuf {
    scene.run([fixture(name)]);
    scene.snapshot()
}

/// The bytes of the zstd skippable frame at the end, by its footer: frame count, descriptor (checksums or none), magic.
fn seek_table_length(snapshot: &[u8]) -> usize {
    let footer = &snapshot[snapshot.len() - 9..];
    assert_eq!(footer[5..], 0x8f92_eab1_u32.to_le_bytes(), "a snapshot ends in a seek table");
    let entry = if footer[4] & 0x80 == 0 { 8 } else { 12 };
    8 + entry * u32::from_le_bytes([footer[0], footer[1], footer[2], footer[3]]) as usize + 9
}

fn info(file: &Path) -> Outcome {
    finish(Command::new(env!("CARGO_BIN_EXE_dpdb-trace")).arg("info").arg(file)).without_panic()
}

fn export_of(file: &Path, core: &Path) -> Outcome {
    finish(Command::new(env!("CARGO_BIN_EXE_dpdb-trace")).arg("export").arg(file).arg("-o").arg(core)).without_panic()
}

#[track_caller]
fn assert_clear_error(what: &str, outcome: &Outcome) {
    assert_eq!(outcome.code(), 1, "{what}: {}", outcome.stderr);
    assert_eq!(outcome.stderr.trim_end().lines().count(), 1, "{what}: {}", outcome.stderr);
}

#[track_caller]
fn assert_one_line_each(outcome: &Outcome, complaint: &str, deaths: usize) {
    let lines = outcome.stderr.lines().filter(|line| line.contains(complaint)).count();
    assert_eq!(lines, deaths, "{}", outcome.stderr);
}

fn assert_file_size_limit_is_survived() {
    let scene = Scene::new();
    let mut command = Command::new("sh");
    command.current_dir(scene.out()).args([
        "-c",
        "ulimit -f 4; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_dpdb-trace"),
        "--",
    ]);
    let outcome = finish(command.arg(fixture("fork_pool.c"))).without_panic();
    assert_eq!(outcome.code(), 42, "{}", outcome.stderr);
    assert_one_line_each(&outcome, "File too large", 2);
    assert!(scene.partials().is_empty() && scene.snapshots().is_empty());
}

/// Opens a file in this very process and asks for all that a hostile file could trip over.
#[track_caller]
fn survive(file: &Path, what: &str) {
    let survived = catch_unwind(|| {
        let Ok(snapshot) = Snapshot::open(file) else { return };
        let tids: Vec<_> = snapshot.process().threads.iter().map(|thread| thread.tid).take(4).collect();
        let session = Session::new(Box::new(snapshot), Options::default());
        for tid in tids {
            for frame in session.backtrace(tid, 64).frames.iter().take(64) {
                session.symbolize(frame);
            }
        }
    });
    if survived.is_err() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panics-on-this");
        fs::copy(file, &kept).unwrap();
        panic!("{what} panics; the file is kept as {}", kept.display());
    }
}

/// One to four changes of the kinds that break parsers: flipped bits, extreme numbers, cut, doubled and zeroed runs.
fn mutate(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..1 + random.below(4) {
        // Headers and notes are at the start; half of the changes go there.
        let within = if random.below(2) == 0 { bytes.len().min(16 << 10) } else { bytes.len() };
        if within < 16 {
            return bytes;
        }
        let at = random.below(within - 8);
        let length = (1 + random.below(64)).min(bytes.len() - at);
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at..at + 8]
                .copy_from_slice(&[0, 1, u64::MAX, i64::MAX as u64, 1 << 47][random.below(5)].to_le_bytes()),
            3 => bytes[at..at + length].fill(0),
            4 => bytes.truncate(at),
            _ => {
                let run = bytes[at..at + length].to_vec();
                bytes.splice(at..at, run);
            }
        }
    }
    bytes
}

/// xorshift64: the same mutants every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
