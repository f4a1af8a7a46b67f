//! What the fingers of other debuggers' users type: the one-letter commands that mean something else in each of them,
//! and perl's commands that are no words.

use std::borrow::Cow;

/// Whose one-letter commands are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommandSet {
    /// Ours: those that have a meaning on a crash.
    #[default]
    Own,
    /// gdb's.
    Gdb,
    /// pdb's.
    Pdb,
    /// perl's.
    Perl,
}

impl CommandSet {
    /// All of them by name.
    pub const ALL: [(&'static str, CommandSet); 4] =
        [("own", CommandSet::Own), ("gdb", CommandSet::Gdb), ("pdb", CommandSet::Pdb), ("perl", CommandSet::Perl)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, set)| *set == self).map_or("own", |(name, _)| name)
    }
}

/// What a letter means to users of gdb, pdb and perl's debugger; where they have none, it is ours.
const LETTERS: [(&str, [Option<&str>; 3]); 12] = [
    ("w", [Some("watch"), Some("bt"), Some("watch")]),
    ("r", [Some("run"), Some("finish"), Some("finish")]),
    ("a", [None, Some("args"), Some("commands")]),
    ("f", [Some("frame"), None, Some("file")]),
    ("i", [Some("info"), None, Some("inherits")]),
    ("x", [Some("x"), None, Some("pp")]),
    ("t", [Some("thread"), None, Some("trace")]),
    ("e", [Some("edit"), None, Some("thread")]),
    ("u", [Some("until"), Some("up"), None]),
    ("d", [Some("delete"), Some("down"), Some("delete")]),
    ("v", [None, None, Some("list")]),
    ("D", [None, None, Some("delete")]),
];

/// Perl's commands that are no words, and pdb's and gdb's, longest first: what they begin with, and what they are here.
/// A blank behind the second says that the rest of the line are its arguments.
const PUNCTUATION: [(&str, &str); 9] = [
    ("!!", "shell "),
    ("<<", "hook -add pre-prompt "),
    (">>", "hook -add post-prompt "),
    ("{{", "hook -add pre-prompt "),
    ("<", "hook pre-prompt "),
    (">", "hook post-prompt "),
    ("{", "hook pre-prompt "),
    ("=", "alias "),
    ("/", "search "),
];

/// The line with its first word or sign spelled out.
pub fn spelled_out(line: &str, set: CommandSet) -> Cow<'_, str> {
    let line = line.trim();
    match line {
        "." => return Cow::Borrowed("list ."),
        "-" => return Cow::Borrowed("list -"),
        _ => {}
    }
    for (sign, word) in PUNCTUATION {
        if let Some(rest) = line.strip_prefix(sign) {
            return Cow::Owned(format!("{word}{}", rest.trim_start()));
        }
    }
    // `?` alone or before a blank is help; perl's search is written without one.
    if let Some(pattern) = line.strip_prefix('?').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')) {
        return Cow::Owned(format!("search -backward {pattern}"));
    }
    let end = line.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(line.len());
    match meaning(&line[..end], set) {
        Some(word) => Cow::Owned(format!("{word}{}", &line[end..])),
        None => Cow::Borrowed(line),
    }
}

/// What a letter means in a set, where that is not what it means here.
fn meaning(letter: &str, set: CommandSet) -> Option<&'static str> {
    let column = match set {
        CommandSet::Own => return None,
        CommandSet::Gdb => 0,
        CommandSet::Pdb => 1,
        CommandSet::Perl => 2,
    };
    let (_, meanings) = LETTERS.into_iter().find(|(known, _)| *known == letter)?;
    meanings[column]
}

#[cfg(test)]
mod tests {
    use super::{CommandSet, LETTERS, PUNCTUATION, spelled_out};
    use crate::shell::lookup;

    #[test]
    fn letters_mean_what_the_chosen_debugger_means() {
        assert_eq!(spelled_out("x/4x $sp", CommandSet::Own), "x/4x $sp");
        assert_eq!(spelled_out("x $sp", CommandSet::Perl), "pp $sp");
        assert_eq!(spelled_out("r", CommandSet::Gdb), "run");
        assert_eq!(spelled_out("r", CommandSet::Pdb), "finish");
        assert_eq!(spelled_out("rip", CommandSet::Pdb), "rip");
        assert_eq!(spelled_out("t 2", CommandSet::Gdb), "thread 2");
    }

    #[test]
    fn perls_signs_are_commands() {
        assert_eq!(spelled_out("!!ls -l", CommandSet::Own), "shell ls -l");
        assert_eq!(spelled_out("<< bt 1", CommandSet::Own), "hook -add pre-prompt bt 1");
        assert_eq!(spelled_out("/main", CommandSet::Own), "search main");
        assert_eq!(spelled_out("?main", CommandSet::Own), "search -backward main");
        assert_eq!(spelled_out("? bt", CommandSet::Own), "? bt");
        assert_eq!(spelled_out(".", CommandSet::Own), "list .");
    }

    #[test]
    fn all_that_they_mean_are_commands() {
        let meanings = LETTERS.into_iter().flat_map(|(_, meanings)| meanings).flatten();
        for word in meanings.chain(PUNCTUATION.into_iter().map(|(_, word)| word)) {
            lookup::split(word).unwrap_or_else(|error| panic!("{word}: {error}"));
        }
    }
}
