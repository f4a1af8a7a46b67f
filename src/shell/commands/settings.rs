//! Options, aliases and hooks.

use crate::engine::{AliasList, CommandError, HookList, OptionList, Reply, Show};
use crate::shell::Shell;
use crate::shell::hooks::HookPoint;
use crate::shell::options::{self, OptionRow};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat, ShellHandler};

/// A row of this group: all of them concern the shell, and nothing repeats.
pub(super) const fn row(
    (name, aliases): (&'static str, &'static [&'static str]),
    arguments: &'static str,
    summary: &'static str,
    details: &'static str,
    example: &'static str,
    handler: ShellHandler,
) -> Command {
    Command {
        name,
        aliases,
        arguments,
        group: Group::Shell,
        modes: Modes::ALL,
        summary,
        details,
        example,
        repeat: Repeat::No,
        action: Action::RunInShell(handler),
    }
}

/// The rows.
pub const COMMANDS: &[Command] = &[
    row(
        ("set", &[]),
        "[OPTION [VALUE] | [var] EXPR = VALUE]",
        "Give an option a value, or assign to a variable of the session",
        "'show' lists the options; names may be cut short, gdb's 'set print elements 10' is understood. What is no\n\
         option is an assignment to a $variable: what the snapshot holds stays as it is.",
        "set print-elements 50",
        set,
    ),
    row(
        ("show", &["info set"]),
        "[OPTION]",
        "Show the options, or one of them: its value, the values it may have",
        "DPDB_OPTS='pager=off theme=light' sets options for every session.",
        "show pager",
        show,
    ),
    row(
        ("o", &["option"]),
        "[OPTION | OPTION=VALUE | OPTION?]...",
        "Set and show options as perl's debugger does",
        "Without a value an option is switched on; with '?' it is shown.",
        "o print-depth=5 pager?",
        perl_options,
    ),
    row(
        ("alias", &[]),
        "[NAME [=] LINE]",
        "Give a line a name, list such names, or show one",
        "%1 to %9 in LINE are the arguments, and %* all of them; a line that has none gets them at its end. A name may\n\
         be that of a command, and means LINE then. LINE may have a pipe.",
        "alias locks-of = thread apply %1 bt 3",
        alias,
    ),
    row(("unalias", &[]), "NAME", "Forget a name that 'alias' or 'define' gave", "", "unalias locks-of", unalias),
    row(
        ("hook", &[]),
        "[[-add] pre-prompt|post-prompt|stop COMMAND]",
        "Run a command before each prompt, after each line, or at each stop",
        "A stop is where a crash was opened, or another process, thread or frame was selected. -add keeps the commands\n\
         that are there. Perl's '< COMMAND' and '> COMMAND' are pre-prompt and post-prompt.",
        "hook stop list",
        hook,
    ),
    row(("unhook", &[]), "pre-prompt|post-prompt|stop", "Take the commands of a hook away", "", "unhook stop", unhook),
];

fn set(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let text = invocation.whole;
    if text.is_empty() {
        return Ok(list(shell, None));
    }
    let assigned = ["var ", "variable "].into_iter().find_map(|word| text.strip_prefix(word));
    if let Some(expression) = assigned.or_else(|| Some(text).filter(|text| text.starts_with(['$', '*', '(']))) {
        return assign(shell, expression);
    }
    let (name, value, has_sign) = name_and_value(text);
    match options::find(&name) {
        Ok(row) if value.is_empty() && !has_sign && !row.is_switch() => Ok(list(shell, Some(row))),
        Ok(row) => shell.set_option(row, value).map(|()| list(shell, Some(row))),
        // It may be a variable of the program.
        Err(_) if has_sign => assign(shell, text),
        Err(error) => Err(error),
    }
}

/// `NAME VALUE`, `NAME=VALUE`, and gdb's `print elements 10`; whether there was a sign.
fn name_and_value(text: &str) -> (String, &str, bool) {
    let end = text.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(text.len());
    let (mut name, mut rest) = (text[..end].to_owned(), text[end..].trim_start());
    if matches!(name.as_str(), "print" | "p" | "history" | "list") && rest.starts_with(char::is_alphabetic) {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let family = if name == "p" { "print" } else { &name };
        name = format!("{family}-{}", &rest[..end]);
        rest = rest[end..].trim_start();
    }
    match rest.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
        Some(value) => (name, value.trim_start(), true),
        None => (name, rest, false),
    }
}

fn assign(shell: &mut Shell, expression: &str) -> Result<Reply, CommandError> {
    let printed = shell.engine_mut().print(expression, Show::default())?;
    Ok(Reply::Printed(Box::new(printed)))
}

fn show(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.whole {
        "" => Ok(list(shell, None)),
        name => Ok(list(shell, Some(options::find(&name_and_value(name).0)?))),
    }
}

fn list(shell: &Shell, only: Option<&OptionRow>) -> Reply {
    Reply::Options(OptionList { options: shell.option_values(only) })
}

fn perl_options(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let mut shown = Vec::new();
    for word in invocation.whole.split_whitespace() {
        let (name, value) = match (word.strip_suffix('?'), word.split_once('=')) {
            (Some(name), _) => (name, None),
            (None, Some((name, value))) => (name, Some(value)),
            (None, None) => (word, Some("on")),
        };
        let row = options::find(name)?;
        value.map_or(Ok(()), |value| shell.set_option(row, value))?;
        shown.extend(shell.option_values(Some(row)));
    }
    if invocation.whole.is_empty() {
        shown = shell.option_values(None);
    }
    Ok(Reply::Options(OptionList { options: shown }))
}

fn alias(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let text = invocation.whole;
    let end = text.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(text.len());
    let (name, rest) = (&text[..end], text[end..].trim_start());
    let line = rest.strip_prefix('=').unwrap_or(rest).trim();
    if !line.is_empty() {
        shell.aliases.define(name, vec![line.to_owned()])?;
    }
    let aliases = shell.aliases.list(Some(name).filter(|name| !name.is_empty()));
    match aliases.is_empty() && !name.is_empty() {
        true => Err(CommandError::refused(format!("no line is called '{name}'; 'alias' lists those that are"))),
        false => Ok(Reply::Aliases(AliasList { aliases })),
    }
}

fn unalias(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.whole {
        "" => Err(invocation.usage()),
        name if shell.aliases.forget(name) => Ok(Reply::Aliases(AliasList { aliases: Vec::new() })),
        name => Err(CommandError::refused(format!("no line is called '{name}'; 'alias' lists those that are"))),
    }
}

fn hook(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let text = invocation.whole;
    let (adds, text) = text.strip_prefix("-add ").map_or((false, text), |rest| (true, rest.trim_start()));
    let (point, command) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if !point.is_empty() {
        let point = HookPoint::named(point)?;
        match command.trim() {
            "" | "?" => {}
            "*" => shell.hooks.clear(point),
            command => shell.hooks.set(point, command, adds),
        }
    }
    Ok(Reply::Hooks(HookList { hooks: shell.hooks.list() }))
}

fn unhook(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let point = HookPoint::named(invocation.whole)?;
    shell.hooks.clear(point);
    Ok(Reply::Hooks(HookList { hooks: shell.hooks.list() }))
}
