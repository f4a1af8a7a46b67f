//! Snapshots that nobody asks for and no crash makes: at an exit, after a time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Scene, finish};
use dpdb_snapshot::process::Cause;
use dpdb_snapshot::{Avma, Memory, Snapshot};

#[test]
fn a_process_that_exits_with_a_wanted_code_leaves_a_snapshot_with_its_memory() {
    for (wanted, expected) in [("nonzero", 2), ("3", 1), ("4", 0)] {
        let scene = Scene::new();
        let script = "sh -c 'exit 3'; sh -c 'exit 0'; sh -c 'exit 5'; exit 0";
        let outcome = finish(scene.trace(&["--on-exit", wanted]).args(["sh", "-c", script])).without_panic();
        assert_eq!((outcome.code(), scene.snapshots().len()), (0, expected), "{outcome:?}");
        for path in scene.snapshots() {
            let snapshot = Snapshot::open(&path).unwrap();
            let cause = snapshot.process().cause.clone();
            assert!(matches!(&cause, Some(Cause::Requested { by }) if by.starts_with("--on-exit")), "{cause:?}");
            let registers = snapshot.process().threads[0].registers.as_ref().unwrap().general;
            assert!(snapshot.read_u64(Avma(registers.rsp)).is_ok());
        }
    }
}

#[test]
fn after_a_timeout_the_tree_is_snapshot_and_ended() {
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--quiet", "--timeout", "1s"]).args(["sleep", "1000"])).without_panic();
    assert_eq!(outcome.signal(), Some(15), "{outcome:?}");
    assert!(!scene.snapshots().is_empty());
    for path in scene.snapshots() {
        let cause = Snapshot::open(&path).unwrap().process().cause.clone();
        assert!(matches!(&cause, Some(Cause::Requested { by }) if by == "--timeout"), "{cause:?}");
    }
}
