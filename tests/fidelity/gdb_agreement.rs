//! Stock tools read our files: `zstd -dc` gives the core, gdb opens it with threads, signal and auxiliary vector, and its
//! `bt` shows the same frames as ours, line by line.

use std::fs;

use crate::common::{decompress, gdb, gdb_backtrace, gdb_threads, inspect};
use crate::for_each_variant;
use crate::oracle::gdb_is_no_measure;
use crate::programs::{Capture, captures};

for_each_variant! {
    compare_backtraces:
    the_bt_of_gcc_unoptimised_is_that_of_gdb = "gcc-O0",
    the_bt_of_gcc_optimised_is_that_of_gdb = "gcc-O2",
    the_bt_of_clang_unoptimised_is_that_of_gdb = "clang-O0",
    the_bt_of_clang_optimised_is_that_of_gdb = "clang-O2",
    the_bt_of_rust_unoptimised_is_that_of_gdb = "rust-O0",
    the_bt_of_rust_optimised_is_that_of_gdb = "rust-O2",
}

fn compare_backtraces(variant: &'static str) {
    let mut differences = Vec::new();
    for capture in captures(variant).iter() {
        // Where gdb is known to be wrong, docs/fidelity.md says so, and the oracle test holds us to just that.
        if gdb_is_no_measure(capture) {
            continue;
        }
        let core = capture.dir.join("by-zstd");
        decompress(&capture.snapshot, &core);
        let theirs: Vec<_> =
            gdb_backtrace(&capture.executable, &core, 200).iter().map(|line| Line::of_gdb(line)).collect();
        let shown = inspect(&capture.snapshot, ["-c", "bt 200"]).success().stdout;
        let ours: Vec<_> = shown.lines().filter_map(Line::of_ours).collect();
        assert!(theirs.len() > 1, "{}: gdb shows no frames", capture.name());
        if ours != theirs {
            differences.push(format!("{}:\ngdb  {theirs:#?}\nours {ours:#?}\n{shown}", capture.name()));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn zstd_and_export_give_the_same_bytes() {
    for capture in captures("gcc-O0").iter().chain(captures("rust-O2").iter()) {
        let core = capture.dir.join("by-zstd-too");
        decompress(&capture.snapshot, &core);
        assert!(fs::read(&core).unwrap() == fs::read(&capture.core).unwrap(), "{}", capture.name());
    }
}

#[test]
fn gdb_sees_all_threads_the_signal_and_the_auxiliary_vector() {
    for capture in captures("gcc-O0").iter() {
        let shown = gdb(
            &capture.executable,
            &capture.core,
            &["info threads", "print $_siginfo", "info auxv", "info sharedlibrary"],
        );
        assert!(shown.contains("Program terminated with signal SIG"), "{}: {shown}", capture.name());
        assert!(shown.contains("si_signo = "), "{}: {shown}", capture.name());
        assert!(shown.contains("AT_PHDR") && shown.contains("AT_SYSINFO_EHDR"), "{}: {shown}", capture.name());
        assert!(shown.contains("libc.so.6"), "{}: {shown}", capture.name());
        assert_eq!(gdb_threads(&shown), threads_in_ours(capture), "{}: {shown}", capture.name());
    }
}

fn threads_in_ours(capture: &Capture) -> usize {
    let none: [&str; 0] = [];
    crate::report::report(&capture.snapshot, none)["threads"].as_array().expect("frames/1 has threads").len()
}

/// A line of a backtrace, as far as two debuggers can be expected to spell it alike.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    function: String,
    /// The file's last component and the line.
    place: Option<String>,
}

impl Line {
    /// `#1  0x… in name (arguments) at file:line`, `… from library`, `<signal handler called>`.
    fn of_gdb(line: &str) -> Line {
        let text = line.trim_start_matches('#').trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let text = text.strip_prefix("0x").and_then(|rest| rest.split_once(" in ")).map_or(text, |(_, rest)| rest);
        if text.starts_with("<signal handler") {
            return Line { function: "<signal>".to_owned(), place: None };
        }
        let place = text.rsplit_once(") at ").map(|(_, place)| last_component(place));
        // The arguments stand in the parentheses that come after a space.
        let name = text.rsplit_once(") at ").or(text.rsplit_once(") from ")).map_or(text, |(name, _)| name);
        let name = &name[..outer_arguments(name).unwrap_or(name.len())];
        Line { function: bare(name), place }
    }

    /// `> #1  0x… in name at file:line:column [inlined]`, `name+offset from library`.
    fn of_ours(line: &str) -> Option<Line> {
        let line = line.trim_start_matches(['>', ' ']);
        let (_, text) = line.strip_prefix('#')?.split_once(" in ")?;
        let text = text.split(" [").next().unwrap_or(text);
        if text.starts_with("<signal handler") {
            return Some(Line { function: "<signal>".to_owned(), place: None });
        }
        if let Some((name, place)) = text.rsplit_once(" at ") {
            let mut parts = place.split(':');
            let file = format!("{}:{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            return Some(Line { function: bare(name), place: Some(last_component(&file)) });
        }
        let name = text.rsplit_once(" from ").map_or(text, |(name, _)| name);
        let name = name.rsplit_once('+').map_or(name, |(name, _)| name);
        Some(Line { function: bare(name), place: None })
    }
}

/// Where the first ` (` is that belongs to no template argument.
fn outer_arguments(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        (depth == 0 && text[at..].starts_with(" (")).then_some(at)
    })
}

fn last_component(place: &str) -> String {
    place.rsplit('/').next().unwrap_or(place).to_owned()
}

/// A function's own name: no namespaces, parameters, template arguments or closure numbers.
fn bare(name: &str) -> String {
    if name.contains("operator") {
        return "operator".to_owned();
    }
    if name.contains("{closure") || name.contains("{{closure}}") {
        return "{closure}".to_owned();
    }
    let mut depth = 0;
    let flat: String = name
        .chars()
        .filter(|&c| {
            depth -= i32::from(matches!(c, '>' | ')'));
            let inside = depth > 0 || matches!(c, '>' | ')');
            depth += i32::from(matches!(c, '<' | '('));
            !inside && !matches!(c, '<' | '(')
        })
        .collect();
    let last = flat.trim().rsplit("::").next().unwrap_or_default();
    last.split(['@', ' '])
        .next()
        .unwrap_or_default()
        .trim_start_matches('_')
        .trim_start_matches("GI_")
        .trim_start_matches('_')
        .to_owned()
}
