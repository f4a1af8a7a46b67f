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
    Command {
        name: "exception",
        aliases: &["exceptions"],
        arguments: "[N|none]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the exception of the thread as Python prints it, or select another",
        details: "Shown is the exception in flight, the one being handled, or the last that was printed, with what it came\n\
                  of. Where there are several, they are numbered. With N the stack of the thread is the traceback of\n\
                  that exception: bt, frame, up, down, locals and list work on its frames, though their calls have\n\
                  ended. 'exception none' goes back to where the thread is.",
        example: "exception",
        repeat: Repeat::No,
        action: Action::Run(exception),
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

fn exception(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => engine.exceptions(),
        "none" => engine.select_exception(None),
        number => engine.select_exception(Some(number.parse().map_err(|_| invocation.usage())?)),
    }
}
