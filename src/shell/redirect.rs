//! `| COMMAND` and `> FILE` behind a command of the shell.
//!
//! Both stand behind a blank, outside of quotes and brackets. In an expression they are operators: commands whose
//! arguments are expressions or command lines keep them, and `pipe` sends their answers away.

use std::path::PathBuf;

use super::lookup;
use crate::engine::CommandError;

/// Where the answers to a line go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the terminal, or whatever stdout is.
    Here,
    /// Into a command of the user's shell.
    Pipe(String),
    /// Into a file, which is made anew.
    File(PathBuf),
    /// To the end of a file.
    Append(PathBuf),
    /// Into the pager, however short they are.
    Pager,
}

/// Commands whose arguments are expressions, or lines of the shell's own that may have a `|` of theirs.
pub const KEEP_OPERATORS: [&str; 14] = [
    "p", "pp", "py-print", "eval", "whatis", "ptype", "display", "set", "alias", "define", "hook", "shell", "pipe",
    "inherits",
];

/// Whether the arguments of a line are an expression, or the line is one.
pub fn is_expression(line: &str) -> bool {
    keeps_operators(line)
        .is_some_and(|(name, _)| !matches!(name, "set" | "alias" | "define" | "hook" | "shell" | "pipe"))
}

/// Where the name of a file begins that is being typed behind the `>` of a line.
pub fn file_being_typed(line: &str) -> Option<usize> {
    if keeps_operators(line).is_some() {
        return None;
    }
    let at = operators(line).next().filter(|at| line[*at..].starts_with('>'))?;
    Some(line.len() - line[at..].trim_start_matches('>').trim_start().len())
}

/// What is to be run of a line, and where its answers go.
///
/// # Errors
/// The name of the file or command is missing.
pub fn split(line: &str) -> Result<(&str, Destination), CommandError> {
    // Perl's debugger: `|CMD` into the pager, `||CMD` as well.
    if let Some(rest) = line.strip_prefix('|') {
        return Ok((rest.trim_start_matches('|').trim(), Destination::Pager));
    }
    if let Some((command, place)) = keeps_operators(line) {
        // No expression begins with one of them.
        if !line[place..].starts_with(['|', '>']) && command != "pipe" {
            return Ok((line, Destination::Here));
        }
        if command == "pipe" {
            return split_last(line[place..].trim());
        }
    }
    split_first(line)
}

/// The same for a line whose arguments are no expression.
///
/// # Errors
/// As [`split`].
pub fn split_first(line: &str) -> Result<(&str, Destination), CommandError> {
    match operators(line).next() {
        Some(at) => at_operator(line, at),
        None => Ok((line, Destination::Here)),
    }
}

/// `pipe COMMAND | SHELL COMMAND`: the last operator is ours, those before it are the expression's.
fn split_last(line: &str) -> Result<(&str, Destination), CommandError> {
    match operators(line).last() {
        Some(at) => at_operator(line, at),
        None => Ok((line, Destination::Pager)),
    }
}

fn at_operator(line: &str, at: usize) -> Result<(&str, Destination), CommandError> {
    let (command, behind) = line.split_at(at);
    let missing = |what: &str| CommandError::refused(format!("{what} is missing behind '{}'", &behind[..1]));
    let destination = match behind.as_bytes() {
        [b'|', ..] => match behind[1..].trim() {
            "" => return Err(missing("a command of the user's shell")),
            shell => Destination::Pipe(shell.to_owned()),
        },
        _ => {
            let appends = behind.starts_with(">>");
            let path = behind.trim_start_matches('>').trim();
            match (path, appends) {
                ("", _) => return Err(missing("a file")),
                (path, true) => Destination::Append(file(path)),
                (path, false) => Destination::File(file(path)),
            }
        }
    };
    Ok((command.trim(), destination))
}

/// A path as a shell reads it: `~/` is the home directory, and quotes around it are not part of it.
pub fn file(path: &str) -> PathBuf {
    let quoted = ['"', '\''].into_iter().find_map(|quote| path.strip_prefix(quote)?.strip_suffix(quote));
    if let Some(literal) = quoted {
        return literal.into();
    }
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(below), Some(home)) => PathBuf::from(home).join(below),
        _ => path.into(),
    }
}

/// The command that keeps operators in its arguments, and where these begin. Of `thread apply all p x` that is `p`; a
/// line that is no command is an expression.
fn keeps_operators(line: &str) -> Option<(&'static str, usize)> {
    let mut start = 0;
    loop {
        let rest = &line[start..];
        let Ok(invocation) = lookup::split(rest) else {
            return Some(("eval", line.len() - rest.trim_start().len()));
        };
        let place = invocation.arguments.as_ptr() as usize - line.as_ptr() as usize;
        let name = invocation.command.name;
        if KEEP_OPERATORS.contains(&name) {
            return Some((name, place));
        }
        let applied = invocation.arguments.strip_prefix("apply ").map(str::trim_start)?;
        // What it is applied to ends at the first word that a command begins with.
        let ids = applied.find(char::is_whitespace)?;
        start = applied[ids..].trim_start().as_ptr() as usize - line.as_ptr() as usize;
    }
}

/// Where the operators of a line are: behind a blank, outside of quotes and brackets.
fn operators(line: &str) -> impl Iterator<Item = usize> {
    let mut found = Vec::new();
    let (mut depth, mut blank) = (0_usize, true);
    let mut rest = line.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            // A quote that nothing closes is an apostrophe.
            '"' | '\'' if line[at + 1..].contains(c) => {
                rest.by_ref().find(|(_, other)| *other == c);
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '|' | '>' if blank && depth == 0 && is_operator(&line[at..]) => {
                found.push(at);
                rest.by_ref().take_while(|(_, other)| !other.is_whitespace()).for_each(drop);
            }
            _ => {}
        }
        blank = c.is_whitespace();
    }
    found.into_iter()
}

/// `||` and `>=` are operators of expressions alone.
fn is_operator(text: &str) -> bool {
    !text.starts_with("||") && !text.starts_with(">=")
}

#[cfg(test)]
mod tests {
    use super::{Destination, KEEP_OPERATORS, split};
    use crate::shell::table::commands;

    fn parts(line: &str) -> (&str, Destination) {
        split(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn a_bar_or_a_greater_sign_behind_a_blank_sends_the_answer_away() {
        assert_eq!(parts("bt"), ("bt", Destination::Here));
        assert_eq!(parts("bt | grep -c main"), ("bt", Destination::Pipe("grep -c main".to_owned())));
        assert_eq!(parts("bt |less"), ("bt", Destination::Pipe("less".to_owned())));
        assert_eq!(parts("bt > out file"), ("bt", Destination::File("out file".into())));
        assert_eq!(parts("bt >>'a b'"), ("bt", Destination::Append("a b".into())));
        assert_eq!(parts("|bt 3"), ("bt 3", Destination::Pager));
        assert_eq!(parts("p | less"), ("p", Destination::Pipe("less".to_owned())));
        assert_eq!(parts("thread apply all bt | less"), ("thread apply all bt", Destination::Pipe("less".to_owned())));
        assert!(split("bt |").is_err() && split("bt >").is_err());
    }

    #[test]
    fn operators_of_expressions_and_of_patterns_stay_where_they_are() {
        for line in
            ["p a | b", "p a > b", "depth | b", "thread apply all p a | b", "functions a|b", "strings -match 'a | b'"]
        {
            assert_eq!(parts(line), (line, Destination::Here));
        }
        assert_eq!(parts("pipe p a | b | less"), ("p a | b", Destination::Pipe("less".to_owned())));
        assert_eq!(parts("pipe p a | b > out"), ("p a | b", Destination::File("out".into())));
        assert_eq!(parts("alias n = bt | wc -l"), ("alias n = bt | wc -l", Destination::Here));
    }

    #[test]
    fn those_that_keep_their_operators_are_commands() {
        for name in KEEP_OPERATORS {
            assert!(commands().any(|command| command.name == name), "{name}");
        }
    }
}
