//! Supervising: the command runs as it would alone, and each death is reported on stderr.

use std::process::ExitCode;

use dpdb_supervisor::catch::CatchList;
use dpdb_supervisor::{Options, Outcome, SignalSet, SuperviseError};

use crate::cli::{self, RunArgs};
use crate::deaths::Deaths;
use crate::failure::{complain, sentence};
use crate::python_judge::PythonJudge;

/// Supervises, and ends as the command ended. Nothing is ever written to stdout: it is the command's.
pub fn run(arguments: RunArgs) -> ExitCode {
    let options = match options(&arguments) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    let command = options.command[0].clone();
    // The command runs even where its snapshots have no place to go; each death says so again.
    if let Err(error) = std::fs::create_dir_all(&options.output_dir) {
        complain(&format!("cannot make the output directory {}: {error}", options.output_dir.display()));
    }
    let judge = PythonJudge::new(options.catch.clone());
    let mut deaths = Deaths::new(arguments.quiet);
    let outcome = dpdb_supervisor::supervise(options, &mut deaths, Some(Box::new(judge)));
    deaths.finish();
    match outcome {
        Ok(outcome) => end_as(outcome, &command),
        Err(error) => {
            complain(&sentence(&error));
            ExitCode::from(error_code(&error))
        }
    }
}

fn options(arguments: &RunArgs) -> Result<Options, clap::Error> {
    let mut options = Options::new(arguments.command.clone());
    if let Some(directory) = &arguments.output_dir {
        options.output_dir = directory.clone();
    }
    if let Some(name) = &arguments.name {
        options.name_template = name.clone();
    }
    if let Some(list) = &arguments.signals {
        options.signals = SignalSet::parse(list).map_err(|error| cli::usage_error(format!("--signals: {error}")))?;
    }
    if let Some(list) = &arguments.catch {
        options.catch = CatchList::parse(list).map_err(|error| cli::usage_error(format!("--catch: {error}")))?;
    }
    options.catch.ignored.clone_from(&arguments.ignore_exception);
    options.max_snapshots = arguments.max_snapshots;
    options.wait_all = arguments.wait_all;
    options.on_exit = arguments.on_exit;
    options.timeout = arguments.timeout;
    options.no_clone = arguments.no_clone;
    options.kill_on_exit = arguments.kill_on_exit;
    options.journal = arguments.journal.clone();
    Ok(options)
}

fn end_as(outcome: Outcome, command: &std::ffi::OsStr) -> ExitCode {
    match outcome {
        Outcome::Exited(code) => ExitCode::from(code as u8),
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
fn error_code(error: &SuperviseError) -> u8 {
    match error {
        SuperviseError::NoCommand | SuperviseError::NulInArgument(_) | SuperviseError::NameTemplate { .. } => 2,
        _ => 125,
    }
}
