//! Objects of every kind are shown as their `repr()` shows them, read by their structure: held against what the
//! interpreter itself says of them, in every version on this machine.

mod common;

use common::{Scene, attributes, crash, interpreters, list, reply, text};
use serde_json::Value;

#[test]
fn objects_of_every_kind_are_shown_as_python_shows_them() {
    let mut wrong = Vec::new();
    for (version, python) in interpreters() {
        let scene = Scene::new();
        let (snapshot, said, _) = crash(&scene, &python, "python_kinds.py");
        let truth: Value = serde_json::from_str(&said).expect("the script's truth is JSON");
        let stack = reply(&snapshot, &["py-bt full"]);
        let functions = truth["functions"].as_object().expect("functions by name");
        assert_eq!(functions.len(), 13, "{version:?}");
        for (function, expected) in functions {
            let frame = list(&stack["frames"]).iter().find(|frame| frame["function"] == function.as_str());
            let frame = frame.unwrap_or_else(|| panic!("{version:?}: no frame {function}"));
            let variable = |name: &str| list(&frame["variables"]).iter().find(|variable| variable["name"] == name);
            for (name, expected) in expected.as_object().expect("variables by name") {
                let found = variable(name).map_or("nothing", |variable| text(&variable["value"]));
                if found != expected.as_str().expect("a text") {
                    wrong.push(format!("{version:?} {function}.{name}:\n  {found}\n  {expected}"));
                }
                let Some(children) = truth["children"].get(name) else { continue };
                let found = variable(name).map(|variable| attributes(&variable["value"])).unwrap_or_default();
                let expected: Vec<(&str, &str)> =
                    list(children).iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
                if found != expected {
                    wrong.push(format!("{version:?} beneath {function}.{name}:\n  {found:?}\n  {expected:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
