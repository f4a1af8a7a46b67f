//! `docs/limits.md` keeps what it promises: fifty cases, each with a test that exists or with a limit in words. So do
//! `docs/values.md`, `docs/python.md` and `docs/capture.md`, item by item.

use std::fs;
use std::path::Path;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows() -> Vec<(usize, String)> {
    let text = document("limits.md");
    let number = |line: &str| line.strip_prefix("| ")?.split(' ').next()?.parse().ok();
    text.lines().filter_map(|line| Some((number(line)?, line.to_owned()))).collect()
}

/// The tests that a row names, as `FILE::TEST`. A test is called by a sentence; a path of C++ is no test.
fn named(row: &str) -> impl Iterator<Item = (&str, &str)> {
    let codes = row.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
    let is_name = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_/.".contains(&byte))
    };
    codes.filter(move |(file, test)| is_name(file) && is_name(test) && test.matches('_').count() > 1)
}

fn source_of(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = match file.split_once('/') {
        Some((room, below)) if file.ends_with(".rs") => root.join(room).join("src").join(below),
        _ => root.join("tests").join(file).with_extension("rs"),
    };
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn there_are_fifty_cases_in_their_order() {
    let numbers: Vec<_> = rows().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
}

#[test]
fn every_test_that_is_named_exists() {
    for text in ["limits.md", "values.md", "python.md", "capture.md"].map(document) {
        for row in text.lines().filter(|line| line.starts_with('|') || line.contains("::")) {
            for (file, test) in named(row) {
                let source = source_of(file);
                let is_word = |at: usize| source[at + test.len()..].starts_with(['(', ':']);
                let found = source.match_indices(test).any(|(at, _)| is_word(at));
                assert!(found, "there is no test {test} in {file}:\n{row}");
            }
        }
    }
}

#[test]
fn every_item_of_values_has_a_test() {
    let text = document("values.md");
    let (without, with): (Vec<&str>, Vec<&str>) = rows_with_tests(&text).partition(|row| named(row).next().is_none());
    assert!(without.is_empty() && with.len() > 40, "{without:#?}");
}

#[test]
fn every_item_of_capture_and_of_python_has_a_test_or_says_that_it_is_missing() {
    for name in ["capture.md", "python.md"] {
        let text = document(name);
        let rows: Vec<&str> = rows_with_tests(&text).collect();
        let silent = rows.iter().filter(|row| named(row).next().is_none() != row.contains("**missing**"));
        assert_eq!(silent.collect::<Vec<_>>(), [] as [&&str; 0]);
        assert!(rows.len() > 30);
    }
}

/// The rows of those tables of which one column is for tests.
fn rows_with_tests(text: &str) -> impl Iterator<Item = &str> {
    let mut has_tests = false;
    text.lines().filter(move |line| {
        let is_head = line.starts_with("| item |") || line.starts_with("| reason |");
        if is_head {
            has_tests = line.ends_with("| tests |");
        } else if line.starts_with('#') {
            has_tests = false;
        }
        has_tests && line.starts_with("| ") && !is_head
    })
}

#[test]
fn a_case_without_a_test_says_what_happens_instead() {
    for (number, row) in rows().iter().filter(|(_, row)| named(row).count() == 0) {
        let says = row.contains("**Limit**") || row.contains("**limit**") || row.contains("none are set");
        assert!(says, "case {number} has neither: {row}");
    }
}
