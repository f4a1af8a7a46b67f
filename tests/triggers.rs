//! Snapshots that nobody asks for and no crash makes: at an exit, after a time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use common::{Live, Scene, finish, fixture};
use dpdb_snapshot::process::{Cause, Signal};
use dpdb_snapshot::{Avma, Memory, Process, Snapshot};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

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

/// Sees snapshots come into `out/`.
struct Arrivals(Inotify);

impl Arrivals {
    fn of(scene: &Scene) -> Arrivals {
        let watch = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
        watch.add_watch(&scene.out(), AddWatchFlags::IN_MOVED_TO).unwrap();
        Arrivals(watch)
    }

    /// Waits for so many more.
    fn expect(&self, count: usize) {
        let mut seen = 0;
        while seen < count {
            seen += self.0.read_events().expect("snapshots come").len();
        }
    }
}

fn processes(scene: &Scene) -> Vec<Process> {
    scene.snapshots().iter().map(|path| Snapshot::open(path).unwrap().process().clone()).collect()
}

/// Who asked for each snapshot.
fn reasons(scene: &Scene) -> Vec<String> {
    let reason = |process: Process| match process.cause {
        Some(Cause::Requested { by }) => by,
        cause => panic!("{cause:?}"),
    };
    processes(scene).into_iter().map(reason).collect()
}

#[test]
fn a_greedy_process_is_snapshot_once_for_each_limit_and_goes_on() {
    let scene = Scene::new();
    let limits = [("--rss-over", "32M,limit=1"), ("--threads-over", "10,limit=1"), ("--fds-over", "30,limit=1")];
    let mut options = vec!["--quiet", "--name", "{n}.snap", "--memory", "stacks", "--cpu-over", "1%:200ms,limit=1"];
    options.extend(limits.iter().flat_map(|(name, value)| [*name, *value]));
    let mut live = Live::start(scene.trace(&options).arg(fixture("greedy.c")));
    let arrivals = Arrivals::of(&scene);
    let pid = live.number_after("");
    let wanted: BTreeSet<&str> = ["--rss-over 32M", "--threads-over 10", "--fds-over 30", "--cpu-over 1%:200ms"].into();
    let met = |scene: &Scene| {
        let all = reasons(scene).join(", ");
        wanted.iter().copied().filter(|one| all.matches(one).count() == 1).collect::<BTreeSet<_>>()
    };
    // Several may fire together, and then are one snapshot.
    while met(&scene) != wanted {
        arrivals.expect(1);
    }
    assert!(processes(&scene).iter().all(|process| process.pid == pid));
    live.poke();
    assert_eq!(live.wait().code(), Some(8));
    assert_eq!(met(&scene), wanted, "none fires twice");
}

#[test]
fn a_tree_that_hangs_is_snapshot_and_so_is_one_at_each_period() {
    for (option, value, count) in [("--idle", "200ms,limit=1", 1), ("--every", "50ms,limit=3", 3)] {
        let scene = Scene::new();
        let arrivals = Arrivals::of(&scene);
        let mut live = Live::start(scene.trace(&["--quiet", "--name", "{n}.snap", option, value]).args([
            "sh",
            "-c",
            "read line; exit 3",
        ]));
        arrivals.expect(count);
        live.close();
        assert_eq!(live.wait().code(), Some(3));
        let expected = format!("{option} {}", value.split_once(',').unwrap().0);
        assert_eq!(reasons(&scene), vec![expected; count]);
    }
}

#[test]
fn a_signal_is_seen_before_it_is_taken_and_taken_all_the_same() {
    let scene = Scene::new();
    let script = "trap 'echo handled' USR1; kill -USR1 $$; exit 3";
    let outcome = finish(scene.trace(&["--on-signal", "USR1"]).args(["sh", "-c", script])).without_panic();
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (3, "handled\n"), "{outcome:?}");
    let [reason] = &reasons(&scene)[..] else { panic!("{outcome:?}") };
    let pid = common::pid_of(&scene.snapshot());
    assert_eq!(*reason, format!("--on-signal USR1 (from pid {pid})"));
    // One that leaves a snapshot by killing leaves that one only.
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--on-signal", "SEGV"]).arg(fixture("null_read.c"))).without_panic();
    assert_eq!(outcome.signal(), Some(11));
    assert!(matches!(processes(&scene)[..], [Process { cause: Some(Cause::FatalSignal { .. }), .. }]));
}

#[test]
fn what_somebody_kills_is_snapshot_before_it_is_gone() {
    let scene = Scene::new();
    let script = "sh -c 'kill -KILL $$'; exit 4";
    let outcome = finish(scene.trace(&["--on-kill"]).args(["sh", "-c", script])).without_panic();
    assert_eq!(outcome.code(), 4, "{outcome:?}");
    let process = &processes(&scene)[0];
    assert!(matches!(process.cause, Some(Cause::KilledBy { signal: Signal::KILL, .. })), "{:?}", process.cause);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let stack = process.threads[0].registers.as_ref().unwrap().general.rsp;
    assert!(snapshot.read_u64(Avma(stack)).is_ok());
}

#[test]
fn when_one_crashes_all_others_are_snapshot_at_that_instant_and_linked_with_it() {
    let scene = Scene::new();
    let script = "mkfifo ../never; exec 3<>../never; (echo up; read x <&3) & first=$!; (echo up; read x <&3) & \
        echo up; read line; \"$0\"; kill $first $!; wait; exit 6";
    let mut command = scene.trace(&["--quiet", "--on-crash", "tree"]);
    let mut live = Live::start(command.args(["sh", "-c", script]).arg(fixture("null_read.c")));
    (0..3).for_each(|_| live.expect("up"));
    live.close();
    assert_eq!(live.wait().code(), Some(6));
    let processes = processes(&scene);
    assert_eq!(processes.len(), 4, "the crash, the shell and two others");
    let runs: Vec<_> = processes.iter().map(|process| process.run.clone().unwrap()).collect();
    assert!(runs.iter().all(|run| run.id == runs[0].id && run.id.len() > 30), "{runs:?}");
    let is_crash = |process: &&Process| process.cause.as_ref().is_some_and(Cause::is_crash);
    let crash = processes.iter().find(is_crash).unwrap().run.clone().unwrap();
    assert_eq!(crash.of_crash, None);
    let linked = runs.iter().filter(|run| run.of_crash == Some(crash.number)).count();
    assert_eq!(linked, 3, "{runs:?}");
    let journal = scene.journal();
    let first: Vec<_> = journal.iter().filter(|line| line["first_failure"] == true).collect();
    assert_eq!(first.len(), 1, "{journal:?}");
    assert_eq!((&first[0]["number"], &first[0]["signal"]), (&crash.number.into(), &"SIGSEGV".into()));
    assert_eq!(first[0]["run"], crash.id.as_str());
}

#[test]
fn a_command_is_run_after_each_snapshot_with_its_path_and_what_it_says() {
    let scene = Scene::new();
    fs::write(scene.path("hook"), "echo \"$@\" >> ../arguments; cat >> ../told; echo noise\n").unwrap();
    let script = "\"$0\"; \"$0\"; exit 5";
    let options = ["--quiet", "--exec-on-snapshot", "sh ../hook 'two words'"];
    let outcome = finish(scene.trace(&options).args(["sh", "-c", script]).arg(fixture("null_read.c"))).without_panic();
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (5, ""), "{outcome:?}");
    let arguments = fs::read_to_string(scene.path("arguments")).unwrap();
    let mut paths: Vec<&str> = arguments.lines().map(|line| line.strip_prefix("two words ").unwrap()).collect();
    paths.sort_unstable();
    let written: Vec<_> = scene.snapshots().iter().map(|path| fs::canonicalize(path).unwrap()).collect();
    let paths: Vec<_> = paths.iter().map(|path| fs::canonicalize(path).unwrap()).collect();
    assert_eq!(paths, written);
    for line in fs::read_to_string(scene.path("told")).unwrap().lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(told["crash"]["death"].as_str().is_some_and(|death| death.starts_with("SIGSEGV")), "{told}");
    }
}

#[test]
fn a_trigger_that_makes_no_sense_is_a_mistake_on_the_command_line() {
    for wrong in [["--every", "often"], ["--cpu-over", "95"], ["--rss-over", "1G,limit=x"], ["--on-crash", "me"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
        let outcome = finish(command.args(wrong).arg("true")).without_panic();
        assert!(outcome.code() == 2 && outcome.stderr.contains(wrong[0]), "{outcome:?}");
    }
}
