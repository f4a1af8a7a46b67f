//! Colours, and making what a target says fit for a terminal.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use anstyle::Style as Ansi;
use dpdb_snapshot::Text;

use super::theme::Theme;

/// What a piece of output is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing in particular.
    Plain,
    /// An address or a register's value.
    Address,
    /// A function's or symbol's name.
    Function,
    /// A path or a line of source.
    File,
    /// What is selected, or a heading.
    Strong,
    /// What went wrong.
    Error,
    /// What is doubtful or missing.
    Doubt,
    /// What is there for completeness.
    Faint,
    /// A value that is another than it was.
    Changed,
    /// A word of the language.
    Keyword,
    /// A number.
    Number,
    /// Text in quotes.
    Text,
    /// A comment.
    Comment,
}

/// How output looks: with colours or without, and paths relative to where.
#[derive(Clone, Debug, Default)]
pub struct Style {
    theme: Theme,
    directory: Option<PathBuf>,
}

/// Names and arguments are cut here: a mangled name can be a megabyte.
const LONGEST: usize = 1000;

impl Style {
    /// For a stream: colours where it is a terminal, for a dark one unless the environment says otherwise.
    pub fn for_stream(is_terminal: bool) -> Style {
        let theme = if is_terminal { Theme::of_environment().unwrap_or(Theme::Dark) } else { Theme::None };
        Style { theme, directory: std::env::current_dir().ok() }
    }

    /// The same with other colours.
    #[must_use]
    pub fn with_theme(&self, theme: Theme) -> Style {
        Style { theme, directory: self.directory.clone() }
    }

    /// Its colours.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// Text in the colour of its role. It is printed as it is: pass what a target says through [`clean`] first.
    pub fn paint(&self, role: Role, text: impl Display) -> Painted<impl Display> {
        Painted { ansi: self.theme.ansi(role), text }
    }

    /// A path of the target: relative to the working directory where it lies below that.
    pub fn path(&self, path: &Text) -> String {
        let shown = self.directory.as_deref().filter(|directory| *directory != Path::new("/"));
        match shown.and_then(|directory| path.as_path().strip_prefix(directory).ok()) {
            Some(relative) => clean(&Text::from(relative)),
            None => clean(path),
        }
    }
}

/// A target's text for one line of a terminal: escaped, and cut where it is absurdly long.
pub fn clean(text: &Text) -> String {
    let escaped = text.to_string();
    match escaped.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &escaped[..end], text.as_bytes().len()),
        None => escaped,
    }
}

/// As [`clean`], for text that is UTF-8 already.
pub fn clean_str(text: &str) -> String {
    clean(&Text::from(text))
}

/// Text with its colour.
#[derive(Debug)]
pub struct Painted<T> {
    ansi: Ansi,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.ansi.render(), self.text, self.ansi.render_reset())
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, Style, Theme, clean_str};

    #[test]
    fn without_colours_text_stays_as_it_is() {
        assert_eq!(Style::default().paint(Role::Error, "x").to_string(), "x");
        let coloured = Style::default().with_theme(Theme::Dark);
        assert_eq!(coloured.paint(Role::Error, "x").to_string(), "\u{1b}[1m\u{1b}[31mx\u{1b}[0m");
    }

    #[test]
    fn escapes_and_absurd_lengths_do_not_reach_the_terminal() {
        assert_eq!(clean_str("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        let long = clean_str(&"x".repeat(1_000_000));
        assert!(long.len() < 1100 && long.ends_with("(1000000 bytes)"), "{}", long.len());
    }
}
