//! Python frames and their variables as text.

use std::fmt::Write as _;

use super::frames;
use super::style::{Role, Style, clean, clean_str};
use crate::engine::{PythonBacktrace, PythonFrameLine, PythonGlobals, Tasks};

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

/// The tasks, each with the coroutines that it is in, the innermost last.
pub fn tasks(all: &Tasks, style: &Style) -> String {
    let mut out = String::new();
    for task in &all.tasks {
        let name = style.paint(Role::Strong, clean(&task.name));
        let thread = task.tid.map(|tid| format!(" in thread {tid}")).unwrap_or_default();
        let _ = writeln!(out, "{name}  {}{thread}", task.state);
        for frame in &task.coroutines {
            let function = style.paint(Role::Function, clean(&frame.function));
            let line = frame.line.map_or("?".to_owned(), |line| line.to_string());
            let place = style.paint(Role::File, format!("{}:{line}", style.path(&frame.file)));
            let _ = writeln!(out, "    {function} at {place}");
        }
        if let Some(waits_for) = &task.waits_for {
            let _ = writeln!(out, "    waits for {}", clean(waits_for));
        }
    }
    out
}
