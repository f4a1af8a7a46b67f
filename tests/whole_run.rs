//! `dpdb-trace inspect DIR`: all snapshots of a run in one shell.

mod common;

use std::process::Command;
use std::sync::OnceLock;

use common::{Outcome, Scene, Terminal, fixture, inspect, install};
use serde_json::Value;

/// A run of three ranks: the first dies in another place than the two after it, which died of it.
fn run() -> &'static Scene {
    static RUN: OnceLock<Scene> = OnceLock::new();
    RUN.get_or_init(|| {
        let scene = Scene::new();
        let (tour, null) = (fixture("shell_tour.c"), fixture("null_read.c"));
        let (tour, null) = (tour.display(), null.display());
        scene.run(["sh", "-c", &format!("RANK=0 {tour}; RANK=1 {null}; RANK=2 {null}; true")]).success();
        scene
    })
}

#[track_caller]
fn ask(scene: &Scene, commands: &[&str]) -> Outcome {
    inspect(&scene.out(), commands.iter().flat_map(|command| ["-c", *command]))
}

#[track_caller]
fn answer(commands: &[&str]) -> String {
    ask(run(), commands).success().stdout
}

/// The replies to commands as JSON.
#[track_caller]
fn replies(commands: &[&str]) -> Vec<Value> {
    let arguments = ["--json"].into_iter().chain(commands.iter().flat_map(|command| ["-c", *command]));
    let outcome = inspect(&run().out(), arguments).success();
    outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["reply"].clone()).collect()
}

#[test]
fn processes_are_listed_with_their_ranks_and_the_first_failure_last() {
    let table = answer(&["processes"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["number", "time", "rank", "pid", "parent", "process", "what"], "{table}");
    let numbers: Vec<&str> = rows[1..].iter().map(|row| row[usize::from(row[0] == ">")]).collect();
    assert_eq!(numbers, ["3", "2", "1"], "{table}");
    let last = table.lines().last().expect("three rows");
    assert!(last.starts_with('>') && last.ends_with("  first") && last.contains("shell_tour"), "{table}");
    assert_eq!(table.matches("first").count(), 1, "{table}");
    let json = &replies(&["processes"])[0];
    let ranks: Vec<&Value> =
        json["processes"].as_array().expect("a list").iter().map(|it| &it["crash"]["rank"]).collect();
    assert_eq!((json["kind"].as_str(), ranks), (Some("processes"), vec![&2.into(), &1.into(), &0.into()]));
}

#[test]
fn the_tree_has_the_parent_that_left_no_snapshot() {
    let tree = answer(&["processes -tree"]);
    let lines: Vec<&str> = tree.lines().collect();
    let parent = lines.iter().position(|line| line.ends_with(" sh")).unwrap_or_else(|| panic!("no sh in\n{tree}"));
    let children = &lines[parent + 1..];
    let indent = |line: &str| line[1..].chars().take_while(|c| *c == ' ').count();
    assert_eq!(children.len(), 3, "{tree}");
    assert!(children.iter().all(|child| indent(child) == indent(lines[parent]) + 2), "{tree}");
    assert!(children[0].starts_with('>') && children[0].ends_with("(first)"), "{tree}");
    assert!(children[1].contains(" null_read  number 2 rank 1: SIGSEGV"), "{tree}");
}

#[test]
fn a_process_is_selected_by_number_pid_or_rank_and_keeps_its_frame_meanwhile() {
    let told = answer(&["process rank=1"]);
    assert!(
        told.contains("(rank 1) died of SIGSEGV") && told.contains("process 2 of 3; 'processes' lists them"),
        "{told}"
    );
    let all = replies(&["processes", "process 2", "frame 1", "process 1", "process 2", "frame"]);
    assert_eq!(all[1]["run"], serde_json::json!({"number": 2, "count": 3, "first_failure": false}));
    assert_eq!(all[3]["run"]["first_failure"], true);
    assert_eq!(all[5]["frame"], all[2]["frame"]);
    let pid = all[0]["processes"][0]["crash"]["pid"].to_string();
    let by_pid = replies(&[&format!("process {pid}")]);
    assert_eq!(by_pid[0]["run"]["number"], 3);
}

#[test]
fn a_command_is_run_on_all_processes_in_the_order_of_death() {
    let text = answer(&["process apply all frame", "processes"]);
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("process ")).collect();
    assert_eq!(heads.len(), 3, "{text}");
    assert!(heads[0].starts_with("process 1: pid ") && heads[0].ends_with(" (shell_tour) rank 0:"), "{text}");
    assert!(heads[2].ends_with(" (null_read) rank 2:"), "{text}");
    assert_eq!(text.matches(" in innermost (p=0x0) at ").count(), 2, "{text}");
    let some = &replies(&["process apply rank=2,1 print nowhere"])[0];
    assert_eq!(some["answers"][0]["process"]["number"], 3);
    assert!(some["answers"].as_array().is_some_and(|all| all.len() == 2 && all[1]["error"].is_string()), "{some}");
}

#[test]
fn equal_stacks_of_all_processes_are_shown_once() {
    let text = answer(&["bt -group"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "4 threads of 3 processes, 3 different stacks", "{text}");
    assert!(lines[2].starts_with("2 threads: rank 1 (pid ") && lines[2].contains("), rank 2 (pid "), "{text}");
    assert_eq!(text.matches(" in innermost ").count(), 1, "{text}");
    assert!(text.contains("\n1 thread: rank 0 (pid ") && text.contains("\n1 thread: thread "), "{text}");
    let groups = &replies(&["stacks"])[0]["groups"];
    assert_eq!(groups[0]["members"].as_array().map(Vec::len), Some(2), "{groups}");
}

#[test]
fn what_differs_between_two_processes_is_shown_and_addresses_do_not_count() {
    let text = answer(&["diff rank=1 rank=2 env"]);
    let changed: Vec<&str> = text.lines().skip(2).filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(changed, ["- RANK=1", "+ RANK=2"], "{text}");
    assert!(text.starts_with("- process 2: pid ") && text.contains("\n+ process 3: pid "), "{text}");
    let equal = answer(&["diff 2 3 stack"]);
    assert!(equal.lines().last().is_some_and(|line| line.starts_with("bt: equal (")), "{equal}");
    // One alone is compared with the selected one, in the stack, the locals and the environment.
    let all = &replies(&["diff 2"])[0]["parts"];
    let commands: Vec<&Value> = all.as_array().expect("parts").iter().map(|part| &part["command"]).collect();
    assert_eq!(commands, ["bt", "locals", "env"]);
    assert_eq!((&all[0]["left"]["process"]["number"], &all[0]["right"]["process"]["number"]), (&1.into(), &2.into()));
}

#[test]
fn the_prompt_names_the_rank_and_the_opening_the_place_in_the_run() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command
        .current_dir(run().out())
        .env("XDG_STATE_HOME", run().path("state"))
        .env("NO_COLOR", "1")
        .env("TERM", "xterm");
    let mut terminal = Terminal::start(command.args(["inspect", "."]));
    terminal.until("process 1 of 3, the first to fail; 'processes' lists them");
    terminal.until("[rank 0 ");
    terminal.send("process 3\n");
    terminal.until("[rank 2 ");
    terminal.send("quit\n");
    let (shown, status) = terminal.end();
    assert!(status.success(), "{shown}");
}

#[test]
fn what_cannot_be_done_is_said_in_a_line() {
    for (command, wanted) in [
        ("process 9", "no process has the number, pid or rank '9'; 'processes' lists them"),
        ("process rank=x", "no process has the number, pid or rank 'rank=x'; 'processes' lists them"),
        ("process apply all", "usage: process [N|PID|rank=N] | apply all|LIST COMMAND (help process says more)"),
        ("diff", "usage: diff [A] B [stack|COMMAND] (help diff says more)"),
        ("thread apply all bt -group", "'stacks' is about the whole run, and cannot be applied to a part of it"),
    ] {
        let outcome = ask(run(), &[command]);
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains(wanted), "{command}: {said}");
    }
}

#[test]
fn one_file_that_cannot_be_read_does_not_hide_the_others() {
    let scene = Scene::new();
    assert_eq!(ask(&scene, &["bt"]).stderr, "dpdb-trace: no snapshots there\n");
    scene.run([fixture("null_read.c")]);
    std::fs::write(scene.out().join("pid_1.snap"), "no snapshot").expect("the scene is ours");
    let outcome = ask(&scene, &["processes"]);
    assert_eq!((outcome.code(), outcome.stdout.lines().count()), (1, 2), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("pid_1.snap: ") && outcome.stderr.lines().count() == 1, "{}", outcome.stderr);
}

#[test]
fn a_name_with_escape_sequences_does_not_reach_the_terminal() {
    let scene = Scene::new();
    let hostile = scene.path("x\u{1b}[2J");
    install(&fixture("null_read.c"), &hostile, 0o755);
    scene.run([&hostile]);
    scene.run([&hostile]);
    let commands = ["processes", "processes -tree", "process 2", "bt -group", "diff 1 2", "process apply all bt"];
    let text = ask(&scene, &commands).success().stdout;
    assert!(text.contains("\\u{1b}[2J") && !text.contains('\u{1b}'), "{text}");
}
