//! One core file shown by gdb and by us, and what `fixtures/oracle/compare_oracle.py` says of the two documents.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::{finish, fixture_dir, tool};
use crate::report::report_text;

/// Values as they are laid out, or by what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    Raw,
    Pretty,
}

impl Style {
    /// As it is called on command lines and in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Style::Raw => "raw",
            Style::Pretty => "pretty",
        }
    }
}

/// A process that ended, in a file of ours and one for gdb.
pub struct Subject<'a> {
    pub executable: &'a Path,
    pub snapshot: &'a Path,
    pub core: &'a Path,
    /// gdb takes the printers that the program and its libraries bring along, as CPython does.
    pub own_printers: bool,
}

/// What came out.
#[derive(Debug)]
pub struct Comparison {
    /// The summary, such as `frames_agreed`.
    pub counts: Value,
    /// A line per difference, such as `tid 12 #3 main: /a.c:4 / /a.c:5`, or with a variable `tid 12 #3 main i: 1 != 2`.
    pub notes: Vec<String>,
    /// See [`gdb_failures`].
    pub failures_of_gdb: u64,
}

impl Comparison {
    /// A number of the summary, which leaves zeros out.
    pub fn count(&self, key: &str) -> u64 {
        self.counts[key].as_u64().unwrap_or_default()
    }

    /// How many notes end with this.
    pub fn ending(&self, end: &str) -> u64 {
        self.notes.iter().filter(|note| note.ends_with(end)).count() as u64
    }
}

/// Has both show every frame with its variables. gdb's document goes to `theirs`, ours to `ours`.
#[track_caller]
pub fn compare(subject: &Subject<'_>, style: Style, theirs: &Path, ours: &Path) -> Comparison {
    write_gdbs(subject, style, theirs);
    write_ours(subject, style, ours);
    held_against(theirs, ours)
}

/// Writes what gdb shows.
#[track_caller]
pub fn write_gdbs(subject: &Subject<'_>, style: Style, document: &Path) {
    tool("gdb");
    let mut oracle = Command::new(fixture_dir().join("oracle/gdb-oracle"));
    oracle.args((style == Style::Pretty).then_some("--pretty"));
    oracle.args((!subject.own_printers).then_some("--no-auto-load")).arg("-o").arg(document);
    finish(oracle.arg(subject.executable).arg(subject.core)).success();
}

/// Writes what we show, as it is: the comparison orders what has no order by its text.
#[track_caller]
pub fn write_ours(subject: &Subject<'_>, style: Style, document: &Path) {
    fs::write(document, report_text(subject.snapshot, ["--values", style.name()])).expect("target/tmp is ours");
}

/// Holds our document against gdb's.
#[track_caller]
pub fn held_against(theirs: &Path, ours: &Path) -> Comparison {
    let mut compare = Command::new(tool("python3"));
    compare.arg(fixture_dir().join("oracle/compare_oracle.py")).arg(theirs).arg(ours).args(["--list", "1000000"]);
    let said = finish(&mut compare).success().stdout;
    let counts = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("counts come last");
    let notes = said.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect();
    Comparison { counts, notes, failures_of_gdb: gdb_failures(theirs) }
}

/// How many variables gdb looked for in the first page of memory, where nothing ever is: of Rust's enums that are in no
/// memory it takes nothing for their address, or an offset in them. Such a failure is no verdict.
fn gdb_failures(document: &Path) -> u64 {
    let document = fs::read(document).expect("the oracle wrote it");
    let document: Value = serde_json::from_slice(&document).expect("the oracle writes JSON");
    let of = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let frames = of(&document, "threads").into_iter().flat_map(|thread| of(&thread, "frames"));
    let variables = frames.flat_map(|frame| of(&frame, "variables"));
    variables.filter(|variable| is_in_first_page(&variable["value"])).count() as u64
}

/// Whether gdb looked for a part of this value there.
fn is_in_first_page(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_in_first_page),
        Value::Object(fields) => fields.values().any(is_in_first_page),
        Value::String(why) => {
            let address = why.strip_prefix("Cannot access memory at address 0x");
            address.and_then(|digits| u64::from_str_radix(digits, 16).ok()).is_some_and(|address| address < 0x1000)
        }
        _ => false,
    }
}
