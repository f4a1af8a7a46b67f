//! Every frame of every thread, held against gdb's by `fixtures/oracle/compare_oracle.py`. What may differ stands in
//! docs/fidelity.md with its reason; any other difference fails, and so does a line there that no difference needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{finish, fixture_dir, tool};
use crate::for_each_variant;
use crate::programs::{Capture, build_dir, captures};
use crate::report::{crashed_frames, report};

for_each_variant! {
    compare_variant:
    gcc_unoptimised_agrees_with_gdb = "gcc-O0",
    gcc_optimised_agrees_with_gdb = "gcc-O2",
    clang_unoptimised_agrees_with_gdb = "clang-O0",
    clang_optimised_agrees_with_gdb = "clang-O2",
    rust_unoptimised_agrees_with_gdb = "rust-O0",
    rust_optimised_agrees_with_gdb = "rust-O2",
}

// The debug-info formats and layouts of the Makefile, on a few programs each.
for_each_variant! {
    compare_variant:
    format_o1 = "O1",
    format_o3 = "O3",
    format_og = "Og",
    format_buildid = "buildid",
    format_clang_o1 = "clang-O1",
    format_clang_lld = "clang-lld",
    format_clang_names = "clang-names",
    format_clang_sce = "clang-sce",
    format_clang_simple = "clang-simple",
    format_clang_split = "clang-split",
    format_clang_splitdwp = "clang-splitdwp",
    format_clang_standalone = "clang-standalone",
    format_debugframe = "debugframe",
    format_dwarf2 = "dwarf2",
    format_dwarf3 = "dwarf3",
    format_dwarf4 = "dwarf4",
    format_dwarf5 = "dwarf5",
    format_dwz = "dwz",
    format_framepointer = "framepointer",
    format_g3 = "g3",
    format_gdbindex = "gdbindex",
    format_gz_gnu = "gz-gnu",
    format_gz_zlib = "gz-zlib",
    format_gz_zstd = "gz-zstd",
    format_line_tables = "line-tables",
    format_lto = "lto",
    format_minidebug = "minidebug",
    format_nocfi = "nocfi",
    format_nopie = "nopie",
    format_noseparate = "noseparate",
    format_opt_s = "opt-s",
    format_packrelr = "packrelr",
    format_panic_unwind_o1 = "panic-unwind-O1",
    format_split_packed = "split-packed",
    format_split_unpacked = "split-unpacked",
    format_split4 = "split4",
    format_split5 = "split5",
    format_splitdwp = "splitdwp",
    format_static = "static",
    format_staticpie = "staticpie",
    format_strip_debuginfo = "strip-debuginfo",
    format_stripall = "stripall",
    format_stripped = "stripped",
    format_types4 = "types4",
    format_types5 = "types5",
}

#[test]
fn no_variant_of_the_makefile_is_forgotten() {
    captures("gcc-O0");
    captures("dwarf4");
    for entry in fs::read_dir(build_dir()).expect("target/tmp is ours") {
        let variant = entry.expect("target/tmp is ours").file_name().into_string().expect("variants are ASCII");
        assert!(include_str!("oracle.rs").contains(&format!("= \"{variant}\",")), "no test compares {variant}");
    }
}

/// Whether docs/fidelity.md names this very program as one where gdb and we differ.
pub fn gdb_is_no_measure(capture: &Capture) -> bool {
    let rows = accepted_differences();
    rows.iter().any(|row| row.program == capture.program && glob(&row.variant, &capture.variant))
}

/// As its `--version` has it.
const THE_TABLES_GDB: &str = " 13.";

/// A row of the table in docs/fidelity.md; `*` in a cell stands for anything.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Accepted {
    variant: String,
    program: String,
    frame: String,
    difference: String,
}

fn compare_variant(variant: &'static str) {
    let accepted = accepted_differences();
    let mut unlisted = Vec::new();
    let mut used = BTreeSet::new();
    for capture in captures(variant).iter() {
        for note in differences(capture) {
            match accepted.iter().find(|row| row.covers(capture, &note)) {
                Some(row) => _ = used.insert(row),
                None => unlisted.push(format!("{}: {note}", capture.name())),
            }
        }
    }
    assert!(unlisted.is_empty(), "not in docs/fidelity.md:\n{}", unlisted.join("\n"));
    // Another gdb may have mended what the table holds against it.
    let same_gdb = finish(Command::new(tool("gdb")).arg("--version")).stdout.contains(THE_TABLES_GDB);
    let stale: Vec<_> =
        accepted.iter().filter(|row| same_gdb && row.variant == variant && !used.contains(row)).collect();
    assert!(stale.is_empty(), "docs/fidelity.md accepts what does not happen (any more): {stale:#?}");
}

/// gdb 13 cannot read some `.dwp` files, so that another measure is needed.
#[test]
fn packed_split_debug_info_shows_what_the_unpacked_does() {
    for (packed, unpacked) in [("splitdwp", "split4"), ("clang-splitdwp", "clang-split")] {
        for (packed, unpacked) in captures(packed).iter().zip(captures(unpacked).iter()) {
            let none: [&str; 0] = [];
            let [ours, measure] = [packed, unpacked].map(|capture| crashed_frames(&report(&capture.snapshot, none)));
            assert!(ours.iter().any(|place| place.line.is_some()));
            assert_eq!(ours, measure, "{}", packed.name());
        }
    }
}

/// What compare_oracle.py finds, a line each, such as `tid 12 #3 main: /a.c:4 / /a.c:5`.
fn differences(capture: &Capture) -> Vec<String> {
    let options = debug_dir(capture);
    let gdb = capture.dir.join("gdb.json");
    let mut oracle = Command::new(fixture_dir().join("oracle/gdb-oracle"));
    tool("gdb");
    // Values are compared elsewhere: let gdb spend no time on them here.
    for limit in ["ORACLE_MAX_NODES", "ORACLE_MAX_ELEMS", "ORACLE_MAX_BYTES", "ORACLE_MAX_DEPTH"] {
        oracle.env(limit, "1");
    }
    if let Some(dir) = &options {
        oracle.arg("--debugdir").arg(dir);
    }
    finish(oracle.arg("-o").arg(&gdb).arg(&capture.executable).arg(&capture.core)).success();
    let ours = capture.dir.join("ours.json");
    let asked = options.iter().flat_map(|dir| ["--debug-dir".into(), dir.clone()]);
    fs::write(&ours, report(&capture.snapshot, asked).to_string()).expect("target/tmp is ours");
    keep_frames_only(&gdb);

    let mut compare = Command::new(tool("python3"));
    compare.arg(fixture_dir().join("oracle/compare_oracle.py")).arg(&gdb).arg(&ours).args(["--list", "1000000"]);
    let said = finish(&mut compare).success().stdout;
    let counts: Value = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("counts come last");
    assert!(counts["frames_total"].as_u64() > Some(1), "{}: nothing was compared:\n{said}", capture.name());
    said.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

/// Variables are the business of values.rs.
fn keep_frames_only(document: &Path) {
    let text = fs::read_to_string(document).expect("the oracle wrote it");
    let mut value: Value = serde_json::from_str(&text).expect("the oracle writes JSON");
    for thread in value["threads"].as_array_mut().expect("frames/1 has threads") {
        for frame in thread["frames"].as_array_mut().expect("frames/1 has frames") {
            frame["variables"] = Value::Array(Vec::new());
        }
    }
    fs::write(document, value.to_string()).expect("target/tmp is ours");
}

/// The `buildid` variant keeps its debug files where only a build-id directory finds them.
fn debug_dir(capture: &Capture) -> Option<PathBuf> {
    (capture.variant == "buildid").then(|| capture.executable.with_file_name("debugroot"))
}

/// The table below the heading `Accepted differences`: cells in backticks, the reason last.
fn accepted_differences() -> Vec<Accepted> {
    let text = include_str!("../../docs/fidelity.md");
    let (_, section) = text.split_once("## Accepted differences").expect("docs/fidelity.md has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let [variant, program, frame, difference, reason] = cells[..] else { panic!("five cells are wanted: {line}") };
        assert!(reason.len() > 20, "a reason is wanted: {line}");
        let [variant, program, frame, difference] = [variant, program, frame, difference].map(str::to_owned);
        Accepted { variant, program, frame, difference }
    })
    .collect()
}

impl Accepted {
    fn covers(&self, capture: &Capture, note: &str) -> bool {
        // tid 12 #3 function: difference
        let rest = note.split_once(" #").map_or(note, |(_, rest)| rest);
        let rest = rest.split_once(' ').map_or(rest, |(_, rest)| rest);
        let Some((frame, difference)) = rest.rsplit_once(": ") else { return false };
        glob(&self.variant, &capture.variant)
            && glob(&self.program, &capture.program)
            && glob(&self.frame, frame)
            && glob(&self.difference, difference)
    }
}

/// Whether `text` is what `pattern` says, `*` standing for any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
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
