//! The lines of a source file, all of them or some.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dpdb_snapshot::SourceFile;

/// The lines of a source file: all, where the file is here, or those that the snapshot carries.
#[derive(Debug)]
pub struct SourceText {
    pub(crate) path: PathBuf,
    pub(crate) modified: Option<SystemTime>,
    /// What the reader of its lines should know, as a sentence.
    pub(crate) doubt: Option<String>,
    parts: Vec<Part>,
    carried: bool,
}

/// Lines that follow one another.
#[derive(Debug)]
struct Part {
    /// The number of the first.
    first: u32,
    bytes: Vec<u8>,
    /// Where each line begins; the last entry is where a line after the last would.
    starts: Vec<usize>,
}

impl SourceText {
    /// A file of these bytes.
    pub(crate) fn whole(path: PathBuf, bytes: Vec<u8>, modified: Option<SystemTime>) -> SourceText {
        SourceText { path, modified, doubt: None, parts: vec![Part::new(1, bytes)], carried: false }
    }

    /// What a snapshot carries of a file; `why` those lines are shown is the beginning of a sentence.
    pub(crate) fn carried(file: &SourceFile, why: &str) -> SourceText {
        let part = |excerpt: &dpdb_snapshot::Excerpt| Part::new(excerpt.first, excerpt.text.as_bytes().to_vec());
        let parts = file.excerpts.iter().map(part).collect();
        let doubt = Some(format!("{why}: these lines are the snapshot's own"));
        SourceText { path: file.path.as_path().to_owned(), modified: None, doubt, parts, carried: true }
    }

    /// Where it was found; of lines that the snapshot carries, where the process had it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether these are lines that the snapshot carries, and not a file of this machine.
    pub fn is_carried(&self) -> bool {
        self.carried
    }

    /// The number of its last line; 0 where it has none.
    pub fn last_line(&self) -> u32 {
        self.parts.iter().map(Part::last).max().unwrap_or_default()
    }

    /// The lines from `first` to `last` that are there, with their numbers.
    pub fn lines(&self, first: u32, last: u32) -> impl Iterator<Item = (u32, &[u8])> {
        let numbers = self.parts.iter().flat_map(move |part| first.max(part.first)..=last.min(part.last()));
        numbers.filter_map(|number| Some((number, self.line(number)?)))
    }

    /// A line, counted from 1, without its newline. The bytes may be anything.
    pub fn line(&self, number: u32) -> Option<&[u8]> {
        self.parts.iter().find_map(|part| part.line(number))
    }
}

impl Part {
    fn new(first: u32, bytes: Vec<u8>) -> Part {
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let mut starts: Vec<usize> = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        if starts.last() != Some(&bytes.len()) {
            starts.push(bytes.len());
        }
        Part { first, bytes, starts }
    }

    fn last(&self) -> u32 {
        match u32::try_from(self.starts.len() - 1).unwrap_or(u32::MAX) {
            0 => self.first.saturating_sub(1),
            lines => self.first.saturating_add(lines - 1),
        }
    }

    fn line(&self, number: u32) -> Option<&[u8]> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let line = &self.bytes[*self.starts.get(index)?..*self.starts.get(index + 1)?];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use dpdb_snapshot::{Excerpt, SourceFile, Text};

    use super::SourceText;

    fn lines(text: &[u8]) -> Vec<&'static str> {
        let text = SourceText::whole(PathBuf::new(), text.to_vec(), None);
        let line = |number| String::from_utf8(text.line(number).unwrap().to_vec()).unwrap().leak() as &str;
        assert_eq!((text.line(0), text.line(text.last_line() + 1)), (None, None));
        (1..=text.last_line()).map(line).collect()
    }

    #[test]
    fn lines_are_counted_with_and_without_a_final_newline() {
        assert_eq!(lines(b"a\r\nb\n\nc\n"), ["a", "b", "", "c"]);
        assert_eq!(lines(b"a\nb"), ["a", "b"]);
        assert_eq!(lines(b""), [""; 0]);
    }

    #[test]
    fn carried_lines_keep_their_numbers_and_others_are_not_there() {
        let excerpt = |first, text| Excerpt { first, text: Text::from(text) };
        let excerpts = vec![excerpt(3, "c\nd\n"), excerpt(u32::MAX, "z\n"), excerpt(0, "none\n")];
        let text = SourceText::carried(&SourceFile { excerpts, ..SourceFile::default() }, "x.py is not here");
        let found = [2, 3, 4, 5, u32::MAX].map(|number| text.line(number));
        assert_eq!(found, [None, Some(b"c".as_slice()), Some(b"d"), None, Some(b"z")]);
        assert_eq!(text.last_line(), u32::MAX);
        let all: Vec<u32> = text.lines(0, u32::MAX).map(|(number, _)| number).collect();
        assert_eq!(all, [3, 4, u32::MAX, 0]);
    }
}
