//! What commands that concern the shell itself answer. What they tell of is kept by the shell.

use serde::Serialize;

/// An option and its value.
#[derive(Debug, Serialize)]
pub struct OptionValue {
    /// Its name.
    pub name: &'static str,
    /// Its value, as `set` takes it.
    pub value: String,
    /// The values that it may have.
    pub values: &'static str,
    /// What it changes.
    pub summary: &'static str,
}

/// A name and the lines it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedLines {
    /// The name.
    pub name: String,
    /// The lines; `%1` to `%9` are arguments, `%*` all of them.
    pub lines: Vec<String>,
}

/// A hook and its commands.
#[derive(Debug, Serialize)]
pub struct HookCommands {
    /// When they run: `pre-prompt`, `post-prompt` or `stop`.
    pub hook: &'static str,
    /// The commands, in their order.
    pub commands: Vec<String>,
}

/// A line that was typed, and its number.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryLine {
    /// Its number, from 1 on.
    pub number: usize,
    /// As it was typed.
    pub line: String,
}

/// A script that was run.
#[derive(Debug, Serialize)]
pub struct ScriptRun {
    /// Its file.
    pub file: String,
    /// Lines that were run, without empty ones and comments.
    pub lines: usize,
}

/// `set`, `show`.
#[derive(Debug, Serialize)]
pub struct OptionList {
    /// The options that were asked for.
    pub options: Vec<OptionValue>,
}

/// `alias`.
#[derive(Debug, Serialize)]
pub struct AliasList {
    /// The names that were asked for, and what they stand for.
    pub aliases: Vec<NamedLines>,
}

/// `hook`.
#[derive(Debug, Serialize)]
pub struct HookList {
    /// Those that have commands.
    pub hooks: Vec<HookCommands>,
}

/// `history`.
#[derive(Debug, Serialize)]
pub struct History {
    /// The lines that were asked for.
    pub lines: Vec<HistoryLine>,
}

/// `shell`.
#[derive(Debug, Serialize)]
pub struct ShellStatus {
    /// The command.
    pub command: String,
    /// Its exit status; none where a signal ended it.
    pub status: Option<i32>,
}

/// Something that was done, and has no data of its own.
#[derive(Debug, Serialize)]
pub struct Done {
    /// A sentence about it.
    pub what: String,
}
