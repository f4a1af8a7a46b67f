//! The tables of docs/fidelity.md: what may differ from gdb, and why.

use std::process::Command;

use crate::common::{finish, tool};

/// The gdb that the tables are about, as its `--version` has it.
const THE_TABLES_GDB: &str = " 13.";

/// A row: cells in backticks, in which `*` stands for anything, and the reason.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The cells in front of the reason.
    pub cells: Vec<String>,
    /// Why the difference is accepted.
    pub reason: String,
}

impl Row {
    /// Whether each of `texts` is what its cell says.
    pub fn covers(&self, texts: &[&str]) -> bool {
        self.cells.len() == texts.len() && self.cells.iter().zip(texts).all(|(cell, text)| glob(cell, text))
    }

    /// Whether the difference comes and goes with what threads happen to do.
    pub fn is_chance(&self) -> bool {
        self.reason.starts_with("At times")
    }
}

/// The rows of the table below a heading, each of so many cells and a reason.
pub fn rows(heading: &str, cells: usize) -> Vec<Row> {
    let text = include_str!("../../docs/fidelity.md");
    let heading = format!("\n## {heading}\n");
    let (_, section) = text.split_once(&heading).expect("docs/fidelity.md has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let mut found: Vec<_> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        let reason = found.pop().filter(|reason| reason.len() > 20);
        assert_eq!(found.len(), cells, "{line}");
        let cells = found.iter().map(|cell| cell.trim_matches('`').to_owned()).collect();
        Row { cells, reason: reason.unwrap_or_else(|| panic!("a reason is wanted: {line}")) }
    })
    .collect()
}

/// Whether the tables are about the gdb that is there: another may have mended what they hold against it.
pub fn are_about_this_gdb() -> bool {
    finish(Command::new(tool("gdb")).arg("--version")).stdout.contains(THE_TABLES_GDB)
}

/// Whether `text` is what `pattern` says, `*` standing for any run of characters.
pub fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => {
            let Some(tail) = text.strip_prefix(head) else { return false };
            rest.is_empty() || (0..=tail.len()).any(|at| tail.is_char_boundary(at) && glob(rest, &tail[at..]))
        }
    }
}

#[test]
fn a_star_stands_for_anything() {
    assert!(glob("gcc-*", "gcc-O2") && glob("*", "") && glob("a*c*e", "abcde") && glob("same", "same"));
    assert!(!glob("gcc-*", "clang-O2") && !glob("a*c", "abcd") && !glob("", "x"));
}
