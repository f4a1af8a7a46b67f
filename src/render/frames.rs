//! Frames and stacks as text.

use std::fmt::Write as _;

use super::style::{Role, Style, clean};
use super::table::{Table, cell, number, plain};
use super::{source, variables};
use crate::engine::{Backtrace, FrameLine, SelectedFrame};

/// One frame as a line: `> #0  0x… in function at file:line:column [inlined]`.
pub fn line(frame: &FrameLine, width: usize, style: &Style) -> String {
    let marker = if frame.selected { style.paint(Role::Strong, ">").to_string() } else { " ".to_owned() };
    let label = format!("#{}", frame.number);
    let address = match frame.language {
        Some("python") => style.paint(Role::Address, format!("{:<18}", "<python>")),
        _ => style.paint(Role::Address, format!("{:#018x}", frame.pc.0)),
    };
    format!("{marker} {label:<width$}  {address} in {}{}", place(frame, style), tags(frame, style))
}

/// `function at file:line:column called from …`, where native code was called from Python.
pub fn place_with_caller(frame: &FrameLine, python: Option<&FrameLine>, style: &Style) -> String {
    let caller = python.map(|python| format!(" called from {}", place(python, style))).unwrap_or_default();
    place(frame, style) + &caller
}

/// `function at file:line:column`, or as much of it as is known.
pub fn place(frame: &FrameLine, style: &Style) -> String {
    if frame.signal_trampoline {
        return style.paint(Role::Faint, "<signal handler called>").to_string();
    }
    let Some(function) = &frame.function else {
        return match &frame.module {
            Some(module) => format!("?? from {}", style.paint(Role::File, style.path(module))),
            None => "??".to_owned(),
        };
    };
    let mut text = style.paint(Role::Function, clean(function)).to_string();
    // None at all may be all that line tables tell: an empty list would say that the function takes none.
    if let Some(arguments) = frame.arguments.as_ref().filter(|arguments| !arguments.is_empty()) {
        let _ = write!(text, " {}", variables::arguments(arguments, frame.language));
    }
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        let column = frame.column.map(|column| format!(":{column}")).unwrap_or_default();
        let _ = write!(text, " at {}", style.paint(Role::File, format!("{}:{line}{column}", style.path(file))));
        return text;
    }
    if let Some(offset) = frame.offset.filter(|&offset| offset > 0) {
        let _ = write!(text, "+{offset}");
    }
    if let Some(module) = &frame.module {
        let _ = write!(text, " from {}", style.paint(Role::File, style.path(module)));
    }
    text
}

fn tags(frame: &FrameLine, style: &Style) -> String {
    let mut tags = String::new();
    if frame.inline {
        let _ = write!(tags, " {}", style.paint(Role::Faint, "[inlined]"));
    }
    if frame.tail_call {
        let _ = write!(tags, " {}", style.paint(Role::Faint, "[tail call]"));
    }
    if !matches!(frame.trust.as_str(), "registers" | "cfi" | "interpreter" | "traceback") {
        let role = if frame.doubtful { Role::Doubt } else { Role::Faint };
        let _ = write!(tags, " {}", style.paint(role, format!("[found by {}]", frame.trust)));
    }
    tags
}

/// Several frames, a line each; what is left out between them is said.
pub fn lines(frames: &[FrameLine], style: &Style) -> String {
    let width = frames.iter().map(|frame| frame.number.to_string().len() + 1).max().unwrap_or(0).max(2);
    let mut out = String::new();
    for (index, frame) in frames.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| frames[before].number + frames[before].hidden_after + 1);
        if let Some(first) = before.filter(|&first| first < frame.number) {
            let note = format!("  … #{first} to #{} left out", frame.number - 1);
            let _ = writeln!(out, "{}", style.paint(Role::Faint, note));
        }
        out += &line(frame, width, style);
        out.push('\n');
        for local in frame.locals.iter().flatten() {
            let text = variables::line(local, frame.language, style);
            out.extend(text.lines().map(|line| format!("        {line}\n")));
        }
    }
    out
}

/// A stack.
pub fn backtrace(backtrace: &Backtrace, style: &Style) -> String {
    let mut out = lines(&backtrace.frames, style);
    if backtrace.gap.is_some() {
        let note = format!("  'bt {}' shows all frames", backtrace.total);
        let _ = writeln!(out, "{}", style.paint(Role::Faint, note));
    }
    end(backtrace, style, &mut out);
    out
}

/// A stack with everything that is known of each frame.
pub fn table(backtrace: &Backtrace, style: &Style) -> String {
    let mut table = Table::new(&["", "#", "pc", "cfa", "trust", "language", "function", "place", "module"]);
    for frame in &backtrace.frames {
        let function = match (&frame.function, frame.signal_trampoline) {
            (_, true) => "<signal handler called>".to_owned(),
            (Some(function), false) => clean(function),
            (None, false) => "??".to_owned(),
        };
        let place = frame.file.as_ref().zip(frame.line).map(|(file, line)| {
            let column = frame.column.map(|column| format!(":{column}")).unwrap_or_default();
            format!("{}:{line}{column}", style.path(file))
        });
        let inline = if frame.inline { " [inlined]" } else { "" };
        let trust = cell(if frame.doubtful { Role::Doubt } else { Role::Plain }, &frame.trust);
        table.row(vec![
            plain(if frame.selected { ">" } else { "" }),
            number(frame.number),
            cell(Role::Address, format!("{:#018x}", frame.pc.0)),
            cell(Role::Address, frame.cfa.map_or("?".to_owned(), |cfa| format!("{:#018x}", cfa.0))),
            trust,
            plain(frame.language.unwrap_or("-")),
            cell(Role::Function, function + inline),
            cell(Role::File, place.unwrap_or_else(|| "-".to_owned())),
            plain(frame.module.as_ref().map_or("-".to_owned(), |module| style.path(module))),
        ]);
    }
    let mut out = table.render(style);
    end(backtrace, style, &mut out);
    out
}

fn end(backtrace: &Backtrace, style: &Style, out: &mut String) {
    if let Some(end) = &backtrace.end {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, format!("({end})")));
    }
}

/// The selected frame and its line of source.
pub fn selected(selected: &SelectedFrame, style: &Style) -> String {
    let mut out = lines(std::slice::from_ref(&selected.frame), style);
    if let Some(listing) = &selected.source {
        out += &source::listing(listing, style);
    }
    out += &variables::displays(&selected.displays, style);
    out
}
