//! Exceptions that nobody handles leave one snapshot of the process that raised them, with the user's frame selected;
//! the program runs and ends as it would alone, and exceptions that are handled leave nothing.

mod common;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Live, Mirrored, Scene, fixture, fixture_dir, inspect, interpreters, list, mirrored, reply, text, tool};
use nix::sys::signal::Signal;

fn script() -> String {
    fixture_dir().join("targets/python_raise.py").display().to_string()
}

#[track_caller]
fn runs_as_alone(python: &Path, how: &str) -> Mirrored {
    mirrored(&[python.display().to_string(), script(), how.to_owned()])
}

/// Holds that the snapshot is of `work(2)`: its frame is selected, and its variables are there.
#[track_caller]
fn shows_the_users_frame(snapshot: &Path, what: &str) {
    let info = reply(snapshot, &["info"]);
    let crash = &info["crash"];
    assert!(crash["exception"]["summary"].as_str().is_some_and(|summary| summary.ends_with(what)), "{crash:#}");
    assert_eq!(crash["frame"]["function"], "work", "{crash:#}");
    let locals = reply(snapshot, &["locals"]);
    let mine = list(&locals["variables"]).iter().find(|variable| variable["name"] == "mine");
    assert_eq!(mine.map(|mine| text(&mine["value"])), Some("{'number': 2, 'square': 4}"), "{locals:#}");
}

#[test]
fn each_way_to_raise_leaves_one_snapshot_of_the_process_that_raised() {
    for (version, python) in interpreters() {
        for how in ["plain", "thread", "coroutine", "forked", "subprocess", "ranks"] {
            let run = runs_as_alone(&python, how).leaves(1);
            println!("{version:?} {how}");
            shows_the_users_frame(&run.scene.snapshot(), "Lost: ('number', 2)");
        }
    }
}

/// The libraries of interpreters that are shared ones, and the directories that they want for a home.
fn shared_interpreters() -> Vec<(String, String)> {
    const ASK: &str = "
import os, sys, sysconfig
print(os.path.join(sysconfig.get_config_var('LIBDIR'), sysconfig.get_config_var('INSTSONAME')))
print(sys.base_prefix)
";
    let ask = |python: PathBuf| {
        let told = common::finish(Command::new(python).args(["-c", ASK])).success().stdout;
        let (library, home) = told.trim().split_once('\n')?;
        (library.contains(".so") && Path::new(library).exists()).then(|| (library.to_owned(), home.to_owned()))
    };
    interpreters().into_values().filter_map(ask).collect()
}

#[test]
fn an_interpreter_that_a_program_loads_while_it_runs_is_recognised() {
    let shared = shared_interpreters();
    if shared.is_empty() {
        println!("skipped: no interpreter of this machine is a shared library");
    }
    for (library, home) in shared {
        let scene = Scene::new();
        let mut command = scene.trace(&[]);
        let run = common::finish(command.arg(fixture("embeds_python.c")).arg(&library).env("PYTHONHOME", home));
        assert_eq!((run.code(), run.stdout.as_str()), (4, "it goes on with -1\n"), "{library}: {}", run.stderr);
        shows_the_users_frame(&scene.snapshot(), "ValueError: 2");
    }
}

#[test]
fn a_virtual_environment_is_recognised() {
    let (_, python) = interpreters().into_iter().next_back().expect("there is one");
    let scene = Scene::new();
    let environment = scene.path("venv");
    common::finish(Command::new(&python).args(["-m", "venv", "--without-pip"]).arg(&environment)).success();
    let run = common::finish(scene.trace(&[]).arg(environment.join("bin/python")).args([&script(), "plain"]));
    assert_eq!(run.code(), 1, "{}", run.stderr);
    shows_the_users_frame(&scene.snapshot(), "Lost: ('number', 2)");
}

#[test]
fn a_worker_process_leaves_the_snapshot_and_its_owner_none() {
    for (version, python) in interpreters() {
        for how in ["fork", "spawn", "forkserver", "pool", "futures"] {
            let run = runs_as_alone(&python, how).leaves(1);
            println!("{version:?} {how}");
            shows_the_users_frame(&run.scene.snapshot(), "Lost: ('number', 2)");
        }
    }
}

#[test]
fn an_exception_is_taken_with_what_it_came_of_as_one() {
    for (_, python) in interpreters() {
        let run = runs_as_alone(&python, "cause").leaves(1);
        let shown = inspect(&run.scene.snapshot(), ["-c", "exception"]).success().stdout;
        let [cause, last] = ["Lost: ('number', 2)", "ValueError: work failed"].map(|line| shown.find(line));
        assert!(cause.is_some() && cause < last, "{shown}");
    }
}

#[test]
fn what_is_handled_or_only_asks_for_the_end_leaves_nothing() {
    for (_, python) in interpreters() {
        let run = runs_as_alone(&python, "handled").leaves(0);
        assert_eq!(run.outcome.code(), 3);
    }
}

#[test]
fn a_line_says_who_raised_what_where() {
    let scene = Scene::new();
    let (_, python) = interpreters().into_iter().next().expect("there is one");
    let mut command = scene.trace(&["--catch", "python"]);
    let outcome = common::finish(command.arg(&python).args([&script(), "ranks"])).without_panic().success();
    // The rank runs on meanwhile, and may have begun a line of its own.
    let line = outcome.stderr.split("dpdb-trace: ").nth(1).unwrap_or_default();
    assert!(line.contains("(rank 2) raised ") && line.contains("Lost: "), "{}", outcome.stderr);
    assert!(line.contains(" (python_raise.py:24 in work) -> pid_"), "{}", outcome.stderr);
}

#[test]
fn what_is_not_asked_for_is_not_caught() {
    let (_, python) = interpreters().into_iter().next().expect("there is one");
    let count = |options: &[&str], how: &str| {
        let scene = Scene::new();
        common::finish(scene.trace(options).arg(&python).args([&script(), how])).without_panic();
        scene.snapshots().len()
    };
    assert_eq!(count(&["--catch", "signals"], "plain"), 0);
    assert_eq!(count(&["--ignore-exception", "Lo*"], "plain"), 0);
    assert_eq!(count(&["--ignore-exception", "Lo*"], "cause"), 1);
    assert_eq!(
        count(&["--catch", "python-logged"], "handled"),
        1,
        "formatted and logged, it is one exception all the same"
    );
}

/// The interpreter that stands for all, and what a run in it left: its snapshots' exceptions, oldest first.
fn caught(options: &[&str], how: &str) -> (Scene, Vec<String>) {
    let (_, python) = interpreters().into_iter().next_back().expect("there is one");
    let scene = Scene::new();
    common::finish(scene.trace(options).arg(&python).args([&script(), how])).without_panic();
    let summary = |path: &PathBuf| reply(path, &["info"])["crash"]["exception"]["summary"].as_str().map(str::to_owned);
    let found = scene.snapshots().iter().filter_map(summary).collect();
    (scene, found)
}

#[test]
fn an_interrupt_is_taken_when_asked_for() {
    assert!(caught(&[], "interrupted").1.is_empty());
    let (_, found) = caught(&["--catch", "python:KeyboardInterrupt"], "interrupted");
    assert_eq!(found, ["KeyboardInterrupt: 1"]);
}

#[test]
fn a_childs_failure_that_its_parent_tells_again_is_taken_once() {
    for (version, python) in interpreters() {
        let run = runs_as_alone(&python, "checked").leaves(2);
        let shown = |path: &PathBuf| reply(path, &["info"])["crash"]["exception"]["summary"].to_string();
        let found: Vec<String> = run.scene.snapshots().iter().map(shown).collect();
        assert!(found.iter().any(|summary| summary.contains("Lost")), "{version:?} {found:?}");
        assert!(found.iter().any(|summary| summary.contains("'false'")), "{version:?} {found:?}");
    }
}

#[test]
fn every_exception_is_taken_as_it_is_raised_when_asked_for_once_for_each_place() {
    for (version, python) in interpreters() {
        println!("{version:?}");
        let scene = Scene::new();
        let run = common::finish(scene.trace(&["--catch=+python-all"]).arg(&python).args([&script(), "raises"]));
        assert_eq!((run.code(), run.stdout.as_str()), (0, "None 3\n"), "{}", run.stderr);
        // Both may be written at once; that of the library is the one that came through it.
        let mut snapshots = scene.snapshots();
        snapshots.sort_by_key(|snapshot| reply(snapshot, &["frame"])["frame"]["function"] != "work");
        let [own, librarys] = &snapshots[..] else { panic!("{:?} {}", scene.snapshots(), run.stderr) };
        shows_the_users_frame(own, "Lost: ('number', 2)");
        let shown = inspect(librarys, ["-c", "bt -python"]).success().stdout;
        let places = ["raw_decode at", "decode at", "loads at", "raises at"].map(|place| shown.find(place));
        assert!(places.is_sorted() && places[0].is_some(), "what it came through, and where it is: {shown}");
        assert_eq!(reply(librarys, &["frame"])["frame"]["function"], "raises");
    }
}

#[test]
fn how_many_are_taken_as_they_are_raised_and_of_which_types_can_be_said() {
    const LOST: &str = "Lost: ('number', 2)";
    let raised = |options: &[&str], how: &str| caught(options, how).1;
    assert_eq!(
        raised(&["--catch=+python-all", "--per-place", "2", "--ignore-exception", "*Error"], "raises"),
        [LOST; 2]
    );
    assert_eq!(raised(&["--catch=+python-all:Value*"], "raises").len(), 1, "by a type that it comes of");
    assert_eq!(raised(&["--catch=+python-all", "--max-snapshots", "1"], "raises"), [LOST]);
    assert_eq!(raised(&["--catch=+python-all,+python-logged"], "divides").len(), 1, "raised and logged, too");
    assert_eq!(raised(&["--catch=+python-all"], "plain"), [LOST], "raised and unhandled, it is one");
    assert_eq!(
        raised(&["--catch=+python-all"], "fails_at_last"),
        [LOST; 2],
        "the first, and the one that is not handled"
    );
}

#[test]
fn exceptions_that_are_handled_stop_nobody() {
    let (_, python) = interpreters().into_iter().next_back().expect("there is one");
    let scene = Scene::new();
    let run = common::finish(scene.trace(&[]).arg(&python).args([&script(), "storm"])).success();
    let waits: u64 = run.stdout.trim().parse().expect("a number");
    assert!(waits < 20, "{waits} but for the scheduler's own reasons");
}

#[test]
fn a_thread_that_blocks_the_signal_goes_on_as_alone() {
    for (_, python) in interpreters() {
        let run = runs_as_alone(&python, "blocked").leaves(1);
        shows_the_users_frame(&run.scene.snapshot(), "Lost: ('number', 2)");
    }
}

#[test]
fn of_gunicorns_four_workers_the_one_whose_request_fails_leaves_a_snapshot() {
    let scene = Scene::new();
    let socket = scene.path("http");
    let mut gunicorn = scene.trace(&["--quiet"]);
    gunicorn.arg(tool("gunicorn")).args(["--workers", "4", "--error-logfile", "/dev/stdout", "--bind"]);
    gunicorn.arg(format!("unix:{}", socket.display())).arg("--chdir").arg(fixture_dir().join("targets"));
    let mut live = Live::start(gunicorn.arg("python_gunicorn:application"));
    while !live.line().contains("Listening at") {}
    let get = |number: u64| {
        let mut http = UnixStream::connect(&socket).expect("it listens");
        http.write_all(format!("GET /{number} HTTP/1.0\r\n\r\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        http.read_to_string(&mut answer).expect("it answers");
        answer.lines().next().unwrap_or_default().split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!([1, 3, 2, 4, 5].map(get), ["200", "200", "500", "200", "200"]);
    live.signal(Signal::SIGTERM);
    live.rest();
    assert_eq!(live.wait().code(), Some(0));
    shows_the_users_frame(&scene.snapshot(), "Lost: ('number', 2)");
}

#[test]
fn a_thrown_exception_that_ends_the_process_leaves_one_snapshot_where_it_was_thrown() {
    let scene = Scene::new();
    let outcome = common::finish(scene.trace(&["--catch=+cxx"]).arg(fixture("cxx_throw.cpp"))).without_panic();
    assert_eq!(outcome.signal(), Some(6), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("threw a C++ exception (cxx_throw.cpp:7 in step) -> "), "{}", outcome.stderr);
    assert_eq!(reply(&scene.snapshot(), &["frame"])["frame"]["function"], "step");
}

#[test]
fn a_thrown_exception_is_taken_as_it_is_thrown_when_asked_for() {
    let scene = Scene::new();
    let outcome = common::finish(scene.trace(&["--catch", "cxx-throw"]).arg(fixture("cxx_throw.cpp"))).without_panic();
    assert_eq!(outcome.signal(), Some(6), "{}", outcome.stderr);
    let throwers: Vec<_> =
        scene.snapshots().iter().map(|path| reply(path, &["frame"])["frame"]["function"].clone()).collect();
    // Both are written at once, so either may be the first to have its name.
    assert!(
        throwers.len() == 2 && throwers.contains(&"main".into()) && throwers.contains(&"step".into()),
        "{throwers:?}"
    );
}

#[test]
fn a_panic_leaves_one_snapshot_where_it_panicked() {
    let scene = Scene::new();
    let outcome = common::finish(scene.trace(&["--catch=+rust-panic"]).arg(fixture("rust_panic.rs")));
    assert_eq!(outcome.code(), 101, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(" panicked (rust_panic.rs:4 in "), "{}", outcome.stderr);
    let frame = reply(&scene.snapshot(), &["frame"]);
    assert_eq!((&frame["frame"]["line"], &frame["frame"]["language"]), (&4.into(), &"rust".into()), "{frame:#}");
}

/// The same command where perf_event_open(2) is forbidden.
fn without_events(traced: &Command) -> Command {
    let mut command = Command::new(fixture("without_perf_events.c"));
    command.arg(traced.get_program()).args(traced.get_args());
    for (name, value) in traced.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(traced.get_current_dir().expect("a scene has one"));
    command
}

#[test]
fn where_events_are_forbidden_the_debug_registers_catch_what_ends_a_thread_or_process() {
    const NOTICE: &str = "Exceptions are caught by the debug registers";
    let (_, python) = interpreters().into_iter().next().expect("there is one");
    for (how, options, snapshots) in [
        ("plain", &[][..], 1),
        ("thread", &[], 1),
        ("forked", &[], 1),
        ("subprocess", &[], 1),
        ("handled", &[], 0),
        // What Python code prints may be printed by a process that goes on, and then we must not be killed.
        ("pool", &[], 0),
        ("pool", &["--catch=+python-logged"], 1),
    ] {
        let scene = Scene::new();
        let alone = common::finish(Command::new(&python).args([&script(), how]).current_dir(scene.out()));
        let traced = common::finish(&mut without_events(scene.trace(options).arg(&python).args([&script(), how])));
        assert_eq!((traced.status, &traced.stdout), (alone.status, &alone.stdout), "{how}: {}", traced.stderr);
        assert!(traced.stderr.contains(NOTICE), "{how}: {}", traced.stderr);
        assert_eq!(scene.snapshots().len(), snapshots, "{how} {options:?}: {}", traced.stderr);
        for snapshot in scene.snapshots() {
            shows_the_users_frame(&snapshot, "Lost: ('number', 2)");
        }
    }
}

#[test]
fn a_breakpoint_in_a_debug_register_does_not_outlive_us() {
    const DAEMON: &str = "
import os
ready, made = os.pipe()
if os.fork():
    os._exit(os.read(ready, 1) != b'x')
ends = os.fork()
if ends:
    print('ended', os.waitpid(ends, 0)[1], flush=True)
    os._exit(0)
print('daemon', os.getpid(), flush=True)
os.write(made, b'x')
os.read(0, 1)
raise ValueError('after our end')
";
    let (_, python) = interpreters().into_iter().next().expect("there is one");
    let scene = Scene::new();
    let mut live = Live::start(&mut without_events(scene.trace(&["--quiet"]).arg(&python).args(["-c", DAEMON])));
    live.number_after("daemon ");
    assert_eq!(live.wait().code(), Some(0));
    live.poke();
    assert_eq!(live.rest(), "ended 256\n", "exit code 1, not SIGTRAP");
}
