//! Where snapshots go, and what happens when they cannot.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use common::{Outcome, Scene, finish, fixture, tool};
use dpdb_snapshot::Snapshot;

/// Runs dpdb-trace by a shell script that finds it, with its options and command, in `"$@"`. Without privileges of
/// our own, a user namespace lends us a mount table.
#[track_caller]
fn run_in_private_mounts(scene: &Scene, script: &str, options: &[&str], command: &[&str]) -> Outcome {
    let mut traced = scene.trace(options);
    traced.args(command);
    let mut shell = Command::new(tool("unshare"));
    shell.args(["-rm", "sh", "-c", script, "sh"]).arg(traced.get_program()).args(traced.get_args());
    finish(shell.current_dir(scene.out())).without_panic()
}

/// Asserts that the target died as it would have, that one line says why there is no snapshot, and that nothing was
/// left behind.
#[track_caller]
fn assert_unaffected(scene: &Scene, outcome: &Outcome, complaint: &str) {
    assert_eq!(outcome.code(), 128 + 11, "{outcome:?}");
    assert_eq!(outcome.stderr.lines().filter(|line| line.contains(complaint)).count(), 1, "{outcome:?}");
    assert_eq!(scene.snapshots(), [] as [PathBuf; 0]);
    assert_eq!(scene.partials(), [] as [PathBuf; 0]);
}

#[test]
fn a_full_disk_is_one_line_and_nothing_is_left_on_it() {
    let scene = Scene::new();
    fs::create_dir(scene.path("small")).unwrap();
    let program = fixture("large_heap.c");
    let script = "mount -t tmpfs -o size=256k none ../small && { \"$@\"; status=$?; ls -A ../small; exit $status; }";
    let command = [program.to_str().unwrap(), "4"];
    let outcome = run_in_private_mounts(&scene, script, &["--output-dir", "../small"], &command);
    assert_unaffected(&scene, &outcome, "No space left on device");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_limit_on_file_sizes_is_one_line_and_ends_nobody() {
    let scene = Scene::new();
    let program = fixture("large_heap.c");
    let mut traced = scene.trace(&[]);
    traced.arg(program).arg("4");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 64; exec \"$@\"", "sh"]).arg(traced.get_program()).args(traced.get_args());
    let outcome = finish(shell.current_dir(scene.out())).without_panic();
    assert_unaffected(&scene, &outcome, "File too large");
}

#[test]
fn a_read_only_directory_is_one_line() {
    let scene = Scene::new();
    fs::create_dir(scene.path("locked")).unwrap();
    let program = fixture("null_read.c");
    let script = "mount -t tmpfs -o ro none ../locked && exec \"$@\"";
    let outcome = run_in_private_mounts(&scene, script, &["--output-dir", "../locked"], &[program.to_str().unwrap()]);
    assert_unaffected(&scene, &outcome, "Read-only file system");
}

#[test]
fn a_directory_that_vanishes_meanwhile_is_one_line() {
    let scene = Scene::new();
    fs::create_dir(scene.path("gone")).unwrap();
    let program = fixture("null_read.c");
    let script = "rmdir ../gone && exec \"$0\"";
    let outcome = finish(scene.trace(&["--output-dir", "../gone"]).args(["sh", "-c", script]).arg(program));
    assert_unaffected(&scene, &outcome.without_panic(), "No such file or directory");
}

#[test]
fn a_template_names_the_file_and_a_taken_name_is_numbered() {
    let scene = Scene::new();
    let program = fixture("null_read.c");
    let taken = scene.out().join("null_read.SIGSEGV.9.snap");
    fs::write(&taken, "mine").unwrap();
    for _ in 0..2 {
        let mut command = scene.trace(&["--name", "{comm}.{signal}.{rank}.snap"]);
        assert_eq!(finish(command.env("RANK", "9").arg(&program)).code(), 128 + 11);
    }
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
    for numbered in ["null_read.SIGSEGV.9.snap.1", "null_read.SIGSEGV.9.snap.2"] {
        let snapshot = Snapshot::open(&scene.out().join(numbered)).unwrap();
        assert_eq!(snapshot.process().rank.rank, Some(9));
    }
}

#[test]
fn an_unknown_field_is_an_error_before_anything_runs() {
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--name", "{pdi}.snap"]).args(["touch", "ran"])).without_panic();
    assert_ne!(outcome.code(), 0);
    assert!(outcome.stderr.contains("{pdi}"), "{outcome:?}");
    assert!(!scene.out().join("ran").exists());
}

#[test]
fn no_more_snapshots_are_written_than_allowed() {
    let scene = Scene::new();
    let program = fixture("null_read.c");
    let script = "for i in 1 2 3 4; do \"$0\"; done; exit 7";
    let outcome =
        finish(scene.trace(&["--max-snapshots", "2", "--name", "{n}.snap"]).args(["sh", "-c", script]).arg(program));
    assert_eq!(outcome.code(), 7);
    assert_eq!(scene.snapshots(), [scene.out().join("1.snap"), scene.out().join("2.snap")]);
}

#[test]
fn a_process_killed_while_it_is_captured_dies_of_the_kill_and_its_memory_is_read_to_the_end() {
    let scene = Scene::new();
    let mut command = scene.trace(&["--no-clone"]);
    let outcome = finish(command.arg(fixture("killed_while_captured.c"))).without_panic();
    assert_eq!(outcome.code(), 9, "{outcome:?}");
    assert_eq!(scene.partials(), [] as [PathBuf; 0]);
    // Where the kill came before the capture began there is no crash, and no file.
    for path in scene.snapshots() {
        let snapshot = Snapshot::open(&path).unwrap();
        assert_eq!(snapshot.damage().len(), 0);
        assert_eq!(snapshot.capture().unwrap().unreadable, []);
    }
}

#[test]
fn no_snapshot_is_put_where_anybody_could_replace_it() {
    let scene = Scene::new();
    let mode = |mode| fs::set_permissions(scene.out(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let outcome = finish(scene.trace(&[]).arg(fixture("null_read.c"))).without_panic();
    assert_eq!(outcome.signal(), Some(11), "it runs and dies all the same");
    let told = "can be written to by everybody and has no sticky bit";
    assert_eq!(outcome.stderr.matches(told).count(), 2, "at its start and at the death: {outcome:?}");
    assert_eq!(scene.snapshots(), [] as [PathBuf; 0]);
    mode(0o1777);
    finish(scene.trace(&[]).arg(fixture("null_read.c"))).without_panic();
    assert_eq!(scene.snapshots().len(), 1);
}
