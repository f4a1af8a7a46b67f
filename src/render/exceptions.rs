//! Exceptions as Python prints them (Lib/traceback.py, `TracebackException.format`).

use std::fmt::Write as _;

use dpdb_analyzer::{ExceptionState, PythonLink, PythonSyntaxError};
use dpdb_snapshot::Text;

use super::frames;
use super::style::{Role, Style, clean, clean_str};
use crate::engine::{ExceptionLines, Exceptions, TracebackLine};

/// Of lines alike so many are shown before the rest is counted.
const REPEATED: usize = 3;
/// Members of a group that are shown, and how deep groups in groups are.
const WIDEST_GROUP: usize = 15;
const DEEPEST_GROUP: usize = 10;

/// The exceptions of a thread; where one was just selected, that one and its frame.
pub fn exceptions(found: &Exceptions, style: &Style) -> String {
    let mut printer = Printer { found, style, out: String::new(), depth: 0, open: false };
    match (&found.frame, found.selected) {
        (Some(frame), Some(selected)) => {
            printer.one(&found.exceptions[selected], false);
            let shown = frames::selected(frame, style);
            printer.out += "\n";
            printer.out += &shown;
            return printer.out;
        }
        _ => printer.chain(found.raised),
    }
    let mut out = printer.out;
    if let Some(end) = &found.end {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, format!("({})", clean_str(end))));
    }
    let _ = writeln!(out, "\n{}", style.paint(Role::Faint, state(found)));
    out
}

fn state(found: &Exceptions) -> String {
    let state = match found.state {
        ExceptionState::Reported => "it was being reported as unhandled",
        ExceptionState::Raised => "it was in flight",
        ExceptionState::Handled => "it was being handled",
        ExceptionState::Printed => "the interpreter had printed it",
    };
    let select = match (found.selected, found.exceptions.len()) {
        (Some(selected), 1) if selected == found.raised => return format!("({state}; the stack is its traceback)"),
        (Some(selected), _) => format!("the stack is the traceback of [{selected}]"),
        (None, 1) => "'exception 0' makes its traceback the stack".to_owned(),
        (None, _) => "'exception N' makes the traceback of one the stack".to_owned(),
    };
    format!("({state}; {select})")
}

struct Printer<'a> {
    found: &'a Exceptions,
    style: &'a Style,
    out: String,
    /// How many groups are around.
    depth: usize,
    /// The frame around a group's members is to be closed still.
    open: bool,
}

impl Printer<'_> {
    /// An exception behind those that it came of.
    fn chain(&mut self, number: usize) {
        let mut chain = vec![(number, None)];
        while let Some(before) = chain.last().and_then(|(last, _)| self.found.exceptions[*last].exception.before) {
            chain.push((before.number, Some(before.link)));
        }
        for (number, link) in chain.into_iter().rev() {
            self.exception(number);
            match link {
                Some(PythonLink::Cause) => {
                    self.lines("\nThe above exception was the direct cause of the following exception:\n\n");
                }
                Some(PythonLink::Context) => {
                    self.lines("\nDuring handling of the above exception, another exception occurred:\n\n");
                }
                None => {}
            }
        }
    }

    fn exception(&mut self, number: usize) {
        let lines = &self.found.exceptions[number];
        let Some(members) = &lines.exception.members else { return self.one(lines, self.is_numbered()) };
        if self.depth > DEEPEST_GROUP {
            return self.lines(&format!("... (max_group_depth is {DEEPEST_GROUP})\n"));
        }
        let outermost = self.depth == 0;
        self.depth += usize::from(outermost);
        self.group_head(lines, outermost);
        self.open = false;
        let shown = members.len().min(WIDEST_GROUP + 1);
        for (place, member) in members.iter().take(shown).enumerate() {
            let last = place + 1 == shown;
            self.open |= last;
            let left_out = place >= WIDEST_GROUP;
            let title = if left_out { "...".to_owned() } else { (place + 1).to_string() };
            let corner = if place == 0 { "+-" } else { "  " };
            let _ = writeln!(self.out, "{}{corner}+---------------- {title} ----------------", self.indent());
            self.depth += 1;
            if left_out {
                let rest = members.len() - WIDEST_GROUP;
                self.lines(&format!("and {rest} more exception{}\n", if rest > 1 { "s" } else { "" }));
            } else {
                self.chain(*member);
            }
            if last && self.open {
                let _ = writeln!(self.out, "{}+------------------------------------", self.indent());
                self.open = false;
            }
            self.depth -= 1;
        }
        self.depth -= usize::from(outermost);
    }

    fn group_head(&mut self, lines: &ExceptionLines, outermost: bool) {
        if lines.exception.raised {
            let head = format!("Exception Group Traceback (most recent call last):{}\n", self.number(lines));
            let margin = if outermost { '+' } else { '|' };
            self.with_margin(&head, margin);
            self.frames(lines);
        }
        self.only(lines);
    }

    /// One exception that is no group, or a group without its members.
    fn one(&mut self, lines: &ExceptionLines, numbered: bool) {
        if lines.exception.raised {
            let number = if numbered { self.number(lines) } else { String::new() };
            self.lines(&format!("Traceback (most recent call last):{number}\n"));
            self.frames(lines);
        }
        self.only(lines);
    }

    fn is_numbered(&self) -> bool {
        self.found.exceptions.len() > 1
    }

    fn number(&self, lines: &ExceptionLines) -> String {
        let place = self.found.exceptions.iter().position(|other| std::ptr::eq(other, lines));
        match place.filter(|_| self.is_numbered()) {
            Some(number) => self.style.paint(Role::Faint, format!("  [{number}]")).to_string(),
            None => String::new(),
        }
    }

    /// The frames, those that repeat themselves counted.
    fn frames(&mut self, lines: &ExceptionLines) {
        let same = |one: &TracebackLine, other: &TracebackLine| {
            (&one.frame.file, one.frame.line, &one.frame.name)
                == (&other.frame.file, other.frame.line, &other.frame.name)
        };
        for run in lines.traceback.chunk_by(same) {
            for line in run.iter().take(REPEATED) {
                self.frame(line);
            }
            let rest = run.len().saturating_sub(REPEATED);
            if rest > 0 {
                let plural = if rest > 1 { "s" } else { "" };
                self.lines(&format!("  [Previous line repeated {rest} more time{plural}]\n"));
            }
        }
        if let Some(end) = &lines.exception.traceback_end {
            let end = self.style.paint(Role::Doubt, format!("  ({})\n", clean_str(end))).to_string();
            self.lines(&end);
        }
    }

    fn frame(&mut self, line: &TracebackLine) {
        let file = self.style.paint(Role::File, format!("\"{}\"", clean(&line.frame.file)));
        let number = line.frame.line.map_or("None".to_owned(), |line| line.to_string());
        let name = self.style.paint(Role::Function, clean(&line.frame.name));
        let mut text = format!("  File {file}, line {number}, in {name}\n");
        if let Some(source) = &line.text {
            let _ = writeln!(text, "    {}", clean(source));
            if let Some((start, end)) = line.running {
                let carets = self.style.paint(Role::Error, "^".repeat(end - start));
                let _ = writeln!(text, "    {}{carets}", " ".repeat(start));
            }
        }
        self.lines(&text);
    }

    /// The exception itself without its traceback.
    fn only(&mut self, lines: &ExceptionLines) {
        let exception = &lines.exception;
        let name = self.style.paint(Role::Error, clean(&exception.type_name)).to_string();
        let mut text = match &exception.syntax {
            Some(syntax) => syntax_error(syntax, &name),
            None => match whole(&exception.message).as_str() {
                "" => format!("{name}\n"),
                message => format!("{name}: {message}\n"),
            },
        };
        if exception.own_str {
            let why = "  (its arguments: its class has a __str__ of its own, which is not run)";
            text.insert_str(text.len() - 1, &self.style.paint(Role::Faint, why).to_string());
        }
        for note in &exception.notes {
            let _ = writeln!(text, "{}", whole(note));
        }
        self.lines(&text);
    }

    fn indent(&self) -> String {
        " ".repeat(2 * self.depth)
    }

    /// Lines inside of the groups around.
    fn lines(&mut self, text: &str) {
        self.with_margin(text, '|');
    }

    fn with_margin(&mut self, text: &str, margin: char) {
        if self.depth == 0 {
            self.out += text;
            return;
        }
        let lead = format!("{}{margin} ", self.indent());
        for line in text.split_inclusive('\n') {
            self.out += &lead;
            self.out += line;
        }
    }
}

/// All lines of a text of the target.
fn whole(text: &Text) -> String {
    let lines: Vec<String> =
        text.as_bytes().split(|byte| *byte == b'\n').map(|line| clean(&Text(line.to_vec()))).collect();
    lines.join("\n")
}

/// A `SyntaxError` shows the source that it is about, and marks the place.
fn syntax_error(error: &PythonSyntaxError, name: &str) -> String {
    let mut out = String::new();
    if let Some(line) = error.line {
        let file = error.file.as_ref().map_or("<string>".to_owned(), clean);
        let _ = writeln!(out, "  File \"{file}\", line {line}");
        if let Some(text) = &error.text {
            out += &marked(&String::from_utf8_lossy(text.as_bytes()), error);
        }
    }
    let suffix = error.file.as_ref().filter(|_| error.line.is_none()).map(|file| format!(" ({})", clean(file)));
    let _ = writeln!(out, "{name}: {}{}", whole(&error.message), suffix.unwrap_or_default());
    out
}

fn marked(text: &str, error: &PythonSyntaxError) -> String {
    let right = text.trim_end_matches('\n');
    let left = right.trim_start_matches([' ', '\n', '\u{c}']);
    let mut out = format!("    {}\n", clean_str(left));
    let Some(offset) = error.offset else { return out };
    let end = error.end_offset.filter(|end| *end != 0).unwrap_or(offset);
    let end = if end == offset || end == -1 { offset.saturating_add(1) } else { end };
    let spaces = i64::try_from(right.chars().count() - left.chars().count()).unwrap_or(0);
    let start = offset.saturating_sub(1).saturating_sub(spaces);
    let Ok(start) = usize::try_from(start) else { return out };
    let width = usize::try_from(end.saturating_sub(offset)).unwrap_or(0);
    // No line is so long that the mark behind it is of use.
    const WIDEST: usize = 1000;
    if start < WIDEST {
        let _ = writeln!(out, "    {}{}", " ".repeat(start), "^".repeat(width.min(WIDEST)));
    }
    out
}
