//! Python in unusual states: interpreters in the interpreter, none at all yet, and whose code a frame is of.

mod common;

use std::fs;

use common::{Scene, finish, fixture, inspect, interpreters, list, reply, tool};

const SUBINTERPRETER: &str = "
try:
    import _interpreters as subs
except ImportError:
    import _xxsubinterpreters as subs
subs.run_string(subs.create(), '''
import os
def inside(number):
    text = 'of the other interpreter'
    os.kill(os.getpid(), 11)
inside(7)
''')
";

#[test]
fn a_thread_in_another_interpreter_has_the_frames_of_that_one_and_its_lock() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let script = scene.path("subinterpreter.py");
        fs::write(&script, SUBINTERPRETER).expect("the scene can be written");
        let outcome = scene.run([python, script]);
        assert_eq!(outcome.signal(), Some(11), "{version:?}: {}", outcome.stderr);
        let stack = reply(&scene.snapshot(), &["py-bt full"]);
        let frames = list(&stack["frames"]);
        assert_eq!(frames[0]["function"], "inside", "{version:?}: {stack:#}");
        assert_eq!(frames[0]["variables"][0]["value"], "7", "{version:?}");
        assert_eq!(frames[1]["function"], "<module>", "{version:?}");
        if !version.3.contains('t') {
            assert_eq!(stack["holds_gil"], true, "{version:?}");
        }
    }
}

#[test]
fn a_process_that_dies_before_python_is_initialised_says_so() {
    let library = fixture("crash_at_load.c");
    // A script that stands in for an interpreter would die in its shell.
    let is_program = |python: &std::path::Path| fs::read(python).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"));
    for (version, python) in interpreters().into_iter().filter(|(_, python)| is_program(python)) {
        let scene = Scene::new();
        let mut command = scene.trace(&[]);
        let outcome = finish(command.arg("env").arg(format!("LD_PRELOAD={}", library.display())).arg(python));
        assert_eq!(outcome.signal(), Some(11), "{version:?}: {}", outcome.stderr);
        let shown = inspect(&scene.snapshot(), ["-c", "bt", "-c", "py-bt"]);
        let said = shown.stdout + &shown.stderr;
        assert!(said.contains("die_at_load"), "{version:?}: {said}");
        assert!(!said.contains("damaged"), "{version:?}: {said}");
        assert!(said.contains("Python was not initialised yet"), "{version:?}: {said}");
    }
}

#[test]
fn the_users_frame_is_selected_rather_than_that_of_an_installed_package_it_called() {
    let scene = Scene::new();
    let packages = scene.path("lib/python3.99/site-packages");
    fs::create_dir_all(&packages).expect("the scene can be written");
    fs::create_dir_all(scene.path("bin")).expect("the scene can be written");
    let package = "def work(callback):\n    callback()\n\ndef fail():\n    raise ValueError('no')\n";
    fs::write(packages.join("package.py"), package).expect("the scene can be written");
    let path = format!("import sys\nsys.path.insert(0, {:?})\nimport package\n", packages.display().to_string());
    let program = path.clone() + "def users(): package.fail()\npackage.work(users)\n";
    // What pip makes of an entry point is nobody's own code.
    let started = path + "package.fail()\n";
    for (name, text, function) in [("program.py", program, "users"), ("bin/started", started, "fail")] {
        let script = scene.path(name);
        fs::write(&script, text).expect("the scene can be written");
        let outcome = scene.run([tool("python3"), script]);
        let place = format!(" in {function})");
        assert!(outcome.stderr.contains(&place), "{name}: {}", outcome.stderr);
    }
}

#[test]
fn a_fault_in_the_librarys_own_code_in_c_selects_the_line_that_called_it() {
    let scene = Scene::new();
    let script = scene.path("faulty.py");
    let text = "import ctypes\n\ndef users():\n    note = 1\n    ctypes.string_at(16)\n\nusers()\n";
    fs::write(&script, text).expect("the scene can be written");
    assert_eq!(scene.run([tool("python3"), script]).signal(), Some(11));
    let selected = reply(&scene.snapshot(), &["frame"]);
    assert_eq!((&selected["frame"]["function"], &selected["frame"]["line"]), (&"users".into(), &5.into()));
}

const NAMED_THREADS: &str = "
import os, threading, _thread
ready, forever = threading.Semaphore(0), threading.Event()
def wait():
    ready.release()
    forever.wait()
threading.Thread(target=wait, name='loader of \\\"shards\\\"', daemon=True).start()
threading.Thread(target=wait, daemon=True).start()
_thread.start_new_thread(wait, ())
for _ in range(3):
    ready.acquire()
os.kill(os.getpid(), 11)
";

#[test]
fn threads_have_the_names_that_python_gave_them() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let outcome = scene.run([python.as_os_str(), "-c".as_ref(), NAMED_THREADS.as_ref()]);
        assert_eq!(outcome.signal(), Some(11), "{version:?}: {}", outcome.stderr);
        let snapshot = scene.snapshot();
        let threads = reply(&snapshot, &["threads"]);
        // The name of a thread of its own comes from its target since 3.10.
        let counted = if version.1 < 10 { "Thread-1" } else { "Thread-1 (wait)" };
        let known = ["MainThread", r#"loader of "shards""#, counted];
        for name in known {
            let is_named = |thread: &&serde_json::Value| thread["python_name"] == name || thread["name"] == name;
            assert!(
                list(&threads["threads"]).iter().any(|thread| is_named(&thread)),
                "{version:?}: {name}: {threads:#}"
            );
        }
        let unnamed = list(&threads["threads"])
            .iter()
            .filter(|thread| !known.iter().any(|name| thread["python_name"] == *name || thread["name"] == *name));
        assert_eq!(unnamed.count(), 1, "{version:?}: that of _thread has no name: {threads:#}");
        let said = inspect(&snapshot, ["-c", "threads"]).success().stdout;
        assert!(said.contains(r#"('loader of "shards"')"#), "{version:?}: {said}");
    }
}
