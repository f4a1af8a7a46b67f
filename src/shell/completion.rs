//! What helps while a line is typed: completion, hints, colours, and lines that go on.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::{Completer, FilenameCompleter};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::SearchDirection;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::hooks::HookPoint;
use super::options::{self, OPTIONS};
use super::table::{Command, commands};
use super::{Shell, command_sets, lookup, redirect};
use crate::render::{Role, Style, Theme, colour_line};

/// The shell, asked by the editor of its lines. No line runs while one is typed, so nobody else has it borrowed.
#[derive(Debug)]
pub struct Typing(pub Rc<RefCell<Shell>>);

/// What a word may become, and where it begins.
type Candidates = (usize, Vec<String>);

/// Commands whose argument is a file of this machine.
const TAKE_FILES: [&str; 3] = ["run-script", "save", "transcript"];
/// Commands whose argument may be the name of a function.
const TAKE_FUNCTIONS: [&str; 5] = ["list", "disas", "edit", "break", "source"];
/// Commands whose argument is an expression, besides those that keep its operators.
const TAKE_EXPRESSIONS: [&str; 7] = ["x", "whatat", "find", "methods", "source", "disas", "refs"];

fn candidates(shell: &mut Shell, line: &str) -> Candidates {
    let start = line.len() - line.trim_start().len();
    let line = &line[start..];
    if let Some(at) = redirect::file_being_typed(line) {
        return shifted(files(&line[at..]), start + at);
    }
    let Some((first, _)) = line.split_once(char::is_whitespace).filter(|(first, _)| !first.is_empty()) else {
        let (at, mut found) = command_names(line, false);
        found.extend(
            shell.aliases.list(None).into_iter().map(|alias| alias.name + " ").filter(|name| name.starts_with(line)),
        );
        if found.is_empty() || !line.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return shifted(shell.engine_mut().complete_expression(line), start);
        }
        found.extend(shell.engine_mut().complete_expression(line).1);
        return shifted((at, found), start);
    };
    let two_words = command_names(line, false);
    if !two_words.1.is_empty() {
        return shifted(two_words, start);
    }
    let spelled = command_sets::spelled_out(line, shell.options.command_set);
    let command = lookup::split(&spelled).ok().map(|invocation| invocation.command);
    // Signs and letters of other debuggers may be spelled longer than they were typed: the end is what counts.
    let arguments = line[first.len()..].trim_start();
    let at = start + line.len() - arguments.len();
    shifted(arguments_of(shell, command, arguments), at)
}

/// What the arguments of a command may go on with.
fn arguments_of(shell: &mut Shell, command: Option<&Command>, typed: &str) -> Candidates {
    let Some(command) = command else { return shell.engine_mut().complete_expression(typed) };
    match command.name {
        "help" => command_names(typed, true),
        "set" | "show" | "o" => option_words(typed),
        "hook" | "unhook" => words(typed, HookPoint::ALL.into_iter().map(|(name, _)| name)),
        "thread" | "process" if typed.starts_with("apply ") => {
            let rest = typed["apply ".len()..].split_once(' ').map_or("", |(_, rest)| rest);
            let at = typed.len() - rest.len();
            if rest.is_empty() {
                words(typed, ["apply all "].into_iter())
            } else {
                shifted(candidates(shell, rest), at)
            }
        }
        "thread" | "process" => words(typed, ["apply all "].into_iter()),
        "bt" => words(typed, ["full ", "-native ", "-python ", "-all ", "-group ", "-first-chance "].into_iter()),
        "frame" if typed.starts_with("function ") => {
            let name = &typed["function ".len()..];
            ("function ".len(), shell.engine_mut().complete_function(name))
        }
        "frame" => words(typed, ["function ", "addr "].into_iter()),
        // A script, or else something that was defined.
        "source" if !files(typed).1.is_empty() => files(typed),
        name if TAKE_FILES.contains(&name) => files(typed),
        name if TAKE_FUNCTIONS.contains(&name) => {
            let functions = shell.engine_mut().complete_function(typed);
            match functions.is_empty() && TAKE_EXPRESSIONS.contains(&name) {
                true => shell.engine_mut().complete_expression(typed),
                false => (0, functions),
            }
        }
        name if TAKE_EXPRESSIONS.contains(&name) || redirect::KEEP_OPERATORS.contains(&name) => {
            shell.engine_mut().complete_expression(typed)
        }
        _ => (typed.len(), Vec::new()),
    }
}

fn shifted((at, found): Candidates, by: usize) -> Candidates {
    (at + by, found)
}

/// Those of some words that begin as it was typed.
fn words(typed: &str, all: impl Iterator<Item = &'static str>) -> Candidates {
    (0, all.filter(|word| word.starts_with(typed)).map(str::to_owned).collect())
}

/// Names of options, and behind one its values.
fn option_words(typed: &str) -> Candidates {
    let Some((name, value)) = typed.split_once([' ', '=']) else {
        return words(typed, OPTIONS.iter().map(|row| row.name));
    };
    let choices = options::find(name).into_iter().flat_map(|row| row.choices());
    shifted(words(value.trim_start(), choices), typed.len() - value.trim_start().len())
}

/// Spellings of commands that begin so; gdb's of two words once a blank was typed.
fn command_names(typed: &str, help: bool) -> Candidates {
    let mut found: Vec<String> = commands()
        .filter(|command| help || command.modes.snapshot)
        .flat_map(Command::spellings)
        // One-letter aliases are for typing, not for being offered.
        .filter(|spelling| spelling.len() > 1 && spelling.starts_with(typed))
        .filter(|spelling| typed.contains(' ') == spelling.contains(' '))
        .map(|name| format!("{name} "))
        .collect();
    found.sort_unstable();
    (0, found)
}

/// Files of this machine.
fn files(typed: &str) -> Candidates {
    let found = FilenameCompleter::new().complete_path(typed, typed.len());
    let (at, pairs) = found.unwrap_or((typed.len(), Vec::new()));
    (at, pairs.into_iter().map(|pair| pair.replacement).collect())
}

impl Completer for Typing {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let Ok(mut shell) = self.0.try_borrow_mut() else { return Ok((at, Vec::new())) };
        Ok(candidates(&mut shell, &line[..at]))
    }
}

/// What may follow: the rest of an earlier line, or the arguments that a command takes.
#[derive(Debug)]
pub struct Suggestion {
    shown: String,
    is_line: bool,
}

impl Hint for Suggestion {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        self.is_line.then_some(&self.shown)
    }
}

impl Hinter for Typing {
    type Hint = Suggestion;

    fn hint(&self, line: &str, at: usize, context: &Context<'_>) -> Option<Suggestion> {
        if at < line.len() || line.trim().is_empty() {
            return None;
        }
        // A command and a blank, and nothing else: its arguments.
        if let Some(name) = line.strip_suffix(' ')
            && let Some(command) = commands().find(|command| command.name == name)
        {
            let shown = command.arguments.to_owned();
            return Some(Suggestion { shown, is_line: false }).filter(|hint| !hint.shown.is_empty());
        }
        let last = context.history_index().checked_sub(1)?;
        let found = context.history().starts_with(line, last, SearchDirection::Reverse).ok()??;
        let rest = found.entry.get(line.len()..)?;
        Some(Suggestion { shown: rest.to_owned(), is_line: true }).filter(|hint| !hint.shown.is_empty())
    }
}

impl Typing {
    fn style(&self) -> Option<Style> {
        let style = self.0.try_borrow().ok()?.style.clone();
        (style.theme() != Theme::None).then_some(style)
    }
}

impl Highlighter for Typing {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let Some(style) = self.style() else { return line.into() };
        let end = line
            .trim_start()
            .find(char::is_whitespace)
            .map_or(line.len(), |end| end + line.len() - line.trim_start().len());
        let (name, rest) = line.split_at(end);
        match lookup::split(name.trim()) {
            Ok(_) if !name.trim().is_empty() => {
                format!("{}{}", style.paint(Role::Strong, name), colour_line(rest, None, &style)).into()
            }
            _ => colour_line(line, None, &style).into(),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        match self.style() {
            Some(style) => style.paint(Role::Faint, hint).to_string().into(),
            None => hint.into(),
        }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        match self.style() {
            Some(style) => style.paint(Role::Strong, prompt).to_string().into(),
            None => prompt.into(),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.style().is_some()
    }
}

impl Validator for Typing {
    /// A line goes on behind a backslash, and in an expression whose brackets are open.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match goes_on(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Helper for Typing {}

fn goes_on(line: &str) -> bool {
    if line.ends_with('\\') {
        return true;
    }
    // The second empty line ends what was begun by mistake.
    if line.ends_with("\n\n") || !redirect::is_expression(line) {
        return false;
    }
    let mut depth = 0_i32;
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"', None) => quote = Some(c),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth -= 1,
            _ => {}
        }
    }
    depth > 0
}

/// What was typed on several lines as the one that it means.
pub fn joined(line: &str) -> String {
    line.replace("\\\n", " ").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::{command_names, goes_on, joined, option_words};

    fn names(typed: &str, help: bool) -> Vec<String> {
        command_names(typed, help).1
    }

    #[test]
    fn names_of_commands_are_completed() {
        assert_eq!(names("long", false), ["longlist "]);
        assert_eq!(names("thr", false), ["thread ", "threads "]);
        assert_eq!(names("ste", true), ["step ", "stepi "]);
        assert!(names("ste", false).is_empty());
        assert_eq!(names("info th", false), ["info threads "]);
    }

    #[test]
    fn options_are_completed_and_their_values() {
        assert_eq!(option_words("comm"), (0, vec!["commandset".to_owned()]));
        assert_eq!(option_words("commandset p"), (11, vec!["pdb".to_owned(), "perl".to_owned()]));
        assert_eq!(option_words("theme=l"), (6, vec!["light".to_owned()]));
    }

    #[test]
    fn a_line_goes_on_behind_a_backslash_and_in_open_brackets_of_an_expression() {
        assert!(
            goes_on("p f(1,")
                && goes_on("bt \\")
                && !goes_on("p f(1)")
                && !goes_on("search f(")
                && !goes_on("p f(\n\n")
        );
        assert_eq!(joined("p f(1,\n2)"), "p f(1, 2)");
        assert_eq!(joined("bt \\\n5"), "bt  5");
    }
}
