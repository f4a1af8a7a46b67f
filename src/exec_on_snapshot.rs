//! `--exec-on-snapshot`: a command that is run after each snapshot, with its path for an argument and what `info --json` says
//! of it on stdin.
//!
//! The commands run one after the other, on a thread of their own, outside of what is supervised. Our end waits for them, though
//! not for ever.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use dpdb_supervisor::{Event, Observer};

use crate::failure::complain;
use crate::info::as_json;

/// A command that takes longer is left to itself when we end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command for each snapshot.
#[derive(Debug)]
pub struct Hook {
    command: String,
    runner: Option<Runner>,
}

#[derive(Debug)]
struct Runner {
    paths: Sender<PathBuf>,
    progress: Receiver<()>,
}

impl Hook {
    /// `command` is for a shell, and gets the path behind its own arguments.
    pub fn new(command: String) -> Hook {
        Hook { command, runner: None }
    }

    /// Waits until it was run for all snapshots, or does not get on.
    pub fn finish(self) {
        let Some(Runner { paths, progress }) = self.runner else { return };
        drop(paths);
        loop {
            match progress.recv_timeout(PATIENCE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    return complain(&format!(
                        "--exec-on-snapshot: {} still runs, and is not waited for",
                        self.command
                    ));
                }
            }
        }
    }
}

impl Observer for Hook {
    fn event(&mut self, event: &Event) {
        let Event::SnapshotWritten(written) = event else { return };
        if self.runner.is_none() {
            self.runner = start(self.command.clone());
        }
        if let Some(runner) = &self.runner {
            let _ = runner.paths.send(std::path::absolute(&written.path).unwrap_or_else(|_| written.path.clone()));
        }
    }
}

fn start(command: String) -> Option<Runner> {
    let (paths, inbox) = mpsc::channel::<PathBuf>();
    let (done, progress) = mpsc::channel();
    let thread = std::thread::Builder::new().name("hook".to_owned());
    let started = thread.spawn(move || {
        for path in inbox {
            run(&command, &path);
            let _ = done.send(());
        }
    });
    // Without a thread the snapshots are there, and nobody is told.
    started.ok().map(|_| Runner { paths, progress })
}

fn run(command: &str, path: &Path) {
    // The shell's own arguments: $0, and the path.
    let script = format!("{command} \"$@\"");
    let words = [OsStr::new("-c"), OsStr::new(&script), OsStr::new("sh"), path.as_os_str()];
    let mut shell = Command::new("sh");
    shell.args(words).stdin(Stdio::piped()).stdout(Stdio::null());
    match shell.spawn() {
        Ok(mut child) => {
            if let Some(mut input) = child.stdin.take() {
                // Who does not read it does not want it.
                let _ = input.write_all(as_json(path).as_bytes());
            }
            // The loop that waits for everybody may have met its end before us; then there is nobody left to wait for.
            let _ = child.wait();
        }
        Err(error) => complain(&format!("--exec-on-snapshot: {command}: {error}")),
    }
}
