//! Whatever stands in the heap and on the stacks, every command of the table ends, says something of bounded length,
//! and does not panic.

mod common;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Crash, Damaged, fixture, fixture_with_libcxx, frozen};
use dpdb_analyzer::{FileCache, Options, Session};
use dpdb_snapshot::Snapshot;
use dpdb_trace::engine::{Engine, FileFacts};
use dpdb_trace::render::{Style, json_answer, text};
use dpdb_trace::shell::execute;
use dpdb_trace::shell::table::{Action, Group, commands};

const SEEDS: u64 = 1000;
/// Commands that are run under one seed.
const LINES: usize = 4;
/// Commands that read the program's files, which nothing damages here, and all of them: once each is enough.
const OF_FILES: [&str; 4] = ["functions", "types", "vars", "disas"];
/// Commands under the headings of a process that have to do with the terminal: scripts, an editor, a view that stays.
const OF_THE_TERMINAL: [&str; 3] = ["source", "edit", "sticky"];
/// A thousand strings of four hundred characters, escaped, are the most that any command has to say.
const LONGEST: usize = 4 << 20;

/// Every command of the table that runs on a snapshot, by its name alone and as in its example: those that read memory,
/// and those that read files.
fn lines_of_the_table() -> (Vec<String>, Vec<String>) {
    let runs = commands().filter(|command| matches!(command.action, Action::Run(_)) && command.group != Group::Shell);
    let mut lines: Vec<String> =
        runs.flat_map(|command| [command.name.to_owned(), command.example.to_owned()]).collect();
    lines.dedup();
    lines.into_iter().partition(|line| !OF_FILES.iter().any(|name| line.starts_with(name)))
}

#[test]
fn whatever_command_shows_a_process_is_among_those_that_are_run() {
    let (memory, files) = lines_of_the_table();
    let is_run = |name: &str| memory.iter().chain(&files).any(|line| line == name);
    let left_out = commands().filter(|command| !is_run(command.name));
    let of_one_process =
        left_out.filter(|command| !matches!(command.group, Group::Shell | Group::WholeRun | Group::Running));
    assert_eq!(of_one_process.map(|command| command.name).collect::<Vec<_>>(), OF_THE_TERMINAL);
}

/// Runs the commands of the table and some of its own on a crash of the program.
fn run(program: &Path, seeds: u64, own: &[&str]) {
    let (mut lines, of_files) = lines_of_the_table();
    assert!(lines.len() > 40 && of_files.len() >= OF_FILES.len(), "the table has {} lines", lines.len());
    lines.extend(own.iter().map(|line| (*line).to_owned()));
    hold(&Crash::of([program]).snapshot, seeds, LINES, &of_files, &lines);
}

/// Runs commands under all seeds, `each` of them under each: those in `once` first, then the others in turn.
fn hold(snapshot: &Path, seeds: u64, each: usize, once: &[String], lines: &[String]) {
    let source = snapshot.display();
    let files = FileCache::default();
    let seed = Arc::new(AtomicU64::new(0));
    let mut next = once.iter().chain(lines.iter().cycle());
    let mut engine = engine_over(snapshot, &seed, &files);
    let whole: HashMap<&str, String> = lines.iter().map(|line| (line.as_str(), answer(&mut engine, line))).collect();
    let mut felt = 0;
    for number in 1..=seeds {
        seed.store(number, Ordering::Relaxed);
        let mut engine = engine_over(snapshot, &seed, &files);
        for line in next.by_ref().take(each) {
            let said = catch_unwind(AssertUnwindSafe(|| answer(&mut engine, line)));
            let Ok(said) = said else { panic!("{source}, seed {number}: '{line}' panics") };
            assert!(said.len() <= LONGEST, "{source}, seed {number}: '{line}' says {} bytes", said.len());
            felt += u64::from(whole.get(line.as_str()).is_some_and(|whole| *whole != said));
        }
    }
    assert!(felt > seeds / 4, "{source}: the damage is felt {felt} times");
}

fn engine_over(snapshot: &Path, seed: &Arc<AtomicU64>, files: &FileCache) -> Engine {
    let target = Box::new(Damaged::in_heap_and_stacks(snapshot, seed));
    let info = Snapshot::info(snapshot).expect("the file itself is whole");
    Engine::new(Session::with_files(target, Options::default(), files.clone()), FileFacts::new(snapshot, &info))
}

/// What a command says, as text and as JSON.
fn answer(engine: &mut Engine, line: &str) -> String {
    match execute(engine, line) {
        Ok(reply) => text(&reply, &Style::for_stream(false)) + &json_answer(line, &reply),
        Err(error) => error.to_string(),
    }
}

#[test]
fn commands_on_damaged_memory_of_c_end_and_do_not_panic() {
    let own = ["p *p", "p one", "p pts[n]", "p *one.next", "p name", "x/8gx $rsp", "bt full", "up", "p $_siginfo"];
    run(&fixture("expressions.c"), SEEDS / 4, &own);
}

const OF_CPP: &[&str] = &[
    "bt full",
    "locals",
    "args",
    "pp items",
    "p m",
    "p h",
    "p deep[\"key\"][2].name",
    "p l",
    "p d",
    "p f",
    "p s",
    "p us",
    "p nested",
    "p *u",
    "p sh->name",
    "p variant",
    "p t",
    "p text",
    "p wide",
    "p m[\"key\"]",
    "p h[30]",
    "p l[2]",
    "p d[100]",
    "p h.size()",
    "p words.contains(\"two\")",
    "p *it",
    "p bits",
    "p -elements unlimited h",
];

#[test]
fn commands_on_damaged_memory_of_cpp_end_and_do_not_panic() {
    run(&fixture("containers.cpp"), SEEDS / 4, OF_CPP);
}

#[test]
fn commands_on_damaged_memory_of_libcxx_end_and_do_not_panic() {
    run(&fixture_with_libcxx("containers.cpp"), SEEDS / 8, OF_CPP);
}

#[test]
fn commands_on_damaged_memory_of_rust_end_and_do_not_panic() {
    let own = [
        "bt full",
        "locals",
        "args",
        "pp items",
        "p map",
        "p deep",
        "p tree",
        "p ids",
        "p set",
        "p ordered",
        "p deque",
        "p slice",
        "p boxed",
        "p rc",
        "p shared",
        "p ref_cell",
        "p some",
        "p err",
        "p rc_str",
        "p opt_ref",
        "p *text",
        "p map[\"key\"]",
        "p deep[\"key\"][2].name",
        "p tree[10]",
        "p ids[7]",
        "p ordered.contains(\"red\")",
        "p shared[\"key\"]",
        "p words[0]",
        "p some.unwrap().name",
        "p -elements unlimited tree",
    ];
    run(&fixture("containers.rs"), SEEDS * 3 / 8, &own);
}

const OF_PYTHON: [&str; 26] = [
    "py-bt full",
    "py-locals",
    "bt full",
    "bt -python",
    "exception 0",
    "locals",
    "args",
    "up",
    "list",
    "longlist",
    "globals .",
    "p Job.__mro__",
    "p key, depth",
    "source look_up",
    "py-print told",
    "py-print sorted(told['functions'])",
    "py-print [name for name in told if len(name) > 5]",
    "py-print told['stack'][-1][2] + 1",
    "whatis -python told",
    "pp Pixel.__dict__",
    "p Color.RED, Point, CHILDREN['pixel']",
    "p [dir(kind) for kind in (Job, Access, Number)]",
    "tasks",
    "pyheap top",
    "pyheap objects dict",
    "pyheap referrers CHILDREN",
];

#[test]
fn commands_on_damaged_interpreters_of_every_version_end_and_do_not_panic() {
    let (frozen, lines) = (frozen(), OF_PYTHON.map(str::to_owned));
    let seeds = SEEDS / frozen.len() as u64 + 1;
    frozen.values().for_each(|snapshot| hold(snapshot, seeds, 1, &[], &lines));
}
