//! Completing what is being typed: names of commands.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::table::{Command, commands};

/// Completes names of commands, also after `help` and in gdb's two-word commands.
#[derive(Debug)]
pub struct Completion;

/// Where the word being typed begins, and what it may become.
fn candidates(line: &str) -> (usize, Vec<&'static str>) {
    let start = line.len() - line.trim_start().len();
    let typed = &line[start..];
    let (start, typed, help) = match typed.strip_prefix("help ") {
        Some(topic) => (start + "help ".len(), topic, true),
        None => (start, typed, false),
    };
    let mut found: Vec<&'static str> = commands()
        .filter(|command| help || command.modes.snapshot)
        .flat_map(Command::spellings)
        // One-letter aliases are for typing, not for being offered.
        .filter(|spelling| spelling.len() > 1 && spelling.starts_with(typed))
        .filter(|spelling| typed.contains(' ') == spelling.contains(' '))
        .collect();
    if typed == "thread " || (typed.starts_with("thread a") && "thread apply all".starts_with(typed)) {
        found = vec!["thread apply all"];
    }
    found.sort_unstable();
    (start, found)
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let (start, found) = candidates(&line[..at]);
        Ok((start, found.into_iter().map(|name| format!("{name} ")).collect()))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn names_of_commands_are_completed() {
        assert_eq!(candidates("long"), (0, vec!["longlist"]));
        assert_eq!(candidates("  thr"), (2, vec!["thread", "threads"]));
        assert_eq!(candidates("help ste"), (5, vec!["step", "stepi"]));
        assert_eq!(candidates("ste"), (0, vec![]));
        assert_eq!(candidates("info th"), (0, vec!["info threads"]));
        assert_eq!(candidates("thread a"), (0, vec!["thread apply all"]));
    }
}
