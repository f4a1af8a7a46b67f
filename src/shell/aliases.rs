//! Names that stand for other lines: aliases, of one line, and definitions, of several.

use std::collections::BTreeMap;

use crate::engine::{CommandError, NamedLines};

/// The names of one session.
#[derive(Debug, Default)]
pub struct Aliases {
    named: BTreeMap<String, Vec<String>>,
}

/// More names than these are a script gone wild.
const MOST: usize = 10_000;

impl Aliases {
    /// Gives lines a name, which may be that of a command: it means these lines then.
    ///
    /// # Errors
    /// It is no word, or there are too many.
    pub fn define(&mut self, name: &str, lines: Vec<String>) -> Result<(), CommandError> {
        let is_word = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if name.is_empty() || !is_word(name) {
            return Err(CommandError::refused(format!("'{name}' is no name: use letters, digits, _ and -")));
        }
        if self.named.len() >= MOST {
            return Err(CommandError::refused(format!("there are {MOST} names already")));
        }
        self.named.insert(name.to_owned(), lines);
        Ok(())
    }

    /// Takes a name back; whether there was one.
    pub fn forget(&mut self, name: &str) -> bool {
        self.named.remove(name).is_some()
    }

    /// Hides the name that `line` begins with, while its lines run.
    pub fn hide(&mut self, line: &str) -> Option<(String, Vec<String>)> {
        self.named.remove_entry(line.split_whitespace().next()?)
    }

    /// Ends [`Aliases::hide`], unless the lines gave the name another meaning.
    pub fn show_again(&mut self, hidden: Option<(String, Vec<String>)>) {
        if let Some((name, lines)) = hidden {
            self.named.entry(name).or_insert(lines);
        }
    }

    /// All names, or the one.
    pub fn list(&self, name: Option<&str>) -> Vec<NamedLines> {
        let wanted = self.named.iter().filter(|(one, _)| name.is_none_or(|name| *one == name));
        wanted.map(|(name, lines)| NamedLines { name: name.clone(), lines: lines.clone() }).collect()
    }

    /// The lines that `line` stands for, if its first word is a name, with its arguments in place.
    pub fn expand(&self, line: &str) -> Option<Vec<String>> {
        let line = line.trim();
        let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let lines = self.named.get(name)?;
        Some(lines.iter().map(|body| with_arguments(body, arguments.trim(), lines.len() == 1)).collect())
    }
}

/// `%1` to `%9` and `%*` replaced, as pdb does; gdb's `$arg0` is the first, and `$argc` their number. A single line
/// that names none has them appended.
fn with_arguments(body: &str, arguments: &str, appends: bool) -> String {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let mut out = String::with_capacity(body.len() + arguments.len());
    let mut rest = body;
    let mut used = false;
    while let Some(at) = rest.find(['%', '$']) {
        out.push_str(&rest[..at]);
        let (replaced, length) = argument(&rest[at..], arguments, &words);
        used |= replaced.is_some();
        out.push_str(replaced.as_deref().unwrap_or(&rest[at..at + length]));
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    if appends && !used && !arguments.is_empty() {
        out.push(' ');
        out.push_str(arguments);
    }
    out
}

/// What an argument's name at the start of `text` stands for, if it is one, and its length.
fn argument(text: &str, all: &str, words: &[&str]) -> (Option<String>, usize) {
    let word = |index: usize| Some(words.get(index).copied().unwrap_or_default().to_owned());
    let digit = |at: usize| text.as_bytes().get(at).filter(|byte| byte.is_ascii_digit()).map(|&byte| byte - b'0');
    if text.starts_with("%*") {
        return (Some(all.to_owned()), 2);
    }
    if text.starts_with("$argc") {
        return (Some(words.len().to_string()), 5);
    }
    match (text.starts_with("$arg"), digit(4), digit(1)) {
        (true, Some(digit), _) => (word(digit.into()), 5),
        (false, _, Some(digit @ 1..)) if text.starts_with('%') => (word(usize::from(digit) - 1), 2),
        _ => (None, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::Aliases;

    fn expanded(body: &str, line: &str) -> Vec<String> {
        let mut aliases = Aliases::default();
        aliases.define("a", vec![body.to_owned()]).expect("a is a name");
        aliases.expand(line).expect("a is known")
    }

    #[test]
    fn arguments_are_put_in_place_or_appended() {
        assert_eq!(expanded("p %1 + %2", "a x y"), ["p x + y"]);
        assert_eq!(expanded("thread apply all %*", "a bt 3"), ["thread apply all bt 3"]);
        assert_eq!(expanded("p", "a x y"), ["p x y"]);
        assert_eq!(expanded("p $arg0 % $argc", "a x"), ["p x % 1"]);
        assert_eq!(expanded("p $rip % 10 + %1", "a"), ["p $rip % 10 + "]);
    }

    #[test]
    fn names_are_words() {
        let mut aliases = Aliases::default();
        assert!(aliases.define("a b", Vec::new()).is_err() && aliases.define("", Vec::new()).is_err());
        assert!(aliases.expand("b").is_none() && !aliases.forget("b"));
    }
}
