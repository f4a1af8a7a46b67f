//! The debugger shell: lines in, replies out.
//!
//! A line that was typed is spelled out (perl's signs, the letters of other debuggers, aliases), its `| COMMAND` or
//! `> FILE` is taken off, and the command that is left is looked up in the table and run. What it replies is rendered
//! and goes to the terminal, the pager, the file or the command.

mod aliases;
mod batch;
mod command_sets;
mod commands;
mod completion;
#[cfg(test)]
mod docs;
mod history;
mod hooks;
mod interactive;
mod lookup;
mod options;
mod output;
mod redirect;
mod scripts;
mod startup;
pub mod table;
mod theme;

use std::io::{self, IsTerminal, Write};

pub use batch::BatchEnd;
pub use interactive::talk;
pub use lookup::nearest;

use crate::engine::{CommandError, Engine, Reply, Show, WholeRun};
use crate::interact::interact;
use crate::render::{self, Role, Style, Theme, clean_str};
use aliases::Aliases;
use history::TypedLines;
use hooks::Hooks;
use options::Options;
use output::Output;
use redirect::Destination;
use scripts::Definition;
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
        Action::RunInShell(_) => {
            let name = invocation.command.name;
            Err(CommandError::refused(format!(
                "'{name}' is about the shell, and cannot be applied to a part of the run"
            )))
        }
        Action::Instead(instead) => Err(CommandError::NotLive { command: invocation.command.name, instead }),
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
    options: Options,
    aliases: Aliases,
    hooks: Hooks,
    history: TypedLines,
    output: Output,
    /// The definition whose lines are being typed.
    defining: Option<Definition>,
    /// What an empty line runs.
    again: Option<String>,
    /// How many scripts, aliases and hooks the line is inside of.
    nesting: usize,
    /// A script said `quit`.
    leaves: bool,
}

impl Shell {
    /// A shell over opened files, with the options of the environment.
    pub fn new(run: WholeRun, form: Form) -> Shell {
        let mut shell = Shell {
            run,
            form,
            style: Style::for_stream(io::stdout().is_terminal()),
            error_style: Style::for_stream(io::stderr().is_terminal()),
            options: Options::default(),
            aliases: Aliases::default(),
            hooks: Hooks::default(),
            history: TypedLines::default(),
            output: Output::default(),
            defining: None,
            again: None,
            nesting: 0,
            leaves: false,
        };
        for complaint in shell.options_of_environment() {
            shell.warn(&complaint);
        }
        shell
    }

    /// The selected process, to be asked.
    fn engine_mut(&mut self) -> &mut Engine {
        self.run.engine_mut()
    }

    /// Runs one line, empty ones and comments included, and prints what it answered.
    fn line(&mut self, typed: &str) -> io::Result<Flow> {
        if let Some(defined) = self.define_line(typed) {
            return defined.map_or_else(|error| self.print(typed, Err(error)), |()| Ok(Flow::Done));
        }
        let typed = typed.trim();
        let line = match (typed, &self.again) {
            ("", None) => return Ok(Flow::Done),
            ("", Some(again)) => again.clone(),
            (line, _) if line.starts_with('#') => return Ok(Flow::Done),
            (line, _) => line.to_owned(),
        };
        self.again = None;
        let is_name = self.aliases.expand(&line).is_some();
        let line = match is_name {
            true => line.into(),
            false => command_sets::spelled_out(&line, self.options.command_set),
        };
        match if is_name { redirect::split_first(&line) } else { redirect::split(&line) } {
            Ok((command, Destination::Here)) => self.run_here(command),
            Ok((command, destination)) => self.redirected(command, &destination),
            Err(error) => self.print(&line, Err(error)),
        }
    }

    /// Runs a line whose answers go elsewhere. Errors are told here all the same.
    fn redirected(&mut self, line: &str, destination: &Destination) -> io::Result<Flow> {
        if self.output.is_kept() {
            let error = CommandError::refused("what is sent elsewhere already cannot be sent elsewhere once more");
            return self.print(line, Err(error));
        }
        self.output.keep();
        let flow = self.run_here(line);
        let delivered = self.output.deliver(destination, &self.options.pager);
        match delivered {
            Ok(()) => flow,
            Err(error) => flow.and_then(|_| self.print(line, Err(error))),
        }
    }

    /// Runs a line that is sent nowhere: a name of other lines, or a command.
    /// `--json` as its first or last word asks for JSON.
    fn run_here(&mut self, line: &str) -> io::Result<Flow> {
        let (line, json) = without_json(line);
        let form = self.form;
        if json {
            self.form = Form::Json;
        }
        let flow = match self.aliases.expand(&line) {
            Some(lines) => self.run_expansion(&line, lines),
            None => self.command(&line),
        };
        self.form = form;
        flow
    }

    /// Runs one command and prints its answer.
    fn command(&mut self, line: &str) -> io::Result<Flow> {
        let reply = match lookup::split(line) {
            Ok(invocation) => {
                self.again = repetition(&invocation, line);
                self.invoke(&invocation)
            }
            Err(error) => as_expression(self.engine_mut(), line, error),
        };
        let reply = match reply {
            Ok(Reply::Interact(session)) if self.form == Form::Text => {
                interact(self.engine_mut(), &session).map(|()| Reply::Interact(session))
            }
            Ok(Reply::Interact(_)) => Err(CommandError::refused("interact is for people: ask with 'p' for JSON")),
            reply => reply,
        };
        let is_stop = reply.as_ref().is_ok_and(hooks::is_stop);
        let flow = self.print(line, reply);
        if is_stop {
            self.run_hook(hooks::HookPoint::Stop)?;
        }
        if std::mem::take(&mut self.leaves) { Ok(Flow::Leave) } else { flow }
    }

    fn invoke(&mut self, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
        match invocation.command.action {
            Action::RunInShell(handler) => handler(self, invocation),
            Action::RunOnAll(handler) => handler(&mut self.run, invocation),
            Action::Run(_) | Action::Instead(_) => invoke(self.engine_mut(), invocation),
        }
    }

    fn print(&mut self, line: &str, reply: Result<Reply, CommandError>) -> io::Result<Flow> {
        for warning in self.engine_mut().new_warnings() {
            self.warn(&warning);
        }
        let flow = match &reply {
            Ok(Reply::Quit {}) => Flow::Leave,
            Ok(_) => Flow::Done,
            Err(_) => Flow::Failed,
        };
        match (&reply, self.form) {
            (Ok(reply), Form::Json) => self.answer(&render::json_answer(line, reply))?,
            (Err(error), Form::Json) => self.answer(&render::json_failure(line, error))?,
            (Ok(reply), Form::Text) => {
                let plain = self.style.with_theme(Theme::None);
                let style = if self.output.is_kept() { &plain } else { &self.style };
                let text = render::text(reply, style);
                if self.output.is_recorded() && !text.is_empty() {
                    self.output.record(&render::text(reply, &plain));
                }
                self.write(&text)?;
            }
            (Err(error), Form::Text) => {
                let text = error_text(error);
                self.output.record(&format!("{text}\n"));
                // An error that cannot be told is still in the exit status.
                let _ = writeln!(io::stderr(), "{}", self.error_style.paint(Role::Error, text));
            }
        }
        Ok(flow)
    }

    /// An answer that has no colours.
    fn answer(&mut self, text: &str) -> io::Result<()> {
        self.output.record(text);
        self.write(text)
    }

    /// A script's answers follow each other: the pager is for those that somebody waits for.
    fn write(&mut self, text: &str) -> io::Result<()> {
        let pager = if self.nesting > 0 { "off" } else { &self.options.pager };
        self.output.write(text, pager)
    }

    /// Tells what the user should know, and did not ask for.
    fn warn(&self, warning: &str) {
        let _ = writeln!(io::stderr(), "{} {}", self.error_style.paint(Role::Doubt, "warning:"), clean_str(warning));
    }
}

/// The line without the word `--json`, where that is the first behind the command's name, or the last.
fn without_json(line: &str) -> (std::borrow::Cow<'_, str>, bool) {
    let line = line.trim();
    if let Some(rest) = line.strip_suffix("--json").filter(|rest| rest.ends_with(char::is_whitespace)) {
        return (rest.trim_end().into(), true);
    }
    let first = line.split_once(char::is_whitespace).map(|(name, rest)| (name, rest.trim_start()));
    match first.and_then(|(name, rest)| Some((name, rest.strip_prefix("--json")?))) {
        Some((name, rest)) if rest.starts_with(char::is_whitespace) => (format!("{name}{rest}").into(), true),
        _ => (line.into(), false),
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
