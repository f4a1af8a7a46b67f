//! Programs that have their own ideas of signals, names and tracing.

mod common;

use std::path::Path;

use common::{Build, Scene, finish, fixture, fixture_with, inspect, install, mirrored, scenario, tool};

/// faulthandler prints the traceback, restores the default, and raises again: the death is its `raise`, and the fault
/// that came first is in the snapshot, too.
#[test]
fn python_faulthandler_leaves_one_snapshot_with_the_first_fault() {
    // Its output names the thread by an address, which differs from run to run.
    let script = "import faulthandler, ctypes; faulthandler.enable(open('/dev/null', 'w')); ctypes.string_at(8)";
    let python = tool("python3");
    let mirrored = mirrored(&[python.as_os_str(), "-c".as_ref(), script.as_ref()]).leaves(1);
    assert_eq!(mirrored.outcome.signal(), Some(11));
    let shown = inspect(&mirrored.scene.snapshot(), ["-c", "bt"]).success().stdout;
    let (handler, fault) = shown.split_once("<signal handler called>").expect("the handler's frame is there");
    assert!(!handler.contains("string_at") && fault.contains("_ctypes"), "{shown}");
}

/// LeakSanitizer wants to trace its own process, which has a tracer. We say so, and how to go without it.
#[test]
fn leak_sanitizer_fails_under_us_with_a_notice_and_can_be_switched_off() {
    let flags = ["-fsanitize=address"];
    let program = fixture_with("supervise/ends.c", Build { compiler: None, flags: &flags });
    let scene = Scene::new();
    let mut traced = scene.trace(&[]);
    let outcome = finish(traced.arg(&program).arg("0"));
    assert_eq!(outcome.code(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("ASAN_OPTIONS=detect_leaks=0"), "{}", outcome.stderr);
    let mut traced = scene.trace(&[]);
    let outcome = finish(traced.arg(&program).arg("0").env("ASAN_OPTIONS", "detect_leaks=0"));
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""));
}

/// `/proc/PID/stat` has the name unescaped between its fields.
#[test]
fn a_name_full_of_parentheses_and_newlines_is_no_obstacle() {
    let scene = Scene::new();
    let [crash, null] = &scenario("crash.c", "null")[..] else { panic!("a program and its scenario") };
    let odd = scene.path("a) R 1\n(b");
    install(Path::new(crash), &odd, 0o755);
    let outcome = finish(scene.trace(&[]).arg(odd).arg(null));
    assert_eq!((outcome.signal(), scene.snapshots().len()), (Some(11), 1));
    assert!(outcome.stderr.contains(r"(a) R 1\n(b)"), "it is escaped: {}", outcome.stderr);
}

/// A shell pipeline ends with the status of its last command, and the one that died in it is found.
#[test]
fn a_crash_in_a_pipeline_is_found() {
    let script = r#""$0" -11 | cat; exit 3"#;
    let ends = fixture("supervise/ends.c");
    let mirrored = mirrored(&["sh".as_ref(), "-c".as_ref(), script.as_ref(), ends.as_os_str()]).leaves(1);
    assert_eq!(mirrored.outcome.code(), 3);
}
