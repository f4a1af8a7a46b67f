//! Source files, found through the source map and read once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{CommandError, Engine};

/// A file larger than this is no source.
const LARGEST: u64 = 64 << 20;

/// The files that were read, or the reason why they could not be.
#[derive(Debug, Default)]
pub struct SourceFiles {
    known: HashMap<PathBuf, Result<Arc<SourceFile>, String>>,
}

/// The text of a source file.
#[derive(Debug)]
pub struct SourceFile {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl SourceFile {
    fn new(bytes: Vec<u8>) -> SourceFile {
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(newlines).filter(|&start| start < bytes.len()).collect();
        SourceFile { bytes, starts }
    }

    /// A line's bytes without its newline; lines count from 1.
    pub fn line(&self, number: u32) -> Option<&[u8]> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let end = self.starts.get(index + 1).copied().unwrap_or(self.bytes.len());
        let line = &self.bytes[start..end];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

impl Engine {
    /// The text of a source file that the compiler named so.
    ///
    /// # Errors
    /// A sentence with the path that was tried.
    pub(super) fn source_file(&mut self, file: &Path) -> Result<Arc<SourceFile>, CommandError> {
        if !self.sources.known.contains_key(file) {
            let path = mapped(file, &self.session.options().source_map);
            let found = read(&path).map(|bytes| Arc::new(SourceFile::new(bytes))).map_err(|reason| {
                format!("cannot read {}: {reason} (--source-map FROM=TO tells where sources moved to)", path.display())
            });
            self.sources.known.insert(file.to_owned(), found);
        }
        self.sources.known[file].clone().map_err(CommandError::Refused)
    }
}

fn mapped(file: &Path, map: &[(PathBuf, PathBuf)]) -> PathBuf {
    let moved = map.iter().find_map(|(from, to)| file.strip_prefix(from).ok().map(|rest| to.join(rest)));
    moved.unwrap_or_else(|| file.to_owned())
}

/// The path comes from the target: a device or a FIFO under it must not be opened, for it might block or never end.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err("it is no source file".to_owned());
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{SourceFile, mapped};
    use std::path::Path;

    #[test]
    fn lines_count_from_one_and_have_no_newline() {
        let file = SourceFile::new(b"one\r\ntwo\n\nfour".to_vec());
        let lines: Vec<_> = (0..6).map(|number| file.line(number)).collect();
        assert_eq!(lines, [None, Some(&b"one"[..]), Some(b"two"), Some(b""), Some(b"four"), None]);
        assert_eq!(SourceFile::new(Vec::new()).line(1), None);
    }

    #[test]
    fn the_source_map_moves_whole_folders() {
        let map = [("/build".into(), "/home/me".into())];
        assert_eq!(mapped(Path::new("/build/a/b.c"), &map), Path::new("/home/me/a/b.c"));
        assert_eq!(mapped(Path::new("/builder/b.c"), &map), Path::new("/builder/b.c"));
    }
}
