//! Exceptions of every shape, held against what `traceback.format_exc()` of the interpreter itself says of them, and
//! their frames and variables against the traceback's own: while they are handled, in flight, and after they were
//! printed.

mod common;

use std::path::{Path, PathBuf};

use common::{PythonVersion, Scene, fixture_dir, inspect, interpreters, list, reply};
use serde_json::Value;

/// Lets the script die while its exceptions are in a state: its snapshot, and what it said of each exception.
fn crash(scene: &Scene, python: &Path, state: &str, signal: i32) -> (PathBuf, Vec<(String, Truth)>) {
    let script = fixture_dir().join("targets/python_exceptions.py");
    // Only its death is to leave a snapshot: an exception that it prints would leave one of itself.
    let mut command = scene.trace(&["--catch", "signals"]);
    let outcome = common::finish(command.args([python.to_owned(), script, state.into()])).without_panic();
    assert_eq!(outcome.signal(), Some(signal), "{}: {}", python.display(), outcome.stderr);
    let said: Value = serde_json::from_str(&outcome.stdout).expect("the script's truth is JSON");
    let shapes = said.as_object().expect("shapes by name").iter();
    let truths = shapes.map(|(name, said)| (name.clone(), Truth::new(said)));
    (scene.snapshot(), truths.collect())
}

/// What the interpreter said of an exception.
struct Truth {
    thread: u64,
    text: String,
    /// Function, file, line and simple variables of each frame, innermost first.
    stack: Value,
}

impl Truth {
    fn new(said: &Value) -> Truth {
        let text = said[1].as_str().expect("a text").to_owned();
        Truth { thread: said[0].as_u64().expect("a thread"), text, stack: said[2].clone() }
    }
}

/// The text that `exception` has for each of some threads.
fn texts(snapshot: &Path, truths: &[(String, Truth)]) -> Vec<String> {
    let commands = truths.iter().flat_map(|(_, truth)| [format!("thread {}", truth.thread), "exception".to_owned()]);
    let output = inspect(snapshot, commands.flat_map(|command| ["-c".to_owned(), command])).success().stdout;
    let is_thread = |line: &str| line.starts_with('>') && line.contains("  thread ");
    let mut found = Vec::new();
    for line in output.lines() {
        if is_thread(line) {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            *last += line;
            *last += "\n";
        }
    }
    found
}

/// Without what is known to differ: marks under a line, further lines of one expression, and our own numbers and words.
fn comparable(text: &str) -> String {
    let text = text.replace("  (its arguments: its class has a __str__ of its own, which is not run)", "");
    let (mut out, mut source) = (String::new(), false);
    for line in text.trim_end().lines() {
        let line = line.split_once("(most recent call last):").map_or(line.to_owned(), |(head, _)| head.to_owned());
        let bare = line.trim_start_matches([' ', '|', '+']);
        let indented = line.trim_start_matches(['|', '+']).contains("     ") || line.starts_with("    ");
        let is_mark = !bare.is_empty() && bare.chars().all(|c| matches!(c, '^' | '~' | ' '));
        let is_file = bare.starts_with("File \"");
        if is_mark || (source && indented && !is_file && !bare.starts_with("[Previous")) {
            continue;
        }
        // The first line behind a file is the source, and those behind that are more of it.
        source = out.lines().last().is_some_and(|last| last.trim_start_matches([' ', '|', '+']).starts_with("File \""));
        out += &line;
        out.push('\n');
    }
    out
}

/// Our text without the sentence that ends it.
fn traceback_of(text: &str) -> &str {
    text.trim_end().rsplit_once("\n\n").map_or(text, |(traceback, _)| traceback)
}

#[track_caller]
fn hold_texts(version: &PythonVersion, snapshot: &Path, truths: &[(String, Truth)]) {
    let found = texts(snapshot, truths);
    assert_eq!(found.len(), truths.len(), "{version:?}");
    for ((shape, truth), found) in truths.iter().zip(found) {
        let found = comparable(traceback_of(&found));
        assert!(found == comparable(&truth.text), "{version:?}: {shape}:\n{found}\nis not\n{}", truth.text);
    }
}

/// The stack of the exception of each thread.
fn stacks(snapshot: &Path, truths: &[(String, Truth)]) -> Vec<Value> {
    let raised = answers(snapshot, truths, |truth| vec![format!("thread {}", truth.thread), "exception".to_owned()]);
    let mut numbers =
        raised.into_iter().filter(|reply| reply["kind"] == "exceptions").map(|reply| reply["raised"].clone());
    let all = answers(snapshot, truths, |truth| {
        let number = numbers.next().expect("an exception for each thread");
        vec![format!("thread {}", truth.thread), format!("exception {number}"), "py-bt full".to_owned()]
    });
    all.into_iter().filter(|reply| reply["kind"] == "python_backtrace").collect()
}

fn answers(snapshot: &Path, truths: &[(String, Truth)], mut commands: impl FnMut(&Truth) -> Vec<String>) -> Vec<Value> {
    let commands = truths.iter().flat_map(|(_, truth)| commands(truth));
    let commands = commands.flat_map(|command| ["-c".to_owned(), command]);
    let output = inspect(snapshot, std::iter::once("--json".to_owned()).chain(commands)).success().stdout;
    let answer = |line| serde_json::from_str::<Value>(line).expect("JSON")["reply"].clone();
    output.lines().map(answer).collect()
}

#[track_caller]
fn hold_stacks(version: &PythonVersion, snapshot: &Path, truths: &[(String, Truth)]) {
    let found = stacks(snapshot, truths);
    assert_eq!(found.len(), truths.len(), "{version:?}");
    for ((shape, truth), found) in truths.iter().zip(found) {
        let (frames, expected) = (list(&found["frames"]), list(&truth.stack));
        assert!(frames.len() >= expected.len(), "{version:?}: {shape}: {} frames", frames.len());
        for (frame, expected) in frames.iter().zip(expected) {
            for (at, key) in ["function", "file", "line"].into_iter().enumerate() {
                assert_eq!(frame[key], expected[at], "{version:?}: {shape}: {key} in\n{frame:#}");
            }
            for (name, value) in expected[3].as_object().expect("variables by name") {
                let found = list(&frame["variables"]).iter().find(|variable| variable["name"] == name.as_str());
                assert_eq!(found.map(|found| &found["value"]), Some(value), "{version:?}: {shape}: {name}");
            }
        }
    }
}

#[test]
fn exceptions_that_are_being_handled_read_as_python_prints_them() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, truths) = crash(&scene, &python, "handled", 11);
        assert!(truths.len() > 50, "{version:?}");
        hold_texts(&version, &snapshot, &truths);
        hold_stacks(&version, &snapshot, &truths);
    }
}

#[test]
fn an_exception_in_flight_has_the_frames_it_left_behind() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, truths) = crash(&scene, &python, "in-flight", 6);
        assert_eq!(reply(&snapshot, &["exception"])["state"], "raised", "{version:?}");
        hold_texts(&version, &snapshot, &truths);
        hold_stacks(&version, &snapshot, &truths);
    }
}

#[test]
fn an_exception_that_was_printed_is_found_with_all_its_frames() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, truths) = crash(&scene, &python, "printed", 11);
        assert_eq!(reply(&snapshot, &["exception"])["state"], "printed", "{version:?}");
        hold_texts(&version, &snapshot, &truths);
        hold_stacks(&version, &snapshot, &truths);
    }
}

#[test]
fn the_stack_of_an_exception_is_walked_and_left_again() {
    let scene = Scene::new();
    let (snapshot, truths) = crash(&scene, &common::tool("python3"), "printed", 11);
    let own = reply(&snapshot, &["bt"]);
    let innermost = reply(&snapshot, &["exception 1", "frame"]);
    assert_eq!(innermost["frame"]["function"], "fail", "the user's own innermost frame is selected");
    assert_eq!(innermost["frame"]["trust"], "traceback");
    let outwards = reply(&snapshot, &["exception 1", "up", "locals"]);
    assert_eq!(outwards["function"], "context");
    let source = reply(&snapshot, &["exception 1", "list"]);
    assert_eq!(source["current"], innermost["frame"]["line"]);
    let cause = reply(&snapshot, &["exception 0", "args"]);
    assert_eq!((&cause["variables"][0]["value"], &cause["function"]), (&"<class 'KeyError'>".into(), &"fail".into()));
    assert_eq!(reply(&snapshot, &["exception 1", "exception none", "bt"])["frames"][0], own["frames"][0]);
    let beyond = inspect(&snapshot, ["-c", "exception 2"]);
    assert!(beyond.stderr.contains("no exception 2: the last is 1"), "{}", beyond.stderr);
    assert_eq!(truths.len(), 1);
}

#[test]
fn a_script_that_is_not_carried_and_is_newer_than_the_crash_is_listed_with_a_warning() {
    let scene = Scene::new();
    let script = scene.path("changing.py");
    // Too large for the snapshot.
    let large = format!("import ctypes\n\ndef step():\n    ctypes.string_at(0)\n\nstep()\n#{}\n", " ".repeat(5 << 20));
    std::fs::write(&script, large).expect("ours");
    scene.run([common::tool("python3"), script.clone()]);
    let listing = |snapshot: &Path| {
        let stack = reply(snapshot, &["bt -python"]);
        let step = list(&stack["frames"]).iter().find(|frame| frame["function"] == "step").expect("the frame");
        reply(snapshot, &[&format!("frame {}", step["number"]), "list"])
    };
    let fresh = listing(&scene.snapshot());
    assert_eq!((&fresh["current"], &fresh["stale"]), (&4.into(), &Value::Null));
    let file = std::fs::File::options().append(true).open(&script).expect("it is ours");
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(3600)).expect("it is ours");
    let stale = listing(&scene.snapshot())["stale"].clone();
    assert!(
        stale.as_str().is_some_and(|text| text.ends_with("is newer than the snapshot: its lines may differ")),
        "{stale}"
    );
}
