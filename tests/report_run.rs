//! `dpdb-trace report DIR`: equal crashes are told together, the first failure is named, and nothing that a target says
//! gets out of its place.

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{Build, Outcome, Scene, finish, fixture, fixture_with, install, tool};
use serde_json::Value;

#[track_caller]
fn report(scene: &Scene, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    finish(command.current_dir(scene.out()).env("NO_COLOR", "1").arg("report").args(arguments)).without_panic()
}

#[track_caller]
fn report_json(scene: &Scene) -> Value {
    serde_json::from_str(&report(scene, &[".", "--json"]).success().stdout).expect("one line of JSON")
}

/// A run in which `programs` die one after the other.
fn run_of(programs: &[PathBuf]) -> Scene {
    let scene = Scene::new();
    let script: Vec<String> = programs.iter().map(|program| format!("{}; ", program.display())).collect();
    scene.run(["sh", "-c", &format!("{}true", script.concat())]).success();
    scene
}

#[test]
fn equal_crashes_are_one_group_and_the_first_failure_comes_first() {
    let scene = run_of(&[fixture("shell_tour.c"), fixture("null_read.c"), fixture("null_read.c")]);
    let text = report(&scene, &["."]).success().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "3 crashes of 2 kinds", "{text}");
    assert!(lines[1].starts_with("first failure: pid ") && lines[1].contains("(shell_tour) died of SIGSEGV"), "{text}");
    let titles: Vec<&str> = lines.iter().copied().filter(|line| line.contains("(signature ")).collect();
    assert!(titles[0].starts_with("1. SIGSEGV in second_value  ("), "{text}");
    assert!(titles[1].starts_with("2. SIGSEGV in innermost: 2 times  ("), "{text}");
    assert_eq!(lines.iter().filter(|line| line.contains(" in innermost (p=0x0) at ")).count(), 1, "{text}");
}

#[test]
fn a_rebuild_with_other_addresses_and_lines_keeps_the_signature() {
    let other = fixture_with("null_read.c", Build { flags: &["-O1", "-fno-inline", "-no-pie"], ..Build::default() });
    let stripped = Scene::new();
    let copy = stripped.path("null_read");
    finish(Command::new(tool("objcopy")).arg("--strip-debug").arg(fixture("null_read.c")).arg(&copy)).success();
    let scene = run_of(&[fixture("null_read.c"), other, copy]);
    let json = report_json(&scene);
    assert_eq!(json["groups"].as_array().map(Vec::len), Some(1), "{json}");
    let signature = &json["groups"][0]["signature"];
    assert_eq!(signature["functions"], serde_json::json!(["innermost", "middle", "main"]));
    assert_eq!(signature["hash"].as_str().map(str::len), Some(16));
}

#[test]
fn markdown_keeps_what_targets_say_in_code() {
    let scene = Scene::new();
    let hostile = scene.path("`<b>*x*");
    install(&fixture("null_read.c"), &hostile, 0o755);
    scene.run([&hostile]);
    let text = report(&scene, &["--md", "."]).success().stdout;
    assert!(text.starts_with("## 1 crash of 1 kind\n\n### 1. `SIGSEGV in innermost`\n"), "{text}");
    let outside_code = text.lines().filter(|line| !line.starts_with("    "));
    assert!(outside_code.clone().all(|line| !line.contains("<b>")), "{text}");
}

#[test]
fn files_that_cannot_be_read_are_told_and_the_others_reported() {
    let scene = run_of(&[fixture("null_read.c")]);
    std::fs::write(scene.out().join("pid_1.snap"), "no snapshot").expect("the scene is ours");
    let outcome = report(&scene, &["."]);
    assert_eq!((outcome.code(), outcome.stdout.lines().next()), (1, Some("1 crash of 1 kind, 1 unreadable")));
    assert!(outcome.stderr.starts_with("dpdb-trace: pid_1.snap: "), "{}", outcome.stderr);
    assert_eq!(report(&scene, &["missing", "."]).code(), 1);
}

#[test]
fn the_page_shows_sources_and_variables_and_nothing_a_target_says_becomes_html() {
    let scene = Scene::new();
    let hostile = scene.path("<img src=x>");
    install(&fixture("shell_tour.c"), &hostile, 0o755);
    scene.run([&hostile]);
    scene.run([&hostile]);
    report(&scene, &[".", "--html", "page.html"]).success();
    let page = std::fs::read_to_string(scene.out().join("page.html")).expect("the page was written");
    assert!(page.contains("<title>") && page.trim_end().ends_with("</html>"), "{page}");
    assert!(page.contains("<h1>2 crashes of 1 kind</h1>") && page.contains("<svg "), "{page}");
    assert!(page.contains("<mark>&gt; 18      return second-&gt;value;</mark>"), "{page}");
    assert!(page.contains("second = 0x0"), "{page}");
    assert!(page.contains("&lt;img src=x&gt;") && !page.contains("<img"), "{page}");
    let loads = ["http:", "https:", "src=\"", "url("];
    assert!(loads.iter().all(|what| !page.contains(what)), "the page loads something:\n{page}");
}
