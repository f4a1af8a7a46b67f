//! The rows of C and C++ held against gdb: the same expression, on the same process, gives the same text, but for the
//! differences that are listed here with their reasons.

use std::path::Path;

use super::{Row, c, cpp, without_addresses};
use crate::common::{Scene, export, fixture, gdb};

/// Expressions on which we differ from gdb 13 on purpose.
const DIFFERENCES: [(&str, &str); 2] = [
    ("(enum flags)8", "gdb writes '(unknown: 0x8)' for what no enumerator says, and we the number"),
    ("table[1:3]", "gdb has no slices"),
];

fn hold(source: &str, snapshot: &Path, rows: &[Row]) {
    let commands: Vec<String> = rows.iter().map(|(expression, _)| format!("print {expression}")).collect();
    let answers = gdb_says(source, snapshot, &commands);
    let wrong = rows.iter().zip(answers).filter_map(|((expression, ours), theirs)| {
        let theirs = theirs.split_once(" = ").unwrap_or_default().1.trim_end();
        let (ours, theirs) = (normal(ours), normal(&without_addresses(theirs)));
        let known = DIFFERENCES.iter().any(|(known, _)| known == expression);
        ((ours == theirs) == known).then(|| format!("print {expression}\n  ours {ours}\n  gdb  {theirs}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What gdb answers to each command.
fn gdb_says(source: &str, snapshot: &Path, commands: &[String]) -> Vec<String> {
    let scene = Scene::new();
    let core = scene.path("core");
    export(snapshot, &core);
    let mut lines = vec!["set host-charset UTF-8".to_owned(), "set debuginfod enabled off".to_owned()];
    for (index, command) in commands.iter().enumerate() {
        lines.extend([format!("echo @@{index}\\n"), command.clone()]);
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let said = gdb(&fixture(source), &core, &lines);
    let answers = said.split("@@").skip(1).map(|part| part.split_once('\n').unwrap_or_default().1.to_owned());
    let answers: Vec<String> = answers.collect();
    assert_eq!(answers.len(), commands.len(), "{said}");
    answers
}

/// The text without what the two write differently everywhere: gdb gives floats with the digits that they have for
/// sure, enumerators with their class and functions with their parameters and what `this` is.
fn normal(text: &str) -> String {
    let text = text.replace("Color::", "").replace("()>", ">").replace("() const>", ">").replace(" * const)}", " *)}");
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c: char| !is_number(c)).unwrap_or(rest.len());
        match rest[..length].parse::<f64>() {
            Ok(number) if rest[..length].contains('.') => out += &format!("{number:.5e}"),
            _ if length > 0 => out += &rest[..length],
            _ => out.push(first),
        }
        rest = &rest[length.max(first.len_utf8())..];
    }
    out
}

#[test]
fn values_and_operators_of_c_agree_with_gdb() {
    hold("expressions.c", super::c(), &[c::VALUES, c::OPERATORS].concat());
}

#[test]
fn values_of_cpp_agree_with_gdb() {
    hold("expressions.cpp", super::cpp(), cpp::VALUES);
}

#[test]
fn declarations_of_cpp_agree_with_gdb() {
    let commands: Vec<String> = cpp::DECLARATIONS.iter().map(|(command, _)| (*command).to_owned()).collect();
    let answers = gdb_says("expressions.cpp", super::cpp(), &commands);
    let ours = cpp::DECLARATIONS.iter().map(|(_, ours)| *ours);
    assert_eq!(ours.collect::<Vec<_>>(), answers.iter().map(|answer| answer.trim_end()).collect::<Vec<_>>());
}
