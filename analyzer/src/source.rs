//! Source text: where the file that the compiler named is on this machine, and its lines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::session::{Options, Session};

/// A source file may have so many bytes. Generated ones of some ten MiB exist (SQLite's amalgamation has 9).
const LARGEST: u64 = 64 << 20;

/// Source files that are held at once.
const MOST_HELD: usize = 256;

/// The lines of a source file.
#[derive(Debug)]
pub struct SourceText {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where each line begins; the last entry is where a line after the last would.
    starts: Vec<usize>,
    modified: Option<SystemTime>,
}

/// Why source text cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is in none of the places where it is looked for.
    #[error("{} was not found; --source-map FROM=TO says where sources are", path.display())]
    NotFound {
        /// The path the compiler wrote.
        path: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Where it was found.
        path: PathBuf,
        /// What open(2) or read(2) said.
        #[source]
        source: io::Error,
    },
    /// It is no text that anybody wrote.
    #[error("{} is larger than {} MiB", path.display(), LARGEST >> 20)]
    TooLarge {
        /// Where it was found.
        path: PathBuf,
    },
}

impl SourceText {
    fn new(path: PathBuf, bytes: Vec<u8>, modified: Option<SystemTime>) -> SourceText {
        let mut starts: Vec<usize> = std::iter::once(0)
            .chain(bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        if starts.last() != Some(&bytes.len()) {
            starts.push(bytes.len());
        }
        SourceText { path, bytes, starts, modified }
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many lines it has.
    pub fn line_count(&self) -> u32 {
        u32::try_from(self.starts.len() - 1).unwrap_or(u32::MAX)
    }

    /// A line, counted from 1, without its newline. The bytes may be anything.
    pub fn line(&self, number: u32) -> Option<&[u8]> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = &self.bytes[*self.starts.get(index)?..*self.starts.get(index + 1)?];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

type Held = HashMap<PathBuf, Arc<SourceText>>;

/// The source files that were read.
#[derive(Debug, Default)]
pub(crate) struct SourceFiles {
    held: Mutex<Held>,
}

impl SourceFiles {
    fn text(&self, options: &Options, named: &Path, homes: &[&Path]) -> Result<Arc<SourceText>, SourceError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = held.get(named) {
            return Ok(text.clone());
        }
        let found = candidates(options, named, homes).into_iter().find(|path| path.is_file());
        let path = found.ok_or_else(|| SourceError::NotFound { path: named.to_owned() })?;
        let text = Arc::new(read(path)?);
        if held.len() >= MOST_HELD {
            held.clear();
        }
        held.insert(named.to_owned(), text.clone());
        Ok(text)
    }
}

/// Where a file may be that the compiler called `named`: what `--source-map` makes of it, below the sysroot, at the
/// path itself; where that is relative (as builds in a container and scripts leave it), below our working directory and
/// the `homes`: that of the process and those of the modules.
fn candidates(options: &Options, named: &Path, homes: &[&Path]) -> Vec<PathBuf> {
    let mapped = options.source_map.iter().filter_map(|(from, to)| {
        let rest = named.strip_prefix(from).ok()?;
        Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
    });
    let in_sysroot = options.sysroot.iter().filter_map(|root| Some(root.join(named.strip_prefix("/").ok()?)));
    let below = homes.iter().filter(|_| named.is_relative()).map(|home| home.join(named));
    mapped.chain(in_sysroot).chain([named.to_owned()]).chain(below).collect()
}

fn read(path: PathBuf) -> Result<SourceText, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.clone(), source };
    let file = File::open(&path).map_err(unreadable)?;
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(SourceError::TooLarge { path });
    }
    Ok(SourceText::new(path, bytes, modified))
}

impl Session {
    /// The text of the source file that debug information calls `named`.
    ///
    /// # Errors
    /// It is not to be found, cannot be read, or is too large.
    pub fn source_text(&self, named: &Path) -> Result<Arc<SourceText>, SourceError> {
        let modules = self.modules().iter().filter_map(|module| module.file()?.parent()).take(1);
        let cwd = self.process().cwd.as_ref().map(|cwd| Path::new(cwd.as_path()));
        let homes: Vec<&Path> = cwd.into_iter().chain(modules).collect();
        self.source_files.text(self.options(), named, &homes)
    }

    /// A sentence where `text` was changed after the file of this module was built, so that its lines may not be
    /// those that ran.
    pub fn stale_source(&self, text: &SourceText, module: usize) -> Option<String> {
        let file = self.modules().get(module)?.file()?;
        let built = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()?;
        let newer = text.modified.is_some_and(|modified| modified > built);
        newer.then(|| format!("{} is newer than {}: its lines may differ", text.path.display(), file.display()))
    }

    /// A sentence where `text` was changed after the process was captured: what it had read was another text.
    pub fn source_changed_since(&self, text: &SourceText) -> Option<String> {
        let captured = SystemTime::UNIX_EPOCH + Duration::from_nanos(self.process().timing.crashed?);
        let newer = text.modified.is_some_and(|modified| modified > captured);
        newer.then(|| format!("{} is newer than the snapshot: its lines may differ", text.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{SourceText, candidates};
    use crate::Options;

    fn lines(text: &[u8]) -> Vec<&'static str> {
        let text = SourceText::new(PathBuf::new(), text.to_vec(), None);
        let line = |number| String::from_utf8(text.line(number).unwrap().to_vec()).unwrap().leak() as &str;
        assert_eq!((text.line(0), text.line(text.line_count() + 1)), (None, None));
        (1..=text.line_count()).map(line).collect()
    }

    #[test]
    fn lines_are_counted_with_and_without_a_final_newline() {
        assert_eq!(lines(b"a\r\nb\n\nc\n"), ["a", "b", "", "c"]);
        assert_eq!(lines(b"a\nb"), ["a", "b"]);
        assert_eq!(lines(b""), [""; 0]);
    }

    #[test]
    fn a_source_map_comes_first_and_the_path_itself_is_kept() {
        let options = Options {
            sysroot: Some("/root".into()),
            source_map: vec![("/rustc/abc".into(), "/opt/rust".into()), ("/b/main.c".into(), "/x.c".into())],
            ..Options::default()
        };
        let expect = |named: &str, expected: &[&str]| {
            let found = candidates(&options, Path::new(named), &[Path::new("/home")]);
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{named}");
        };
        expect("/rustc/abc/lib.rs", &["/opt/rust/lib.rs", "/root/rustc/abc/lib.rs", "/rustc/abc/lib.rs"]);
        expect("/b/main.c", &["/x.c", "/root/b/main.c", "/b/main.c"]);
        expect("src/a.c", &["src/a.c", "/home/src/a.c"]);
    }
}
