//! What runs before the first prompt: options of the environment, the user's rc file, and a project's, if the user
//! trusts it.
//!
//! A line of an rc file may run any command. So neither is read where somebody else could have written it, as perl's
//! debugger has it; a project's came with the sources, and is read only as it was when the user said `trust`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dpdb_supervisor::sys;

use super::{Shell, options};
use crate::base_directories;
use crate::engine::{CommandError, Reply};

/// The project's file, in the working directory.
pub const PROJECT_RC: &str = ".dpdbrc";

/// Options for every session, as `NAME=VALUE` words.
const ENVIRONMENT: &str = "DPDB_OPTS";

/// No rc file is longer.
const LONGEST: u64 = 1 << 20;

impl Shell {
    /// Sets the options that DPDB_OPTS names; a word that names none is told, and the others count.
    pub(super) fn options_of_environment(&mut self) -> Vec<String> {
        let words = std::env::var(ENVIRONMENT).unwrap_or_default();
        let complaints = words.split_whitespace().filter_map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, "on"));
            let set = options::find(name).and_then(|row| self.set_option(row, value));
            set.err().map(|error| format!("{ENVIRONMENT}: {error}"))
        });
        complaints.collect()
    }

    /// Runs the user's rc file and the project's. Why one of them was not, a sentence each.
    pub(super) fn run_rc_files(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        let users = base_directories::rc_file().filter(|path| path.exists());
        if let Some(path) = users {
            told.extend(self.run_rc(&path).err().map(|error| error.to_string()));
        }
        let project = Path::new(PROJECT_RC);
        if project.exists() {
            match is_trusted(project) {
                Ok(true) => told.extend(self.run_rc(project).err().map(|error| error.to_string())),
                Ok(false) => told.push(format!("{PROJECT_RC} is not run: read it, and 'trust' runs it from then on")),
                Err(error) => told.push(error.to_string()),
            }
        }
        told
    }

    fn run_rc(&mut self, path: &Path) -> Result<(), CommandError> {
        // What was checked is what runs.
        let text = checked(path)?;
        self.run_text(path, text.as_slice()).map(drop)
    }

    /// Runs the project's rc file now and in every session from here on, as long as it stays what it is.
    ///
    /// # Errors
    /// There is none, others can write it, or it cannot be remembered.
    pub(super) fn trust_project(&mut self) -> Result<Reply, CommandError> {
        let path = Path::new(PROJECT_RC);
        let text = checked(path)?;
        let failed = |error: io::Error| CommandError::refused(format!("it cannot be remembered: {error}"));
        let note =
            note_of(path).ok_or_else(|| CommandError::refused("there is no home directory to remember it in"))?;
        if let Some(folder) = note.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        let mut kept = OpenOptions::new();
        let kept = kept.write(true).create(true).truncate(true).mode(0o600).open(&note);
        kept.and_then(|mut kept| kept.write_all(&remembered(path, &text))).map_err(failed)?;
        self.run_text(path, text.as_slice())
    }
}

/// Reads an rc file that nobody but its owner can have written, who is the user or root.
///
/// # Errors
/// It cannot be read, or somebody else could have written it.
fn checked(path: &Path) -> Result<Vec<u8>, CommandError> {
    let unreadable = |error: io::Error| CommandError::refused(format!("{}: {error}", path.display()));
    let refused = |why: &str| Err(CommandError::refused(format!("{} is not run: {why}", path.display())));
    // What is checked is what was opened, whatever the path may lead to a moment later.
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return refused("it is no file");
    }
    if metadata.uid() != 0 && metadata.uid() != sys::effective_user() {
        return refused("it belongs to somebody else");
    }
    if metadata.mode() & 0o022 != 0 {
        return refused("others can write it (chmod go-w makes it yours)");
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Whether the user trusts this file as it is now.
fn is_trusted(path: &Path) -> Result<bool, CommandError> {
    let text = checked(path)?;
    let note = note_of(path).and_then(|note| fs::read(note).ok());
    Ok(note.is_some_and(|note| note == remembered(path, &text)))
}

/// What is kept of a trusted file: its path and its text, whole, since nothing less tells that it is the same.
fn remembered(path: &Path, text: &[u8]) -> Vec<u8> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    [path.as_os_str().as_encoded_bytes(), b"\n", text].concat()
}

/// Where that is kept: a file per path, whose name only has to keep them apart.
fn note_of(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    let name: String = path.to_string_lossy().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    // A name may have 255 bytes; what is different in the front of longer paths takes turns, and is asked for again.
    let tail: String = name.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
    base_directories::trusted_directory().map(|folder| folder.join(tail))
}
