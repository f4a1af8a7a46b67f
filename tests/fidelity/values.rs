//! Every argument and local of every frame, held against gdb's, and against what the sources say is true.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{finish, fixture_dir, tool};
use crate::comparison::{Comparison, Style, compare};
use crate::for_each_variant;
use crate::programs::{Capture, captures};

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
        let found = compare_raw(capture);
        agreed += found.count("vars_agreed");
        total += found.count("vars_total");
        failures += found.failures_of_gdb;
        found.notes.iter().for_each(|note| notes += &format!("{}: {note}\n", capture.name()));
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

fn compare_raw(capture: &Capture) -> Comparison {
    let ours = documents(&capture.variant).join(format!("{}.raw.json", capture.program));
    fs::create_dir_all(documents(&capture.variant)).expect("target/tmp is ours");
    compare(&capture.subject(), Style::Raw, &capture.dir.join("gdb-values.json"), &ours)
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
