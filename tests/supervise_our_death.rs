//! What outlives us is unharmed, whether we end in peace or are killed; unless `--kill-on-exit` asks for the opposite.

mod common;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use common::{Live, Scene, finish, fixture, fixture_dir, interpreters, scenario};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const GOES_ON: &str = "daemon goes on, without a tracer\n";

/// Runs a command that leaves a daemon behind until it has ended; the daemon's pid.
fn leave_a_daemon(scene: &Scene, name: &str, code: i32) -> (Live, Pid) {
    let mut live = Live::start(scene.trace(&["--quiet"]).args(scenario("outliving.c", name)));
    let daemon = live.number_after("daemon ");
    if name == "daemon_stopped" {
        live.expect("daemon stopped by 19");
    }
    assert_eq!(live.wait().code(), Some(code), "we end as the command did, and do not wait for its daemon");
    (live, Pid::from_raw(daemon))
}

#[test]
fn a_sleeping_daemon_outlives_us() {
    let scene = Scene::new();
    let (mut live, _) = leave_a_daemon(&scene, "daemon_sleeps", 21);
    live.poke();
    assert_eq!(live.rest(), GOES_ON);
}

#[test]
fn a_running_daemon_outlives_us() {
    let scene = Scene::new();
    let (mut live, _) = leave_a_daemon(&scene, "daemon_runs", 22);
    live.poke();
    assert_eq!(live.rest(), GOES_ON);
}

#[test]
fn a_daemon_that_waits_for_a_signal_outlives_us() {
    let scene = Scene::new();
    let (mut live, daemon) = leave_a_daemon(&scene, "daemon_signalled", 23);
    kill(daemon, Signal::SIGUSR1).unwrap();
    assert_eq!(live.rest(), GOES_ON);
}

#[test]
fn a_daemon_with_threads_outlives_us() {
    let scene = Scene::new();
    let (mut live, _) = leave_a_daemon(&scene, "daemon_has_threads", 24);
    live.poke();
    assert_eq!(live.rest(), GOES_ON);
}

#[test]
fn a_stopped_daemon_stays_stopped_when_we_end() {
    let scene = Scene::new();
    let (mut live, daemon) = leave_a_daemon(&scene, "daemon_stopped", 26);
    // Between the end of tracing and the stop lies an instant in which the kernel moves it from the one to the other.
    while state_of(daemon) != 'T' {
        std::thread::yield_now();
    }
    kill(daemon, Signal::SIGCONT).unwrap();
    assert_eq!(live.rest(), GOES_ON);
}

fn state_of(pid: Pid) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it neither ran on nor died");
    let after_name = stat.rsplit_once(") ").expect("its name ends").1;
    after_name.chars().next().expect("a state follows")
}

#[test]
fn a_daemon_that_crashes_after_our_end_does_so_unseen() {
    let scene = Scene::new();
    let (mut live, _) = leave_a_daemon(&scene, "daemon_crashes", 25);
    live.poke();
    assert_eq!(live.rest(), GOES_ON);
    assert!(scene.snapshots().is_empty());
}

#[test]
fn a_daemon_outlives_a_command_that_crashes() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).args(scenario("outliving.c", "daemon_is_crashing_main")));
    live.number_after("daemon ");
    assert_eq!(live.wait().signal(), Some(11));
    assert_eq!(scene.snapshots().len(), 1);
    live.poke();
    assert_eq!(live.rest(), GOES_ON);
}

#[test]
fn with_wait_all_the_daemon_is_waited_for_and_its_crash_is_seen() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet", "--wait-all"]).args(scenario("outliving.c", "daemon_crashes")));
    let daemon = live.number_after("daemon ");
    live.poke();
    assert_eq!(live.rest(), "daemon goes on, with a tracer\n");
    assert_eq!(live.wait().code(), Some(25), "the command's exit code, not the daemon's");
    assert_eq!(common::pid_of(&scene.snapshot()), daemon);
}

/// Starts a tree, kills us once that is ready, and gives what the tree says after a byte on stdin.
fn after_our_death(scene: &Scene, name: &str) -> String {
    let mut live = Live::start(scene.trace(&["--quiet"]).args(scenario("outliving.c", name)));
    while live.line() != "ready" {}
    live.signal(Signal::SIGKILL);
    assert_eq!(live.wait().signal(), Some(9));
    live.poke();
    live.rest()
}

#[test]
fn a_sleeping_tree_survives_our_sigkill() {
    let said = after_our_death(&Scene::new(), "tree_sleeps");
    assert_eq!(said, "child goes on, without a tracer\nchild exited with 4\nparent goes on, without a tracer\n");
}

#[test]
fn a_stopped_process_stays_stopped_over_our_sigkill() {
    let said = after_our_death(&Scene::new(), "tree_stopped");
    let expected = "still stopped: 0\nchild goes on, without a tracer\nchild exited with 5\n";
    assert_eq!(said, format!("{expected}parent goes on, without a tracer\n"));
}

#[test]
fn a_storm_of_forks_survives_our_sigkill() {
    assert_eq!(after_our_death(&Scene::new(), "tree_storms"), "parent goes on, without a tracer\n");
}

/// Killed while a snapshot is written, we leave the dying process to its own signal. The unfinished file stays behind,
/// under the name that says what it is, and `doctor` names it.
#[test]
fn a_process_being_captured_dies_of_its_own_signal_when_we_are_killed() {
    let scene = Scene::new();
    let watch = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
    watch.add_watch(&scene.out(), AddWatchFlags::IN_CREATE).unwrap();
    let mut live = Live::start(scene.trace(&["--quiet", "--no-clone"]).args(scenario("outliving.c", "tree_crashes")));
    live.expect("ready");
    watch.read_events().expect("the capture creates its file");
    live.signal(Signal::SIGKILL);
    assert_eq!(live.wait().signal(), Some(9));
    assert_eq!(live.rest(), "child died of 11\nparent goes on, without a tracer\n");
    assert!(scene.snapshots().is_empty(), "nothing unfinished has the name of a snapshot");
    let [partial] = &scene.partials()[..] else { panic!("one is left: {:?}", scene.partials()) };
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    let found = finish(doctor.arg("doctor").current_dir(scene.out())).stdout;
    assert!(found.contains(partial.file_name().unwrap().to_str().unwrap()), "{found}");
}

/// Breakpoints are gone before we are: a process that stood at one meets two hundred more calls of the same function.
#[test]
fn a_process_at_a_catchpoint_goes_on_as_alone_when_we_are_killed() {
    let python = interpreters().into_values().next_back().expect("there is one");
    let script = fixture_dir().join("targets/python_raise.py");
    for moment in 1..=6 {
        let scene = Scene::new();
        let watch = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
        watch.add_watch(&scene.out(), AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MODIFY).unwrap();
        let mut trace = scene.trace(&["--quiet", "--no-clone", "--catch=+python-logged"]);
        let mut live = Live::start(trace.arg(&python).arg(&script).arg("prints_deep"));
        live.expect("ready");
        live.poke();
        let mut seen = 0;
        while seen < moment {
            seen += watch.read_events().expect("the capture writes its file, and holds the process").len();
        }
        live.signal(Signal::SIGKILL);
        assert_eq!(live.rest(), "True\nit ended with 1792\n", "killed after {seen} events: exit code 7, no SIGTRAP");
    }
}

/// Whoever does not want to wait for the snapshot that is being written gets none, nor half of one.
#[test]
fn a_second_sigterm_during_a_capture_leaves_no_unfinished_file() {
    let scene = Scene::new();
    let watch = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
    watch.add_watch(&scene.out(), AddWatchFlags::IN_CREATE).unwrap();
    let mut live = Live::start(scene.trace(&["--quiet", "--no-clone"]).args(scenario("outliving.c", "tree_crashes")));
    live.expect("ready");
    watch.read_events().expect("the capture creates its file");
    let history = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
    history.add_watch(&scene.path("journal"), AddWatchFlags::IN_MODIFY).unwrap();
    live.signal(Signal::SIGTERM);
    while !scene.journal().iter().any(|line| line["signal"] == "SIGTERM") {
        history.read_events().expect("the command dies of the first one");
    }
    live.signal(Signal::SIGTERM);
    assert_eq!(live.wait().signal(), Some(15));
    assert!(scene.partials().is_empty(), "{:?}", scene.partials());
}

/// SIGTERM is for the command: it ends of that, and we with it; its child goes on.
#[test]
fn our_sigterm_ends_the_command_and_harms_nothing_else() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).args(scenario("outliving.c", "tree_sleeps")));
    live.expect("ready");
    live.signal(Signal::SIGTERM);
    assert_eq!(live.wait().signal(), Some(15));
    live.poke();
    assert_eq!(live.rest(), "child goes on, without a tracer\n");
}

/// Whoever sends a second SIGTERM does not want to wait for a command that makes nothing of the first.
#[test]
fn a_second_sigterm_ends_us_and_the_command_goes_on() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).arg(fixture("supervise/receives.c")));
    live.expect("ready");
    for _ in 0..2 {
        live.signal(Signal::SIGTERM);
        live.expect("got 15");
    }
    assert_eq!(live.wait().signal(), Some(15));
    live.poke();
    assert_eq!(live.rest(), "2 in all\n");
}

#[test]
fn with_kill_on_exit_nothing_survives_our_sigkill() {
    let scene = Scene::new();
    let mut live =
        Live::start(scene.trace(&["--quiet", "--kill-on-exit"]).args(scenario("outliving.c", "tree_sleeps")));
    live.expect("ready");
    live.signal(Signal::SIGKILL);
    assert_eq!(live.wait().signal(), Some(9));
    assert_eq!(live.rest(), "", "the end of file comes although nobody told the tree to go on");
}

#[test]
fn with_kill_on_exit_no_daemon_survives_our_end() {
    let scene = Scene::new();
    let mut live =
        Live::start(scene.trace(&["--quiet", "--kill-on-exit"]).args(scenario("outliving.c", "tree_sleeps")));
    live.expect("ready");
    live.signal(Signal::SIGTERM);
    assert_eq!(live.wait().signal(), Some(15));
    assert_eq!(live.rest(), "");
}
