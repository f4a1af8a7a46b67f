//! The Python interpreters of this machine, and what dpdb-trace says of scripts that die in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Scene, fixture_dir, inspect, tool};

/// A version and its flags: `t` is a free-threaded build, `d` one for debugging.
pub type PythonVersion = (u64, u64, u64, String);

/// The interpreters on this machine that we claim to read: the `python3` on PATH, Debian's own, those of pyenv, and
/// those in `DPDB_TEST_PYTHONS` (like `PATH`, of files). Of the same version one is enough.
pub fn interpreters() -> BTreeMap<PythonVersion, PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = std::fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
    let named = std::env::var_os("DPDB_TEST_PYTHONS").unwrap_or_default();
    let candidates = std::env::split_paths(&named)
        .chain([tool("python3"), PathBuf::from("/usr/bin/python3")])
        .chain(pyenv.map(|version| version.path().join("bin/python3")))
        .filter(|path| path.exists());
    // A version manager's stand-in is a script that runs the real one; where that has loader and libraries of its own, the
    // script is what can be run.
    let script = "import sys; print(sys.executable, *sys.version_info[:3], getattr(sys, 'abiflags', '') or '-')";
    let mut found = BTreeMap::new();
    for candidate in candidates {
        let Ok(output) = Command::new(&candidate).args(["-c", script]).output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        let [executable, major, minor, micro, flags] = words[..] else { continue };
        let version = [major, minor, micro].map(|number| number.parse().expect("a version is numbers"));
        if version[0] == 3 && (8..=15).contains(&version[1]) {
            let run =
                if std::env::split_paths(&named).any(|path| path == candidate) { candidate } else { executable.into() };
            found.entry((version[0], version[1], version[2], flags.to_owned())).or_insert(run);
        }
    }
    assert!(!found.is_empty(), "there is a python3 of 3.8 to 3.15");
    found
}

/// Runs a script under dpdb-trace until it dies; its snapshot, and what it said.
pub fn crash(scene: &Scene, python: &Path, script: impl AsRef<Path>) -> (PathBuf, String, String) {
    let outcome = scene.run([python.to_owned(), fixture_dir().join("targets").join(script)]);
    assert_eq!(outcome.signal(), Some(11), "{}: {}", python.display(), outcome.stderr);
    (scene.snapshot(), outcome.stdout, outcome.stderr)
}

/// The reply to the last of some commands, as JSON.
pub fn reply(snapshot: &Path, commands: &[&str]) -> Value {
    let mut arguments = vec!["--json"];
    arguments.extend(commands.iter().flat_map(|command| ["-c", command]));
    let outcome = inspect(snapshot, arguments).success();
    let last = outcome.stdout.lines().last().expect("an answer");
    serde_json::from_str::<Value>(last).expect("JSON")["reply"].clone()
}

/// The items of a JSON array; none of anything else.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text of a variable: objects stand as themselves and their attributes.
pub fn text(value: &Value) -> &str {
    value.as_str().or_else(|| value["repr"].as_str()).expect("a value has a text")
}

/// The attributes of a variable's value, in their order.
pub fn attributes(value: &Value) -> Vec<(&str, &str)> {
    list(&value["attributes"]).iter().map(|pair| (pair[0].as_str().expect("a name"), text(&pair[1]))).collect()
}
