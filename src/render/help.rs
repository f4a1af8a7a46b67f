//! Help as text.

use std::fmt::Write as _;

use super::style::{Role, Style};
use super::table::{Table, cell, plain};
use crate::engine::{CommandHelp, HelpIndex};

/// The list of commands.
pub fn index(index: &HelpIndex, style: &Style) -> String {
    let mut out = String::new();
    for group in &index.groups {
        let _ = writeln!(out, "{}", style.paint(Role::Strong, group.title));
        // What does nothing here is listed, not explained.
        if group.commands.iter().all(|command| command.instead.is_some()) {
            out += &names(group.commands.iter().map(|command| command.name));
            continue;
        }
        let mut table = Table::bare();
        for command in &group.commands {
            table.row(vec![cell(Role::Function, format!("  {}", command.name)), plain(command.summary)]);
        }
        out += &table.render(style);
    }
    out + "'help COMMAND' says more; any unique beginning of a name will do.\n"
}

/// Words in lines of up to 76 columns.
fn names<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut line = String::from(" ");
    for word in words {
        if line.len() + word.len() > 75 {
            out += &std::mem::replace(&mut line, String::from(" "));
            out.push('\n');
        }
        line += " ";
        line += word;
    }
    out + &line + "\n"
}

/// All about one command.
pub fn command(help: &CommandHelp, style: &Style) -> String {
    let mut out = format!("{}\n{}\n", style.paint(Role::Strong, &help.usage), help.summary);
    if !help.details.is_empty() {
        let _ = writeln!(out, "\n{}", help.details);
    }
    if let Some(instead) = help.instead {
        let _ = writeln!(out, "\nNot on a snapshot: use {instead}.");
        return out;
    }
    out.push('\n');
    if !help.aliases.is_empty() {
        let _ = writeln!(out, "Also: {}", help.aliases.join(", "));
    }
    let _ = writeln!(out, "Example: {}", style.paint(Role::Function, help.example));
    out
}
