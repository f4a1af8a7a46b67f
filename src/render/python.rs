//! Python frames and their variables as text.

use std::fmt::Write as _;

use super::frames;
use super::style::{Role, Style, clean_str};
use crate::engine::{PythonBacktrace, PythonFrameLine, PythonGlobals};

/// The Python stack of a thread.
pub fn backtrace(backtrace: &PythonBacktrace, style: &Style) -> String {
    let width = backtrace.frames.iter().map(|line| line.frame.number.to_string().len() + 1).max().unwrap_or(2).max(2);
    let mut out = String::new();
    for line in &backtrace.frames {
        let _ = writeln!(out, "{}", frames::line(&line.frame, width, style));
        variables(line, style, &mut out);
    }
    if let Some(end) = &backtrace.end {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, format!("({})", clean_str(end))));
    }
    out
}

/// One frame and its variables.
pub fn locals(line: &PythonFrameLine, style: &Style) -> String {
    let mut out = frames::lines(std::slice::from_ref(&line.frame), style);
    variables(line, style, &mut out);
    if line.variables.as_ref().is_some_and(Vec::is_empty) {
        let _ = writeln!(out, "        {}", style.paint(Role::Faint, "no variables"));
    }
    out
}

/// The global names of a module, a line each, and what was left out.
pub fn globals(globals: &PythonGlobals, style: &Style) -> String {
    let mut out = String::new();
    for global in &globals.globals {
        let name = style.paint(Role::Strong, clean_str(&global.name));
        let _ = writeln!(out, "{name} = {}", clean_str(&global.value.to_string()));
    }
    let folded = globals.folded;
    let counts = [(folded.modules, "module"), (folded.functions, "function"), (folded.classes, "class")];
    let counted = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| match (count, word) {
        (1, word) => format!("1 {word}"),
        (count, "class") => format!("{count} classes"),
        (count, word) => format!("{count} {word}s"),
    });
    let counted: Vec<String> = counted.collect();
    if !counted.is_empty() {
        let note = format!("({}: 'globals .' shows them)", counted.join(", "));
        let _ = writeln!(out, "{}", style.paint(Role::Faint, note));
    } else if globals.globals.is_empty() {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, "no globals match"));
    }
    out
}

fn variables(line: &PythonFrameLine, style: &Style, out: &mut String) {
    for variable in line.variables.iter().flatten() {
        let value = variable.value.to_string();
        let name = style.paint(Role::Strong, clean_str(&variable.name));
        let _ = writeln!(out, "        {name} = {}", clean_str(&value));
    }
    if let Some(why) = &line.unreadable {
        let _ = writeln!(out, "        {}", style.paint(Role::Doubt, format!("({})", clean_str(why))));
    }
}
