//! Python's frames, lines, functions and variables, held against what the interpreter itself says a moment before it
//! dies in C, in every version on this machine.

mod common;

use std::collections::BTreeMap;

use common::{PythonVersion, Scene, attributes, crash, inspect, interpreters, list, reply, text, tool};
use serde_json::Value;

#[test]
fn frames_and_variables_agree_with_what_the_interpreter_says_itself() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, said, _) = crash(&scene, &python, "python_truth.py");
        let truth: Value = serde_json::from_str(&said).expect("the script's truth is JSON");
        let threads = truth["threads"].as_object().expect("threads by their ids");
        assert_eq!(threads.len(), 2);
        for (tid, expected) in threads {
            let stack = reply(&snapshot, &[&format!("thread {tid}"), "py-bt full"]);
            let mut frames = list(&stack["frames"]);
            if frames[0]["function"] == "string_at" {
                frames = &frames[1..];
            }
            for (frame, expected) in frames.iter().zip(list(expected)) {
                for key in ["function", "file", "line"] {
                    assert_eq!(frame[key], expected[key], "{version:?}: {key} in\n{frame:#}\n{expected:#}");
                }
                hold_variables(&version, frame, &expected["locals"]);
            }
            assert_eq!(frames.len(), list(expected).len(), "{version:?}, thread {tid}");
        }
    }
}

#[track_caller]
fn hold_variables(version: &PythonVersion, frame: &Value, expected: &Value) {
    let name = |variable: &Value| variable["name"].as_str().expect("a name").to_owned();
    let found: BTreeMap<String, &str> =
        list(&frame["variables"]).iter().map(|variable| (name(variable), text(&variable["value"]))).collect();
    for (name, value) in expected.as_object().expect("variables by name") {
        let value = value.as_str().expect("a text");
        assert_eq!(found.get(name).copied(), Some(value), "{version:?}: {name} in {}", frame["function"]);
    }
    let expected = expected.as_object().expect("variables by name").len();
    assert_eq!(found.len(), expected, "{version:?}: {}: {:?}", frame["function"], found.keys());
}

#[test]
fn attributes_of_an_instance_nobody_looked_at_are_found_where_the_version_keeps_them() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, said, _) = crash(&scene, &python, "python_truth.py");
        let truth: Value = serde_json::from_str(&said).expect("the script's truth is JSON");
        let stack = reply(&snapshot, &["py-bt full"]);
        let frame = list(&stack["frames"]).iter().find(|frame| frame["function"] == "objects").expect("the frame");
        let inline =
            list(&frame["variables"]).iter().find(|variable| variable["name"] == "inline").expect("a variable");
        let mut found = attributes(&inline["value"]);
        let expected = list(&truth["inline"]).iter();
        let mut expected: Vec<(&str, &str)> =
            expected.map(|pair| (pair[0].as_str().expect("a name"), text(&pair[1]))).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{version:?}");
    }
}

#[test]
fn the_merged_stack_has_python_frames_in_place_of_the_interpreter() {
    let scene = Scene::new();
    let (snapshot, _, stderr) = crash(&scene, &tool("python3"), "python_truth.py");
    assert!(stderr.contains(" crash (python_truth.py:"), "{stderr}");

    let merged = reply(&snapshot, &["bt"]);
    let native = reply(&snapshot, &["bt -native"]);
    let functions = |stack: &Value| -> Vec<String> {
        list(&stack["frames"]).iter().map(|frame| frame["function"].as_str().unwrap_or("?").to_owned()).collect()
    };
    assert!(functions(&native).iter().any(|name| name.starts_with("_PyEval_EvalFrameDefault")));
    assert!(!functions(&merged).iter().any(|name| name.starts_with("_PyEval")), "{:?}", functions(&merged));
    let only = functions(&reply(&snapshot, &["bt -python"]));
    let in_merged = list(&merged["frames"]).iter().filter(|frame| frame["language"] == "python");
    assert_eq!(in_merged.map(|frame| frame["function"].as_str().expect("a name")).collect::<Vec<_>>(), only);

    // A frame has the same number in every view, and selecting it selects the Python line.
    let crash = list(&merged["frames"]).iter().find(|frame| frame["function"] == "crash").expect("the frame");
    let selected = reply(&snapshot, &[&format!("frame {}", crash["number"])]);
    assert_eq!(selected["frame"]["line"], crash["line"]);
    let locals = reply(&snapshot, &[&format!("frame {}", crash["number"]), "locals"]);
    assert_eq!(locals["variables"][0]["name"], "argument");
    assert_eq!(locals["variables"][0]["value"], "1");
}

#[test]
fn a_process_without_python_says_so() {
    let scene = Scene::new();
    scene.run([common::fixture("shell_tour.c")]);
    let outcome = inspect(&scene.snapshot(), ["-c", "bt -python"]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""));
    assert!(outcome.stderr.contains("no CPython runs in this process"), "{}", outcome.stderr);
}
