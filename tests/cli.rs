//! The command line: whose options are whose, exit statuses, where output goes, and what is said of bad input.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Outcome, Scene, finish, finish_with_input, fixture, inspect};

fn dpdb_trace<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.env("NO_COLOR", "1").args(arguments);
    command
}

#[track_caller]
fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    finish(&mut dpdb_trace(arguments)).without_panic()
}

/// A scene with the snapshot of a process that read through a null pointer.
fn crash() -> Scene {
    let scene = Scene::new();
    let outcome = scene.run([fixture("null_read.c")]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    scene
}

#[test]
fn options_end_where_the_command_begins() {
    let outcome = run(["--quiet", "printf", "%s ", "--quiet", "-la", "inspect"]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "--quiet -la inspect "));
    assert_eq!(run(["--", "printf", "info"]).stdout, "info");
    assert_eq!(run(["run", "printf", "x"]).stdout, "x");
}

#[test]
fn a_command_that_cannot_be_run_is_told_in_one_line() {
    // A directory of the tester's PATH that nobody else may enter would make it 126, as with env(1).
    let lost = |words: &[&str]| finish(dpdb_trace(words).env("PATH", "/usr/bin:/bin")).without_panic();
    let missing = lost(&["no-such-command-anywhere"]);
    assert_eq!(
        (missing.code(), missing.stderr.as_str()),
        (127, "dpdb-trace: no-such-command-anywhere: command not found\n")
    );
    let slip = lost(&["inspcet", "x"]);
    assert!(slip.code() == 127 && slip.stderr.contains("did you mean 'dpdb-trace inspect'?"), "{}", slip.stderr);
    let scene = Scene::new();
    let file = scene.path("no-program");
    fs::write(&file, "text").expect("the scene is ours");
    assert_eq!(run([&file]).code(), 126);
}

#[test]
fn mistakes_on_the_command_line_end_with_two_and_run_nothing() {
    for wrong in [
        &[][..],
        &["--no-such-option", "ls"],
        &["--signals", "NOPE", "touch", "made"],
        &["--name", "{nope}", "touch", "made"],
        &["--max-snapshots", "many", "ls"],
        &["run", "--"],
        &["inspect"],
        &["inspect", "x", "--source-map", "nowhere"],
        &["export", "x"],
    ] {
        let scene = Scene::new();
        let outcome = finish(dpdb_trace(wrong).current_dir(scene.out())).without_panic();
        assert_eq!(outcome.code(), 2, "{wrong:?}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{wrong:?}");
        assert!(!outcome.stderr.is_empty(), "{wrong:?}");
        assert!(!scene.out().join("made").exists(), "{wrong:?}");
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    for wanted in [&["--help"][..], &["inspect", "--help"], &["run", "--help"], &["--version"]] {
        let outcome = run(wanted).success();
        assert!(outcome.stdout.contains("dpdb-trace") && outcome.stderr.is_empty(), "{wanted:?}");
    }
}

#[test]
fn a_death_is_one_line_and_its_frames_on_stderr_only() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("shell_tour.c")]);
    let name = scene.snapshot().file_name().map(|name| name.to_string_lossy().into_owned()).expect("it has a name");
    let mut lines = outcome.stderr.lines();
    let line = lines.next().expect("a line");
    let pid = common::pid_of(&scene.snapshot());
    let start = format!(
        "dpdb-trace: pid {pid} (shell_tour) died of SIGSEGV (address 0x0 not mapped) in second_value (shell_tour.c:18) -> {name} ("
    );
    assert!(line.starts_with(&start), "{line}");
    assert!(line.contains("iB in ") && line.ends_with("s)"), "{line}");
    assert!(
        lines.next().is_some_and(|line| line.contains("> #0") && line.contains("second_value at")),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stdout, "");
}

#[test]
fn the_frame_that_is_named_is_the_users_own() {
    let scene = Scene::new();
    let source = scene.path("own.c");
    fs::write(&source, "#include <assert.h>\nint main(int argc, char **argv)\n{\n    assert(argc == 7);\n}\n")
        .expect("ours");
    let program = scene.path("own");
    finish(Command::new(common::tool("cc")).arg("-g").arg("-o").arg(&program).arg(&source)).success();
    // Dying of SIGABRT is what is asked for here, and no panic of ours.
    let outcome = finish(scene.trace(&[]).arg(&program));
    assert!(outcome.stderr.contains("died of SIGABRT (raised by itself) in main (own.c:4) -> "), "{}", outcome.stderr);
}

#[test]
fn quiet_says_nothing_but_errors() {
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--quiet"]).arg(fixture("null_read.c"))).without_panic();
    assert_eq!((outcome.signal(), outcome.stderr.as_str()), (Some(11), ""));
    assert_eq!(scene.snapshots().len(), 1);
}

#[test]
fn a_closed_stderr_hurts_nobody() {
    let scene = Scene::new();
    let script = format!("exec 2>&-; exec {} {}", env!("CARGO_BIN_EXE_dpdb-trace"), fixture("null_read.c").display());
    let outcome = finish(Command::new("sh").current_dir(scene.out()).args(["-c", &script]));
    assert_eq!(outcome.signal(), Some(11));
    assert_eq!(scene.snapshots().len(), 1);
}

#[test]
fn a_file_alone_is_inspected_and_stdin_is_a_batch() {
    let scene = crash();
    let snapshot = scene.snapshot();
    let outcome =
        finish_with_input(&mut dpdb_trace([&snapshot]), b"# a comment\n\nbt 1\nno such thing\nframe\nquit\nbt\n");
    assert_eq!(outcome.code(), 1, "one command failed");
    assert_eq!(outcome.stdout.lines().filter(|line| line.contains("#0")).count(), 2, "{}", outcome.stdout);
    assert!(outcome.stderr.contains("no command is called 'no'"), "{}", outcome.stderr);
    let clean = finish_with_input(&mut dpdb_trace([&snapshot]), b"bt\nthreads").success();
    assert!(clean.stderr.is_empty(), "{}", clean.stderr);
    let script = scene.path("script");
    fs::write(&script, "bt 1\n").expect("the scene is ours");
    let scripted = inspect(&snapshot, [OsStr::new("-x"), script.as_os_str(), OsStr::new("-c"), OsStr::new("threads")]);
    let lines = scripted.success().stdout;
    assert!(lines.starts_with("> #0") && lines.contains("thread "), "{lines}");
    assert_eq!(inspect(&snapshot, ["-x", "/no/such/script"]).code(), 1);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scene = crash();
    let script = format!(
        "{} inspect {} -c 'x/40000xb $rsp' -c bt | head -1",
        env!("CARGO_BIN_EXE_dpdb-trace"),
        scene.snapshot().display()
    );
    let outcome = finish(Command::new("sh").args(["-c", &script])).without_panic();
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""));
}

#[test]
fn what_is_no_snapshot_is_refused_in_one_line() {
    let scene = Scene::new();
    let file = |name: &str, bytes: &[u8]| {
        let path = scene.path(name);
        fs::write(&path, bytes).expect("the scene is ours");
        path
    };
    let missing = scene.path("missing.snap");
    for (path, reason) in [
        (missing, "No such file"),
        (file("empty.snap", b""), "is empty"),
        (file("text.snap", b"this is a text file\n"), "neither a snapshot nor an ELF core"),
        (file("zstd.snap", &[0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]), "zstd.snap"),
        (env!("CARGO_BIN_EXE_dpdb-trace").into(), "ELF file, but no core"),
    ] {
        for arguments in [&["inspect"][..], &["info"], &["report", "--json"], &["export", "-o", "-"]] {
            let outcome = finish(dpdb_trace(arguments).arg(&path)).without_panic();
            assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{arguments:?} {path:?}");
            assert_eq!(outcome.stderr.lines().count(), 1, "{arguments:?} {}", outcome.stderr);
            assert!(
                outcome.stderr.starts_with("dpdb-trace: ") && outcome.stderr.contains(reason),
                "{}",
                outcome.stderr
            );
        }
    }
}

#[test]
fn a_truncated_snapshot_opens_and_says_what_is_missing() {
    let scene = crash();
    let whole = fs::read(scene.snapshot()).expect("it was just written");
    let cut = scene.path("cut.snap");
    fs::write(&cut, &whole[..whole.len() * 2 / 3]).expect("the scene is ours");
    let outcome = inspect(&cut, ["-c", "info", "-c", "bt 1"]);
    assert_eq!(outcome.code(), 1, "what is shown is only a part");
    assert!(outcome.stdout.contains("damage:") && outcome.stdout.contains("> #0"), "{}", outcome.stdout);
}

#[test]
fn info_describes_every_file_it_can_read() {
    let scene = crash();
    let (snapshot, missing) = (scene.snapshot(), scene.path("missing.snap"));
    let outcome = run([Path::new("info"), &snapshot, &missing, &snapshot]);
    assert_eq!(outcome.code(), 1);
    assert_eq!(outcome.stdout.matches("died of SIGSEGV").count(), 2, "{}", outcome.stdout);
    let json = run([Path::new("info"), Path::new("--json"), &snapshot]).success().stdout;
    let info: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&info["signal"]["name"], &info["file"]["format"]), (&"SIGSEGV".into(), &"snap".into()));
    assert_eq!(info["crash"]["pid"], common::pid_of(&snapshot));
}

#[test]
fn export_writes_the_same_core_to_a_file_and_to_stdout() {
    let scene = crash();
    let (core, again) = (scene.path("core"), scene.path("again"));
    common::export(&scene.snapshot(), &core);
    let shell = format!(
        "{} export {} -o - > {}",
        env!("CARGO_BIN_EXE_dpdb-trace"),
        scene.snapshot().display(),
        again.display()
    );
    finish(Command::new("sh").args(["-c", &shell])).success();
    let bytes = fs::read(&core).expect("it was just written");
    assert!(bytes.starts_with(b"\x7fELF") && bytes == fs::read(&again).expect("it was just written"));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&core).expect("it is there").permissions().mode() & 0o777, 0o600);
    // The exported core opens as the snapshot does.
    let of = |file: &Path| inspect(file, ["-c", "bt 2"]).success().stdout;
    assert_eq!(of(&core), of(&scene.snapshot()));
    assert_eq!(run([Path::new("export"), &scene.snapshot(), Path::new("-o"), Path::new("/no/such/core")]).code(), 1);
}

#[test]
fn a_report_is_one_document_of_frames() {
    let scene = crash();
    let json = run([Path::new("report"), &scene.snapshot(), Path::new("--json")]).success().stdout;
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["schema"], "frames/1");
    assert!(report["threads"][0]["frames"][0]["line"].is_u64(), "{json}");
}

#[test]
fn a_report_as_text_has_all_threads_frames_and_variables() {
    let scene = Scene::new();
    scene.run([fixture("thread_locals.c")]);
    let text = run([Path::new("report"), &scene.snapshot()]).success().stdout;
    let threads = [" (number 1):\n", " (number 2):\n", " (number 3):\n"];
    let values = [" in second (unused=0x0) at ", "        module = 0x0\n"];
    for part in ["died of SIGABRT", " got SIGABRT "].iter().chain(&threads).chain(&values) {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn doctor_says_whether_tracing_works() {
    let outcome = run(["doctor"]);
    assert!(outcome.stdout.contains("ptrace_scope") && outcome.stdout.contains("Snapshots can"), "{}", outcome.stdout);
    let json: serde_json::Value = serde_json::from_str(&run(["doctor", "--json"]).stdout).expect("JSON");
    assert!(json.as_array().is_some_and(|checks| checks.iter().all(|check| check["state"].is_string())), "{json}");
}
