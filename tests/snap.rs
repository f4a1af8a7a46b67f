//! Snapshots of processes that go on, and do not notice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{
    Live, Outcome, Scene, finish, fixture, fixture_dir, state_of, status_field, tool, until_childless, until_stopped,
};
use dpdb_snapshot::process::{Cause, Freeze};
use dpdb_snapshot::{Avma, Memory, Snapshot};

fn snap(arguments: &[&str]) -> Outcome {
    finish(Command::new(env!("CARGO_BIN_EXE_dpdb-trace")).arg("snap").args(arguments)).without_panic()
}

const UNDISTURBED: &str = "epoll_wait: 1 \nepoll_wait with timeout: 1 \nsigtimedwait: 1 \nsemtimedop: 1 \n\
    recv with timeout: 1 \npoll: 1 \nread: 1 \nsem_timedwait: 1 \nselect: 1 \nread with timeout: 1 \n";

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
fn any_process_asks_in_its_own_language_on_the_socket_that_it_was_told_of() {
    let script = vec![tool("python3"), fixture_dir().join("targets/snap_by_socket.py")];
    for command in [script, vec![fixture("snap_by_socket.c")]] {
        let scene = Scene::new();
        let outcome = finish(scene.trace(&["--quiet", "--socket"]).args(command)).success();
        let path = outcome.stdout.strip_prefix("ok ").expect("it is told where").trim();
        assert_eq!(std::fs::canonicalize(path).unwrap(), std::fs::canonicalize(scene.snapshot()).unwrap());
    }
}

#[test]
fn a_command_that_is_told_of_the_socket_has_its_environment_else() {
    let scene = Scene::new();
    let environment = |options: &[&str]| finish(scene.trace(options).arg("env")).success().stdout;
    let told = environment(&["--socket"]);
    let (ours, others): (Vec<&str>, Vec<&str>) = told.lines().partition(|line| line.starts_with("DPDB_TRACE_SOCKET="));
    assert!(ours.len() == 1 && ours[0].starts_with("DPDB_TRACE_SOCKET=@dpdb-trace/"), "{ours:?}");
    assert_eq!(others, environment(&[]).lines().collect::<Vec<_>>());
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
    while !matches!(state_of(pid), 't' | 'T') {
        std::thread::yield_now();
    }
    let outcome = snap(&[&pid.to_string()]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(matches!(state_of(pid), 't' | 'T'));
    kill(process, Signal::SIGCONT).unwrap();
    live.poke();
    // What a stop signal interrupts is none of our business here: it ends.
    live.rest();
    assert_eq!(live.wait().code(), Some(9));
}

/// The fixture that waits in every way, under nobody.
fn alone(scene: &Scene) -> (Live, i32) {
    let mut command = Command::new("sh");
    let mut live =
        Live::start(command.args(["-c", "\"$0\"; exit $?"]).arg(fixture("waits.c")).current_dir(scene.out()));
    let pid = live.number_after("");
    (live, pid)
}

#[test]
fn a_process_that_nobody_supervises_is_snapshot_and_let_go_and_does_not_notice() {
    for options in [&["--name", "{comm}.snap"][..], &["--name", "{comm}.snap", "--no-clone"]] {
        let scene = Scene::new();
        let (mut live, pid) = alone(&scene);
        for _ in 0..3 {
            let outcome = snap(&[&[&pid.to_string(), "-d", scene.out().to_str().unwrap()], options].concat());
            assert_eq!(outcome.code(), 0, "{outcome:?}");
            let path = PathBuf::from(outcome.stdout.trim());
            assert!(path.starts_with(scene.out()) && path.to_str().unwrap().contains("waits"), "{path:?}");
            let process = Snapshot::open(&path).unwrap().process().clone();
            assert_eq!(process.freeze == Some(Freeze::Clone), options.len() == 2, "{:?}", process.freeze);
            assert_eq!((process.pid, process.threads.len()), (pid, 11));
            // When we are gone, all is as it was: nobody traces it, and the clone was waited for.
            assert_eq!(status_field(pid, "TracerPid"), "0");
            until_childless(pid);
        }
        live.poke();
        assert_eq!(live.rest(), UNDISTURBED);
        assert_eq!(live.wait().code(), Some(9));
    }
}

#[test]
fn a_tree_that_nobody_supervises_is_snapshot_with_all_its_processes() {
    let scene = Scene::new();
    let (mut live, pid) = alone(&scene);
    let shell = live.pid().as_raw().to_string();
    let outcome = snap(&[&shell, "--tree", "-d", scene.out().to_str().unwrap()]);
    assert_eq!((outcome.code(), outcome.stdout.lines().count()), (0, 2), "{outcome:?}");
    let of: Vec<i32> = scene.snapshots().iter().map(|path| common::pid_of(path)).collect();
    assert!(of.contains(&pid) && of.contains(&live.pid().as_raw()), "{of:?}");
    live.poke();
    assert_eq!(live.rest(), UNDISTURBED);
}

#[test]
fn a_stopped_process_that_nobody_supervises_stays_stopped() {
    use nix::sys::signal::{Signal, kill};
    let scene = Scene::new();
    let (mut live, pid) = alone(&scene);
    let process = nix::unistd::Pid::from_raw(pid);
    kill(process, Signal::SIGSTOP).unwrap();
    until_stopped(pid);
    let outcome = snap(&[&pid.to_string(), "-d", scene.out().to_str().unwrap()]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(status_field(pid, "TracerPid"), "0");
    until_stopped(pid);
    kill(process, Signal::SIGCONT).unwrap();
    live.poke();
    live.rest();
    assert_eq!(live.wait().code(), Some(9));
}

#[test]
fn who_cannot_be_snapshot_is_told_why_in_one_line() {
    let outcome = snap(&["999999999"]);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (1, "dpdb-trace: there is no process 999999999\n"));
    let thread_of_the_kernel = std::fs::read("/proc/2/cmdline").is_ok_and(|line| line.is_empty());
    if thread_of_the_kernel {
        let outcome = snap(&["2"]);
        assert!(outcome.code() == 1 && outcome.stderr.contains("process 2 cannot be traced: it "), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    }
}
