//! The shell around its commands: options, pipes, files, names for lines, scripts, hooks, rc files and transcripts. All
//! of it on a frozen file, which needs no program to be run.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Outcome, Scene, Terminal, finish};
use serde_json::Value;

/// The shell without colours and options of whoever runs the tests.
fn command(scene: &Scene) -> Command {
    let mut command = scene.shell();
    command.env("TERM", "dumb").env_remove("DPDB_OPTS").env_remove("PAGER").env_remove("DPDB_PAGER");
    command
}

/// What lines answer, one after the other.
#[track_caller]
fn run(scene: &Scene, lines: &[&str]) -> Outcome {
    let mut command = command(scene);
    lines.iter().for_each(|line| _ = command.args(["-c", line]));
    finish(&mut command).without_panic()
}

#[track_caller]
fn answer(scene: &Scene, lines: &[&str]) -> String {
    run(scene, lines).success().stdout
}

#[track_caller]
fn error(scene: &Scene, lines: &[&str]) -> String {
    let outcome = run(scene, lines);
    assert_eq!(outcome.code(), 1, "{lines:?}: {}{}", outcome.stdout, outcome.stderr);
    outcome.stderr
}

/// The reply to a line as JSON.
#[track_caller]
fn reply(scene: &Scene, line: &str) -> Value {
    let text = answer(scene, &[&format!("{line} --json")]);
    let answer: Value = serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"));
    answer["reply"].clone()
}

#[test]
fn answers_go_into_commands_and_files() {
    let scene = Scene::new();
    let all = answer(&scene, &["info"]);
    let count = answer(&scene, &["info | wc -l"]);
    assert_eq!(count.trim(), all.lines().count().to_string());
    assert_eq!(answer(&scene, &["info > said", "info >> said", "!!cat said"]), format!("{all}{all}"));
    assert_eq!(answer(&scene, &["pipe p 6 | 1 | tr 7 x"]), "$1 = x\n");
    assert_eq!(answer(&scene, &["p 6 | 1"]), "$1 = 7\n");
    assert_eq!(answer(&scene, &["thread apply all bt 1 | head -n 1"]).lines().count(), 1);
    // A reader that has seen enough is no failure, a file that cannot be written is one.
    assert_eq!(answer(&scene, &["strings | head -n 1"]).lines().count(), 1);
    assert!(error(&scene, &["bt > no/such/directory/file"]).contains("No such file"));
    assert!(error(&scene, &["bt |"]).contains("is missing behind"));
}

#[test]
fn json_is_a_word_of_any_line() {
    let scene = Scene::new();
    assert_eq!(reply(&scene, "bt 1")["kind"], "backtrace");
    assert_eq!(reply(&scene, "6 * 7")["kind"], "printed");
    assert_eq!(answer(&scene, &["alias n = bt 1", "n --json"]).lines().filter(|line| line.starts_with('{')).count(), 1);
    let documented = include_str!("../docs/json.md");
    for (line, kind) in [
        ("set print-depth 3", "options"),
        ("show", "options"),
        ("alias", "aliases"),
        ("hook stop bt 1", "hooks"),
        ("history", "history"),
        ("shell true", "shell_status"),
        ("tutorial", "tutorial"),
        ("sig", "signature"),
        ("run-script /dev/null", "script_run"),
        ("transcript off", "done"),
    ] {
        assert_eq!(reply(&scene, line)["kind"], kind, "{line}");
        assert!(documented.contains(&format!("`{kind}`")), "{kind} is not in docs/json.md");
    }
}

#[test]
fn options_are_set_shown_and_told_from_assignments() {
    let scene = Scene::new();
    let value = |line: &str| answer(&scene, &[line]).split_whitespace().nth(1).map(str::to_owned);
    assert_eq!(value("set print elements 10").as_deref(), Some("10"));
    assert_eq!(value("set listsize = 5").as_deref(), Some("5"));
    assert_eq!(value("show pager").as_deref(), Some("auto"));
    assert_eq!(value("o print-pretty").as_deref(), Some("on"));
    assert_eq!(answer(&scene, &["set $x = 40", "p $x + 2"]).lines().last(), Some("$2 = 42"));
    assert!(error(&scene, &["set print-depth deep"]).contains("'deep'"));
    assert!(error(&scene, &["set pagr off"]).contains("did you mean 'pager'?"));
    assert!(error(&scene, &["set theme pink"]).contains("auto|light|dark|none"));
    let mut with_options = command(&scene);
    with_options.env("DPDB_OPTS", "print-depth=7 nonsense=1").args(["-c", "show print-depth"]);
    let outcome = finish(&mut with_options).without_panic().success();
    assert!(outcome.stdout.contains("print-depth  7"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("DPDB_OPTS: no option is called 'nonsense'"), "{}", outcome.stderr);
}

#[test]
fn the_letters_of_other_debuggers_mean_what_their_users_mean() {
    let scene = Scene::new();
    for (set, line, other) in [
        ("gdb", "f 0", "frame 0"),
        ("gdb", "i r", "regs"),
        ("pdb", "w", "bt"),
        ("pdb", "a", "args"),
        ("perl", "x 6 * 7", "pp 6 * 7"),
        ("perl", "T", "bt"),
    ] {
        let both = answer(&scene, &[&format!("set commandset {set}"), line]);
        let said = both.split_once('\n').map_or("", |(_, said)| said);
        assert_eq!(said, answer(&scene, &[other]), "{set}: {line}");
    }
    for (set, line, needs) in
        [("gdb", "r", "'run'"), ("pdb", "r", "'finish'"), ("perl", "r", "'finish'"), ("perl", "w x", "'watch'")]
    {
        assert!(error(&scene, &[&format!("set commandset {set}"), line]).contains(needs), "{set}: {line}");
    }
}

#[test]
fn names_stand_for_lines_with_arguments() {
    let scene = Scene::new();
    assert_eq!(answer(&scene, &["alias twice = p %1 * 2", "twice 21"]).lines().last(), Some("$1 = 42"));
    assert_eq!(answer(&scene, &["alias n = bt | wc -l", "n"]).lines().count(), 2);
    assert_eq!(answer(&scene, &["alias bt = bt 1", "bt"]).lines().count(), 2, "a name that is a command's own");
    let defined = answer(&scene, &["define both", "p %1", "p $arg1", "end", "both 5 6", "both 7 8 | tail -n 1"]);
    assert_eq!(defined, "$1 = 5\n$2 = 6\n$4 = 8\n");
    assert!(
        error(&scene, &["alias one_name = other_name", "alias other_name = one_name", "one_name"])
            .contains("no command is called")
    );
    assert!(error(&scene, &["unalias nothing"]).contains("no line is called 'nothing'"));
}

#[test]
fn scripts_run_scripts_and_their_failures_are_counted() {
    let scene = Scene::new();
    fs::write(scene.out().join("inner"), "# a comment\n\np 1\n").expect("out/ is ours");
    fs::write(scene.out().join("outer"), "source inner\np 2\nnonsense\n").expect("out/ is ours");
    fs::write(scene.out().join("endless"), "run-script endless\n").expect("out/ is ours");
    fs::write(scene.out().join("leaves"), "quit\np 3\n").expect("out/ is ours");
    let outcome = run(&scene, &["source outer"]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, "$1 = 1\n$2 = 2\n"));
    assert!(outcome.stderr.contains("1 of 3 lines of outer failed"), "{}", outcome.stderr);
    assert!(error(&scene, &["run-script endless"]).contains("more than 32 scripts"));
    assert_eq!(answer(&scene, &["source leaves", "p 4"]), "");
    assert!(error(&scene, &["run-script nowhere"]).contains("nowhere: No such file"));
}

#[test]
fn hooks_run_where_something_else_is_looked_at() {
    let scene = Scene::new();
    let said = answer(&scene, &["hook stop p 1", "hook -add stop p 2", "frame 0", "bt 1", "unhook stop", "frame 0"]);
    assert_eq!(said.matches("$1 = 1\n$2 = 2\n").count(), 1, "{said}");
    assert!(error(&scene, &["hook nowhere bt"]).contains("'nowhere' is no hook"));
}

#[test]
fn a_condition_decides_the_exit_status() {
    let scene = Scene::new();
    let status = |condition: &str, line: &str| {
        let mut command = command(&scene);
        command.args(["--fail-if", condition, "-c", line]);
        finish(&mut command).without_panic().code()
    };
    assert_eq!(status("$rsp != 0", "bt 1"), 3);
    assert_eq!(status("$rsp == 0", "bt 1"), 0);
    assert_eq!(status("$rsp != 0", "nonsense"), 1);
    assert_eq!(status("no_such_variable > 1", "bt 1"), 1);
}

#[test]
fn a_transcript_holds_what_was_answered() {
    let scene = Scene::new();
    let said = run(&scene, &["transcript log", "p 6 * 7", "nonsense", "transcript off", "p 1"]);
    let log = fs::read_to_string(scene.out().join("log")).expect("the transcript was written");
    assert!(log.contains("$1 = 42\nno command is called 'nonsense'") && !log.contains("$2"), "{log}");
    assert!(said.stdout.starts_with("the transcript goes to log\n"), "{}", said.stdout);
    let mode = fs::metadata(scene.out().join("log")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may not read it");
}

#[test]
fn source_is_searched_and_frames_are_found_by_function_and_address() {
    let scene = Scene::new();
    let first = reply(&scene, "bt 1")["frames"][0].clone();
    let function = first["function"].as_str().expect("the frame has a name").to_owned();
    let by_name = answer(&scene, &[&format!("frame function {function}")]);
    assert_eq!(by_name, answer(&scene, &["frame 0"]));
    assert_eq!(answer(&scene, &["frame addr $pc"]), by_name);
    assert!(error(&scene, &["frame function nothing_called_so"]).contains("no frame is one of nothing_called_so"));
    assert!(error(&scene, &["frame addr 0x10"]).contains("no frame has 0x10"));
}

/// The prompt on a terminal.
fn at_the_prompt(scene: &Scene, change: impl FnOnce(&mut Command)) -> Terminal {
    let mut command = command(scene);
    change(&mut command);
    Terminal::start(&command)
}

fn users_rc(scene: &Scene, text: &str, mode: u32) -> PathBuf {
    let folder = scene.path("config").join("dpdb-trace");
    fs::create_dir_all(&folder).expect("a fresh directory");
    write_with_mode(&folder.join("rc"), text, mode)
}

fn write_with_mode(path: &Path, text: &str, mode: u32) -> PathBuf {
    fs::write(path, text).expect("a fresh directory");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    path.to_owned()
}

#[test]
fn the_users_commands_run_before_the_first_prompt_unless_others_could_have_written_them() {
    let scene = Scene::new();
    users_rc(&scene, "alias answer = p 6 * 7\nhook pre-prompt p 1000 + 1\n", 0o644);
    let mut terminal = at_the_prompt(&scene, |_| {});
    terminal.until("= 1001");
    terminal.until("] ");
    terminal.send("answer\n");
    terminal.until("= 42");
    terminal.until("= 1001");
    terminal.send("quit\n");
    assert!(terminal.end().1.success());

    users_rc(&scene, "p 2000 + 2\n", 0o666);
    let mut terminal = at_the_prompt(&scene, |_| {});
    terminal.until("is not run: others can write it");
    terminal.until("] ");
    terminal.send("quit\n");
    let (shown, _) = terminal.end();
    assert!(!shown.contains("2002"), "{shown}");
}

#[test]
fn a_projects_commands_run_once_they_are_trusted_and_only_as_they_were_then() {
    let scene = Scene::new();
    let rc = scene.out().join(".dpdbrc");
    write_with_mode(&rc, "p 3000 + 3\n", 0o644);
    let mut terminal = at_the_prompt(&scene, |_| {});
    terminal.until(".dpdbrc is not run");
    terminal.until("] ");
    terminal.send("trust\n");
    terminal.until("= 3003");
    terminal.send("quit\n");
    let _ = terminal.end();

    let mut terminal = at_the_prompt(&scene, |_| {});
    terminal.until("= 3003");
    terminal.until("] ");
    terminal.send("quit\n");
    let _ = terminal.end();

    write_with_mode(&rc, "p 4000 + 4\n", 0o644);
    let mut terminal = at_the_prompt(&scene, |_| {});
    terminal.until(".dpdbrc is not run");
    terminal.until("] ");
    terminal.send("quit\n");
    let (shown, _) = terminal.end();
    assert!(!shown.contains("4004"), "{shown}");
}

#[test]
fn lines_are_remembered_recalled_and_saved() {
    let scene = Scene::new();
    let mut terminal = at_the_prompt(&scene, |_| {});
    for (line, said) in [
        ("p 500 + 1", "= 501"),
        ("!1", "= 501"),
        ("!-1", "= 501"),
        ("!99", "no line has the number 99"),
        ("define seven", "> "),
        ("p 700 + 7", "> "),
        ("end", "] "),
        ("seven", "= 707"),
        ("save lines", "lines are in lines"),
    ] {
        terminal.send(&format!("{line}\n"));
        terminal.until(said);
    }
    terminal.send("quit\n");
    assert!(terminal.end().1.success());
    let saved = fs::read_to_string(scene.out().join("lines")).expect("they were saved");
    assert!(saved.starts_with("p 500 + 1\n") && saved.contains("define seven\np 700 + 7\nend\n"), "{saved}");
    let mut again = at_the_prompt(&scene, |_| {});
    again.until("] ");
    again.send("history -3\n");
    again.until("save lines");
    again.send("quit\n");
    assert!(again.end().1.success());
}

#[test]
fn a_long_answer_goes_into_the_pager_of_the_user() {
    let scene = Scene::new();
    let mut command = command(&scene);
    command.env("PAGER", "sed s/^/paged:/");
    let mut terminal = Terminal::start_sized(&command, Some((10, 80)));
    terminal.until("] ");
    terminal.send("help\n");
    terminal.until("paged:");
    terminal.send("p 6 * 7\n");
    terminal.until("$1 = 42");
    terminal.send("set pager off\nhelp quit\nquit\n");
    let (shown, status) = terminal.end();
    assert!(status.success() && !shown.contains("paged:$1"), "{shown}");
}
