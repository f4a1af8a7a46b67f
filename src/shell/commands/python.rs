//! Python frames; the names are those of CPython's own extension of gdb.

use crate::engine::{CommandError, Engine, Reply};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "py-bt",
        aliases: &[],
        arguments: "[full]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the Python frames of the thread; full adds their variables",
        details: "The numbers are those of bt, so 'frame N' selects one.",
        example: "py-bt full",
        repeat: Repeat::No,
        action: Action::Run(backtrace),
    },
    Command {
        name: "py-locals",
        aliases: &[],
        arguments: "",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the variables of the selected Python frame",
        details: "Where a native frame is selected, those of the Python frame that called it.",
        example: "py-locals",
        repeat: Repeat::No,
        action: Action::Run(locals),
    },
];

fn backtrace(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => engine.python_backtrace(engine.tid(), false),
        "full" => engine.python_backtrace(engine.tid(), true),
        _ => Err(invocation.usage()),
    }
}

fn locals(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.python_locals()
}
