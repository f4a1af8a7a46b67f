//! `attach`: supervising what runs already.

use std::process::ExitCode;

use dpdb_supervisor::Outcome;

use crate::cli::AttachArgs;
use crate::failure::{complain, sentence};
use crate::python_judge::PythonJudge;
use crate::run::{error_code, make_output_directory};
use crate::watchers::Watchers;

/// Supervises until the process ends or we are told to let go.
pub fn attach(arguments: &AttachArgs) -> ExitCode {
    let options = arguments.options().unwrap_or_else(|error| error.exit());
    make_output_directory(&options);
    let judge = PythonJudge::new(options.catch.clone());
    let mut watchers = Watchers::new(&arguments.watch);
    let outcome = dpdb_supervisor::attach(arguments.pid, arguments.tree, options, &mut watchers, Some(Box::new(judge)));
    watchers.finish();
    match outcome {
        Ok(outcome) => {
            if !arguments.watch.quiet {
                complain(&farewell(arguments.pid, outcome));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&sentence(&error));
            ExitCode::from(error_code(&error))
        }
    }
}

fn farewell(pid: i32, outcome: Outcome) -> String {
    match outcome {
        Outcome::Exited(code) => format!("process {pid} has exited with code {code}"),
        Outcome::Signaled(signal) => format!("process {pid} has died of {signal}"),
        _ => format!("process {pid} runs on without us"),
    }
}
