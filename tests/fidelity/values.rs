//! Every argument and local of every frame, held against gdb's, and against what the sources say is true.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{finish, fixture_dir, tool};
use crate::for_each_variant;
use crate::programs::{Capture, captures};
use crate::report::report;

for_each_variant! {
    compare_values:
    values_of_gcc_unoptimised_agree_with_gdb = "gcc-O0",
    values_of_gcc_optimised_agree_with_gdb = "gcc-O2",
    values_of_clang_unoptimised_agree_with_gdb = "clang-O0",
    values_of_clang_optimised_agree_with_gdb = "clang-O2",
    values_of_rust_unoptimised_agree_with_gdb = "rust-O0",
    values_of_rust_optimised_agree_with_gdb = "rust-O2",
    values_of_split_units_agree_with_gdb = "split5",
    values_of_type_units_agree_with_gdb = "types5",
    values_of_dwz_agree_with_gdb = "dwz",
    values_of_dwarf_2_agree_with_gdb = "dwarf2",
}

/// The share of a variant's variables that must agree. Where gdb shows what nothing vouches for, docs/fidelity.md says
/// so under "Values"; that is most of the rest.
fn least_share(variant: &str) -> f64 {
    if variant.ends_with("-O0") { 0.99 } else { 0.97 }
}

/// Variables that a variant has at the least: fewer mean that they were not listed.
const FEWEST_VARIABLES: u64 = 300;

fn compare_values(variant: &'static str) {
    let (mut agreed, mut total, mut failures, mut notes) = (0, 0, 0, String::new());
    for capture in captures(variant).iter() {
        let said = compare(capture);
        let counts = said.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let counts = counts.expect("counts come last");
        agreed += counts["vars_agreed"].as_u64().unwrap_or_default();
        total += counts["vars_total"].as_u64().unwrap_or_default();
        failures += failures_of_gdb(capture);
        said.lines().filter_map(|line| line.strip_prefix("  ")).for_each(|note| {
            notes += &format!("{}: {note}\n", capture.name());
        });
    }
    assert!(total >= FEWEST_VARIABLES, "{variant}: only {total} variables were compared");
    let without_verdict = notes.lines().filter(|note| note.ends_with("unreadable in A only")).count() as u64;
    assert!(without_verdict <= failures, "{variant}: gdb failed on {failures} only:\n{notes}");
    let share = agreed as f64 / (total - without_verdict) as f64;
    assert!(
        share >= least_share(variant),
        "{variant}: {agreed} of {total} variables agree, {without_verdict} of which gdb cannot read:\n{notes}"
    );
    if variant.ends_with("-O0") {
        hold_against_sources(variant);
    }
}

fn compare(capture: &Capture) -> String {
    let gdb = capture.dir.join("gdb-values.json");
    tool("gdb");
    let mut oracle = Command::new(fixture_dir().join("oracle/gdb-oracle"));
    finish(oracle.arg("-o").arg(&gdb).arg(&capture.executable).arg(&capture.core)).success();
    let ours = documents(&capture.variant).join(format!("{}.raw.json", capture.program));
    fs::create_dir_all(documents(&capture.variant)).expect("target/tmp is ours");
    let none: [&str; 0] = [];
    fs::write(&ours, report(&capture.snapshot, none).to_string()).expect("target/tmp is ours");
    let mut compare = Command::new(tool("python3"));
    compare.arg(fixture_dir().join("oracle/compare_oracle.py")).arg(&gdb).arg(&ours).args(["--list", "1000"]);
    finish(&mut compare).success().stdout
}

/// How many variables gdb looked for in the first page of memory, where nothing ever is: of Rust's enums that are in no
/// memory it takes nothing for their address, or an offset in them. Such a failure is no verdict.
fn failures_of_gdb(capture: &Capture) -> u64 {
    let document = fs::read(capture.dir.join("gdb-values.json")).expect("the oracle wrote it");
    let document: Value = serde_json::from_slice(&document).expect("the oracle writes JSON");
    let of = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let frames = of(&document, "threads").into_iter().flat_map(|thread| of(&thread, "frames"));
    let variables = frames.flat_map(|frame| of(&frame, "variables"));
    let in_first_page = |variable: &Value| {
        let why = variable["value"]["$unavailable"].as_str().unwrap_or_default().to_owned();
        let address = why.strip_prefix("Cannot access memory at address 0x");
        address.and_then(|digits| u64::from_str_radix(digits, 16).ok()).is_some_and(|address| address < 0x1000)
    };
    variables.filter(in_first_page).count() as u64
}

/// Where check_sanity.py looks for the documents of a variant, below a directory for all.
fn documents(variant: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs/values").join(variant).join(variant)
}

/// The EXPECT comments of the sources come from no debugger, and hold to the last one.
fn hold_against_sources(variant: &str) {
    let all = documents(variant);
    let all = all.parent().expect("a variant's directory has one around it");
    let mut check = Command::new(tool("python3"));
    check.arg(fixture_dir().join("programs/check_sanity.py")).arg(fixture_dir().join("programs")).arg(all);
    let outcome = finish(&mut check);
    assert!(outcome.stdout.contains(" documents as expected, 0 not"), "{}{}", outcome.stdout, outcome.stderr);
}
