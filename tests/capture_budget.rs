//! Snapshots that hold only what is worth most, or that cost no more than they may: each is valid, and names what is not there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;

use common::{Scene, export, finish, fixture, fixture_dir, gdb_backtrace, inspect};
use dpdb_snapshot::{Absent, Avma, Memory, Snapshot};

/// A word near the end of the memory to which no pointer leads.
const FAR: &str = "*((unsigned long *)~hidden + 3000000)";

/// Crashes a process with 24 MiB to which no pointer leads, by our options; where its snapshot is.
fn crash(scene: &Scene, options: &[&str]) -> std::path::PathBuf {
    let outcome = finish(scene.trace(options).arg(fixture("reachable.c")).arg("24")).without_panic();
    assert_eq!(outcome.signal(), Some(11), "{outcome:?}");
    scene.snapshot()
}

fn shown(snapshot: &Path, expression: &str) -> String {
    let shown = inspect(snapshot, ["-c", &format!("p {expression}")]).stdout;
    shown.trim().trim_start_matches("$1 = ").to_owned()
}

#[test]
fn what_locals_lead_to_is_there_without_the_rest_of_the_heap() {
    let scene = Scene::new();
    let snapshot = crash(&scene, &["--memory", "reachable"]);
    assert!(fs::metadata(&snapshot).unwrap().len() < 2 << 20);
    assert_eq!(shown(&snapshot, "list->next->next->value"), "30");
    assert_eq!(shown(&snapshot, "list->next->numbers[99999]"), "299997");
    let hidden = shown(&snapshot, FAR);
    assert_eq!(hidden, "<not captured: --memory reachable>");
    let info = inspect(&snapshot, ["-c", "info"]).success().stdout;
    assert!(info.contains("--memory reachable:67108864"), "{info}");
}

#[test]
fn stacks_alone_are_enough_for_a_backtrace_with_locals_by_us_and_by_gdb() {
    let scene = Scene::new();
    let snapshot = crash(&scene, &["--memory", "stacks"]);
    assert!(fs::metadata(&snapshot).unwrap().len() < 256 << 10);
    let backtrace = inspect(&snapshot, ["-c", "bt"]).success().stdout;
    assert!(backtrace.contains("crash") && backtrace.contains("main"), "{backtrace}");
    assert_eq!(shown(&snapshot, "*list"), "<not captured: --memory stacks>");
    let mappings = inspect(&snapshot, ["-c", "maps"]).success().stdout;
    assert!(mappings.lines().any(|line| line.contains("[heap]") && line.ends_with("--memory stacks")), "{mappings}");
    let core = scene.path("core");
    export(&snapshot, &core);
    let theirs = gdb_backtrace(&fixture("reachable.c"), &core, 9);
    assert!(theirs.len() >= 2 && theirs[0].contains("crash") && theirs[1].contains("main"), "{theirs:?}");
}

#[test]
fn data_is_all_that_a_process_has_for_itself() {
    let scene = Scene::new();
    let snapshot = crash(&scene, &["--memory", "data"]);
    assert!(!shown(&snapshot, FAR).contains("not captured"));
}

#[test]
fn the_state_of_python_is_reached_from_its_modules_data() {
    let scene = Scene::new();
    let script = fixture_dir().join("targets/python_raise.py");
    let program = format!(
        "import runpy, sys; filler = [str(i) * 20 for i in range(300000)]; hidden = id(filler) ^ 0x5555; del filler\n\
         sys.argv = ['raise', 'plain']; runpy.run_path({script:?}, run_name='__main__')"
    );
    let outcome = finish(scene.trace(&["--memory", "reachable:8M"]).args(["python3", "-c", &program])).without_panic();
    assert_eq!(outcome.code(), 1, "{outcome:?}");
    let snapshot = scene.snapshot();
    let shown = inspect(&snapshot, ["-c", "py-bt", "-c", "locals"]).success().stdout;
    assert!(shown.contains("in work") && shown.contains("mine = {'number': 2, 'square': 4}"), "{shown}");
    let report = Snapshot::open(&snapshot).unwrap().capture().cloned().unwrap();
    assert!(report.memory_bytes < 16 << 20, "{report:?}");
}

#[test]
fn a_snapshot_over_its_budget_is_cut_from_the_least_valuable_end_and_is_valid() {
    for (options, reason) in [
        (&["--max-size", "2M"][..], "--max-size"),
        (&["--max-total", "2M"], "--max-total"),
        (&["--deadline", "0"], "--deadline"),
        (&["--min-free", "100%"], "--min-free"),
    ] {
        let scene = Scene::new();
        let outcome = finish(scene.trace(options).arg(fixture("reachable.c")).arg("24")).without_panic();
        assert!(outcome.stderr.contains(&format!(", cut: {reason})")) || reason == "--min-free", "{outcome:?}");
        let path = scene.snapshot();
        let snapshot = Snapshot::open(&path).unwrap();
        assert_eq!(snapshot.damage(), [], "{reason}");
        let report = snapshot.capture().unwrap();
        if reason == "--min-free" {
            // The disk of a developer may have so much room that a sixteenth of it is enough.
            assert!(report.cut.is_none() || report.cut.as_deref() == Some(reason));
            continue;
        }
        assert_eq!(report.cut.as_deref(), Some(reason));
        assert!(fs::metadata(&path).unwrap().len() <= 2 << 20);
        let registers = snapshot.process().threads[0].registers.as_ref().unwrap().general;
        let stack = snapshot.read_u64(Avma(registers.rsp));
        if reason == "--deadline" {
            assert!(matches!(&stack, Err(Absent::NotCaptured { reason: why, .. }) if why == reason), "{stack:?}");
        } else {
            assert!(stack.is_ok(), "{stack:?}");
            let last = shown(&path, FAR);
            assert!(last.contains(&format!("<not captured: {reason}>")), "{last}");
        }
        let info = inspect(&path, ["-c", "info"]).success().stdout;
        assert!(info.contains(&format!("; cut: {reason}")), "{info}");
        // Stock tools read it as a whole core.
        let core = scene.path("core");
        export(&path, &core);
        assert!(fs::metadata(core).unwrap().len() > 24 << 20);
    }
}

#[test]
fn of_a_run_with_many_crashes_the_newest_are_kept() {
    let scene = Scene::new();
    let script = "for i in 1 2 3 4; do \"$0\"; done";
    let options = ["--quiet", "--keep", "2", "--name", "{n}.snap"];
    finish(scene.trace(&options).args(["sh", "-c", script]).arg(fixture("null_read.c"))).without_panic();
    let names: Vec<_> = scene.snapshots().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["3.snap", "4.snap"]);
}

#[test]
fn when_all_room_is_used_up_the_next_death_is_one_line() {
    let scene = Scene::new();
    let script = "for i in 1 2 3 4 5; do \"$0\"; done; exit 3";
    let outcome = finish(scene.trace(&["--max-total", "40k"]).args(["sh", "-c", script]).arg(fixture("null_read.c")));
    let outcome = outcome.without_panic();
    assert_eq!(outcome.code(), 3);
    assert!(
        outcome.stderr.contains("no snapshot: the snapshots are as large together as --max-total allows"),
        "{outcome:?}"
    );
    assert!(!scene.snapshots().is_empty() && scene.snapshots().len() < 5);
}

#[test]
fn of_crashes_like_one_that_was_kept_only_the_stacks_are_and_they_are_counted() {
    let scene = Scene::new();
    let script = "for i in 1 2 3; do \"$0\" 1; done; \"$1\"";
    let mut command = scene.trace(&["--quiet", "--dedupe", "--name", "{n}.snap"]);
    command.args(["sh", "-c", script]).arg(fixture("reachable.c")).arg(fixture("null_read.c"));
    finish(&mut command).without_panic();
    let process = |name: &str| Snapshot::open(&scene.out().join(name)).unwrap().process().clone();
    let kept = ["1.snap", "2.snap", "3.snap", "4.snap"].map(process);
    let kept = kept.map(|process| (process.memory, process.run.unwrap().repeats));
    let stacks = |before| (Some("stacks".to_owned()), Some(before));
    assert_eq!(kept, [(None, None), stacks(1), stacks(2), (None, None)]);
    let shown = inspect(&scene.out().join("3.snap"), ["-c", "info", "-c", "bt"]).success().stdout;
    assert!(shown.contains("there were 2 like it before in this run (--dedupe)") && shown.contains("crash"), "{shown}");
}
