//! From the line somebody typed to the command that was meant.

use super::table::{Command, Invocation, commands};
use crate::engine::CommandError;

/// Splits a line into the command, its modifier and its arguments.
///
/// Exact spellings win, then unique prefixes. `info threads` is a spelling of two words: the second word may be cut
/// short, too.
///
/// # Errors
/// [`CommandError::Unknown`] with the nearest name, or [`CommandError::Ambiguous`] with the candidates.
pub fn split(line: &str) -> Result<Invocation<'_>, CommandError> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let command = find(word)?;
    if let Some((command, rest)) = two_words(command, rest)? {
        return Ok(with_modifier(command, rest));
    }
    Ok(with_modifier(command, rest))
}

/// Where `command` is the first word of two-word spellings, and the next word begins one of them: that one, and what
/// follows it.
fn two_words<'a>(first: &'static Command, rest: &'a str) -> Result<Option<(&'static Command, &'a str)>, CommandError> {
    let rest = rest.trim_start();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    if word.is_empty() {
        return Ok(None);
    }
    let mut longest: Option<(&'static Command, &'a str)> = None;
    let mut candidates: Vec<(&'static str, &'static Command)> = Vec::new();
    for command in commands() {
        for spelling in command.aliases {
            let Some((head, tail)) = spelling.split_once(' ') else { continue };
            if head != first.name {
                continue;
            }
            if let Some(after) = starts_with_words(rest, tail) {
                if longest.is_none_or(|(_, shortest)| after.len() < shortest.len()) {
                    longest = Some((command, after));
                }
            } else if tail.starts_with(word) {
                candidates.push((spelling, command));
            }
        }
    }
    if longest.is_some() {
        return Ok(longest);
    }
    Ok(unique(&format!("{} {word}", first.name), candidates)?.map(|command| (command, after)))
}

/// What follows the words of `tail` in `text`, where `text` begins with them.
fn starts_with_words<'a>(text: &'a str, tail: &str) -> Option<&'a str> {
    let mut text = text;
    for word in tail.split(' ') {
        text = text.trim_start().strip_prefix(word)?;
        if !(text.is_empty() || text.starts_with(char::is_whitespace)) {
            return None;
        }
    }
    Some(text)
}

fn with_modifier<'a>(command: &'static Command, rest: &'a str) -> Invocation<'a> {
    let rest = rest.trim();
    let Some(slashed) = rest.strip_prefix('/') else {
        return Invocation { command, modifier: "", arguments: rest, whole: rest };
    };
    let end = slashed.find(char::is_whitespace).unwrap_or(slashed.len());
    Invocation { command, modifier: &slashed[..end], arguments: slashed[end..].trim(), whole: rest }
}

/// The command spelled `word`, or the only one that begins so.
fn find(word: &str) -> Result<&'static Command, CommandError> {
    if let Some(command) = commands().find(|command| command.spellings().any(|spelling| spelling == word)) {
        return Ok(command);
    }
    let candidates = commands()
        .flat_map(|command| command.spellings().map(move |spelling| (spelling, command)))
        .filter(|(spelling, _)| !word.is_empty() && spelling.starts_with(word) && !spelling.contains(' '))
        .collect();
    unique(word, candidates)?.ok_or_else(|| CommandError::Unknown {
        typed: word.to_owned(),
        nearest: nearest(word, commands().flat_map(Command::spellings)).map(str::to_owned),
    })
}

/// The one command among the candidates, which may be several spellings of it.
fn unique(
    typed: &str,
    candidates: Vec<(&'static str, &'static Command)>,
) -> Result<Option<&'static Command>, CommandError> {
    let Some((_, first)) = candidates.first() else { return Ok(None) };
    if candidates.iter().all(|(_, command)| std::ptr::eq(*command, *first)) {
        return Ok(Some(first));
    }
    let mut spellings: Vec<&'static str> = candidates.into_iter().map(|(spelling, _)| spelling).collect();
    spellings.sort_unstable();
    Err(CommandError::Ambiguous { typed: typed.to_owned(), candidates: spellings })
}

/// The candidate that `typed` is most likely a slip of: within two edits, and fewer than half its letters.
pub fn nearest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = typed.chars().count();
    let limit = (letters.saturating_sub(1) / 2).min(2);
    candidates
        .map(|candidate| (edits(typed, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && candidate.len() > 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    // A word of a command line may be anything; the names it is compared with are short.
    const LONGEST: usize = 64;
    let a: Vec<char> = a.chars().take(LONGEST).collect();
    let b: Vec<char> = b.chars().take(LONGEST).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{nearest, split};
    use crate::engine::CommandError;

    fn parts(line: &str) -> (&str, &str, &str) {
        let found = split(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        (found.command.name, found.modifier, found.arguments)
    }

    #[test]
    fn names_aliases_and_unique_prefixes_find_the_command() {
        assert_eq!(parts("bt -3"), ("bt", "", "-3"));
        assert_eq!(parts("  where  "), ("bt", "", ""));
        assert_eq!(parts("T"), ("bt", "", ""));
        assert_eq!(parts("disass main"), ("disas", "", "main"));
        assert_eq!(parts("longl"), ("longlist", "", ""));
        assert_eq!(parts("e 12"), ("thread", "", "12"));
    }

    #[test]
    fn gdbs_two_word_commands_may_be_cut_short() {
        assert_eq!(parts("info threads"), ("threads", "", ""));
        assert_eq!(parts("info reg rip"), ("regs", "", "rip"));
        assert_eq!(parts("info proc mappings"), ("maps", "", ""));
        assert_eq!(parts("info symbol 0x10"), ("whatat", "", "0x10"));
        assert_eq!(parts("info"), ("info", "", ""));
        assert!(matches!(split("info s"), Err(CommandError::Ambiguous { .. })));
    }

    #[test]
    fn a_slash_begins_the_modifier() {
        assert_eq!(parts("x/4gx $rsp+8"), ("x", "4gx", "$rsp+8"));
        assert_eq!(parts("x /s 0x10"), ("x", "s", "0x10"));
        assert_eq!(parts("disas /s"), ("disas", "s", ""));
    }

    #[test]
    fn an_ambiguous_prefix_lists_its_candidates() {
        let Err(CommandError::Ambiguous { candidates, .. }) = split("wh") else { panic!("wh is ambiguous") };
        assert_eq!(candidates, ["whatat", "whatis", "where", "why"]);
    }

    #[test]
    fn a_slip_finds_the_nearest_name() {
        let names = ["threads", "thread", "list", "inspect"];
        assert_eq!(nearest("theads", names.into_iter()), Some("threads"));
        assert_eq!(nearest("lsit", names.into_iter()), Some("list"));
        assert_eq!(nearest("xyzzy", names.into_iter()), None);
        assert_eq!(nearest("q", names.into_iter()), None);
    }
}
