//! Snapshots of processes that go on, and do not notice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Live, Outcome, Scene, finish, fixture};
use dpdb_snapshot::process::{Cause, Freeze};
use dpdb_snapshot::{Avma, Memory, Snapshot};

fn snap(arguments: &[&str]) -> Outcome {
    finish(Command::new(env!("CARGO_BIN_EXE_dpdb-trace")).arg("snap").args(arguments)).without_panic()
}

const UNDISTURBED: &str = "epoll_wait: 1 \nepoll_wait with timeout: 1 \nsigtimedwait: 1 \nsemtimedop: 1 \n\
    recv with timeout: 1 \npoll: 1 \nread: 1 \nsem_timedwait: 1 \nselect: 1 \nread with timeout: 1 \n";

/// Waits until process `pid` has no children, zombies included.
fn until_childless(pid: i32) {
    let children = || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default()).collect::<String>()
    };
    while !children().is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn no_waiting_call_notices_a_snapshot_and_no_clone_is_left() {
    for options in [&["--quiet"][..], &["--quiet", "--no-clone"]] {
        let scene = Scene::new();
        // A child of ours, and one of a shell.
        for wrap in [&["sh", "-c", "\"$0\"; exit $?"][..], &[]] {
            let mut live = Live::start(scene.trace(options).args(wrap).arg(fixture("waits.c")));
            let pid = live.number_after("");
            for _ in 0..3 {
                let outcome = snap(&[&pid.to_string()]);
                assert_eq!(outcome.code(), 0, "{outcome:?}");
                let path = PathBuf::from(outcome.stdout.trim());
                let snapshot = Snapshot::open(&path).unwrap();
                let process = snapshot.process();
                assert!(matches!(&process.cause, Some(Cause::Requested { by }) if by.starts_with("snap")));
                assert_eq!(process.freeze == Some(Freeze::Clone), options.len() == 1, "{:?}", process.freeze);
                assert_eq!(process.threads.len(), 11);
                assert!(process.threads.iter().all(|thread| thread.name.is_some() && thread.registers.is_some()));
                let stack = process.threads[0].registers.as_ref().unwrap().general.rsp;
                assert!(snapshot.read_u64(Avma(stack)).is_ok());
            }
            until_childless(pid);
            live.poke();
            assert_eq!(live.rest(), UNDISTURBED);
            assert_eq!(live.wait().code(), Some(9));
        }
    }
}

#[test]
fn a_shell_can_take_a_snapshot_of_itself() {
    let scene = Scene::new();
    let script = "\"$0\" snap $$ && wait; echo $?";
    let outcome = scene.run(["sh", "-c", script, env!("CARGO_BIN_EXE_dpdb-trace")]);
    let (path, status) = outcome.stdout.split_once('\n').unwrap();
    assert_eq!(status, "0\n", "{outcome:?}");
    assert_eq!(std::fs::canonicalize(Path::new(path)).unwrap(), std::fs::canonicalize(scene.snapshot()).unwrap());
}

#[test]
fn all_of_a_tree_is_snapshot_with_one_of_it() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).args(["sh", "-c", "\"$0\"; exit $?"]).arg(fixture("waits.c")));
    let pid = live.number_after("");
    let outcome = snap(&[&pid.to_string(), "--tree"]);
    assert_eq!((outcome.code(), outcome.stdout.lines().count()), (0, 2), "{outcome:?}");
    live.poke();
    assert_eq!(live.rest(), UNDISTURBED);
    assert_eq!(scene.snapshots().len(), 2);
}

#[test]
fn a_stopped_process_is_read_as_it_stands_and_stays_stopped() {
    use nix::sys::signal::{Signal, kill};
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).args(["sh", "-c", "\"$0\"; exit $?"]).arg(fixture("waits.c")));
    let pid = live.number_after("");
    let process = nix::unistd::Pid::from_raw(pid);
    kill(process, Signal::SIGSTOP).unwrap();
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    while !matches!(state(), 't' | 'T') {
        std::thread::yield_now();
    }
    let outcome = snap(&[&pid.to_string()]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(matches!(state(), 't' | 'T'));
    kill(process, Signal::SIGCONT).unwrap();
    live.poke();
    // What a stop signal interrupts is none of our business here: it ends.
    live.rest();
    assert_eq!(live.wait().code(), Some(9));
}

#[test]
fn who_is_not_supervised_is_told_so() {
    let outcome = snap(&[&std::process::id().to_string()]);
    assert_eq!(outcome.code(), 1);
    assert!(outcome.stderr.contains("is not supervised"), "{outcome:?}");
    let outcome = snap(&["999999999"]);
    assert!(outcome.stderr.contains("there is no process 999999999"), "{outcome:?}");
}
