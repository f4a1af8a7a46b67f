//! What `help` answers. The text itself stands in the shell's table.

use serde::Serialize;

/// The list of all commands.
#[derive(Debug, Serialize)]
pub struct HelpIndex {
    /// By heading.
    pub groups: Vec<HelpGroup>,
}

/// The commands under one heading.
#[derive(Debug, Serialize)]
pub struct HelpGroup {
    /// The heading.
    pub title: &'static str,
    /// Its commands.
    pub commands: Vec<CommandHelp>,
}

/// All about one command.
#[derive(Debug, Serialize)]
pub struct CommandHelp {
    /// Its name.
    pub name: &'static str,
    /// Name and arguments.
    pub usage: String,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// `S`, `L`, `T`: where it has a meaning.
    pub modes: String,
    /// One line.
    pub summary: &'static str,
    /// More, or nothing.
    pub details: &'static str,
    /// A line that can be typed.
    pub example: &'static str,
    /// What to use on a snapshot, where it does nothing there.
    pub instead: Option<&'static str>,
}

/// How to look at a crash.
#[derive(Debug, Serialize)]
pub struct Tutorial {
    /// One screen of text.
    pub text: &'static str,
}
