//! The process as a whole.

use crate::engine::{CommandError, Engine, Reply};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// A row of this group: nothing here repeats, all of it means something everywhere.
const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    arguments: &'static str,
    summary: &'static str,
    example: &'static str,
    handler: crate::shell::table::Handler,
) -> Command {
    Command {
        name,
        aliases,
        arguments,
        group: Group::Process,
        modes: Modes::ALL,
        summary,
        details: "",
        example,
        repeat: Repeat::No,
        action: Action::Run(handler),
    }
}

/// The rows.
pub const COMMANDS: &[Command] = &[
    row(
        "modules",
        &["M", "info sharedlibrary", "info modules", "info libs"],
        "[WORD]",
        "List the executable and libraries: addresses, build-id, symbols",
        "modules libc",
        modules,
    ),
    row(
        "maps",
        &["info proc mappings", "info maps", "info files"],
        "[ADDRESS|WORD]",
        "List the memory mappings, and which are left out of the file",
        "maps $rsp",
        maps,
    ),
    row("fds", &["info fds"], "", "List the open files", "fds", fds),
    row(
        "env",
        &["info env", "environment"],
        "[WORD]",
        "Show the environment the program started with",
        "env PATH",
        env,
    ),
    row("limits", &["info limits"], "", "Show the resource limits", "limits", limits),
    row("tree", &["info tree", "info processes"], "", "Show the supervised processes at that instant", "tree", tree),
    row("auxv", &["info auxv"], "", "Show the auxiliary vector", "auxv", auxv),
];

fn modules(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    Ok(engine.modules(invocation.whole))
}

fn maps(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.mappings(invocation.whole)
}

fn fds(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.file_descriptors()
}

fn env(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.environment(invocation.arguments)
}

fn limits(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.limits()
}

fn tree(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.tree()
}

fn auxv(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.auxiliary_vector()
}
