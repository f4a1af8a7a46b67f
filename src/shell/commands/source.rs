//! Source text.

use crate::engine::{CommandError, Engine, Reply};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "list",
        aliases: &["l"],
        arguments: "[- | . | LINE | A,B | FUNCTION | FILE:LINE]",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Show source around the selected line, then onward",
        details: "Again (or an empty line) goes on, '-' goes back, '.' returns to the selected frame's line.\n\
                  Sources that have moved are found with --source-map FROM=TO.",
        example: "list 10,20",
        repeat: Repeat::Onward,
        action: Action::Run(list),
    },
    Command {
        name: "longlist",
        aliases: &["ll"],
        arguments: "",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Show the source of the selected frame's whole function",
        details: "",
        example: "longlist",
        repeat: Repeat::No,
        action: Action::Run(long_list),
    },
    Command {
        name: "source",
        aliases: &[],
        arguments: "EXPR",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Show where a Python function, class or module was defined",
        details: "EXPR is Python, and gives the function, method, class, module or an instance. In a native frame it is\n\
                  the name of a function.",
        example: "source main",
        repeat: Repeat::No,
        action: Action::Run(definition),
    },
];

fn list(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.list(invocation.whole)
}

fn long_list(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.long_list()
}

fn definition(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.whole.is_empty() {
        return Err(invocation.usage());
    }
    engine.definition(invocation.whole)
}
