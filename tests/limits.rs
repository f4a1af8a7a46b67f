//! `docs/limits.md` keeps what it promises: fifty cases, each with a test that exists or with a limit in words.

use std::fs;
use std::path::Path;

fn rows() -> Vec<(usize, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/limits.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let number = |line: &str| line.strip_prefix("| ")?.split(' ').next()?.parse().ok();
    text.lines().filter_map(|line| Some((number(line)?, line.to_owned()))).collect()
}

/// The tests that a row names, as `FILE::TEST`.
fn named(row: &str) -> impl Iterator<Item = (&str, &str)> {
    row.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"))
}

fn source_of(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = match file.split_once('/') {
        None => root.join("tests").join(file).with_extension("rs"),
        Some((room, below)) => root.join(room).join("src").join(below),
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
    for (number, row) in rows() {
        for (file, test) in named(&row) {
            let source = source_of(file);
            let is_word = |at: usize| source[at + test.len()..].starts_with(['(', ':']);
            let found = source.match_indices(test).any(|(at, _)| is_word(at));
            assert!(found, "case {number}: there is no test {test} in {file}");
        }
    }
}

#[test]
fn a_case_without_a_test_says_what_happens_instead() {
    for (number, row) in rows().iter().filter(|(_, row)| named(row).count() == 0) {
        let says = row.contains("**Limit**") || row.contains("**limit**") || row.contains("none are set");
        assert!(says, "case {number} has neither: {row}");
    }
}
