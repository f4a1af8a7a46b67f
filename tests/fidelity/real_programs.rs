//! Programs that we did not write, stopped in the middle of real work, at moments that nobody chose. Every frame and
//! every variable is held against gdb's, raw and pretty; docs/fidelity.md says what differs and who is right.

use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::common::{Build, export, finish, fixture_dir, fixture_with, tool};
use crate::comparison::{Comparison, Style, Subject, compare};

/// Moments of each program.
const MOMENTS: u64 = 3;

/// Variables of all moments at the least: fewer mean that they were not listed.
const FEWEST_VARIABLES: u64 = 100;

/// The share of the variables of all moments that must agree.
const LEAST_SHARE: f64 = 0.97;

/// The share of the variables that gdb alone may take for optimised out: it does not follow call sites from one unit to
/// another, as link-time optimisation leaves them, and so knows fewer arguments. `()` is shown without a location.
const MOST_KNOWN_TO_US_ALONE: f64 = 0.08;

/// Uses up processor time, as much as its first argument says in seconds, and becomes the command that follows. That
/// has what is left of the first second, then it dies of SIGXCPU wherever it is: a clock that stands still while
/// others use the processor.
const LIMITED: &str = "\
import os, resource, sys, time
while time.process_time() < float(sys.argv[1]): pass
resource.setrlimit(resource.RLIMIT_CPU, (1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
os.execv(sys.argv[2], sys.argv[2:])";

#[test]
fn sqlite_at_work_agrees_with_gdb() {
    let include = format!("-I{}", source_of("libsqlite3-sys").join("sqlite3").display());
    let program = fixture_with("sqlite_work.c", Build { compiler: None, flags: &[&include] });
    hold_against_gdb("sqlite", &program, &[]);
}

#[test]
fn debians_python_at_work_agrees_with_gdb() {
    // The package of this tool has the debug files of the usual interpreter too.
    tool("python3-dbg");
    let work = "import json, re\n\
                while True:\n \
                data = json.loads(json.dumps({str(i): [i] * 5 for i in range(2000)}))\n \
                re.findall(r'(\\w+)-?', str(data)); sorted(data, key=lambda key: -int(key))";
    hold_against_gdb("python", Path::new("/usr/bin/python3"), &["-c".into(), work.into()]);
}

#[test]
fn a_rust_program_from_crates_io_at_work_agrees_with_gdb() {
    let program = installed("brotli", "9.1.1");
    let text: String = (0..2_000_000).map(|number| format!("{number}\n")).collect();
    let (input, output) = (home("brotli").join("numbers"), home("brotli").join("numbers.br"));
    fs::write(&input, text).expect("target/tmp is ours");
    hold_against_gdb("brotli", &program, &["-c".into(), "-q9.5".into(), input.into(), output.into()]);
}

/// A directory of a program's own.
fn home(name: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real").join(name);
    fs::create_dir_all(&home).expect("target/tmp is ours");
    home
}

fn hold_against_gdb(name: &str, program: &Path, arguments: &[OsString]) {
    // Printed only where the test fails: what it takes to see the same again.
    let seed = RandomState::new().hash_one(0);
    let (mut raw, mut pretty) = (Vec::new(), Vec::new());
    for moment in 0..MOMENTS {
        // Tenths of a second after its start it is at work for sure.
        let used = 0.1 + (seed.rotate_left(16 * moment as u32) % 600) as f64 / 1000.0;
        println!("{name}: seed {seed}, {used} s are used before it starts");
        let (snapshot, core) = stopped(name, program, arguments, used);
        // CPython's own printers show objects of Python in place of the structures that they are in C.
        let own_printers = name != "python";
        let subject = Subject { executable: program, snapshot: &snapshot, core: &core, own_printers };
        let [theirs, ours] = ["gdb.json", "ours.json"].map(|file| home(name).join(file));
        raw.push(compare(&subject, Style::Raw, &theirs, &ours));
        pretty.push(compare(&subject, Style::Pretty, &theirs, &ours));
    }
    judge(name, Style::Raw, &raw);
    judge(name, Style::Pretty, &pretty);
}

/// Lets it work and die; the snapshot that is left, and the core in it.
fn stopped(name: &str, program: &Path, arguments: &[OsString], used: f64) -> (PathBuf, PathBuf) {
    let dir = home(name);
    let [snapshot, core] = ["snap", "core"].map(|file| dir.join(file));
    let _ = fs::remove_file(&snapshot);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.current_dir(&dir).args(["--quiet", "--name", "snap", "--catch", "signals", "--"]);
    command.arg(tool("python3")).args(["-c", LIMITED, &used.to_string()]).arg(program).args(arguments);
    let outcome = finish(&mut command).without_panic();
    assert_eq!(outcome.signal(), Some(Signal::SIGXCPU as i32), "{name} did not work until it was stopped: {outcome:?}");
    export(&snapshot, &core);
    (snapshot, core)
}

fn judge(name: &str, style: Style, moments: &[Comparison]) {
    let notes: Vec<_> = moments.iter().flat_map(|moment| &moment.notes).collect();
    let all = |of: &dyn Fn(&Comparison) -> u64| moments.iter().map(of).sum::<u64>();
    let is_short = |note: &&String| is_line_in_sixteen_bits(note);
    let short = all(&|moment| moment.notes.iter().filter(is_short).count() as u64);
    let frames = all(&|moment| moment.count("frames_total"));
    let only_one_has = notes.iter().filter(|note| note.contains("frame only in")).count();
    assert_eq!(all(&|moment| moment.count("frames_agreed")) + short, frames, "{name}: frames differ: {notes:#?}");
    assert_eq!(only_one_has, 0, "{name}: frames are missing: {notes:#?}");

    // gdb's own failures are no verdict.
    let without_verdict = all(&|moment| moment.ending("unreadable in A only").min(moment.failures_of_gdb));
    let total = all(&|moment| moment.count("vars_total")) - without_verdict;
    assert!(total >= FEWEST_VARIABLES, "{name}: only {total} variables were compared");
    let ours_alone = all(&|moment| moment.count("vars_a_optimized_out"));
    assert!(ours_alone as f64 <= MOST_KNOWN_TO_US_ALONE * total as f64, "{name}: gdb has none of {notes:#?}");
    let agreed = all(&|moment| moment.count("vars_agreed"));
    let share = agreed as f64 / (total - ours_alone) as f64;
    println!("{name} {style:?}: {frames} frames, {agreed} of {total} variables agree, {ours_alone} only we have");
    assert!(share >= LEAST_SHARE, "{name} {style:?}: {agreed} of {total} variables agree: {notes:#?}");
}

/// gdb 13 keeps the line of an inlined call in sixteen bits.
fn is_line_in_sixteen_bits(note: &str) -> bool {
    let line = |place: &str| -> Option<(String, u64)> {
        let (file, line) = place.rsplit_once(':')?;
        Some((file.rsplit(' ').next()?.to_owned(), line.parse().ok()?))
    };
    let places = note.rsplit_once(" / ").and_then(|(theirs, ours)| Some((line(theirs)?, line(ours)?)));
    let is_cut = |theirs, ours| ours > u64::from(u16::MAX) && ours % 0x1_0000 == theirs;
    places.is_some_and(|((their_file, theirs), (file, ours))| their_file == file && is_cut(theirs, ours))
}

/// The directory of a crate that `fixtures/crates` names, after cargo fetched it.
fn source_of(name: &str) -> PathBuf {
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version", "1", "--manifest-path"]);
    let outcome = finish(metadata.arg(fixture_dir().join("crates/Cargo.toml")));
    assert!(outcome.status.success(), "this test needs {name} from crates.io: {}", outcome.stderr);
    let metadata: Value = serde_json::from_str(&outcome.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let package = packages.iter().find(|package| package["name"] == name).expect("fixtures/crates names it");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a package has a manifest"));
    manifest.parent().expect("it is in a directory").to_owned()
}

/// The program of a crate, optimised and with debug information.
fn installed(name: &str, version: &str) -> PathBuf {
    let root = home(name).join(version);
    let program = root.join("bin").join(name);
    if !program.exists() {
        let mut install = cargo();
        install.args(["install", name, "--version", version, "--locked", "--bin", name, "--root"]).arg(&root);
        let outcome = finish(install.args(["--config", "profile.release.debug=2"]));
        assert!(outcome.status.success(), "this test needs {name} from crates.io: {}", outcome.stderr);
    }
    program
}

/// cargo as a user starts it, not as the build of these tests.
fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_") && name != "CARGO_HOME" || ["RUSTFLAGS", "MAKEFLAGS", "MFLAGS"].contains(&&*name)
    });
    for name in ours {
        command.env_remove(name);
    }
    command
}

#[test]
fn only_a_line_that_lost_its_upper_bits_is_let_pass() {
    assert!(is_line_in_sixteen_bits("tid 1 #2 step: /a/sqlite3.c:28699 / /a/sqlite3.c:94235"));
    assert!(!is_line_in_sixteen_bits("tid 1 #2 step: /a/sqlite3.c:28698 / /a/sqlite3.c:94235"));
    assert!(!is_line_in_sixteen_bits("tid 1 #2 step: /a/b.c:28699 / /a/sqlite3.c:94235"));
    assert!(!is_line_in_sixteen_bits("tid 1 #2 step: /a/b.c:12 / /a/b.c:12"));
    assert!(!is_line_in_sixteen_bits("tid 1 #2 step x: pointer 0x1 != 0x2"));
}
