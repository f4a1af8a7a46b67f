//! The shell itself.

use crate::engine::{CommandError, CommandHelp, Engine, HelpGroup, HelpIndex, Reply, Tutorial};
use crate::shell::lookup;
use crate::shell::table::{self, Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        aliases: &["h", "?"],
        arguments: "[COMMAND]",
        group: Group::Shell,
        modes: Modes::ALL,
        summary: "List the commands, or explain one",
        details: "Any unique beginning of a name will do. An empty line repeats list, x, up and down.",
        example: "help x",
        repeat: Repeat::No,
        action: Action::Run(help),
    },
    Command {
        name: "apropos",
        aliases: &[],
        arguments: "WORD...",
        group: Group::Shell,
        modes: Modes::ALL,
        summary: "List the commands whose name or help has all of these words",
        details: "Upper and lower case are the same. Where 'help' lists what there is, this finds what does something.",
        example: "apropos memory",
        repeat: Repeat::No,
        action: Action::Run(apropos),
    },
    Command {
        name: "tutorial",
        aliases: &[],
        arguments: "",
        group: Group::Shell,
        modes: Modes::ALL,
        summary: "Show how to look at a crash, in one screen",
        details: "",
        example: "tutorial",
        repeat: Repeat::No,
        action: Action::Run(tutorial),
    },
    Command {
        name: "quit",
        aliases: &["q", "exit"],
        arguments: "",
        group: Group::Shell,
        modes: Modes::ALL,
        summary: "Leave; so does Ctrl-D",
        details: "",
        example: "quit",
        repeat: Repeat::No,
        action: Action::Run(quit),
    },
];

fn help(_: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.arguments.is_empty() {
        return Ok(Reply::HelpIndex(index()));
    }
    Ok(Reply::Help(describe(lookup::split(invocation.arguments)?.command)))
}

fn apropos(_: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let words: Vec<String> = invocation.whole.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Err(invocation.usage());
    }
    let mut found = index();
    for group in &mut found.groups {
        group.commands.retain(|command| speaks_of(command, &words));
    }
    found.groups.retain(|group| !group.commands.is_empty());
    if found.groups.is_empty() {
        return Err(CommandError::refused(format!("no command speaks of '{}'; 'help' lists them", invocation.whole)));
    }
    Ok(Reply::HelpIndex(found))
}

fn speaks_of(command: &CommandHelp, words: &[String]) -> bool {
    let aliases = command.aliases.join(" ");
    let texts = [command.usage.as_str(), &aliases, command.summary, command.details, command.instead.unwrap_or("")];
    let text = texts.join("\n").to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

fn tutorial(_: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    Ok(Reply::Tutorial(Tutorial { text: include_str!("../tutorial.txt") }))
}

fn quit(_: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    Ok(Reply::Quit {})
}

/// All commands under their headings.
pub fn index() -> HelpIndex {
    let group = |group: Group| HelpGroup {
        title: group.title(),
        commands: table::commands().filter(|command| command.group == group).map(describe).collect(),
    };
    HelpIndex { groups: Group::ALL.into_iter().map(group).collect() }
}

fn describe(command: &'static Command) -> CommandHelp {
    CommandHelp {
        name: command.name,
        usage: command.usage(),
        aliases: command.aliases,
        modes: command.modes.letters(),
        summary: command.summary,
        details: command.details,
        example: command.example,
        instead: match command.action {
            Action::Run(_) | Action::RunOnAll(_) | Action::RunInShell(_) => None,
            Action::Instead(instead) => Some(instead),
        },
    }
}
