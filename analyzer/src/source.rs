//! Source text: where the file that the compiler named is on this machine, and its lines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use dpdb_snapshot::SourceFile;

use crate::session::{Options, Session};
use crate::source_text::SourceText;

/// A source file may have so many bytes. Generated ones of some ten MiB exist (SQLite's amalgamation has 9).
const LARGEST: u64 = 64 << 20;

/// The start of a process is known by the second in which the machine started, and ticks (proc_stat(5), `btime`), in
/// nanoseconds.
const START_IS_KNOWN_TO: u64 = 2_000_000_000;

/// Source files that are held at once.
const MOST_HELD: usize = 256;

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

type Held = HashMap<PathBuf, Arc<SourceText>>;

/// The source files that were read.
#[derive(Debug, Default)]
pub(crate) struct SourceFiles {
    held: Mutex<Held>,
}

impl SourceFiles {
    fn text(
        &self,
        options: &Options,
        named: &Path,
        homes: &[&Path],
        carried: Option<&SourceFile>,
    ) -> Result<Arc<SourceText>, SourceError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = held.get(named) {
            return Ok(text.clone());
        }
        let mut found = candidates(options, named, homes).into_iter().filter(|path| path.is_file());
        let text = Arc::new(match carried {
            Some(carried) => the_same_or_carried(found, carried),
            None => read(found.next().ok_or_else(|| SourceError::NotFound { path: named.to_owned() })?)?,
        });
        if held.len() >= MOST_HELD {
            held.clear();
        }
        held.insert(named.to_owned(), text.clone());
        Ok(text)
    }
}

/// The first of the files `found` that is the one the process had, else the lines of that one which the snapshot
/// carries.
fn the_same_or_carried(found: impl Iterator<Item = PathBuf>, carried: &SourceFile) -> SourceText {
    let mut other = None;
    for path in found {
        let is_as_long = path.metadata().is_ok_and(|metadata| metadata.len() == carried.size);
        let text = is_as_long.then(|| read_bytes(&path).ok().filter(|(bytes, _)| carried.is(bytes))).flatten();
        if let Some((bytes, modified)) = text {
            return SourceText::whole(path, bytes, modified);
        }
        other.get_or_insert(path);
    }
    let what = other.map_or_else(
        || format!("{} is not here", carried.path),
        |path| format!("{} is not what it was when the snapshot was taken", path.display()),
    );

    SourceText::carried(carried, &what)
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
    let (bytes, modified) = read_bytes(&path)?;
    Ok(SourceText::whole(path, bytes, modified))
}

fn read_bytes(path: &Path) -> Result<(Vec<u8>, Option<SystemTime>), SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(SourceError::TooLarge { path: path.to_owned() });
    }
    Ok((bytes, modified))
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
        self.source_files.text(self.options(), named, &homes, self.carried(named))
    }

    /// What the target carries of the file that it calls so.
    fn carried(&self, named: &Path) -> Option<&SourceFile> {
        self.carried_sources().iter().find(|file| file.path.as_path() == named && !file.excerpts.is_empty())
    }

    /// A sentence where `text` was changed after the file of this module was built, so that its lines may not be
    /// those that ran.
    pub fn stale_source(&self, text: &SourceText, module: usize) -> Option<String> {
        let file = self.modules().get(module)?.file()?;
        let built = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()?;
        let newer = text.modified.is_some_and(|modified| modified > built);
        newer.then(|| format!("{} is newer than {}: its lines may differ", text.path.display(), file.display()))
    }

    /// A sentence where the lines of `text`, which the process called `named`, may not be those that it had read.
    pub fn source_doubt(&self, named: &Path, text: &SourceText) -> Option<String> {
        if text.doubt.is_some() {
            return text.doubt.clone();
        }
        let timing = &self.process().timing;
        match self.carried(named) {
            Some(file) => {
                let is_newer = file.modified_ns > timing.started?.saturating_add(START_IS_KNOWN_TO);
                is_newer.then(|| format!("{} was changed while the process ran: its lines may differ", file.path))
            }
            None => {
                let captured = SystemTime::UNIX_EPOCH + Duration::from_nanos(timing.crashed?);
                let is_newer = text.modified.is_some_and(|modified| modified > captured);
                is_newer.then(|| format!("{} is newer than the snapshot: its lines may differ", text.path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::candidates;
    use crate::Options;

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
