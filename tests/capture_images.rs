//! A dying process is cloned, dies, and its clone is read: nobody but us meets that clone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use common::{Live, Scene, finish, fixture, scenario};
use dpdb_snapshot::process::Freeze;
use dpdb_snapshot::{Absent, AddressRange, Avma, Memory, Snapshot};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::Signal;

const PAGE: u64 = 4096;

#[test]
fn the_parent_finds_ports_and_locks_free_and_no_other_child_or_signal_than_alone() {
    let scene = Scene::new();
    let program = fixture("released_early.c");
    let alone = finish(std::process::Command::new(&program).arg(scene.path("lock")));
    assert_eq!(alone.code(), 7, "{alone:?}");
    let outcome = scene.run([program.as_os_str(), scene.path("lock").as_os_str()]);
    assert_eq!((outcome.code(), &outcome.stdout), (7, &alone.stdout), "{outcome:?}");
    assert!(alone.stdout.contains("port free\nlock free\n1 signal, then No child processes\n"), "{alone:?}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    assert_eq!(snapshot.process().freeze, Some(Freeze::Clone));
    assert!(snapshot.process().fds.iter().any(|fd| fd.socket.as_ref().is_some_and(|it| it.contains("LISTEN"))));
    let report = snapshot.capture().unwrap();
    assert_eq!(report.release_ns, Some(report.pause_ns));
    assert!(report.pause_ns > 0, "{report:?}");
}

#[test]
fn without_cloning_a_process_is_held_until_it_is_read() {
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--no-clone"]).arg(fixture("null_read.c"))).without_panic();
    assert_eq!(outcome.code(), 128 + 11);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    assert_eq!(snapshot.process().freeze, Some(Freeze::InPlace { why: "--no-clone".to_owned() }));
    assert_eq!(snapshot.capture().unwrap().release_ns, None);
}

#[test]
fn what_could_be_killed_for_a_clone_call_is_read_in_place() {
    let scene = Scene::new();
    finish(scene.trace(&["--quiet"]).args(scenario("crash.c", "seccomp_trap"))).without_panic();
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let Some(Freeze::InPlace { why }) = &snapshot.process().freeze else { panic!("{:?}", snapshot.process().freeze) };
    assert!(why.contains("seccomp"), "{why}");
}

/// `name start end` lines that the fixture printed.
fn printed_ranges(text: &str) -> BTreeMap<String, AddressRange> {
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let line = |line: &str| {
        let [name, start, end] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (name.to_owned(), AddressRange::new(number(start), number(end)))
    };
    text.lines().map(line).collect()
}

#[test]
fn memory_that_a_clone_lacks_is_read_before_and_shared_memory_says_that_it_was_not_frozen() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("not_cloned.c")]);
    let ranges = printed_ranges(&outcome.stdout);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    assert_eq!(snapshot.process().freeze, Some(Freeze::Clone));
    for (name, pages) in [("dontfork", 32), ("wiped", 2), ("shared", 8)] {
        for page in 0..pages {
            let at = ranges[name].start.wrapping_add(page * PAGE + 8);
            assert_eq!(snapshot.read_u64(at), Ok(at.0), "{name}");
        }
    }
    assert_eq!(snapshot.read_u64(ranges["dontfork"].start.wrapping_add(40 * PAGE)), Ok(0));
    match snapshot.read_u64(ranges["wiped-large"].start).unwrap_err() {
        Absent::NotCaptured { reason, .. } => assert!(reason.contains("MADV_WIPEONFORK"), "{reason}"),
        absent => panic!("{absent}"),
    }
    let not_frozen = |name: &str| snapshot.process().mapping_at(ranges[name].start).unwrap().not_frozen;
    assert!(not_frozen("shared") && !not_frozen("dontfork"));
}

#[test]
fn signals_and_siginfo_survive_the_cloning() {
    let scene = Scene::new();
    scene.run([fixture("null_read.c")]);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let thread = &snapshot.process().threads[0];
    assert_eq!(thread.siginfo.as_ref().unwrap().address(), Some(Avma(0)));
    // The registers are those of the fault, not of the call that was made after it.
    let registers = thread.registers.as_ref().unwrap();
    let module = snapshot.process().mapping_at(Avma(registers.general.rip)).unwrap();
    assert_ne!(module.path.to_string(), "[vdso]");
}

/// The processes that run `program`.
fn running(program: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)).collect()
}

#[test]
fn our_sigkill_takes_the_clone_along_and_harms_nobody() {
    let scene = Scene::new();
    let program = scene.path("outliving");
    let [original, arguments @ ..] = &scenario("outliving.c", "tree_crashes")[..] else { panic!("a program") };
    common::install(Path::new(original), &program, 0o755);
    let watch = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
    watch.add_watch(&scene.out(), AddWatchFlags::IN_CREATE).unwrap();
    let mut live = Live::start(scene.trace(&["--quiet"]).arg(&program).args(arguments));
    live.expect("ready");
    watch.read_events().expect("the capture creates its file");
    live.expect("child died of 11");
    live.signal(Signal::SIGKILL);
    assert_eq!(live.wait().signal(), Some(9));
    live.rest();
    // The end of file above says that the parent is gone; the clone has no descriptors, and is killed with us.
    while !running(&program).is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn after_a_hundred_deaths_no_clone_is_left() {
    let scene = Scene::new();
    let program = scene.path("null_read");
    common::install(&fixture("null_read.c"), &program, 0o755);
    let script = "i=0; while [ $i -lt 25 ]; do \"$0\" & \"$0\" & \"$0\" & \"$0\"; wait; i=$((i+1)); done";
    let outcome = finish(scene.trace(&["--quiet"]).args(["sh", "-c", script]).arg(&program)).without_panic();
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(scene.snapshots().len(), 100);
    assert_eq!(running(&program), [0; 0]);
}
