//! What happened.

use crate::engine::{CommandError, Engine, Reply};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "why",
        aliases: &[],
        arguments: "",
        group: Group::Crash,
        modes: Modes { snapshot: true, live: true, timeline: false },
        summary: "Explain the fault in one paragraph",
        details: "Names the instruction, its operands, the mapping that was hit or missed, and what that looks like:\n\
                  a null pointer plus an offset, a guard page, a failed assertion.",
        example: "why",
        repeat: Repeat::No,
        action: Action::Run(why),
    },
    Command {
        name: "info",
        aliases: &["info header", "info crash", "info signal"],
        arguments: "",
        group: Group::Crash,
        modes: Modes::ALL,
        summary: "Show what died, of what, when and where, and what the file lacks",
        details: "The head of the file: signal, time, host, user, command, versions, the steps of the capture that\n\
                  failed, and what is missing or damaged. 'info threads' and the like are gdb's words for commands\n\
                  of their own.",
        example: "info",
        repeat: Repeat::No,
        action: Action::Run(info),
    },
    Command {
        name: "sig",
        aliases: &["signature"],
        arguments: "",
        group: Group::Crash,
        modes: Modes::ALL,
        summary: "Show what equal crashes have in common, and its hash",
        details: "The signal or the type of the exception, and the user's own functions. 'dpdb-trace report DIR' groups the\n\
                  crashes of a run by it; a rebuild keeps it.",
        example: "sig",
        repeat: Repeat::No,
        action: Action::Run(signature),
    },
];

fn why(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.why()
}

fn signature(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    Ok(Reply::Signature { signature: engine.signature() })
}

fn info(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    Ok(engine.info())
}
