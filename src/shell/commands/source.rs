//! Source text.

use crate::engine::{CommandError, Engine, HookList, Reply, ShellStatus};
use crate::shell::hooks::HookPoint;
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};
use crate::shell::{Shell, output, redirect};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "list",
        aliases: &["l", "v"],
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
        arguments: "EXPR | FILE",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Show where a function, class or module was defined, or run a script",
        details: "EXPR is Python, and gives the function, method, class, module or an instance. In a native frame it is\n\
                  the name of a function. The path of a file that exists is run, as by 'run-script'.",
        example: "source main",
        repeat: Repeat::No,
        action: Action::RunInShell(definition_or_script),
    },
    Command {
        name: "search",
        aliases: &["forward-search", "fo", "reverse-search"],
        arguments: "[-backward] RE",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Show the next line of the listed file that matches",
        details: "'/RE' is the same, and '?RE' goes backward. An empty line goes on.",
        example: "search return",
        repeat: Repeat::Again,
        action: Action::Run(search),
    },
    Command {
        name: "file",
        aliases: &[],
        arguments: "PATH",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "List another source file; the end of its path is enough",
        details: "",
        example: "file main.c",
        repeat: Repeat::No,
        action: Action::Run(file),
    },
    Command {
        name: "edit",
        aliases: &[],
        arguments: "[LINE | FUNCTION | FILE:LINE]",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Open the listed place in an editor: $VISUAL, $EDITOR or vi",
        details: "",
        example: "edit main",
        repeat: Repeat::No,
        action: Action::RunInShell(edit),
    },
    Command {
        name: "sticky",
        aliases: &[],
        arguments: "[on|off]",
        group: Group::Source,
        modes: Modes::ALL,
        summary: "Show the whole function at each stop, as pdb++ does",
        details: "The same as 'hook stop longlist'.",
        example: "sticky on",
        repeat: Repeat::No,
        action: Action::RunInShell(sticky),
    },
];

fn definition_or_script(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let path = redirect::file(invocation.whole);
    match path.metadata() {
        Ok(metadata) if !metadata.is_dir() => shell.run_script(&path),
        _ => definition(shell.engine_mut(), invocation),
    }
}

fn search(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.whole.strip_prefix("-backward") {
        Some(pattern) => engine.search_source(pattern.trim(), true),
        None => engine.search_source(invocation.whole, false),
    }
}

fn file(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.whole {
        "" => Err(invocation.usage()),
        name => engine.list_file(name),
    }
}

fn edit(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (path, line) = shell.engine_mut().place_of_text(invocation.whole)?;
    let editor =
        ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
    let command = format!("{} +{line} '{}'", editor.unwrap_or_else(|| "vi".to_owned()), quoted(&path));
    let status = output::run_shell(&command)?;
    Ok(Reply::ShellStatus(ShellStatus { command, status }))
}

/// A path between single quotes of a shell.
fn quoted(path: &std::path::Path) -> String {
    path.to_string_lossy().replace('\'', r"'\''")
}

fn sticky(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.whole {
        "" | "on" => shell.hooks.set(HookPoint::Stop, "longlist", false),
        "off" => shell.hooks.clear(HookPoint::Stop),
        _ => return Err(invocation.usage()),
    }
    Ok(Reply::Hooks(HookList { hooks: shell.hooks.list() }))
}

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
