//! `--base auto`: of what processes have in common, one snapshot has it, and the others read it from there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Scene, export, finish, fixture, gdb_backtrace, inspect};
use dpdb_snapshot::Snapshot;

/// Crashes eight forked workers together, which share 24 of 26 MiB; the snapshots, with what each is taken beyond.
fn crash_workers(scene: &Scene, options: &[&str]) -> Vec<(PathBuf, Option<String>)> {
    let outcome = finish(scene.trace(options).arg(fixture("shared_heap.c")).args(["24", "2", "8"])).without_panic();
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let base = |path: &Path| Snapshot::open(path).unwrap().process().base.as_ref().map(|base| base.name.to_string());
    scene.snapshots().into_iter().map(|path| (path.clone(), base(&path))).collect()
}

fn pack(file: &Path) -> common::Outcome {
    finish(Command::new(env!("CARGO_BIN_EXE_dpdb-trace")).arg("pack").arg(file))
}

#[test]
fn eight_forked_workers_take_little_more_room_than_one_and_each_shows_its_own_values() {
    let scene = Scene::new();
    let snapshots = crash_workers(&scene, &["--base", "auto"]);
    let (whole, deltas): (Vec<_>, Vec<_>) = snapshots.iter().partition(|(_, base)| base.is_none());
    assert_eq!((whole.len(), deltas.len()), (1, 7), "{snapshots:?}");
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let together: u64 = snapshots.iter().map(|(path, _)| size(path)).sum();
    assert!(together < size(&whole[0].0) + 7 * (3 << 20), "{together}");
    let mut numbers = Vec::new();
    for (path, _) in &snapshots {
        let shown = inspect(path, ["-c", "p shared[0]", "-c", "p own[0]", "-c", "p shared[3000000]"]).success().stdout;
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].ends_with("= 4711") && !shown.contains("not captured"), "{shown}");
        numbers.push(lines[1].trim_start_matches("$2 = ").to_owned());
        assert!(!lines[2].ends_with("= 0"), "{shown}");
    }
    numbers.sort();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7"]);

    // What names its base says so; stock tools get a whole core.
    let (delta, base) = deltas[0];
    let info = inspect(delta, ["-c", "info"]).success().stdout;
    assert!(info.contains(&format!("of it in {}", base.as_ref().unwrap())), "{info}");
    let core = scene.path("core");
    export(delta, &core);
    let theirs = gdb_backtrace(&fixture("shared_heap.c"), &core, 9);
    assert!(theirs[0].contains("work") && theirs[1].contains("main"), "{theirs:?}");

    // Packed, it needs its base no longer; the others still do, and say so.
    let shown = |path: &Path| inspect(path, ["-c", "bt", "-c", "p shared[0]", "-c", "x/4gx shared+2000000"]);
    let before = shown(delta).success().stdout;
    assert_eq!(pack(delta).success().stderr, "");
    fs::remove_file(&whole[0].0).unwrap();
    assert_eq!(shown(delta).success().stdout, before);
    let left = shown(&deltas[1].0);
    let sentence =
        format!("the base {} is not there; memory that is the same there is missing", base.as_ref().unwrap());
    assert!(left.stderr.contains(&sentence), "{left:?}");
    assert!(
        left.stdout.contains("work (shared=") && left.stdout.contains("not captured: it stands in the base"),
        "{left:?}"
    );
    let refused = pack(&deltas[1].0);
    assert_eq!(refused.code(), 1);
    assert!(refused.stderr.contains(&sentence), "{refused:?}");
    assert_eq!(scene.partials(), [] as [PathBuf; 0]);
}

#[test]
fn a_base_stays_for_as_long_as_a_snapshot_that_is_kept_needs_it() {
    let scene = Scene::new();
    let snapshots = crash_workers(&scene, &["--base", "auto", "--keep", "3"]);
    assert_eq!(snapshots.len(), 3, "{snapshots:?}");
    for (path, base) in &snapshots {
        assert_eq!(Snapshot::open(path).unwrap().damage(), [], "{base:?}");
    }
}

#[test]
fn a_process_that_is_looked_at_again_adds_what_it_wrote() {
    let scene = Scene::new();
    let script = "import os, sys, subprocess\n\
        filler = os.urandom(16 << 20)\n\
        for _ in range(3): subprocess.run([sys.argv[1], 'snap', str(os.getpid())], check=True)";
    let mut command = scene.trace(&["--quiet", "--base", "auto", "--name", "{n}.snap"]);
    let outcome = finish(command.args(["python3", "-c", script, env!("CARGO_BIN_EXE_dpdb-trace")])).without_panic();
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let mut sizes: Vec<u64> = scene.snapshots().iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    sizes.sort();
    assert!(sizes.len() == 3 && sizes[2] > 16 << 20 && sizes[1] < 4 << 20, "{sizes:?}");
}
