//! Expressions over small programs of C, C++ and Rust: what each must give is what the program's source says.

#[path = "../common/mod.rs"]
mod common;

mod c;
mod containers;
mod cpp;
mod oracle;
mod rust;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{Scene, fixture, inspect};

/// An expression, with its format in front where it has one, and the text of its value.
pub(crate) type Row = (&'static str, &'static str);

struct Crash {
    _scene: Scene,
    snapshot: PathBuf,
}

fn crash(source: &str) -> Crash {
    let scene = Scene::new();
    let outcome = scene.run([fixture(source)]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let snapshot = scene.snapshot();
    Crash { _scene: scene, snapshot }
}

fn c() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("expressions.c")).snapshot
}

fn cpp() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("expressions.cpp")).snapshot
}

fn rust() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("expressions.rs")).snapshot
}

fn containers_of_cpp() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("containers.cpp")).snapshot
}

fn containers_of_rust() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("containers.rs")).snapshot
}

/// Every row is evaluated in one session, so that `$N` counts the rows from 1 on.
#[track_caller]
fn give(snapshot: &Path, rows: &[Row]) {
    let commands = rows.iter().flat_map(|(expression, _)| {
        let separator = if expression.starts_with('/') { "" } else { " " };
        ["-c".to_owned(), format!("p{separator}{expression}")]
    });
    let outcome = inspect(snapshot, commands);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let wrong: Vec<String> = rows
        .iter()
        .enumerate()
        .filter_map(|(index, (expression, wanted))| {
            let head = format!("${} = ", index + 1);
            let found = lines.get(index).map_or("nothing", |line| line.strip_prefix(&head).unwrap_or(line));
            let found = without_addresses(found);
            (found != *wanted).then(|| format!("p {expression}\n  wanted {wanted}\n  found  {found}"))
        })
        .collect();
    assert!(wrong.is_empty() && lines.len() == rows.len(), "{}\n{}", wrong.join("\n"), outcome.stderr);
}

/// Addresses as `0x…`; numbers of up to eight digits stay.
fn without_addresses(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - at - 2);
        out.push_str(&rest[..at]);
        out.push_str(if digits > 8 { "0x…" } else { &rest[at..at + 2 + digits] });
        rest = &rest[at + 2 + digits..];
    }
    out + rest
}

/// The answer to a command, errors included.
#[track_caller]
fn says(snapshot: &Path, command: &str, wanted: &str) {
    let outcome = inspect(snapshot, ["-c", command]);
    let found = outcome.stdout + &outcome.stderr;
    assert_eq!(without_addresses(found.trim_end()), wanted, "{command}");
}
