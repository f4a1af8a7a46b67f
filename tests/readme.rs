//! The README tells the truth: its commands run, and print what it shows.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Scene, finish};

const README: &str = include_str!("../README.md");

#[test]
fn the_first_command_of_the_readme_ends_in_a_backtrace() {
    let line = commands().into_iter().find(|line| line.contains("--example crash_pool")).expect("the README has it");
    let scene = Scene::new();
    // In a directory of its own, so that the snapshot lands there and not in the source tree.
    let line = line.replace("cargo run", &format!("cargo run --offline --manifest-path {}", manifest().display()));
    let outcome = finish(Command::new("sh").args(["-c", &line]).current_dir(scene.out())).without_panic().success();
    assert!(outcome.stdout.contains("pool: 3 of 4 workers finished"), "{}\n{}", outcome.stdout, outcome.stderr);
    for frame in ["died of SIGSEGV", "byte_at", "checksum", "handle", "crash_pool.rs:"] {
        assert!(outcome.stderr.contains(frame), "no {frame} in\n{}", outcome.stderr);
    }
    assert_eq!(scene.snapshots().len(), 1);
}

#[test]
fn the_second_command_of_the_readme_runs_all_tests() {
    assert!(commands().contains(&"cargo test --workspace".to_owned()));
    assert!(include_str!("../.ci/run").contains("cargo test --workspace"), "CI runs what the README names");
}

#[test]
fn the_screen_in_the_readme_is_what_one_sees() {
    let (_, screen) = README.split_once("```console\n").expect("the README has a screen");
    let (screen, _) = screen.split_once("```").expect("the screen ends");
    let scene = Scene::new();
    let build = Path::new(env!("CARGO_BIN_EXE_dpdb-trace")).parent().expect("a binary lies in a directory");
    let path = format!("{}:{}", build.display(), std::env::var("PATH").expect("PATH is set"));
    for block in screen.split("$ ").filter(|block| !block.is_empty()) {
        let (command, promised) = block.split_once('\n').expect("a command has output");
        let here = command.replace("target/debug", &build.display().to_string());
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{here} 2>&1")]).current_dir(scene.out()).env("PATH", &path).env("NO_COLOR", "1");
        let shown = finish(&mut shell).without_panic().stdout;
        let shown = shown.replace(&build.display().to_string(), "target/debug");
        let shown = shown.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "");
        assert_eq!(plain(&shown), plain(promised), "{command}\n{shown}");
    }
}

/// The lines of all `sh` blocks.
fn commands() -> Vec<String> {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

fn manifest() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
}

/// The words of a screen without what differs from run to run: numbers, units, where lines are folded, and in which
/// order concurrent processes speak.
fn plain(screen: &str) -> Vec<String> {
    let mut words: Vec<_> = screen.split_whitespace().map(plain_word).collect();
    words.sort();
    words
}

fn plain_word(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match bare {
        "bytes" | "KiB" | "MiB" => return "SIZE".to_owned(),
        "us" | "ms" | "s" => return "TIME".to_owned(),
        _ => {}
    }
    let hex = bare.strip_prefix("0x").is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
    let varies = hex || bare.chars().all(|c| c.is_ascii_digit() || c == '.') || bare.starts_with("pid_");
    if varies { "N".to_owned() } else { word.to_owned() }
}
