//! The one table of commands. Dispatch, prefixes, completion, `help` and docs/commands.md all read it.

use super::{Shell, commands};
use crate::engine::{CommandError, Engine, Reply, WholeRun};

/// One command of the shell.
#[derive(Debug)]
pub struct Command {
    /// The name it is listed under.
    pub name: &'static str,
    /// Other spellings that mean the same; two words (`info threads`) where gdb has them so.
    pub aliases: &'static [&'static str],
    /// Its arguments, as a usage line writes them.
    pub arguments: &'static str,
    /// The heading it stands under in `help`.
    pub group: Group,
    /// The kinds of target it has a meaning for.
    pub modes: Modes,
    /// One line: what it shows or does.
    pub summary: &'static str,
    /// More, for `help NAME`; may be empty.
    pub details: &'static str,
    /// A line that can be typed as it stands.
    pub example: &'static str,
    /// What an empty line does after it.
    pub repeat: Repeat,
    /// What it does on a snapshot.
    pub action: Action,
}

/// The headings of `help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What happened.
    Crash,
    /// Threads.
    Threads,
    /// The call stack.
    Stack,
    /// Variables, expressions and types.
    Values,
    /// Source text.
    Source,
    /// Registers, memory and code.
    Machine,
    /// The process as a whole.
    Process,
    /// All processes of a run.
    WholeRun,
    /// The shell itself.
    Shell,
    /// What needs a live process.
    Running,
}

impl Group {
    /// All of them, in the order of `help`.
    pub const ALL: [Group; 10] = [
        Group::Crash,
        Group::Stack,
        Group::Threads,
        Group::Values,
        Group::Source,
        Group::Machine,
        Group::Process,
        Group::WholeRun,
        Group::Shell,
        Group::Running,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Crash => "The crash",
            Group::Threads => "Threads",
            Group::Stack => "Stack",
            Group::Values => "Values",
            Group::Source => "Source",
            Group::Machine => "Registers, memory, code",
            Group::Process => "The process",
            Group::WholeRun => "The whole run",
            Group::Shell => "The shell",
            Group::Running => "Only in a live process",
        }
    }
}

/// The kinds of target a command has a meaning for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// A snapshot or an ELF core.
    pub snapshot: bool,
    /// A stopped process.
    pub live: bool,
    /// Ordered snapshots of one process.
    pub timeline: bool,
}

impl Modes {
    /// Everywhere.
    pub const ALL: Modes = Modes { snapshot: true, live: true, timeline: true };
    /// Where there is a past or a future to move to.
    pub const MOVING: Modes = Modes { snapshot: false, live: true, timeline: true };
    /// A live process only.
    pub const LIVE: Modes = Modes { snapshot: false, live: true, timeline: false };
    /// A timeline only.
    pub const TIMELINE: Modes = Modes { snapshot: false, live: false, timeline: true };

    /// The letters of the documentation's mode column: S, L and T.
    pub fn letters(self) -> String {
        [(self.snapshot, 'S'), (self.live, 'L'), (self.timeline, 'T')]
            .into_iter()
            .filter_map(|(has, letter)| has.then_some(letter))
            .collect()
    }
}

/// What an empty line does after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing.
    No,
    /// The same line again.
    Again,
    /// The command without its arguments, which goes on where it stopped; a lone `-` is kept, since it is a direction.
    Onward,
}

/// A handler: reads the arguments, asks the engine, returns what it said.
pub type Handler = fn(&mut Engine, &Invocation<'_>) -> Result<Reply, CommandError>;

/// A handler of what concerns all processes of a run.
pub type RunHandler = fn(&mut WholeRun, &Invocation<'_>) -> Result<Reply, CommandError>;

/// A handler of what concerns the shell itself.
pub type ShellHandler = fn(&mut Shell, &Invocation<'_>) -> Result<Reply, CommandError>;

/// What a command does on a snapshot.
#[derive(Debug)]
pub enum Action {
    /// It runs.
    Run(Handler),
    /// It runs, and concerns more than the selected process.
    RunOnAll(RunHandler),
    /// It runs, and concerns the shell.
    RunInShell(ShellHandler),
    /// It cannot, and this is what to use in its place: the end of a sentence that begins with "use".
    Instead(&'static str),
}

/// A command as it was called.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The command.
    pub command: &'static Command,
    /// What stood after a slash at the name or as the first argument, as in `x/4gx` and `disas /s`.
    pub modifier: &'a str,
    /// All the rest, without blanks around it.
    pub arguments: &'a str,
    /// Modifier and arguments as they were typed, for a command whose argument may be an absolute path.
    pub whole: &'a str,
}

impl Invocation<'_> {
    /// The error for arguments that the command does not take.
    pub fn usage(&self) -> CommandError {
        CommandError::Usage { usage: self.command.usage(), name: self.command.name }
    }

    /// Refuses arguments, for a command that takes none.
    pub fn no_arguments(&self) -> Result<(), CommandError> {
        if self.arguments.is_empty() && self.modifier.is_empty() { Ok(()) } else { Err(self.usage()) }
    }
}

impl Command {
    /// Its usage line.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }

    /// Its name and aliases.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// All commands, in the order of `help`.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    [
        commands::crash::COMMANDS,
        commands::stack::COMMANDS,
        commands::python::COMMANDS,
        commands::threads::COMMANDS,
        commands::values::COMMANDS,
        commands::source::COMMANDS,
        commands::machine::COMMANDS,
        commands::process::COMMANDS,
        commands::whole_run::COMMANDS,
        commands::session::COMMANDS,
        commands::settings::COMMANDS,
        commands::scripts::COMMANDS,
        commands::running::COMMANDS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::{Action, commands};
    use std::collections::HashMap;

    #[test]
    fn no_two_commands_share_a_spelling() {
        let mut owners = HashMap::new();
        for command in commands() {
            for spelling in command.spellings() {
                if let Some(other) = owners.insert(spelling, command.name) {
                    panic!("{spelling} means both {other} and {}", command.name);
                }
            }
        }
    }

    #[test]
    fn every_command_has_a_summary_and_an_example_of_itself() {
        for command in commands() {
            assert!(!command.summary.is_empty() && command.summary.len() <= 76, "{}", command.name);
            assert!(!command.summary.ends_with('.'), "{}", command.name);
            let found = super::super::lookup::split(command.example).expect("the example is a line that can be typed");
            assert_eq!(found.command.name, command.name, "the example of {}", command.name);
            assert_ne!(matches!(command.action, Action::Instead(_)), command.modes.snapshot, "{}", command.name);
        }
    }
}
