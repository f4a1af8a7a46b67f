//! Threads.

use crate::engine::{CommandError, Engine, Reply};
use crate::shell::execute;
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "threads",
        aliases: &["E", "info threads"],
        arguments: "",
        group: Group::Threads,
        modes: Modes::ALL,
        summary: "List the threads, each with its innermost frame",
        details: "The thread that crashed comes first; '>' marks the selected one.",
        example: "threads",
        repeat: Repeat::No,
        action: Action::Run(threads),
    },
    Command {
        name: "thread",
        aliases: &["e"],
        arguments: "[N|TID] | apply all|IDS COMMAND",
        group: Group::Threads,
        modes: Modes::ALL,
        summary: "Select a thread, or run a command in several of them",
        details: "A thread is named by its number in 'threads' or by the kernel's id. IDS is a list such as 1,3.",
        example: "thread apply all bt 3",
        repeat: Repeat::No,
        action: Action::Run(thread),
    },
];

fn threads(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.threads()
}

fn thread(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let arguments = invocation.arguments;
    if arguments.is_empty() {
        return engine.show_thread();
    }
    match arguments.split_once(char::is_whitespace) {
        Some(("apply", rest)) => apply(engine, invocation, rest.trim()),
        None if arguments != "apply" => engine.select_thread(arguments),
        _ => Err(invocation.usage()),
    }
}

fn apply(engine: &mut Engine, invocation: &Invocation<'_>, rest: &str) -> Result<Reply, CommandError> {
    // `1 3 bt` as gdb has it, and `1,3 bt`: the list ends at the first word that is no number.
    let is_id = |word: &str| {
        word == "all" || word.split(',').all(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut end = 0;
    for word in rest.split_whitespace() {
        if !is_id(word) {
            break;
        }
        end = word.as_ptr() as usize - rest.as_ptr() as usize + word.len();
    }
    let (ids, command) = (rest[..end].trim(), rest[end..].trim());
    if ids.is_empty() || command.is_empty() {
        return Err(invocation.usage());
    }
    // A command that applies itself to all threads, nested, would answer with the square of what anybody reads.
    if crate::shell::lookup::split(command)?.command.name == "thread" {
        return Err(CommandError::refused("'thread' cannot be applied to threads"));
    }
    engine.apply(ids, command, &mut |engine| execute(engine, command))
}
