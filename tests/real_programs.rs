//! Programs of the real world, that know nothing of us: interpreters, build tools, shells and servers.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::{Outcome, Scene, export, finish, fixture, fixture_dir, gdb, gdb_threads, inspect, tool};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

#[test]
fn a_worker_of_a_python_pool_faults_in_c_and_the_pool_goes_on() {
    let scene = Scene::new();
    let outcome = scene.run([tool("python3"), fixture_dir().join("targets/pool_fault.py")]).success();
    assert_eq!(outcome.stdout.trim(), "[0, 1, 4, 9, 16, 36, 49]");
    let backtrace = inspect(&scene.snapshot(), ["-c", "bt"]).success().stdout;
    for frame in ["strlen", "ffi_call", " in task at ", "_start"] {
        assert!(backtrace.contains(frame), "no {frame} in\n{backtrace}");
    }
    assert_nothing_is_left(&scene, &outcome);
}

#[test]
fn one_tool_of_a_parallel_make_crashes_and_the_others_finish() {
    let scene = Scene::new();
    let crash = fixture("null_read.c");
    let rules = format!("all: a b c d e f\na b d e f:\n\techo $@ > $@\nc:\n\t{}\n", crash.display());
    fs::write(scene.out().join("Makefile"), rules).unwrap();
    let outcome =
        finish(scene.trace(&[]).arg(tool("make")).args(["-k", "-j4"]).env_remove("MAKEFLAGS")).without_panic();
    assert_eq!(outcome.code(), 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("Segmentation fault"), "make says it itself: {}", outcome.stderr);
    assert!(["a", "b", "d", "e", "f"].iter().all(|made| scene.out().join(made).exists()));
    assert!(inspect(&scene.snapshot(), ["-c", "bt"]).stdout.contains("innermost"));
    assert_nothing_is_left(&scene, &outcome);
}

#[test]
fn the_middle_of_a_pipeline_crashes_and_the_shell_reports_it() {
    let scene = Scene::new();
    let pipeline = "yes | \"$0\" | wc -c; echo \"${PIPESTATUS[*]}\"";
    let outcome =
        scene.run([tool("bash").as_os_str(), "-c".as_ref(), pipeline.as_ref(), fixture("null_read.c").as_ref()]);
    // yes dies of SIGPIPE as in any such pipeline, which is no crash.
    assert_eq!(outcome.stdout.trim(), "0\n141 139 0");
    assert!(inspect(&scene.snapshot(), ["-c", "bt"]).stdout.contains("innermost"));
    assert_nothing_is_left(&scene, &outcome);
}

#[test]
fn a_server_killed_by_sigsegv_under_load_is_captured_behind_its_own_crash_handler() {
    let mut server = Redis::start();
    let mut load = server.load();
    // SIGSEGV out of nowhere, while clients are being served.
    kill(server.pid, Signal::SIGSEGV).unwrap();
    let outcome = server.end();
    let _ = load.wait();
    assert_eq!(outcome.signal, Some(11), "{}", outcome.log);
    assert!(outcome.log.contains("REDIS BUG REPORT"), "its own report comes first: {}", outcome.log);
    let backtrace = inspect(&server.scene.snapshot(), ["-c", "bt"]).success().stdout;
    // The kernel prefers the main thread, and takes another one where that is in the middle of something.
    assert!(backtrace.contains("_start") || backtrace.contains("start_thread"), "{backtrace}");
}

#[test]
fn a_server_that_faults_is_captured_where_it_faulted() {
    let mut server = Redis::start();
    let mut load = server.load();
    let _ = finish(Command::new(tool("redis-cli")).arg("-s").arg(server.socket()).args(["debug", "segfault"]));
    let outcome = server.end();
    let _ = load.wait();
    assert_eq!(outcome.signal, Some(11), "{}", outcome.log);
    let snapshot = server.scene.snapshot();
    let backtrace = inspect(&snapshot, ["-c", "bt"]).success().stdout;
    assert!(backtrace.contains("main") || backtrace.contains("_start"), "{backtrace}");
}

#[test]
fn all_of_five_hundred_threads_are_in_the_snapshot() {
    let scene = Scene::new();
    let executable = fixture("many_threads.c");
    let outcome = scene.run([&executable]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let snapshot = scene.snapshot();
    assert!(inspect(&snapshot, ["-c", "bt"]).stdout.contains("crash_in_the_middle"));
    let everything = inspect(&snapshot, ["-c", "thread apply all bt"]).success().stdout;
    assert_eq!(everything.matches("wait_for_ever").count(), 500);
    let core = scene.path("core");
    export(&snapshot, &core);
    let shown = gdb(&executable, &core, &["info threads"]);
    assert_eq!(gdb_threads(&shown), 501, "{shown}");
    assert_nothing_is_left(&scene, &outcome);
}

#[test]
fn two_hundred_processes_that_crash_at_once_leave_two_hundred_snapshots() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("crash_storm.c")]).success();
    assert_eq!(outcome.stdout.trim(), "200 died");
    let snapshots = scene.snapshots();
    assert_eq!(snapshots.len(), 200, "{}", outcome.stderr);
    for snapshot in [&snapshots[0], &snapshots[100], &snapshots[199]] {
        assert!(inspect(snapshot, ["-c", "bt"]).success().stdout.contains("crash"));
    }
    assert_nothing_is_left(&scene, &outcome);
}

/// No half file, and no process of the group that we ran: neither running nor a zombie.
#[track_caller]
fn assert_nothing_is_left(scene: &Scene, outcome: &Outcome) {
    assert!(scene.partials().is_empty(), "{:?}", scene.partials());
    assert_eq!(killpg(Pid::from_raw(outcome.pid), None), Err(Errno::ESRCH), "a process of the group is left");
}

/// redis-server under dpdb-trace, on a socket in the scene's directory.
struct Redis {
    scene: Scene,
    supervisor: Child,
    log: BufReader<std::process::ChildStdout>,
    pid: Pid,
}

/// How it ended.
struct End {
    signal: Option<i32>,
    log: String,
}

impl Redis {
    fn start() -> Redis {
        let scene = Scene::new();
        let mut command = scene.trace(&["--quiet"]);
        command.arg(tool("redis-server")).args(["--port", "0", "--save", "", "--enable-debug-command", "yes"]);
        command.arg("--unixsocket").arg(scene.path("socket")).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut supervisor = command.spawn().unwrap();
        let mut log = BufReader::new(supervisor.stdout.take().unwrap());
        read_until(&mut log, "eady to accept connections");
        let info = finish(Command::new(tool("redis-cli")).arg("-s").arg(scene.path("socket")).args(["info", "server"]));
        let pid = info.stdout.lines().find_map(|line| line.strip_prefix("process_id:")).expect("redis says its pid");
        let pid = Pid::from_raw(pid.trim().parse().expect("a pid is a number"));
        Redis { scene, supervisor, log, pid }
    }

    fn socket(&self) -> PathBuf {
        self.scene.path("socket")
    }

    /// Clients that keep it busy; when this returns, their commands are being served.
    fn load(&self) -> Child {
        let mut benchmark = Command::new(tool("redis-benchmark"));
        benchmark.arg("-s").arg(self.socket()).args(["-q", "-c", "20", "-n", "100000000", "-t", "set,get"]);
        let benchmark = benchmark.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut watcher = Command::new(tool("redis-cli"));
        watcher.arg("-s").arg(self.socket()).arg("monitor").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut watcher = watcher.spawn().unwrap();
        read_until(&mut BufReader::new(watcher.stdout.take().unwrap()), "\"SET\"");
        watcher.kill().and_then(|()| watcher.wait()).unwrap();
        benchmark
    }

    fn end(&mut self) -> End {
        use std::os::unix::process::ExitStatusExt;
        let mut log = String::new();
        std::io::Read::read_to_string(&mut self.log, &mut log).unwrap();
        let status = self.supervisor.wait().unwrap();
        End { signal: status.signal(), log }
    }
}

/// Reads lines until one contains `wanted`.
#[track_caller]
fn read_until(from: &mut impl BufRead, wanted: &str) {
    let mut seen = Vec::new();
    for line in from.split(b'\n') {
        let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
        if line.contains(wanted) {
            return;
        }
        seen.push(line);
    }
    panic!("{wanted:?} never came:\n{}", seen.join("\n"));
}
