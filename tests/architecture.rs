//! The walls between the rooms and the house rules that neither Cargo nor clippy can keep alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What may stand at the top of the tree, besides dot files.
const TOP_LEVEL: [&str; 15] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "src",
    "supervisor",
    "snapshot",
    "analyzer",
    "tests",
    "fixtures",
    "benches",
    "fuzz",
    "docs",
];

/// The doors for unsafe code: the system calls, and one memory map per reader of files.
const UNSAFE_ROOMS: [&str; 1] = ["supervisor/src/sys/"];
const ONE_MAP_EACH: [&str; 2] = ["snapshot/src/", "analyzer/src/"];

const LONGEST_FILE: usize = 800;

#[test]
fn the_analyzer_cannot_reach_a_live_process() {
    let graph = Graph::read();
    graph.forbid_anywhere("dpdb-analyzer", &["nix", "procfs", "dpdb-supervisor", "dpdb-trace"]);
    graph.forbid_directly("dpdb-analyzer", &["libc", "rustix"]);
}

#[test]
fn the_snapshot_room_knows_neither_processes_nor_dwarf() {
    let graph = Graph::read();
    graph
        .forbid_anywhere("dpdb-snapshot", &["nix", "procfs", "gimli", "addr2line", "dpdb-supervisor", "dpdb-analyzer"]);
    graph.forbid_directly("dpdb-snapshot", &["libc", "rustix"]);
}

#[test]
fn the_supervisor_reads_no_dwarf() {
    Graph::read().forbid_anywhere("dpdb-supervisor", &["gimli", "addr2line", "dpdb-analyzer", "dpdb-trace"]);
}

#[test]
fn the_top_level_holds_what_the_layout_names_and_nothing_else() {
    for entry in top_level() {
        let known = entry.starts_with('.') || TOP_LEVEL.contains(&entry.as_str());
        assert!(known, "{entry} does not belong at the top level");
    }
}

#[test]
fn no_source_file_is_longer_than_a_reader_can_hold() {
    for (path, text) in rust_sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{path} has {lines} lines, and {LONGEST_FILE} are the limit");
    }
}

#[test]
fn unsafe_code_stays_in_its_rooms() {
    let mut maps: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, text) in rust_sources() {
        if UNSAFE_ROOMS.iter().any(|room| path.starts_with(room)) || !uses_unsafe(&text) {
            continue;
        }
        let room = ONE_MAP_EACH.iter().find(|room| path.starts_with(**room));
        maps.entry(room.unwrap_or_else(|| panic!("{path} is no room for unsafe code"))).or_default().push(path);
    }
    for (room, files) in maps {
        assert!(files.len() == 1, "{room} has one door for unsafe code, not these: {files:?}");
    }
}

#[test]
fn tests_wait_on_events_and_none_is_put_aside() {
    let banned = [concat!("#[ig", "nore"), concat!("thread::sl", "eep"), concat!("sl", "eep(Duration")];
    for (path, text) in rust_sources() {
        let is_test = path.starts_with("tests/") || path.contains("/tests/");
        let tests =
            if is_test { text.as_str() } else { text.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests) };
        for word in banned {
            assert!(!tests.contains(word), "{path}: {word} is not for tests");
        }
    }
}

/// Which package needs which, by name, for the build itself (tests may use more).
struct Graph {
    needs: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read() -> Graph {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--locked", "--offline"])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
            .current_dir(root())
            .output()
            .expect("cargo runs this test, so it is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        let names: BTreeMap<&str, &str> =
            array(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let needs = array(&metadata["resolve"]["nodes"])
            .map(|node| {
                let normal = array(&node["deps"])
                    .filter(|dep| array(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null()))
                    .map(|dep| names[text(&dep["pkg"])].to_owned());
                (names[text(&node["id"])].to_owned(), normal.collect())
            })
            .collect();
        Graph { needs }
    }

    fn forbid_directly(&self, package: &str, forbidden: &[&str]) {
        let direct = self.needs.get(package).unwrap_or_else(|| panic!("there is no package {package}"));
        for name in forbidden {
            assert!(!direct.contains(*name), "{package} must not depend on {name}");
        }
    }

    fn forbid_anywhere(&self, package: &str, forbidden: &[&str]) {
        self.forbid_directly(package, forbidden);
        let mut seen = BTreeSet::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            for need in self.needs.get(next).into_iter().flatten() {
                assert!(!forbidden.contains(&need.as_str()), "{package} reaches {need} through {next}");
                if seen.insert(need.as_str()) {
                    open.push(need);
                }
            }
        }
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("cargo metadata has a list here").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata has a string here")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What git keeps at the top; in a tree without git (a release tarball), what is there, but for what a build adds.
fn top_level() -> BTreeSet<String> {
    if root().join(".git").exists() {
        let output = Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git made this clone");
        let listed = String::from_utf8(output.stdout).expect("our file names are ASCII");
        return listed.lines().filter_map(|path| path.split('/').next()).map(str::to_owned).collect();
    }
    let entries = fs::read_dir(root()).expect("the source tree can be read");
    let names = entries.map(|entry| entry.expect("the source tree can be read").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name != "target").collect()
}

/// Every Rust source of ours by its path from the top. Debuggees are not ours in this sense: crashing is their job.
fn rust_sources() -> Vec<(String, String)> {
    let rooms = ["src", "supervisor", "snapshot", "analyzer", "tests", "benches", "fuzz/fuzz_targets"];
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = rooms.iter().map(|room| root().join(room)).filter(|room| room.exists()).collect();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("the source tree can be read") {
            let path = entry.expect("the source tree can be read").path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("our sources are UTF-8");
                let name = path.strip_prefix(root()).expect("it was found below the root");
                found.push((name.to_string_lossy().into_owned(), text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn uses_unsafe(source: &str) -> bool {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "allow(unsafe_code"];
    let quoted = |line: &str| line.trim_start().starts_with("//") || line.contains('"');
    source.lines().any(|line| !quoted(line) && words.iter().any(|word| line.contains(word)))
}
