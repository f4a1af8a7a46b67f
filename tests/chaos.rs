//! Whatever happens to us in the middle of captures, what runs under us lives or dies as it would have, no process is left stopped
//! or behind, and no file is taken for more than it is.
//!
//! By hand, with more of it: `DPDB_TRACE_CHAOS=1000 cargo test --release --test chaos -- --nocapture`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use common::{Scene, finish, fixture};
use dpdb_snapshot::Snapshot;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often: a few times in CI.
fn rounds(few: u64) -> u64 {
    std::env::var("DPDB_TRACE_CHAOS").ok().and_then(|number| number.parse().ok()).unwrap_or(few)
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Kills the supervisor of four workers that crash together, some time after some line of the journal, and meets all ends of
/// what it leaves. Returns the wait status of the workers' parent.
fn killed_in_the_middle(scene: &Scene, random: &mut Random) -> Option<i32> {
    let journal = scene.path("fifo");
    let _ = fs::remove_file(&journal);
    assert!(Command::new("mkfifo").arg(&journal).status().unwrap().success());
    let mut supervisor = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    supervisor.args(["--quiet", "--base", "auto", "--journal"]).arg(&journal).arg("--").arg(fixture("shared_heap.c"));
    let mut child = supervisor.args(["2", "2", "4"]).current_dir(scene.out()).spawn().unwrap();
    let mut told = BufReader::new(fs::File::open(&journal).unwrap());
    let mut line = String::new();
    // Five starts, then deaths and snapshots in any order.
    for _ in 0..1 + random.below(13) {
        told.read_line(&mut line).unwrap();
    }
    for _ in 0..random.below(2000) {
        std::thread::yield_now();
    }
    // It may have ended by itself; nobody has waited for it yet, so nobody else has its id.
    child.kill().unwrap();
    child.wait().unwrap();
    let started: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let main = Pid::from_raw(started["pid"].as_i64().unwrap() as i32);
    let mut end = None;
    // All that it leaves is ours now. One that is stopped would say so; one that hangs would hang us.
    loop {
        match waitpid(None, Some(WaitPidFlag::WUNTRACED | WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == main => end = Some(code),
            Ok(WaitStatus::Stopped(pid, signal)) => panic!("process {pid} is left stopped by {signal}"),
            Ok(_) => {}
            Err(nix::Error::ECHILD) => return end,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_kill_of_the_supervisor_at_any_moment_leaves_no_process_and_no_file_that_lies() {
    // What a killed supervisor leaves comes to us, and nothing else does: the tests of this file take turns.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let mut random = Random(0x5eed_c4a0);
    let (mut whole, mut cut, mut unreadable) = (0, 0, 0);
    for round in 0..rounds(12) {
        let scene = Scene::new();
        let end = killed_in_the_middle(&scene, &mut random);
        // Where all had ended before, it was the supervisor that met that end.
        assert!(end.is_none_or(|code| code == 0), "round {round}: its workers did not all die: {end:?}");
        for path in scene.snapshots() {
            let snapshot = Snapshot::open(&path).unwrap();
            assert_eq!(snapshot.damage(), [], "round {round}: {}", path.display());
            whole += 1;
        }
        for path in scene.partials() {
            match Snapshot::open(&path) {
                Ok(snapshot) if !snapshot.damage().is_empty() => cut += 1,
                Ok(_) => whole += 1,
                Err(_) => unreadable += 1,
            }
        }
    }
    nix::sys::prctl::set_child_subreaper(false).unwrap();
    println!("{whole} files whole, {cut} cut and say so, {unreadable} without their first bytes");
}

static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_file_that_cannot_grow_at_any_point_of_it_is_one_line_and_no_file() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut written = 0;
    // SIGXFSZ is blocked in the supervisor, so that a write beyond the limit fails as one on a full disk does.
    for limit in (0..36).step_by(3).map(|kibibytes| kibibytes << 10) {
        let scene = Scene::new();
        let traced = scene.trace(&[]);
        let mut command = Command::new("prlimit");
        command.arg(format!("--fsize={limit}")).arg(traced.get_program()).args(["--memory", "stacks", "--"]);
        // By pipes, which have no such limit.
        let outcome = command.arg(fixture("null_read.c")).current_dir(scene.out()).output().unwrap();
        assert_eq!(outcome.status.signal(), Some(11), "{outcome:?}");
        assert_eq!(scene.partials(), [] as [PathBuf; 0], "{limit}");
        let (files, told) = (scene.snapshots(), String::from_utf8_lossy(&outcome.stderr));
        let told = told.lines().filter(|line| line.contains("no snapshot: cannot ")).count();
        assert_eq!(files.len() + told, 1, "{limit}: {outcome:?}");
        for path in &files {
            assert_eq!(Snapshot::open(path).unwrap().damage(), [], "{limit}");
        }
        written += files.len();
    }
    assert!(written > 0, "36 KiB are enough");
}

#[test]
fn a_crowd_that_crashes_together_stays_within_the_room_for_all() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let scene = Scene::new();
    let crowd = rounds(64).min(512).to_string();
    let mut command = scene.trace(&["--quiet", "--max-total", "300k", "--name", "{n}.snap"]);
    let outcome = finish(command.arg(fixture("crash_storm.c")).arg(&crowd)).without_panic();
    assert!(outcome.stdout.contains(&format!("{crowd} died")), "{outcome:?}");
    let bytes: u64 = scene.snapshots().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes <= 300 << 10, "{bytes}");
    let snapshots = scene.snapshots().len() as u64;
    let refused = outcome.stderr.matches("as large together as --max-total allows").count() as u64;
    assert!(snapshots > 0 && snapshots + refused == crowd.parse::<u64>().unwrap(), "{snapshots} and {refused}");
    assert_eq!(scene.partials(), [] as [PathBuf; 0]);
}
