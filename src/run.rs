//! Supervising: the command runs as it would alone, and each death is reported on stderr.

use std::process::ExitCode;

use dpdb_supervisor::capture::{CaptureError, Destination};
use dpdb_supervisor::{Options, Outcome, SuperviseError};

use crate::cli::{self, RunArgs};
use crate::failure::{complain, sentence};
use crate::python_judge::PythonJudge;
use crate::watchers::Watchers;

/// Supervises, and ends as the command ended. Nothing is ever written to stdout: it is the command's.
pub fn run(arguments: &RunArgs) -> ExitCode {
    let options = arguments.options().unwrap_or_else(|error| error.exit());
    let command = options.command[0].clone();
    make_output_directory(&options);
    let judge = PythonJudge::new(options.catch.clone());
    let mut watchers = Watchers::new(&arguments.watch);
    let outcome = dpdb_supervisor::supervise(options, &mut watchers, Some(Box::new(judge)));
    watchers.finish();
    match outcome {
        Ok(outcome) => end_as(outcome, &command),
        Err(error) => {
            complain(&sentence(&error));
            ExitCode::from(error_code(&error))
        }
    }
}

/// Makes the directory for snapshots. The command runs even where they have no place to go; each death says so again.
pub(crate) fn make_output_directory(options: &Options) {
    if let Err(error) = std::fs::create_dir_all(&options.output_dir) {
        complain(&format!("cannot make the output directory {}: {error}", options.output_dir.display()));
    } else if let Err(error @ CaptureError::Everybodys { .. }) = Destination::check(&options.output_dir) {
        complain(&format!("there will be no snapshots: {error}"));
    }
}

fn end_as(outcome: Outcome, command: &std::ffi::OsStr) -> ExitCode {
    match outcome {
        Outcome::Exited(_) | Outcome::Detached => ExitCode::from(outcome.code() as u8),
        Outcome::Signaled(signal) => {
            dpdb_supervisor::die_of(signal);
            ExitCode::from(outcome.code() as u8)
        }
        Outcome::NotFound => {
            let hint = cli::similar_subcommand(command).map(|name| format!(" (did you mean 'dpdb-trace {name}'?)"));
            complain(&format!("{}: command not found{}", command.display(), hint.unwrap_or_default()));
            ExitCode::from(127)
        }
        Outcome::NotExecutable => {
            complain(&format!("{}: cannot be executed", command.display()));
            ExitCode::from(126)
        }
    }
}

/// What is wrong with the command line is told apart from what is wrong with the machine, as env(1) does.
pub(crate) fn error_code(error: &SuperviseError) -> u8 {
    match error {
        SuperviseError::NoCommand | SuperviseError::NulInArgument(_) | SuperviseError::NameTemplate { .. } => 2,
        SuperviseError::Gone(_) | SuperviseError::NotTraceable { .. } => 1,
        _ => 125,
    }
}
