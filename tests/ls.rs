//! `dpdb-trace ls`: which files it lists, in which order, and what it does with those it cannot read.

mod common;

use std::fs;
use std::process::Command;

use common::{Outcome, Scene, finish, fixture};
use serde_json::Value;

/// `dpdb-trace ls ARGUMENTS…` in the scene's directory.
#[track_caller]
fn ls(scene: &Scene, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    finish(command.current_dir(scene.out()).env("NO_COLOR", "1").arg("ls").args(arguments)).without_panic()
}

#[test]
fn each_snapshot_of_a_run_is_a_line_and_the_first_to_die_comes_first() {
    let scene = Scene::new();
    let script = format!("sh -c 'kill -ABRT $$'; RANK=3 {}; true", fixture("null_read.c").display());
    scene.run(["sh", "-c", &script]).success();
    let table = ls(&scene, &[]).success().stdout;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[0].starts_with("time") && rows[0].contains("rank"), "{table}");
    assert!(rows[1].contains("SIGABRT (raised by itself)") && rows[1].contains("pid_"), "{table}");
    assert!(rows[2].contains(" 3  null_read") && rows[2].contains("SIGSEGV (address 0x0 not mapped)"), "{table}");
}

#[test]
fn as_json_each_line_says_what_the_file_says_of_itself() {
    let scene = Scene::new();
    scene.run([fixture("null_read.c")]);
    let line: Value = serde_json::from_str(&ls(&scene, &["--json"]).success().stdout).expect("one line of JSON");
    let snapshot = scene.snapshot();
    assert_eq!(line["file"].as_str(), snapshot.file_name().and_then(|name| name.to_str()));
    assert_eq!(line["bytes"], fs::metadata(&snapshot).expect("the snapshot is there").len());
    assert_eq!((&line["damaged"], &line["crash"]["comm"]), (&Value::Bool(false), &Value::from("null_read")));
}

#[test]
fn what_is_no_snapshot_is_passed_over_unless_it_is_named() {
    let scene = Scene::new();
    for name in ["core-values.md", ".pid_9.snap.partial", "pid_9.txt"] {
        fs::write(scene.out().join(name), "text").expect("the scene is ours");
    }
    assert_eq!(ls(&scene, &[]).success().stdout, "no snapshots\n");
    fs::write(scene.out().join("pid_9.snap"), "text").expect("the scene is ours");
    for arguments in [&[][..], &["pid_9.snap"], &["missing"]] {
        let outcome = ls(&scene, arguments);
        assert_eq!((outcome.code(), outcome.stderr.lines().count()), (1, 1), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn a_file_that_is_cut_off_is_listed_as_damaged() {
    let scene = Scene::new();
    scene.run([fixture("null_read.c")]);
    let snapshot = scene.snapshot();
    let whole = fs::read(&snapshot).expect("the snapshot is there");
    fs::write(&snapshot, &whole[..whole.len() / 2]).expect("the scene is ours");
    let table = ls(&scene, &[]).success().stdout;
    assert!(table.trim_end().ends_with("(damaged)"), "{table}");
}
