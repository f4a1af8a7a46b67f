//! Where answers go: to stdout, into a pager, a command of the user's shell or a file, and into the transcript.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use dpdb_supervisor::sys;

use super::redirect::Destination;
use crate::engine::CommandError;

/// Whoever takes the text of answers.
#[derive(Debug, Default)]
pub struct Output {
    /// Answers that are kept for a destination, while there is one.
    kept: Option<Vec<u8>>,
    /// All that is typed and answered is written here, too.
    transcript: Option<File>,
    /// A person looks at stdout, and long answers go into the pager.
    pub pages: bool,
}

/// The user's shell.
fn user_shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}

impl Output {
    /// Answers go into a file or command, or are kept for one: they have no colours.
    pub fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Writes an answer: with the colours of the terminal, and for the transcript without.
    ///
    /// # Errors
    /// Nobody reads stdout any more.
    pub fn write(&mut self, text: &str, pager: &str) -> io::Result<()> {
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        match pager_for(pager).filter(|_| self.pages && is_longer_than_the_screen(text)) {
            Some(pager) if page(text.as_bytes(), &pager).is_ok() => Ok(()),
            _ => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes())?;
                out.flush()
            }
        }
    }

    /// Writes into the transcript, if there is one. It is no reason to stop that it cannot be written.
    pub fn record(&mut self, text: &str) {
        if let Some(transcript) = &mut self.transcript {
            let _ = transcript.write_all(text.as_bytes());
        }
    }

    /// Whether anybody keeps a transcript.
    pub fn is_recorded(&self) -> bool {
        self.transcript.is_some()
    }

    /// Begins a transcript at the end of a file, or ends it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn transcribe(&mut self, file: Option<&Path>) -> Result<(), CommandError> {
        self.transcript = file.map(|path| appended(path, true)).transpose()?;
        Ok(())
    }

    /// From here on answers are kept.
    pub fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Hands what was kept to where it is to go.
    ///
    /// # Errors
    /// The file cannot be written, or the command not be run.
    pub fn deliver(&mut self, to: &Destination, pager: &str) -> Result<(), CommandError> {
        let text = self.kept.take().unwrap_or_default();
        match to {
            Destination::Here => io::stdout().write_all(&text).map_err(|error| failed("stdout", &error)),
            Destination::Pipe(command) => feed(&text, command).map_err(|error| failed(command, &error)),
            Destination::Pager => match pager_for(pager).filter(|_| io::stdout().is_terminal()) {
                Some(pager) => page(&text, &pager).map_err(|error| failed(&pager, &error)),
                None => io::stdout().write_all(&text).map_err(|error| failed("stdout", &error)),
            },
            Destination::File(path) => {
                std::fs::write(path, &text).map_err(|error| failed(&path.display().to_string(), &error))
            }
            Destination::Append(path) => {
                appended(path, false)?.write_all(&text).map_err(|error| failed(&path.display().to_string(), &error))
            }
        }
    }
}

/// A file to write at the end of; of a secret one only its owner reads what is new.
fn appended(path: &Path, secret: bool) -> Result<File, CommandError> {
    let mode = if secret { 0o600 } else { 0o666 };
    let opened = OpenOptions::new().append(true).create(true).mode(mode).open(path);
    opened.map_err(|error| failed(&path.display().to_string(), &error))
}

fn failed(what: &str, error: &io::Error) -> CommandError {
    CommandError::refused(format!("{what}: {error}"))
}

/// The pager's command: what is set, else what the environment names, else less(1), as git has it. `cat` is none.
fn pager_for(setting: &str) -> Option<String> {
    let command = match setting {
        "off" => return None,
        "auto" => ["DPDB_PAGER", "PAGER"].into_iter().find_map(|name| std::env::var(name).ok()),
        command => Some(command.to_owned()),
    };
    let command = command.unwrap_or_else(|| "less".to_owned());
    Some(command).filter(|command| !matches!(command.trim(), "" | "cat"))
}

fn is_longer_than_the_screen(text: &str) -> bool {
    // A terminal without a size is one of a program, which wants no pager.
    terminal_size::terminal_size().is_some_and(|(_, rows)| rows.0 > 1 && text.lines().count() >= usize::from(rows.0))
}

/// Shows text in the pager. Without LESS, less(1) keeps colours, leaves the screen as it is and ends by itself where
/// all fits, as with git.
fn page(text: &[u8], pager: &str) -> io::Result<()> {
    let mut command = user_shell(pager);
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    feed_to(text, command)
}

fn feed(text: &[u8], command: &str) -> io::Result<()> {
    feed_to(text, user_shell(command))
}

/// Gives text to a command and waits for its end. A reader that has seen enough is no failure.
fn feed_to(text: &[u8], mut command: Command) -> io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    sys::leave_interrupts_to_child(|| {
        let written = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(text));
        child.wait()?;
        written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
    })
}

/// Runs a command of the user's shell on the terminal; none starts the shell itself. Its exit status, if it ended by
/// itself.
///
/// # Errors
/// It cannot be run.
pub fn run_shell(command: &str) -> Result<Option<i32>, CommandError> {
    let mut shell = match command {
        "" => Command::new(std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into())),
        command => user_shell(command),
    };
    let mut child = shell.spawn().map_err(|error| failed(command, &error))?;
    let status = sys::leave_interrupts_to_child(|| child.wait()).map_err(|error| failed(command, &error))?;
    Ok(status.code())
}
