//! Objects of every kind are shown as their `repr()` shows them, read by their structure: held against what the
//! interpreter itself says of them, in every version on this machine, and in frozen snapshots of those it lacks.
//!
//! `FREEZE_PYTHONS=1 cargo test --test python_kinds` freezes the versions on this machine that are not frozen yet.

mod common;

use std::fs;
use std::path::Path;

use common::{
    PythonVersion, Scene, attributes, crash, fixture_dir, freeze, frozen, frozen_dir, inspect, interpreters, list,
    reply, text,
};
use serde_json::Value;

/// What is read of a snapshot here, and so what a frozen one holds.
const COMMANDS: [&str; 4] = ["exception", "py-bt full", "exception 0", "py-bt full"];

#[test]
fn objects_of_every_kind_are_shown_as_python_shows_them() {
    let script = fixture_dir().join("targets/python_kinds.py");
    for (version, python) in interpreters() {
        let scene = Scene::new();
        // The paths of a frozen one are not to tell of where it was made.
        let copy = scene.path("python_kinds.py");
        fs::copy(&script, &copy).expect("ours");
        let (snapshot, said, _) = crash(&scene, &python, &copy);
        hold(&format!("{version:?}"), &snapshot, &said);
        if std::env::var_os("FREEZE_PYTHONS").is_some() {
            freeze_version(&version, &snapshot, &said);
        }
    }
}

#[test]
fn frozen_interpreters_are_read_without_their_files() {
    let frozen = frozen();
    for wanted in ["3.8", "3.9", "3.10", "3.11", "3.11d", "3.12", "3.13", "3.13t", "3.14", "3.14d", "3.15"] {
        assert!(frozen.contains_key(wanted), "{wanted} is frozen: {:?}", frozen.keys());
    }
    for (version, snapshot) in frozen {
        assert!(snapshot.metadata().expect("a file").len() < 300 << 10, "{}", snapshot.display());
        let said = fs::read_to_string(snapshot.with_extension("json")).expect("its truth lies beside it");
        hold(&format!("{version}, frozen"), &snapshot, &said);
    }
}

fn freeze_version((major, minor, micro, flags): &PythonVersion, snapshot: &Path, said: &str) {
    let flags = flags.trim_matches('-');
    if !frozen().contains_key(&format!("{major}.{minor}{flags}")) {
        let file = frozen_dir().join(format!("cpython-{major}.{minor}.{micro}{flags}.snap"));
        freeze(snapshot, &COMMANDS, &file);
        fs::write(file.with_extension("json"), said).expect("the fixtures are ours");
    }
}

/// Holds the variables of the stack, the exception that is handled and those of its traceback against the truth.
#[track_caller]
fn hold(label: &str, snapshot: &Path, said: &str) {
    let truth: Value = serde_json::from_str(said).expect("the script's truth is JSON");
    let stack = reply(snapshot, &["py-bt full"]);
    hold_frames(label, &stack, &truth["stack"]);
    hold_variables(label, &stack, &truth);
    let raised = reply(snapshot, &["exception 0", "py-bt full"]);
    hold_frames(label, &raised, &truth["raised"]);
    let said = inspect(snapshot, ["-c", "exception"]).success().stdout;
    let (shown, expected) =
        (unmarked(&said.replace("  [0]", "")), unmarked(truth["traceback"].as_str().expect("a text")));
    assert!(shown.starts_with(&expected), "{label}:\n{shown}\n{expected}");
}

/// A traceback without the marks under the part of a line that ran.
fn unmarked(traceback: &str) -> String {
    let is_mark = |line: &str| !line.is_empty() && line.chars().all(|c| " ^~".contains(c));
    traceback.lines().filter(|line| !is_mark(line)).flat_map(|line| [line, "\n"]).collect()
}

/// Holds functions, files, lines, and the variables that are told of, of each frame from the innermost on.
#[track_caller]
fn hold_frames(label: &str, stack: &Value, expected: &Value) {
    let expected = list(expected);
    let frames = list(&stack["frames"]).iter().skip_while(|frame| frame["function"] != expected[0][0]);
    let frames: Vec<&Value> = frames.collect();
    assert!(frames.len() >= expected.len(), "{label}: {} frames", frames.len());
    for (frame, expected) in frames.into_iter().zip(expected) {
        for (key, expected) in ["function", "file", "line"].into_iter().zip(list(expected)) {
            assert_eq!(frame[key], *expected, "{label}: {key} of {}", frame["function"]);
        }
        for (name, expected) in expected[3].as_object().into_iter().flatten() {
            assert_eq!(value_of(frame, name), expected.as_str(), "{label}: {name} of {}", frame["function"]);
        }
    }
}

/// The text of a frame's variable.
fn value_of<'f>(frame: &'f Value, name: &str) -> Option<&'f str> {
    Some(text(&variable(frame, name)?["value"]))
}

fn variable<'f>(frame: &'f Value, name: &str) -> Option<&'f Value> {
    list(&frame["variables"]).iter().find(|variable| variable["name"] == name)
}

/// Holds the objects of all kinds.
#[track_caller]
fn hold_variables(label: &str, stack: &Value, truth: &Value) {
    let mut wrong = Vec::new();
    let functions = truth["functions"].as_object().expect("functions by name");
    assert_eq!(functions.len(), 13, "{label}");
    for (function, expected) in functions {
        let frame = list(&stack["frames"]).iter().find(|frame| frame["function"] == function.as_str());
        let frame = frame.unwrap_or_else(|| panic!("{label}: no frame {function}"));
        for (name, expected) in expected.as_object().expect("variables by name") {
            let found = value_of(frame, name).unwrap_or("nothing");
            if found != expected.as_str().expect("a text") {
                wrong.push(format!("{function}.{name}:\n  {found}\n  {expected}"));
            }
            let Some(children) = truth["children"].get(name) else { continue };
            let found = variable(frame, name).map(|variable| attributes(&variable["value"])).unwrap_or_default();
            let expected: Vec<(&str, &str)> =
                list(children).iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
            if found != expected {
                wrong.push(format!("beneath {function}.{name}:\n  {found:?}\n  {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{label}: {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
