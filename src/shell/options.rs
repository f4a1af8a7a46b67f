//! The options of the shell: one table that `set`, `show`, `help set`, completion and the documents read.

use super::Shell;
use super::command_sets::CommandSet;
use super::lookup::nearest;
use crate::engine::{CommandError, LimitOptions, OptionValue, Preferences};
use crate::render::Theme;

/// What the shell itself keeps of them; what concerns answers is in [`Preferences`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose one-letter commands are meant.
    pub command_set: CommandSet,
    /// `auto`, `off`, or the pager's command.
    pub pager: String,
    /// Which colours there are; none has been chosen yet.
    pub theme: Option<Theme>,
    /// Lines that are kept from session to session.
    pub history_lines: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { command_set: CommandSet::default(), pager: "auto".to_owned(), theme: None, history_lines: 10_000 }
    }
}

/// One option.
#[derive(Debug)]
pub struct OptionRow {
    /// Its name.
    pub name: &'static str,
    /// gdb's and others' names for it.
    pub also: &'static [&'static str],
    /// The values, as a usage line writes them.
    pub values: &'static str,
    /// One line: what it changes.
    pub summary: &'static str,
    get: fn(&Shell) -> String,
    set: fn(&mut Shell, &str) -> Result<(), CommandError>,
}

impl OptionRow {
    /// It is on or off.
    pub fn is_switch(&self) -> bool {
        self.values == "on|off"
    }

    /// The values that can be listed, for completion.
    pub fn choices(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.values.split('|').filter(|value| value.starts_with(|c: char| c.is_lowercase()))
    }
}

/// All options.
pub static OPTIONS: [OptionRow; 10] = [
    OptionRow {
        name: "commandset",
        also: &["CommandSet"],
        values: "own|gdb|pdb|perl",
        summary: "Whose meaning the one-letter commands w r a f i x t e u d v D have",
        get: |shell| shell.options.command_set.name().to_owned(),
        set: |shell, value| {
            let found = CommandSet::ALL.into_iter().find(|(name, _)| *name == value);
            shell.options.command_set = found.ok_or_else(|| wrong("commandset", value))?.1;
            Ok(())
        },
    },
    OptionRow {
        name: "history-size",
        also: &["HistSize"],
        values: "N",
        summary: "Lines that are kept from session to session",
        get: |shell| shell.options.history_lines.to_string(),
        set: |shell, value| {
            shell.options.history_lines = value.parse().map_err(|_| wrong("history-size", value))?;
            Ok(())
        },
    },
    OptionRow {
        name: "list-lines",
        also: &["listsize"],
        values: "N",
        summary: "Lines that 'list' shows at once",
        get: |shell| shell.preferences().list_lines.to_string(),
        set: |shell, value| {
            let lines: u32 = value
                .parse()
                .ok()
                .filter(|lines| (1..=10_000).contains(lines))
                .ok_or_else(|| wrong("list-lines", value))?;
            shell.change(|preferences| preferences.list_lines = lines);
            Ok(())
        },
    },
    OptionRow {
        name: "pager",
        also: &["pagination"],
        values: "auto|off|COMMAND",
        summary: "What shows an answer longer than the screen: $DPDB_PAGER, $PAGER or less",
        get: |shell| shell.options.pager.clone(),
        set: |shell, value| {
            let value = if value == "on" { "auto" } else { value };
            value.clone_into(&mut shell.options.pager);
            Ok(())
        },
    },
    OptionRow {
        name: "print-bytes",
        also: &["print-limit", "print-characters", "maxlength"],
        values: "N|unlimited|default",
        summary: "Bytes of a string that are shown",
        get: |shell| limit(shell.preferences().limits.bytes),
        set: |shell, value| set_limit(shell, "bytes", value, |limits| limits.bytes = None),
    },
    OptionRow {
        name: "print-depth",
        also: &["print-max-depth", "dumpDepth"],
        values: "N|unlimited|default",
        summary: "How deep values inside values are shown",
        get: |shell| limit(shell.preferences().limits.depth.map(|depth| depth as u64)),
        set: |shell, value| set_limit(shell, "depth", value, |limits| limits.depth = None),
    },
    OptionRow {
        name: "print-elements",
        also: &["arrayDepth", "hashDepth"],
        values: "N|unlimited|default",
        summary: "Elements of an array or container that are shown",
        get: |shell| limit(shell.preferences().limits.elements),
        set: |shell, value| set_limit(shell, "elements", value, |limits| limits.elements = None),
    },
    OptionRow {
        name: "print-pretty",
        also: &[],
        values: "on|off",
        summary: "Show values as trees, a member on each line",
        get: |shell| switch(shell.preferences().tree),
        set: |shell, value| set_switch(shell, "print-pretty", value, |preferences| &mut preferences.tree),
    },
    OptionRow {
        name: "print-raw",
        also: &[],
        values: "on|off",
        summary: "Show values of the standard libraries as they are laid out",
        get: |shell| switch(shell.preferences().raw),
        set: |shell, value| set_switch(shell, "print-raw", value, |preferences| &mut preferences.raw),
    },
    OptionRow {
        name: "theme",
        also: &[],
        values: "auto|light|dark|none",
        summary: "Colours for a light or a dark terminal, or none; auto asks the terminal",
        get: |shell| shell.options.theme.map_or("auto", Theme::name).to_owned(),
        set: |shell, value| {
            let chosen = match value {
                "auto" => None,
                value => Some(Theme::named(value).ok_or_else(|| wrong("theme", value))?),
            };
            shell.set_theme(chosen);
            Ok(())
        },
    },
];

fn limit(limit: Option<u64>) -> String {
    match limit {
        None => "default".to_owned(),
        Some(u64::MAX) => "unlimited".to_owned(),
        Some(number) => number.to_string(),
    }
}

fn set_limit(shell: &mut Shell, name: &str, value: &str, forget: fn(&mut LimitOptions)) -> Result<(), CommandError> {
    let mut limits = shell.preferences().limits;
    match value {
        "default" => forget(&mut limits),
        value => limits.set(name, value).unwrap_or_else(|| Err(wrong(name, value)))?,
    }
    shell.change(|preferences| preferences.limits = limits);
    Ok(())
}

fn set_switch(
    shell: &mut Shell,
    name: &str,
    value: &str,
    which: fn(&mut Preferences) -> &mut bool,
) -> Result<(), CommandError> {
    let on = is_on(name, value)?;
    shell.change(|preferences| *which(preferences) = on);
    Ok(())
}

fn switch(on: bool) -> String {
    (if on { "on" } else { "off" }).to_owned()
}

fn is_on(name: &str, value: &str) -> Result<bool, CommandError> {
    match value {
        "" | "on" | "1" | "yes" => Ok(true),
        "off" | "0" | "no" => Ok(false),
        value => Err(wrong(name, value)),
    }
}

fn wrong(name: &str, value: &str) -> CommandError {
    let values = OPTIONS.iter().find(|row| row.name == name).map_or("", |row| row.values);
    CommandError::refused(format!("'{value}' is no value for {name}: {values}"))
}

/// The option of this name, which may be cut short as long as it stays unique.
pub fn find(name: &str) -> Result<&'static OptionRow, CommandError> {
    let spellings = |row: &'static OptionRow| std::iter::once(row.name).chain(row.also.iter().copied());
    if let Some(row) = OPTIONS.iter().find(|row| spellings(row).any(|spelling| spelling == name)) {
        return Ok(row);
    }
    let mut begun = OPTIONS.iter().filter(|row| !name.is_empty() && row.name.starts_with(name));
    match (begun.next(), begun.next()) {
        (Some(only), None) => Ok(only),
        (Some(first), Some(second)) => {
            let candidates = [first, second].into_iter().chain(begun).map(|row| row.name);
            Err(CommandError::Ambiguous { typed: name.to_owned(), candidates: candidates.collect() })
        }
        _ => {
            let near = nearest(name, OPTIONS.iter().flat_map(spellings));
            let near = near.map_or("'show' lists them".to_owned(), |near| format!("did you mean '{near}'?"));
            Err(CommandError::refused(format!("no option is called '{name}'; {near}")))
        }
    }
}

impl Shell {
    /// The values of all options, or of one.
    pub(super) fn option_values(&self, only: Option<&OptionRow>) -> Vec<OptionValue> {
        let wanted = OPTIONS.iter().filter(|row| only.is_none_or(|only| only.name == row.name));
        let value = |row: &OptionRow| OptionValue {
            name: row.name,
            value: (row.get)(self),
            values: row.values,
            summary: row.summary,
        };
        wanted.map(value).collect()
    }

    /// Gives an option a value.
    ///
    /// # Errors
    /// It cannot have that value.
    pub(super) fn set_option(&mut self, row: &OptionRow, value: &str) -> Result<(), CommandError> {
        (row.set)(self, value.trim())
    }

    fn preferences(&self) -> Preferences {
        self.run.engine().preferences()
    }

    fn change(&mut self, change: impl FnOnce(&mut Preferences)) {
        self.run.change_preferences(change);
    }
}

#[cfg(test)]
mod tests {
    use super::{OPTIONS, find};

    #[test]
    fn options_are_found_by_name_by_others_names_and_by_their_beginning() {
        let name = |text: &str| find(text).map(|row| row.name).map_err(|error| error.to_string());
        assert_eq!(name("listsize"), Ok("list-lines"));
        assert_eq!(name("comm"), Ok("commandset"));
        assert_eq!(
            name("print-"),
            Err("'print-' may mean: print-bytes, print-depth, print-elements, print-pretty, print-raw".to_owned())
        );
        assert_eq!(name("pagr"), Err("no option is called 'pagr'; did you mean 'pager'?".to_owned()));
    }

    #[test]
    fn summaries_are_lines() {
        assert!(OPTIONS.iter().all(|row| row.summary.len() <= 80 && !row.summary.ends_with('.')));
        assert!(OPTIONS.is_sorted_by_key(|row| row.name));
    }
}
