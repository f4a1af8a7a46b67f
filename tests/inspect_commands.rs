//! Every command of the shell on one crash, as text and as JSON. What depends on the machine (addresses, ids, library
//! frames) is made equal or asked for by its parts; `UPDATE_GOLDEN=1` rewrites the rest.

mod common;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{Scene, fixture, inspect, pid_of};
use serde_json::Value;

/// One crash for all tests here, with the directory that holds it.
fn crash() -> &'static Path {
    static CRASH: OnceLock<(Scene, PathBuf)> = OnceLock::new();
    let (_, snapshot) = CRASH.get_or_init(|| {
        let scene = Scene::new();
        let outcome = scene.run([fixture("shell_tour.c")]);
        assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
        let snapshot = scene.snapshot();
        (scene, snapshot)
    });
    snapshot
}

/// What a command prints.
#[track_caller]
fn answer(command: &str) -> String {
    inspect(crash(), ["-c", command]).success().stdout
}

/// The error that a command prints; nothing goes to stdout.
#[track_caller]
fn error(command: &str) -> String {
    let outcome = inspect(crash(), ["-c", command]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{command}");
    outcome.stderr
}

/// The reply to a command as JSON.
#[track_caller]
fn reply(command: &str) -> Value {
    let outcome = inspect(crash(), ["--json", "-c", command]).success();
    let mut lines = outcome.stdout.lines();
    let line: Value = serde_json::from_str(lines.next().expect("a line")).expect("JSON");
    assert_eq!(lines.next(), None);
    assert_eq!(line["command"], command);
    line["reply"].clone()
}

#[track_caller]
fn holds(command: &str, parts: &[&str]) {
    let text = answer(command);
    for part in parts {
        assert!(text.contains(part), "{command}: {part:?} is not in\n{text}");
    }
}

/// Addresses, ids, the places of the sources and of this build, and columns, which compilers count differently.
fn without_the_machine(text: &str) -> String {
    let pid = pid_of(crash());
    let text = text.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "");
    let text = text.replace(&pid.to_string(), "PID");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - at - 2);
        out.push_str(&rest[..at]);
        out.push_str(if digits > 8 { "ADDRESS" } else { &rest[at..at + 2 + digits] });
        rest = &rest[at + 2 + digits..];
    }
    out.push_str(rest);
    out.lines().map(|line| without_column(line) + "\n").collect()
}

fn without_column(line: &str) -> String {
    let Some((before, after)) = line.split_once(".c:") else { return line.to_owned() };
    let Some((number, column)) = after.split_once(':') else { return line.to_owned() };
    let rest = column.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}.c:{number}{rest}")
}

#[test]
fn what_the_commands_print_is_as_it_was() {
    let commands = [
        "bt 4",
        "frame",
        "frame 2",
        "list",
        "list 1,3",
        "list walk",
        "list shell_tour.c:32",
        "longlist",
        "x/s motto",
        "x/4hx numbers",
        "x/4hd numbers",
        "x/4hu numbers",
        "x/2ho numbers",
        "x/ht numbers",
        "x/3c motto",
        "x/hz numbers",
        "thread apply 1 bt 1",
        "help x",
        "help step",
        "apropos Auxiliary vector",
        "apropos teapot",
        "regs rbx_not",
        "break main",
    ];
    let mut found = String::new();
    for command in commands {
        let outcome = inspect(crash(), ["-c", command]);
        // The program may have been built before the last checkout gave its source a new time.
        let errors = outcome.stderr.lines().filter(|line| !line.contains(" is newer than "));
        let errors: String = errors.map(|line| format!("{line}\n")).collect();
        found += &format!("(dpdb-trace) {command}\n{}{errors}\n", outcome.stdout);
    }
    golden("shell_tour.txt", &without_the_machine(&found));
}

#[track_caller]
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("tests/ can be written");
        std::fs::write(&path, found).expect("tests/ can be written");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} differs (UPDATE_GOLDEN=1 accepts it):\n{found}", path.display());
}

#[test]
fn the_stack_is_shown_from_both_ends_and_walked_step_by_step() {
    let all = answer("bt");
    let frames: Vec<&str> = all.lines().collect();
    assert!(frames[0].contains("> #0") && frames[0].contains("in second_value (first=0x"), "{all}");
    assert!(frames[3].contains("#3") && frames[3].contains("in main at"), "{all}");
    assert_eq!(answer("bt -1").lines().collect::<Vec<_>>(), frames[frames.len() - 1..]);
    let walked = inspect(crash(), ["-c", "up 2", "-c", "down", "-c", "frame"]).success().stdout;
    let selected: Vec<&str> = walked.lines().filter(|line| line.contains('#')).map(|line| &line[..4]).collect();
    assert_eq!(selected, ["> #2", "> #1", "> #1"]);
    assert_eq!(error("down"), "this is the innermost frame\n");
    assert!(error("frame 9999").contains("no frame 9999"));
    holds("frames", &["trust", "registers", "cfi", "second_value", "shell_tour.c:18"]);
}

#[test]
fn threads_are_listed_selected_and_applied_to() {
    let threads = answer("threads");
    assert_eq!(threads.lines().count(), 2, "{threads}");
    assert!(threads.lines().next().is_some_and(|line| line.starts_with('>') && line.contains("SIGSEGV")), "{threads}");
    let second = inspect(crash(), ["-c", "thread 2", "-c", "bt"]).success().stdout;
    assert!(second.contains("in waiter (unused=0x0) at") && !second.contains("second_value"), "{second}");
    let applied = answer("thread apply all bt");
    assert!(applied.contains("in waiter (unused") && applied.contains("in second_value (first"), "{applied}");
    let tid = pid_of(crash()).to_string();
    assert_eq!(answer(&format!("thread {tid}")), answer("thread 1"));
    assert_eq!(answer("info threads"), threads);
    assert!(error("thread 17").contains("no thread"));
    assert!(error("thread apply all thread apply all bt").contains("cannot be applied"));
}

#[test]
fn registers_of_callers_are_restored_or_said_to_be_lost() {
    holds("regs", &["rip", "second_value+", "eflags", "[", "fs_base"]);
    let upper = inspect(crash(), ["-c", "up", "-c", "regs"]).success().stdout;
    assert!(upper.contains("<not saved>") && upper.contains("walk+"), "{upper}");
    holds("regs all", &["mxcsr", "mm0"]);
    assert_eq!(answer("regs rip rsp").lines().count(), 2);
    assert_eq!(answer("info registers rip"), answer("regs rip"));
}

#[test]
fn memory_is_shown_at_numbers_registers_and_symbols() {
    let by_symbol = answer("x/s motto");
    let address = by_symbol.split([' ', ':']).next().expect("an address").to_owned();
    assert_eq!(answer(&format!("x/s {address}")), by_symbol);
    assert_eq!(answer("x/gx $rsp"), answer("x/gx ($rsp + 8) - 8"));
    holds("x/i $pc", &["=>", "<second_value+"]);
    holds("x/2a $rsp", &["0x"]);
    // A format without an address goes on where the last one ended.
    let onward = inspect(crash(), ["-c", "x/2hx numbers", "-c", "x/2"]).success().stdout;
    assert!(onward.ends_with("0xffff  0x0041\n"), "{onward}");
    assert!(error("x/4gx 0x10").contains("0x10 was not mapped"));
    assert!(error("x/4gx $nothing").contains("no register"));
    assert!(error("x/4gx nothing_called_so").contains("no symbol"));
    assert!(error("x/4q motto").contains("neither a format"));
}

#[test]
fn code_is_disassembled_with_its_source() {
    let code = answer("disas");
    assert_eq!(code.lines().filter(|line| line.starts_with("=>")).count(), 1, "{code}");
    assert!(code.starts_with("second_value:\n") && code.contains("ret"), "{code}");
    holds("disas /s walk", &["return walk(depth - 1) + 1;", "call"]);
    holds("disas $pc,+4", &["=>"]);
    assert!(error("disas 0x10").contains("not mapped"));
}

#[test]
fn addresses_are_explained() {
    holds("whatat $pc", &["is second_value+", "shell_tour.c:18", "r-xp", "held by rip"]);
    holds("whatat $rsp", &["stack of thread", "frame #"]);
    holds("whatat motto", &["is motto (", "r--p"]);
    holds("whatat 0x10", &["not mapped"]);
    holds("address $pc", &["is second_value+"]);
}

#[test]
fn the_fault_is_explained_as_running_text() {
    let text = answer("why");
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    let text = text.replace('\n', " ");
    for part in ["SIGSEGV", "reads 8 bytes at 0x0", "null pointer"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn the_process_is_described() {
    holds(
        "info",
        &["died of SIGSEGV (address 0x0 not mapped)", "SEGV_MAPERR", "second_value", "UTC", "host", "snapshot"],
    );
    holds("modules", &["shell_tour", "libc.so", "[vdso]", "build-id"]);
    assert!(!answer("modules libc").contains("shell_tour"));
    holds("maps", &["[stack]", "r-xp", "[heap]"]);
    assert_eq!(answer("maps $rsp").lines().count(), 2);
    holds("fds", &["pipe:["]);
    holds("env PATH", &["PATH="]);
    holds("limits", &["Max open files"]);
    holds("auxv", &["AT_ENTRY", "AT_PAGESZ"]);
    holds("tree", &["shell_tour"]);
    assert!(error("env NO_VARIABLE_IS_CALLED_SO").contains("no variable"));
}

#[test]
fn every_command_that_runs_has_a_json_reply_of_its_kind() {
    let documented = include_str!("../docs/json.md");
    for (command, kind) in [
        ("bt", "backtrace"),
        ("frame", "frame"),
        ("frames", "frames"),
        ("up", "frame"),
        ("threads", "threads"),
        ("thread", "thread"),
        ("thread apply all bt 1", "applied"),
        ("list", "source"),
        ("longlist", "source"),
        ("regs", "registers"),
        ("x/2gx $rsp", "examined"),
        ("disas", "disassembly"),
        ("whatat $pc", "whatat"),
        ("locals", "variables"),
        ("args", "variables"),
        ("globals", "variables"),
        ("p", "variables"),
        ("p/x *first", "printed"),
        ("6 * 7", "printed"),
        ("whatis motto", "type"),
        ("ptype/o struct node", "type"),
        ("display motto", "displays"),
        ("functions walk", "names"),
        ("types node", "names"),
        ("vars motto", "names"),
        ("find \"died\"", "found"),
        ("strings stack", "found"),
        ("modules", "modules"),
        ("maps", "mappings"),
        ("fds", "file_descriptors"),
        ("env", "environment"),
        ("limits", "limits"),
        ("tree", "tree"),
        ("auxv", "auxiliary_vector"),
        ("info", "info"),
        ("why", "why"),
        ("help", "help_index"),
        ("help bt", "help"),
        ("apropos resource", "help_index"),
        ("quit", "quit"),
    ] {
        assert_eq!(reply(command)["kind"], kind, "{command}");
        assert!(documented.contains(&format!("`{kind}`")), "{kind} is not in docs/json.md");
    }
    let frame = &reply("bt 1")["frames"][0];
    assert_eq!((&frame["function"], &frame["line"]), (&Value::from("second_value"), &Value::from(18)));
    assert!(frame["pc"].as_str().is_some_and(|pc| pc.starts_with("0x")), "{frame}");
    let failed = inspect(crash(), ["--json", "-c", "frame 9999"]);
    let line: Value = serde_json::from_str(&failed.stdout).expect("JSON");
    assert!(failed.code() == 1 && line["error"].as_str().is_some_and(|error| error.contains("9999")), "{line}");
}

#[test]
fn prefixes_aliases_and_slips_are_understood_or_answered() {
    assert_eq!(answer("whe 2"), answer("bt 2"));
    assert_eq!(answer("T"), answer("backtrace"));
    assert_eq!(error("wh"), "'wh' may mean: whatat, whatis, where, why\n");
    assert_eq!(error("theads"), "no command is called 'theads'; did you mean 'threads'?\n");
    assert_eq!(error("xyzzy"), "no command is called 'xyzzy'; 'help' lists them\n");
    assert!(error("frame zero").starts_with("usage: frame [N | function NAME | addr ADDRESS]"));
    assert!(error("continue").starts_with("this is a snapshot: 'continue' needs a live process; use "));
}

#[test]
fn a_moved_source_is_found_by_the_source_map() {
    let elsewhere = tempfile::tempdir().expect("TMPDIR can be written");
    std::fs::write(elsewhere.path().join("shell_tour.c"), "moved\n".repeat(50)).expect("a fresh directory");
    let home = common::fixture_dir().join("targets");
    let map = format!("{}={}", home.display(), elsewhere.path().display());
    let listed = inspect(crash(), ["--source-map", &map, "-c", "list"]).success().stdout;
    assert!(listed.contains("> 18  moved"), "{listed}");
}
