//! Native code that Python called: what it dies of is laid at the user's line, and the arrays of numpy, whose memory
//! only native code knows, are shown with their elements.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Scene, fixture_dir, inspect, interpreters, list, reply, text, tool};
use serde_json::Value;

/// Runs the script that dies in C; what was said of it, and its snapshot.
fn die(scene: &Scene, python: &Path, how: &str) -> (PathBuf, String) {
    let script = fixture_dir().join("targets/python_native_crash.py");
    let outcome = scene.run([python.as_os_str(), script.as_os_str(), how.as_ref()]);
    assert_eq!(outcome.signal(), Some(11), "{}: {}", python.display(), outcome.stderr);
    (scene.snapshot(), outcome.stderr)
}

/// The functions of the merged stack, and the frame of the user's function in it.
fn merged(snapshot: &Path, function: &str) -> (Vec<String>, Value) {
    let stack = reply(snapshot, &["bt"]);
    let frames = list(&stack["frames"]);
    let functions = frames.iter().map(|frame| frame["function"].as_str().unwrap_or("?").to_owned()).collect();
    let users = frames.iter().find(|frame| frame["function"] == function && frame["language"] == "python");
    (functions, users.unwrap_or_else(|| panic!("no {function} in {stack:#}")).clone())
}

#[test]
fn a_fault_in_ctypes_is_laid_at_the_users_line_on_any_thread_and_without_the_lock() {
    for (version, python) in interpreters() {
        for (how, line) in [("ctypes", 15), ("thread", 15), ("released", 14)] {
            let scene = Scene::new();
            let (snapshot, said) = die(&scene, &python, how);
            assert!(said.contains("users_function (python_native_crash.py:"), "{version:?} {how}: {said}");
            let (functions, users) = merged(&snapshot, "users_function");
            assert_eq!(users["line"], line, "{version:?} {how}");
            let above = functions.iter().take_while(|name| *name != "users_function");
            let above: Vec<&String> = above.collect();
            assert!(!above.is_empty(), "{version:?} {how}");
            assert!(!above.iter().any(|name| name.starts_with("_PyEval")), "{version:?} {how}: {above:?}");
            let locals = reply(&snapshot, &[&format!("frame {}", users["number"]), "locals"]);
            let note = list(&locals["variables"]).iter().find(|variable| variable["name"] == "note");
            assert_eq!(note.map(|note| text(&note["value"])), Some("'where the user is'"), "{version:?} {how}");
        }
    }
}

/// The interpreters that have numpy: Debian's, for which the package is installed, and others where it happens to be.
fn with_numpy() -> Vec<PathBuf> {
    tool("f2py");
    let has = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", "import numpy"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found: Vec<PathBuf> = interpreters().into_values().filter(has).collect();
    assert!(!found.is_empty(), "f2py is there, and no interpreter has numpy");
    found
}

#[test]
fn a_fault_in_numpys_loop_is_laid_at_the_users_line() {
    for python in with_numpy() {
        let scene = Scene::new();
        let (snapshot, _) = die(&scene, &python, "numpy");
        let (functions, users) = merged(&snapshot, "in_numpy");
        assert_eq!(users["line"], 24);
        assert!(functions.iter().any(|name| name == "users_function"), "{functions:?}");
    }
}

#[test]
fn arrays_and_scalars_of_numpy_are_shown_with_their_elements_in_any_layout() {
    let mut wrong = Vec::new();
    for python in with_numpy() {
        let scene = Scene::new();
        let outcome = scene.run([python.clone(), fixture_dir().join("targets/python_numpy.py")]);
        assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
        let truth: Value = serde_json::from_str(&outcome.stdout).expect("the script's truth is JSON");
        let stack = reply(&scene.snapshot(), &["py-bt full"]);
        let frame = list(&stack["frames"]).iter().find(|frame| frame["function"] == "arrays").expect("the frame");
        let truth = truth.as_object().expect("variables by name");
        assert!(truth.len() > 25);
        for (name, expected) in truth {
            let variable = list(&frame["variables"]).iter().find(|variable| variable["name"] == name.as_str());
            let found = variable.map_or("nothing", |variable| text(&variable["value"]));
            if found != expected.as_str().expect("a text") {
                wrong.push(format!("{} {name}:\n  {found}\n  {expected}", python.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_array_over_memory_that_is_not_there_says_so_and_spoils_nothing() {
    for python in with_numpy() {
        let scene = Scene::new();
        let (snapshot, _) = die(&scene, &python, "numpy");
        let outcome = inspect(&snapshot, ["-c", "py-bt full"]).success();
        assert!(outcome.stdout.contains("array = array([<"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("shape=(64,), dtype=float64)"), "{}", outcome.stdout);
    }
}
