//! Expressions and their values, a row each, over a program that died.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::scene::{Scene, inspect};

/// An expression, with its format in front where it has one, and the text of its value.
pub type Row = (&'static str, &'static str);

/// The snapshot of a program that died, for as long as it is looked at.
#[derive(Debug)]
pub struct Crash {
    _scene: Scene,
    /// The only one it left.
    pub snapshot: PathBuf,
}

impl Crash {
    /// Runs a command that dies.
    #[track_caller]
    pub fn of<S: AsRef<OsStr>>(command: impl IntoIterator<Item = S>) -> Crash {
        let scene = Scene::new();
        let outcome = scene.run(command);
        assert!(outcome.signal().is_some(), "it lives: {}", outcome.stderr);
        let snapshot = scene.snapshot();
        Crash { _scene: scene, snapshot }
    }
}

/// Every row is evaluated in one session, so that `$N` counts the rows from 1 on.
#[track_caller]
pub fn give(snapshot: &Path, rows: &[Row]) {
    give_at(snapshot, &[], rows);
}

/// The same in a frame or thread that commands select.
#[track_caller]
pub fn give_at(snapshot: &Path, selection: &[&str], rows: &[Row]) {
    let expressions = rows.iter().map(|(expression, _)| {
        let separator = if expression.starts_with('/') { "" } else { " " };
        format!("p{separator}{expression}")
    });
    let commands = selection.iter().map(|command| (*command).to_owned()).chain(expressions);
    let outcome = inspect(snapshot, commands.flat_map(|command| ["-c".to_owned(), command]));
    let lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with('$')).collect();
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
pub fn without_addresses(text: &str) -> String {
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
pub fn says(snapshot: &Path, command: &str, wanted: &str) {
    says_at(snapshot, &[], command, wanted);
}

/// The same in a frame or thread that commands select.
#[track_caller]
pub fn says_at(snapshot: &Path, selection: &[&str], command: &str, wanted: &str) {
    let answer = |commands: &[&str]| {
        let outcome = inspect(snapshot, commands.iter().flat_map(|command| ["-c", command]));
        (outcome.stdout, outcome.stderr)
    };
    let before = if selection.is_empty() { Default::default() } else { answer(selection) };
    let all: Vec<&str> = selection.iter().copied().chain([command]).collect();
    let (stdout, stderr) = answer(&all);
    let found = stdout[before.0.len()..].to_owned() + &stderr[before.1.len()..];
    assert_eq!(without_addresses(found.trim_end()), wanted, "{command}");
}
