//! Supervising what ran before: it is taken without a stop, watched, and let go without a trace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::{
    Live, Scene, fixture, fixture_dir, inspect, interpreters, state_of, until_childless, until_stopped, until_traced,
};
use dpdb_snapshot::Snapshot;
use dpdb_snapshot::process::{Cause, Freeze, Signal};
use nix::sys::signal::{Signal as Sent, kill};
use nix::unistd::Pid;

/// Starts `dpdb-trace attach PID OPTIONS…` and waits until the process is traced.
fn attach(scene: &Scene, pid: i32, options: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.arg("attach").arg(pid.to_string()).args(options).current_dir(scene.out());
    let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until_traced(pid, true);
    child
}

/// Its exit code and what it said.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn shell(script: &str) -> Live {
    Live::start(Command::new("sh").args(["-c", script]).arg(fixture("null_read.c")).stderr(Stdio::null()))
}

#[test]
fn a_crash_after_attaching_leaves_a_snapshot_and_ends_both_as_alone() {
    let scene = Scene::new();
    let mut live = shell("echo $$; read line; kill -SEGV $$");
    let pid = live.number_after("");
    let attached = attach(&scene, pid, &[]);
    live.close();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&live.wait()), Some(11));
    let (code, said) = ended(attached);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("died of SIGSEGV") && said.contains("has died of SIGSEGV"), "{said}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let process = snapshot.process();
    assert_eq!((process.pid, process.freeze.clone()), (pid, Some(Freeze::Clone)));
    assert!(matches!(process.cause, Some(Cause::FatalSignal { signal: Signal::SEGV, .. })), "{:?}", process.cause);
}

/// Debug registers are set in stopped threads only: these are made to stop, and sleep on in their calls.
#[test]
fn threads_that_ran_before_are_watched_at_once_where_events_are_forbidden() {
    const WAITS: &str = "
import os, select, threading
def work(byte):
    raise ValueError(byte)
inputs = select.epoll()
inputs.register(0)
print(os.getpid(), flush=True)
inputs.poll()
thread = threading.Thread(target=work, args=(os.read(0, 1),))
thread.start()
thread.join()
work(2)
";
    for python in interpreters().values() {
        let scene = Scene::new();
        let mut live = Live::start(Command::new(python).args(["-c", WAITS]).stderr(Stdio::null()));
        let pid = live.number_after("");
        let mut command = Command::new(fixture("without_perf_events.c"));
        command.arg(env!("CARGO_BIN_EXE_dpdb-trace")).arg("attach").arg(pid.to_string()).current_dir(scene.out());
        let mut attached = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(attached.stderr.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("supervised from now on")));
        live.poke();
        assert_eq!(live.wait().code(), Some(1));
        let said: Vec<String> = said.map_while(Result::ok).collect();
        assert_eq!(attached.wait().unwrap().code(), Some(0));
        assert_eq!(scene.snapshots().len(), 2, "of the thread, and of the main one: {said:?}");
    }
}

#[test]
fn what_it_starts_later_is_supervised_too() {
    let scene = Scene::new();
    let mut live = shell("echo $$; read line; \"$0\"; exit 5");
    let pid = live.number_after("");
    let attached = attach(&scene, pid, &["--quiet"]);
    live.close();
    assert_eq!(live.wait().code(), Some(5));
    assert_eq!(ended(attached), (Some(0), String::new()));
    assert_ne!(common::pid_of(&scene.snapshot()), pid);
}

#[test]
fn a_whole_tree_is_attached_with_the_processes_that_it_has() {
    let scene = Scene::new();
    let mut live = shell("sh -c 'echo $$; read line; kill -SEGV $$'; echo \"status $?\"; exit 4");
    let child = live.number_after("");
    let attached = attach(&scene, live.pid().as_raw(), &["--tree"]);
    until_traced(child, true);
    live.close();
    assert_eq!(live.rest(), "status 139\n");
    assert_eq!(live.wait().code(), Some(4));
    let (code, said) = ended(attached);
    assert!(code == Some(0) && said.contains("and 1 more: supervised from now on"), "{said}");
    assert_eq!(common::pid_of(&scene.snapshot()), child);
}

#[test]
fn a_signal_lets_the_process_go_as_it_was() {
    for signal in [Sent::SIGINT, Sent::SIGTERM] {
        let scene = Scene::new();
        let mut live = Live::start(&mut Command::new(fixture("waits.c")));
        let pid = live.number_after("");
        let attached = attach(&scene, pid, &[]);
        let snapped = Command::new(env!("CARGO_BIN_EXE_dpdb-trace")).args(["snap", &pid.to_string()]).output().unwrap();
        assert!(snapped.status.success(), "{snapped:?}");
        kill(Pid::from_raw(attached.id() as i32), signal).unwrap();
        let (code, said) = ended(attached);
        assert!(code == Some(0) && said.contains("runs on without us"), "{said}");
        until_traced(pid, false);
        until_childless(pid);
        live.poke();
        let undisturbed = live.rest();
        assert!(
            undisturbed.lines().count() == 10 && undisturbed.lines().all(|line| line.trim_end().ends_with(": 1")),
            "{undisturbed}"
        );
        assert_eq!(live.wait().code(), Some(9));
    }
}

#[test]
fn a_stopped_process_stays_stopped_when_it_is_attached_and_when_it_is_let_go() {
    let scene = Scene::new();
    let mut live = shell("echo $$; read line; exit 6");
    let pid = live.number_after("");
    kill(Pid::from_raw(pid), Sent::SIGSTOP).unwrap();
    until_stopped(pid);
    let attached = attach(&scene, pid, &["--quiet"]);
    while !matches!(state_of(pid), 't' | 'T') {
        std::thread::yield_now();
    }
    kill(Pid::from_raw(attached.id() as i32), Sent::SIGTERM).unwrap();
    assert_eq!(ended(attached), (Some(0), String::new()));
    until_stopped(pid);
    kill(Pid::from_raw(pid), Sent::SIGCONT).unwrap();
    live.close();
    assert_eq!(live.wait().code(), Some(6));
}

#[test]
fn an_exception_in_an_interpreter_that_ran_before_leaves_a_snapshot() {
    let scene = Scene::new();
    let script = fixture_dir().join("targets/python_raise.py").display().to_string();
    let program = format!(
        "import runpy, os, sys; print(os.getpid(), flush=True); sys.stdin.read()\n\
        sys.argv = ['raise', 'plain']; runpy.run_path({script:?}, run_name='__main__')"
    );
    let mut command = Command::new("python3");
    let mut live = Live::start(command.args(["-c", &program]).stderr(Stdio::null()));
    let pid = live.number_after("");
    let attached = attach(&scene, pid, &[]);
    live.close();
    assert_eq!(live.wait().code(), Some(1));
    let (code, said) = ended(attached);
    assert_eq!(code, Some(0), "{said}");
    let shown = inspect(&scene.snapshot(), ["-c", "locals"]).success().stdout;
    assert!(shown.contains("mine = {'number': 2, 'square': 4}"), "{shown}");
}

#[test]
fn what_cannot_be_attached_is_told_in_one_line() {
    let scene = Scene::new();
    let mut live = shell("echo $$; read line");
    let pid = live.number_after("");
    let first = attach(&scene, pid, &[]);
    let trace = env!("CARGO_BIN_EXE_dpdb-trace");
    for (target, reason) in [(pid.to_string(), " traces it already"), ("999999999".to_owned(), "there is no process")] {
        let output = Command::new(trace).args(["attach", &target]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains(reason) && said.lines().count() == 1, "{said}");
    }
    live.close();
    assert!(live.wait().code().is_some());
    assert_eq!(ended(first).0, Some(0));
}
