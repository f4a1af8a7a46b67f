//! Tensors of torch, frames and series of pandas are shown as they say themselves: by every interpreter of this machine
//! that has the package, and in frozen snapshots, since most machines have none.
//!
//! `FREEZE_PYTHONS=1 cargo test --test python_packages` freezes the versions on this machine that are not frozen yet.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Scene, attributes, crash, fixture_dir, freeze, frozen_dir, interpreters, list, reply, text};
use serde_json::Value;

const COMMANDS: [&str; 1] = ["py-bt full"];

/// Runs the script in each interpreter that has the package, and reads what is frozen of it.
#[track_caller]
fn hold_package(package: &str, script: &str, at_least: usize) {
    let has = |python: &Path| {
        let output = Command::new(python).args(["-c", &format!("import {package}")]).output();
        output.is_ok_and(|output| output.status.success())
    };
    for python in interpreters().into_values().filter(|python| has(python)) {
        let scene = Scene::new();
        for file in [script, "python_numpy.py"] {
            fs::copy(fixture_dir().join("targets").join(file), scene.path(file)).expect("ours");
        }
        let (snapshot, said, _) = crash(&scene, &python, scene.path(script));
        let truth = hold(&snapshot, &said);
        // A local version names the build: 2.15.0+cu132.
        let version = truth["version"].as_str().and_then(|version| version.split('+').next()).expect("a text");
        let file = frozen_dir().join(format!("{package}-{version}.snap"));
        if std::env::var_os("FREEZE_PYTHONS").is_some() && !file.exists() {
            freeze(&snapshot, &COMMANDS, &file);
            fs::write(file.with_extension("json"), said).expect("the fixtures are ours");
        }
    }
    let files = frozen_dir().read_dir().expect("they are fixtures").map(|entry| entry.expect("a file").path());
    let prefix = format!("{package}-");
    let is_of_package = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && name.ends_with(".snap")
    };
    let frozen: Vec<_> = files.filter(|file| is_of_package(file)).collect();
    assert!(frozen.len() >= at_least, "{package}: {frozen:?}");
    for snapshot in frozen {
        let said = fs::read_to_string(snapshot.with_extension("json")).expect("its truth lies beside it");
        hold(&snapshot, &said);
    }
}

/// Holds the variables of the function, and what is beneath them.
#[track_caller]
fn hold(snapshot: &Path, said: &str) -> Value {
    let truth: Value = serde_json::from_str(said).expect("the script's truth is JSON");
    let stack = reply(snapshot, &COMMANDS);
    let frame = list(&stack["frames"]).iter().find(|frame| frame["function"] == truth["function"]);
    let variables = list(&frame.expect("the frame")["variables"]);
    let mut wrong = Vec::new();
    for (name, expected) in truth["names"].as_object().expect("variables by name") {
        let found = variables.iter().find(|variable| variable["name"] == name.as_str());
        let found = found.map(|variable| (text(&variable["value"]), attributes(&variable["value"])));
        let beneath = list(&expected[1]).iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        let expected = Some((text(&expected[0]), beneath));
        if found != expected {
            wrong.push(format!("{name}:\n  {found:?}\n  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}, {}:\n{}", snapshot.display(), truth["version"], wrong.join("\n"));
    truth
}

#[test]
fn tensors_of_torch_are_shown_with_their_elements_type_device_and_storage() {
    hold_package("torch", "python_torch.py", 3);
}

#[test]
fn frames_and_series_of_pandas_are_shown_by_their_axes_and_blocks() {
    hold_package("pandas", "python_pandas.py", 2);
}
