//! Every argument and local of every frame, held against gdb's, as laid out and by meaning, and against what the sources
//! say is true. What may differ stands in docs/fidelity.md with its reason.

use std::collections::{BTreeSet, HashMap};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use serde_json::Value;

use crate::accepted::{self, Row};
use crate::common::{finish, fixture_dir, tool};
use crate::comparison::{Style, held_against};
use crate::documents;
use crate::programs::{Capture, captures};

macro_rules! for_each_value_variant {
    ($($name:ident = $variant:literal),+ $(,)?) => {
        /// The variants whose values are compared.
        pub const VARIANTS: &[&str] = &[$($variant),+];
        crate::for_each_variant! { compare_values: $($name = $variant),+ }
    };
}

for_each_value_variant! {
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

/// The share of a variant's variables that must agree in either style.
fn least_share(variant: &str) -> f64 {
    if variant.ends_with("-O0") { 0.99 } else { 0.97 }
}

/// Variables that a variant has at the least: fewer mean that they were not listed.
const FEWEST_VARIABLES: u64 = 300;

fn compare_values(variant: &'static str) {
    let accepted = accepted_values();
    for style in [Style::Raw, Style::Pretty] {
        let compared = compared(variant, style);
        assert!(compared.total >= FEWEST_VARIABLES, "{variant}: only {} variables were compared", compared.total);
        let unlisted: Vec<_> =
            compared.notes.iter().filter(|note| !accepted.iter().any(|row| note.is_in(row))).collect();
        assert!(unlisted.is_empty(), "not in docs/fidelity.md, {}: {unlisted:#?}", style.name());
        let share = compared.agreed as f64 / compared.total as f64;
        println!("{variant} {}: {} of {}, {share:.4}", style.name(), compared.agreed, compared.total);
        assert!(share >= least_share(variant), "{variant}, {}: {share}: {:#?}", style.name(), compared.notes);
    }
    if variant.ends_with("-O0") {
        hold_against_sources(variant);
    }
}

#[test]
fn every_accepted_difference_of_a_value_happens() {
    let each = |variant: &&'static str| [Style::Raw, Style::Pretty].map(|style| compared(variant, style));
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = VARIANTS.iter().map(|variant| scope.spawn(move || each(variant))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("the variant's own test says why")).collect()
    });
    let rows = accepted_values();
    let notes = || all.iter().flat_map(|compared| &compared.notes);
    let used: BTreeSet<_> = rows.iter().filter(|row| notes().any(|note| note.is_in(row))).collect();
    let stale: Vec<_> = rows.iter().filter(|row| !row.is_chance() && !used.contains(row)).collect();
    let stale = if accepted::are_about_this_gdb() { stale } else { Vec::new() };
    assert!(stale.is_empty(), "docs/fidelity.md accepts what does not happen (any more): {stale:#?}");
}

fn accepted_values() -> Vec<Row> {
    accepted::rows("Accepted differences of values", 5)
}

/// A variable of which gdb shows another value.
#[derive(Debug)]
struct Note {
    variant: String,
    program: String,
    frame: String,
    variable: String,
    difference: String,
}

impl Note {
    /// `tid 12 #3 function variable: difference`; none where the line is about a frame.
    fn read(capture: &Capture, line: &str, ours: &Value) -> Option<Note> {
        let (thread, rest) = line.strip_prefix("tid ")?.split_once(" #")?;
        let (place, difference) = rest.split_once(' ')?.1.split_once(": ")?;
        let (frame, variable) = place.rsplit_once(' ')?;
        let is_place =
            |text: &str| text.rsplit_once(':').is_some_and(|(_, line)| line.parse::<u32>().is_ok() || line == "None");
        let of_frame = difference.starts_with("frame only")
            || difference.starts_with("function ")
            || difference == "inline flag differs"
            || difference.split_once(" / ").is_some_and(|(a, b)| is_place(a) && is_place(b));
        let why = if difference.ends_with("unreadable in B only") { our_reason(ours, thread, variable) } else { None };
        (!of_frame).then(|| Note {
            variant: capture.variant.clone(),
            program: capture.program.clone(),
            frame: frame.to_owned(),
            variable: variable.to_owned(),
            difference: why.map_or(difference.to_owned(), |why| format!("{difference}: {why}")),
        })
    }

    fn is_in(&self, row: &Row) -> bool {
        row.covers(&[&self.variant, &self.program, &self.frame, &self.variable, &self.difference])
    }
}

/// Why we say that a variable of this name, or a part of it, is unavailable.
fn our_reason(ours: &Value, thread: &str, variable: &str) -> Option<String> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let thread = list(ours, "threads").into_iter().find(|found| found["tid"].as_u64() == thread.parse().ok())?;
    let variables = list(&thread, "frames").into_iter().flat_map(|frame| list(&frame, "variables"));
    let texts = variables.filter(|found| found["name"] == variable).map(|found| found["value"].to_string());
    let whys = texts.filter_map(|text| Some(text.split_once("{\"$unavailable\":\"")?.1.split('"').next()?.to_owned()));
    whys.into_iter().next()
}

/// The values of a variant, compared.
struct Compared {
    agreed: u64,
    total: u64,
    notes: Vec<Note>,
}

fn compared(variant: &'static str, style: Style) -> Arc<Compared> {
    type Slot = Arc<OnceLock<Arc<Compared>>>;
    static SLOTS: LazyLock<Mutex<HashMap<(&'static str, Style), Slot>>> = LazyLock::new(Mutex::default);
    let mut all = SLOTS.lock().expect("no test panics while it holds the list");
    let slot = all.entry((variant, style)).or_default().clone();
    drop(all);
    slot.get_or_init(|| Arc::new(compare_all(variant, style))).clone()
}

fn compare_all(variant: &'static str, style: Style) -> Compared {
    let mut all = Compared { agreed: 0, total: 0, notes: Vec::new() };
    for capture in captures(variant).iter() {
        // C has no library of types that mean something else than they are.
        let style = if capture.program.starts_with("c_") { Style::Raw } else { style };
        let ours = documents::of_ours(capture, style);
        let comparison = held_against(&documents::of_gdb(capture, style), &ours);
        all.agreed += comparison.count("vars_agreed");
        all.total += comparison.count("vars_total");
        let ours = documents::read(&ours);
        all.notes.extend(comparison.notes.iter().filter_map(|line| Note::read(capture, line, &ours)));
    }
    all
}

/// The EXPECT comments of the sources come from no debugger, and hold to the last one.
fn hold_against_sources(variant: &str) {
    let mut check = Command::new(tool("python3"));
    let programs = fixture_dir().join("programs");
    check.arg(programs.join("check_sanity.py")).arg(&programs).arg(documents::directory(variant));
    let outcome = finish(&mut check);
    assert!(outcome.stdout.contains(" documents as expected, 0 not"), "{}{}", outcome.stdout, outcome.stderr);
}
