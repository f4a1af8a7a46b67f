//! An interpreter is found by what is left of it: its symbol, its section, or its data alone.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Scene, inspect, interpreters, list, reply};

const SCRIPT: &str = "import os, signal
def inner(number):
    text = 'kept'
    os.kill(os.getpid(), signal.SIGSEGV)
inner(42)
";

/// An interpreter that has `_PyRuntime` inside its executable, and a name to lie under that a virtual environment's
/// would have; none where all of this machine's have it in a library.
fn static_interpreters() -> Vec<(u64, PathBuf)> {
    let has_runtime = |path: &Path| {
        let bytes = fs::read(path).expect("the interpreter is a file");
        bytes.starts_with(b"\x7fELF") && position(&bytes, b"\0_PyRuntime\0").is_some()
    };
    let found = interpreters().into_iter().filter(|(_, path)| has_runtime(path));
    found.map(|((_, minor, ..), path)| (minor, path)).collect()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Runs a changed copy of an interpreter until it dies, and returns where that is and its snapshot.
fn run_copy(scene: &Scene, original: &Path, change: impl Fn(&mut Vec<u8>)) -> (PathBuf, PathBuf) {
    let mut bytes = fs::read(original).expect("the interpreter is a file");
    change(&mut bytes);
    let copy = scene.path("python3");
    fs::write(&copy, bytes).expect("the scene's directory takes files");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let prefix = original.parent().and_then(Path::parent).expect("it is in a bin directory");
    let assignment = format!("PYTHONHOME={}", prefix.display());
    let outcome = scene.run([Path::new("env"), assignment.as_ref(), &copy, "-c".as_ref(), SCRIPT.as_ref()]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    (copy, scene.snapshot())
}

#[track_caller]
fn hold(snapshot: &Path, minor: u64) {
    let stack = reply(snapshot, &["py-bt full"]);
    let version = stack["version"].as_str().expect("a version");
    assert!(version.starts_with(&format!("3.{minor}.")), "3.{minor}: {version}");
    let frames = list(&stack["frames"]);
    assert_eq!(frames.len(), 2, "3.{minor}: {stack:#}");
    assert_eq!((&frames[0]["function"], &frames[0]["line"]), (&"inner".into(), &4.into()), "3.{minor}");
    let variables = list(&frames[0]["variables"]).iter();
    let variables: Vec<_> = variables.map(|variable| (&variable["name"], &variable["value"])).collect();
    assert_eq!(variables, [(&"number".into(), &"42".into()), (&"text".into(), &"'kept'".into())], "3.{minor}");
}

#[test]
fn an_interpreter_whose_file_is_gone_is_said_to_be() {
    for (minor, python) in static_interpreters() {
        let scene = Scene::new();
        let (copy, snapshot) = run_copy(&scene, &python, |_| {});
        fs::remove_file(&copy).expect("it is ours");
        let outcome = inspect(&snapshot, ["-c", "py-bt"]);
        let reason = format!("its file {} is not here", copy.display());
        assert!(outcome.code() == 1 && outcome.stderr.contains(&reason), "3.{minor}: {}", outcome.stderr);
    }
}

#[test]
fn an_interpreter_without_section_headers_is_found_by_its_data() {
    for (minor, python) in static_interpreters() {
        let scene = Scene::new();
        // e_shoff, e_shnum and e_shstrndx (elf(5)).
        let (_, snapshot) = run_copy(&scene, &python, |bytes| {
            bytes[40..48].fill(0);
            bytes[60..64].fill(0);
        });
        hold(&snapshot, minor);
    }
}

#[test]
fn an_interpreter_whose_symbol_has_another_name_is_found_by_its_section_or_its_data() {
    for (minor, python) in static_interpreters() {
        let scene = Scene::new();
        let (_, snapshot) = run_copy(&scene, &python, |bytes| {
            let at = position(bytes, b"\0_PyRuntime\0").expect("it exports the symbol");
            bytes[at + 10] = b'X';
        });
        hold(&snapshot, minor);
    }
}
