//! What the shell says of itself as text.

use std::fmt::Write as _;

use super::style::{Role, Style, clean_str};
use super::table::{Table, cell, number, plain};
use crate::engine::{AliasList, Done, History, HookList, OptionList, ShellStatus};

/// A table of options, or one of them.
pub fn options(list: &OptionList, style: &Style) -> String {
    let mut table = Table::bare();
    for option in &list.options {
        table.row(vec![
            cell(Role::Strong, option.name),
            plain(clean_str(&option.value)),
            cell(Role::Number, option.values),
            cell(Role::Faint, option.summary),
        ]);
    }
    table.render(style)
}

/// Names and what they stand for.
pub fn aliases(list: &AliasList, style: &Style) -> String {
    let mut out = String::new();
    for alias in &list.aliases {
        let name = style.paint(Role::Strong, clean_str(&alias.name));
        match alias.lines.as_slice() {
            [line] => _ = writeln!(out, "alias {name} = {}", clean_str(line)),
            lines => {
                let _ = writeln!(out, "define {name}");
                lines.iter().for_each(|line| _ = writeln!(out, "    {}", clean_str(line.trim())));
                out += "end\n";
            }
        }
    }
    out
}

/// Hooks and their commands.
pub fn hooks(list: &HookList, style: &Style) -> String {
    let mut table = Table::bare();
    for hook in &list.hooks {
        for command in &hook.commands {
            table.row(vec![cell(Role::Strong, hook.hook), plain(clean_str(command))]);
        }
    }
    table.render(style)
}

/// Lines and their numbers.
pub fn history(history: &History, style: &Style) -> String {
    let mut table = Table::bare();
    for line in &history.lines {
        table.row(vec![number(line.number), plain(clean_str(&line.line))]);
    }
    table.render(style)
}

/// How a command of the user's shell ended, unless it went well.
pub fn shell_status(shell: &ShellStatus, style: &Style) -> String {
    match shell.status {
        Some(0) => String::new(),
        Some(status) => format!("{}\n", style.paint(Role::Doubt, format!("exit status {status}"))),
        None => format!("{}\n", style.paint(Role::Doubt, "it was killed by a signal")),
    }
}

/// The sentence.
pub fn done(done: &Done) -> String {
    clean_str(&done.what) + "\n"
}
