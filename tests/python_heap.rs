//! `pyheap` finds what the interpreter's own module `gc` finds.

mod common;

use std::collections::BTreeSet;

use common::{Scene, crash, inspect, interpreters, list, reply, tool};
use serde_json::Value;

#[test]
fn the_collectors_lists_hold_what_gc_says_they_hold() {
    // A free-threaded build has no such lists.
    for (version, python) in interpreters().into_iter().filter(|(version, _)| !version.3.contains('t')) {
        let scene = Scene::new();
        let (snapshot, said, _) = crash(&scene, &python, "python_heap.py");
        let truth: Value = serde_json::from_str(&said).expect("the script's truth is JSON");

        let types = reply(&snapshot, &["pyheap types 100000"]);
        for (name, expected) in truth["counts"].as_object().expect("counts by type") {
            let named = |kind: &&Value| {
                let full = kind["type_name"].as_str().expect("a name");
                full.rsplit('.').next() == Some(name)
            };
            let count: u64 = list(&types["types"]).iter().filter(named).filter_map(|kind| kind["count"].as_u64()).sum();
            assert_eq!(Some(count), expected.as_u64(), "{version:?}: {name}");
        }

        let addresses = |reply: &Value| -> BTreeSet<String> {
            list(&reply["objects"]).iter().map(|object| object["address"].as_str().expect("text").to_owned()).collect()
        };
        let expected = |name: &str| -> BTreeSet<String> {
            list(&truth[name]).iter().map(|address| address.as_str().expect("text").to_owned()).collect()
        };
        assert_eq!(addresses(&reply(&snapshot, &["pyheap objects Node 1000"])), expected("nodes"), "{version:?}");
        let top = reply(&snapshot, &["pyheap top 1"]);
        assert_eq!(top["objects"][0]["address"], truth["large"][0], "{version:?}");

        let stack = reply(&snapshot, &["py-bt"]);
        let caller = list(&stack["frames"]).iter().find(|frame| frame["function"] == "crash").expect("the frame");
        let select = format!("frame {}", caller["number"]);
        let referrers = addresses(&reply(&snapshot, &[&select, "pyheap referrers marker 100000"]));
        let missing: Vec<String> = expected("referrers").difference(&referrers).cloned().collect();
        assert!(missing.is_empty(), "{version:?}: {missing:?} of {referrers:?}");
        // Its instances refer to it by a dictionary that only some versions make.
        assert!(referrers.len() >= 103, "{version:?}: {}", referrers.len());
    }
}

#[test]
fn pyheap_says_what_it_cannot_find() {
    let scene = Scene::new();
    let (snapshot, ..) = crash(&scene, &tool("python3"), "python_heap.py");
    for (command, reason) in [
        ("pyheap referrers nothing_of_this_name", "knows no object nothing_of_this_name"),
        ("pyheap referrers 0xzz", "is no address"),
        ("pyheap everything", "usage"),
    ] {
        let outcome = inspect(&snapshot, ["-c", command]);
        assert!(outcome.code() == 1 && outcome.stderr.contains(reason), "{command}: {}", outcome.stderr);
    }
}
