//! `diff`: what commands say of one process beside what they say of another.

use serde::Serialize;

use super::whole_run::PerProcess;
use super::{CommandError, ProcessAnswer, Reply, WholeRun};

/// What commands say of two processes.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// For each command what it says.
    pub parts: Vec<ComparedPart>,
}

/// What one command says of two processes.
#[derive(Debug, Serialize)]
pub struct ComparedPart {
    /// The command line.
    pub command: String,
    /// What it says of the first process.
    pub left: ProcessAnswer,
    /// What it says of the second.
    pub right: ProcessAnswer,
}

impl WholeRun {
    /// Runs a command on two processes.
    ///
    /// # Errors
    /// One of the processes does not exist, or Ctrl-C ended it.
    pub fn compare(
        &mut self,
        (left, right): (&str, &str),
        command: &str,
        run: PerProcess<'_>,
    ) -> Result<ComparedPart, CommandError> {
        let both = self.apply(&format!("{left},{right}"), command, run)?;
        let mut answers = match both {
            Reply::AppliedToProcesses(applied) => applied.answers.into_iter(),
            _ => Vec::new().into_iter(),
        };
        match (answers.next(), answers.next()) {
            (Some(left), Some(right)) => Ok(ComparedPart { command: command.to_owned(), left, right }),
            _ => Err(CommandError::refused("interrupted")),
        }
    }
}
