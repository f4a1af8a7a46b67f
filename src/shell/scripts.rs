//! Lines that do not come from a keyboard: scripts, and the definitions in them.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::{Flow, Shell};
use crate::engine::{CommandError, Reply, ScriptRun};

/// A definition that is being typed.
#[derive(Debug)]
pub struct Definition {
    name: String,
    lines: Vec<String>,
}

/// Scripts that run scripts end here; so do aliases that mean themselves.
const DEEPEST: usize = 32;
/// Longer definitions are no definitions.
const MOST_LINES: usize = 10_000;

impl Shell {
    /// Runs the lines of a file, one after the other; a failing one does not stop those after it.
    ///
    /// # Errors
    /// It cannot be read, or scripts run each other for ever.
    pub(super) fn run_script(&mut self, path: &Path) -> Result<Reply, CommandError> {
        let unreadable = |error: io::Error| CommandError::refused(format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(CommandError::refused(format!("{} is a directory", path.display())));
        }
        self.run_text(path, BufReader::new(file))
    }

    /// Runs the lines of a text that was read from a file.
    ///
    /// # Errors
    /// As [`Shell::run_script`].
    pub(super) fn run_text(&mut self, path: &Path, text: impl BufRead) -> Result<Reply, CommandError> {
        let lines = text.split(b'\n').map(|line| Ok(String::from_utf8_lossy(&line?).into_owned()));
        let run = self.run_lines(lines);
        let (lines, failed) = run.map_err(|error| CommandError::refused(format!("{}: {error}", path.display())))?;
        let file = path.display().to_string();
        match failed {
            0 => Ok(Reply::ScriptRun(ScriptRun { file, lines })),
            _ => Err(CommandError::refused(format!("{failed} of {lines} lines of {file} failed"))),
        }
    }

    /// Runs lines inside of another; how many, and how many failed. Ctrl-C ends them.
    fn run_lines(&mut self, lines: impl Iterator<Item = io::Result<String>>) -> io::Result<(usize, usize)> {
        if self.nesting >= DEEPEST {
            return Err(io::Error::other(format!("more than {DEEPEST} scripts or names inside each other")));
        }
        self.nested(|shell| {
            let (mut run, mut failed) = (0, 0);
            for line in lines {
                let line = line?;
                if line.trim().is_empty() || line.trim().starts_with('#') {
                    continue;
                }
                run += 1;
                match shell.line(&line)? {
                    Flow::Done => {}
                    Flow::Failed => failed += 1,
                    Flow::Leave => {
                        shell.leaves = true;
                        break;
                    }
                }
                if dpdb_supervisor::sys::is_interrupted() {
                    break;
                }
            }
            Ok((run, failed))
        })
    }

    /// Does something inside of another line.
    pub(super) fn nested<T>(&mut self, work: impl FnOnce(&mut Shell) -> io::Result<T>) -> io::Result<T> {
        self.nesting += 1;
        let again = self.again.take();
        let done = work(self);
        self.again = again;
        self.nesting -= 1;
        done
    }

    /// Runs the lines that an alias or a definition stands for.
    pub(super) fn run_expansion(&mut self, line: &str, lines: Vec<String>) -> io::Result<Flow> {
        // In its own lines, a name that is also a command's means the command.
        let hidden = self.aliases.hide(line);
        let run = self.run_lines(lines.into_iter().map(Ok));
        self.aliases.show_again(hidden);
        match run {
            Ok(_) if std::mem::take(&mut self.leaves) => Ok(Flow::Leave),
            Ok((_, 0)) => Ok(Flow::Done),
            Ok(_) => Ok(Flow::Failed),
            Err(error) if error.kind() == io::ErrorKind::Other => {
                self.print("", Err(CommandError::refused(error.to_string())))
            }
            Err(error) => Err(error),
        }
    }

    /// From here on lines are those of a definition, up to `end`.
    pub(super) fn begin_definition(&mut self, name: &str) -> Result<(), CommandError> {
        // A name that is none is told now, not when all its lines have been typed.
        self.aliases.define(name, Vec::new())?;
        self.defining = Some(Definition { name: name.to_owned(), lines: Vec::new() });
        Ok(())
    }

    /// Takes a line for the definition that is being typed; `None` where there is none.
    pub(super) fn define_line(&mut self, line: &str) -> Option<Result<(), CommandError>> {
        let definition = self.defining.as_mut()?;
        if line.trim() != "end" {
            if definition.lines.len() < MOST_LINES {
                definition.lines.push(line.to_owned());
            }
            return Some(Ok(()));
        }
        let Definition { name, lines } = self.defining.take()?;
        Some(self.aliases.define(&name, lines))
    }
}
