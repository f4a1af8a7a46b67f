//! Every frame of every thread, held against gdb's by `fixtures/oracle/compare_oracle.py`. What may differ stands in
//! docs/fidelity.md with its reason; any other difference fails, and so does a line there that no difference needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::accepted::{self, Row, glob};
use crate::common::{finish, fixture_dir, tool};
use crate::comparison::{Style, held_against};
use crate::documents;
use crate::for_each_variant;
use crate::programs::{Capture, build_dir, captures};
use crate::report::{crashed_frames, report};
use crate::values;

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
    accepted_frames().iter().any(|row| row.cells[1] == capture.program && glob(&row.cells[0], &capture.variant))
}

/// The rows of the table for frames: variant, program, frame and difference.
fn accepted_frames() -> Vec<Row> {
    accepted::rows("Accepted differences", 4)
}

fn compare_variant(variant: &'static str) {
    let accepted = accepted_frames();
    let mut unlisted = Vec::new();
    let mut used = BTreeSet::new();
    for capture in captures(variant).iter() {
        for note in differences(capture) {
            match accepted.iter().find(|row| covers(row, capture, &note)) {
                Some(row) => _ = used.insert(row),
                None => unlisted.push(format!("{}: {note}", capture.name())),
            }
        }
    }
    assert!(unlisted.is_empty(), "not in docs/fidelity.md:\n{}", unlisted.join("\n"));
    let is_stale = |row: &&Row| row.cells[0] == variant && !used.contains(row);
    let stale: Vec<_> = accepted.iter().filter(is_stale).filter(|_| accepted::are_about_this_gdb()).collect();
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
    let [gdb, ours] = ["gdb.json", "ours.json"].map(|name| capture.dir.join(name));
    match values::VARIANTS.contains(&capture.variant.as_str()) {
        true => _ = fs::copy(documents::of_gdb(capture, Style::Raw), &gdb).expect("target/tmp is ours"),
        false => frames_of_gdb(capture, options.as_deref(), &gdb),
    }
    keep_frames_only(&gdb);
    let asked = options.iter().flat_map(|dir| ["--debug-dir".into(), dir.clone()]);
    fs::write(&ours, report(&capture.snapshot, asked).to_string()).expect("target/tmp is ours");
    let comparison = held_against(&gdb, &ours);
    assert!(comparison.count("frames_total") > 1, "{}: nothing was compared", capture.name());
    comparison.notes
}

fn frames_of_gdb(capture: &Capture, debug_dir: Option<&Path>, document: &Path) {
    tool("gdb");
    let mut oracle = Command::new(fixture_dir().join("oracle/gdb-oracle"));
    // Values are compared elsewhere: let gdb spend no time on them here.
    for limit in ["ORACLE_MAX_NODES", "ORACLE_MAX_ELEMS", "ORACLE_MAX_BYTES", "ORACLE_MAX_DEPTH"] {
        oracle.env(limit, "1");
    }
    if let Some(dir) = debug_dir {
        oracle.arg("--debugdir").arg(dir);
    }
    finish(oracle.arg("-o").arg(document).arg(&capture.executable).arg(&capture.core)).success();
}

/// Variables are the business of values.rs.
fn keep_frames_only(document: &Path) {
    let mut value = documents::read(document);
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

fn covers(row: &Row, capture: &Capture, note: &str) -> bool {
    // tid 12 #3 function: difference
    let rest = note.split_once(" #").map_or(note, |(_, rest)| rest);
    let rest = rest.split_once(' ').map_or(rest, |(_, rest)| rest);
    let Some((frame, difference)) = rest.rsplit_once(": ") else { return false };
    row.covers(&[&capture.variant, &capture.program, frame, difference])
}
