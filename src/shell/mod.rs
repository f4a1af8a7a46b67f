//! The debugger shell: lines in, replies out.

mod batch;
mod commands;
mod completion;
#[cfg(test)]
mod docs;
mod interactive;
mod lookup;
pub mod table;

use std::io::{self, Write};

pub use batch::BatchEnd;
pub use lookup::nearest;

use crate::engine::{CommandError, Engine, Reply, Show, WholeRun};
use crate::interact::interact;
use crate::render::{self, Role, Style, clean_str};
use table::{Action, Invocation, Repeat};

/// Runs one command line on one process.
///
/// # Errors
/// The command is unknown, or has no reply.
pub fn execute(engine: &mut Engine, line: &str) -> Result<Reply, CommandError> {
    match lookup::split(line) {
        Ok(invocation) => invoke(engine, &invocation),
        Err(error) => as_expression(engine, line, error),
    }
}

/// The value of a line that is no command, or why it is neither.
fn as_expression(engine: &mut Engine, line: &str, unknown: CommandError) -> Result<Reply, CommandError> {
    // `!x` is an expression whatever the command is that x may begin.
    let bare = line.trim();
    let bare = bare.strip_prefix('!').unwrap_or(bare);
    match engine.print(bare, Show::default()) {
        Ok(printed) => Ok(Reply::Printed(Box::new(printed))),
        Err(error) if looks_like_an_expression(bare) => Err(error),
        Err(_) => Err(unknown),
    }
}

/// Words between blanks are a command that was misspelled, not an expression, unless they are Python's operators.
fn looks_like_an_expression(line: &str) -> bool {
    const OPERATORS: [&str; 6] = ["in", "is", "not", "and", "or", "if"];
    if line.split_whitespace().take(2).any(|word| OPERATORS.contains(&word)) {
        return true;
    }
    let mut words = line.split_whitespace();
    let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let first = words.next().unwrap_or_default();
    !is_word(first)
        || words
            .next()
            .is_some_and(|second| !second.starts_with(|c: char| c.is_alphanumeric() || "-$_\"'/!".contains(c)))
}

fn invoke(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.command.action {
        Action::Run(handler) => handler(engine, invocation),
        // Each of ten thousand processes, asked of all ten thousand, would answer for a week.
        Action::RunOnAll(_) => {
            let name = invocation.command.name;
            Err(CommandError::refused(format!(
                "'{name}' is about the whole run, and cannot be applied to a part of it"
            )))
        }
        Action::Instead(instead) => Err(CommandError::NotLive { command: invocation.command.name, instead }),
    }
}

fn invoke_on_run(run: &mut WholeRun, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.command.action {
        Action::RunOnAll(handler) => handler(run, invocation),
        _ => invoke(run.engine_mut(), invocation),
    }
}

/// How replies are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As text for people.
    Text,
    /// As one line of JSON for each command.
    Json,
}

/// What came of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// It was answered, or there was nothing to do.
    Done,
    /// It was answered with an error.
    Failed,
    /// It asked to leave.
    Leave,
}

/// A run with a way to talk.
#[derive(Debug)]
pub struct Shell {
    run: WholeRun,
    form: Form,
    style: Style,
    error_style: Style,
    /// What an empty line runs.
    again: Option<String>,
}

impl Shell {
    /// A shell over opened files.
    pub fn new(run: WholeRun, form: Form) -> Shell {
        use std::io::IsTerminal;
        let style = Style::for_stream(io::stdout().is_terminal());
        let error_style = Style::for_stream(io::stderr().is_terminal());
        Shell { run, form, style, error_style, again: None }
    }

    /// Runs one line, empty ones and comments included, and prints what it answered.
    fn line(&mut self, line: &str) -> io::Result<Flow> {
        let line = line.trim();
        if line.starts_with('#') {
            return Ok(Flow::Done);
        }
        let line = match (line, &self.again) {
            ("", None) => return Ok(Flow::Done),
            ("", Some(again)) => again.clone(),
            (line, _) => line.to_owned(),
        };
        self.again = None;
        let reply = match lookup::split(&line) {
            Ok(invocation) => {
                self.again = repetition(&invocation, &line);
                invoke_on_run(&mut self.run, &invocation)
            }
            Err(error) => as_expression(self.run.engine_mut(), &line, error),
        };
        let reply = match reply {
            Ok(Reply::Interact(session)) if self.form == Form::Text => {
                interact(self.run.engine_mut(), &session).map(|()| Reply::Interact(session))
            }
            Ok(Reply::Interact(_)) => Err(CommandError::refused("interact is for people: ask with 'p' for JSON")),
            reply => reply,
        };
        self.print(&line, reply)
    }

    fn print(&mut self, line: &str, reply: Result<Reply, CommandError>) -> io::Result<Flow> {
        for warning in self.run.engine_mut().new_warnings() {
            let _ =
                writeln!(io::stderr(), "{} {}", self.error_style.paint(Role::Doubt, "warning:"), clean_str(&warning));
        }
        let mut out = io::stdout().lock();
        let flow = match &reply {
            Ok(Reply::Quit {}) => Flow::Leave,
            Ok(_) => Flow::Done,
            Err(_) => Flow::Failed,
        };
        match (&reply, self.form) {
            (Ok(reply), Form::Json) => out.write_all(render::json_answer(line, reply).as_bytes())?,
            (Err(error), Form::Json) => out.write_all(render::json_failure(line, error).as_bytes())?,
            (Ok(reply), Form::Text) => out.write_all(render::text(reply, &self.style).as_bytes())?,
            (Err(error), Form::Text) => {
                out.flush()?;
                let text = error_text(error);
                // An error that cannot be told is still in the exit status.
                let _ = writeln!(io::stderr(), "{}", self.error_style.paint(Role::Error, text));
            }
        }
        out.flush()?;
        Ok(flow)
    }
}

/// An error as text; only those of expressions have several lines, and a caret that has its place.
fn error_text(error: &CommandError) -> String {
    match error {
        CommandError::Expression(text) => text.lines().map(clean_str).collect::<Vec<_>>().join("\n"),
        error => clean_str(&error.to_string()),
    }
}

/// The line that an empty line after this one stands for.
fn repetition(invocation: &Invocation<'_>, line: &str) -> Option<String> {
    match invocation.command.repeat {
        Repeat::No => None,
        Repeat::Again => Some(line.to_owned()),
        Repeat::Onward if invocation.whole == "-" => Some(line.to_owned()),
        Repeat::Onward => Some(invocation.command.name.to_owned()),
    }
}
