//! `search`: lines of the listed file that match.

use super::values::pattern;
use super::{CommandError, Engine, Reply};

impl Engine {
    /// The next line that matches, behind the lines that were listed last or before them, with the lines around it.
    ///
    /// # Errors
    /// There is none, the pattern makes no sense, or no file is to be had.
    pub fn search_source(&mut self, text: &str, backward: bool) -> Result<Reply, CommandError> {
        // Perl's `/RE/` may have a sign at its end, too.
        let text = text.trim_end_matches(if backward { '?' } else { '/' });
        if text.is_empty() {
            return Err(CommandError::refused("what to look for is missing"));
        }
        let wanted = pattern(text)?;
        let (file, from) = self.listed_line()?;
        let source = self.source_text(&file)?;
        let matches = |line: &[u8]| wanted(&String::from_utf8_lossy(line));
        let found = match backward {
            false => source.lines(from.saturating_add(1), u32::MAX).find(|(_, line)| matches(line)),
            true => source.lines(1, from.saturating_sub(1)).filter(|(_, line)| matches(line)).last(),
        };
        let Some((number, _)) = found else {
            let side = if backward { "before" } else { "behind" };
            return Err(CommandError::refused(format!("no line {side} {from} of {} matches", file.display())));
        };
        self.list_around(&file, number)
    }
}
