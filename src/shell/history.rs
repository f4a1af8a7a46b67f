//! The lines that were typed, and running one of them again.

use crate::engine::{CommandError, HistoryLine};

/// The lines of this session, and those of sessions before it.
#[derive(Debug, Default)]
pub struct TypedLines {
    lines: Vec<String>,
    /// How many of them are from before.
    before: usize,
}

impl TypedLines {
    /// Begins a session behind these lines.
    pub fn continue_from(&mut self, lines: impl Iterator<Item = String>) {
        self.lines = lines.collect();
        self.before = self.lines.len();
    }

    /// Adds a line; the same twice in a row is one.
    pub fn add(&mut self, line: &str) {
        if self.lines.last().is_none_or(|last| last != line) && !line.is_empty() {
            self.lines.push(line.to_owned());
        }
    }

    /// Those of this session.
    pub fn of_session(&self) -> impl Iterator<Item = &str> {
        self.lines[self.before.min(self.lines.len())..].iter().map(String::as_str)
    }

    /// All of them.
    pub fn numbered(&self) -> Vec<HistoryLine> {
        self.lines.iter().enumerate().map(|(at, line)| HistoryLine { number: at + 1, line: line.clone() }).collect()
    }

    /// The line that `!N` or `!-N` means; `None` where it is neither.
    ///
    /// # Errors
    /// There is no such line.
    pub fn recall(&self, typed: &str) -> Option<Result<&str, CommandError>> {
        let number: i64 = typed.trim().strip_prefix('!')?.parse().ok()?;
        let at = match number {
            1.. => usize::try_from(number - 1).ok(),
            _ => self.lines.len().checked_sub(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        let line = at.and_then(|at| self.lines.get(at)).map(String::as_str);
        Some(
            line.ok_or_else(|| CommandError::refused(format!("no line has the number {number}; 'history' lists them"))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::TypedLines;

    #[test]
    fn lines_are_recalled_by_number_and_from_the_end() {
        let mut lines = TypedLines::default();
        lines.continue_from(["bt".to_owned()].into_iter());
        ["p x", "p x", "locals"].into_iter().for_each(|line| lines.add(line));
        let recalled = |typed: &str| lines.recall(typed).map(|line| line.map(str::to_owned).map_err(|_| ()));
        assert_eq!(recalled("!1"), Some(Ok("bt".to_owned())));
        assert_eq!(recalled("!-1"), Some(Ok("locals".to_owned())));
        assert_eq!((recalled("!9"), recalled("!0"), recalled("!x")), (Some(Err(())), Some(Err(())), None));
        assert_eq!(lines.of_session().collect::<Vec<_>>(), ["p x", "locals"]);
    }
}
