//! The tasks of asyncio and what they wait for, held against what the interpreter says of them itself.

mod common;

use std::collections::BTreeMap;

use common::{Scene, crash, inspect, interpreters, list, reply, tool};
use serde_json::{Value, json};

#[test]
fn tasks_agree_with_what_the_interpreter_says_of_them() {
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, said, _) = crash(&scene, &python, "python_tasks.py");
        let truth: Value = serde_json::from_str(&said).expect("the script's truth is JSON");
        let tasks = reply(&snapshot, &["tasks"])["tasks"].clone();
        let name = |task: &Value| task["name"].as_str().expect("a name").to_owned();
        let found: BTreeMap<String, &Value> = list(&tasks).iter().map(|task| (name(task), task)).collect();
        for (name, expected) in truth.as_object().expect("tasks by name") {
            let task = *found.get(name).unwrap_or_else(|| panic!("{version:?}: no task {name} in {tasks:#}"));
            let place = |frame: &Value| json!([frame["function"], frame["file"], frame["line"]]);
            let coroutines: Vec<Value> = list(&task["coroutines"]).iter().map(place).collect();
            assert_eq!(json!(coroutines), expected["coroutines"], "{version:?}: {name}");
            assert_eq!(task["state"], expected["state"], "{version:?}: {name}");
            // In a few words more: the state of what it waits for.
            let waits_for = task["waits_for"].as_str().map(|text| text.split(" (").next().unwrap_or_default());
            assert_eq!(json!(waits_for), expected["waits_for"], "{version:?}: {name}");
        }
        let threads: Vec<&Value> = ["nested", "elsewhere"].map(|name| &found[name]["tid"]).to_vec();
        assert!(threads[0].is_i64() && threads[1].is_i64() && threads[0] != threads[1], "{version:?}: {threads:?}");
    }
}

#[test]
fn a_program_without_asyncio_says_so() {
    let scene = Scene::new();
    let (snapshot, _, _) = crash(&scene, &tool("python3"), "python_truth.py");
    let outcome = inspect(&snapshot, ["-c", "tasks"]);
    assert!(outcome.stderr.contains("the process has no tasks of asyncio"), "{}", outcome.stderr);
}
