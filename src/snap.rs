//! `snap`: a snapshot of a process that goes on.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use crate::cli::SnapArgs;
use crate::failure::{complain, sentence};
use crate::render::clean_str;

/// Prints the path of each snapshot; 1 where one of them could not be taken.
pub fn snap(arguments: &SnapArgs) -> ExitCode {
    let answers = match dpdb_supervisor::snap(arguments.pid, arguments.tree) {
        Ok(answers) => answers,
        Err(error) => {
            complain(&sentence(&error));
            return ExitCode::FAILURE;
        }
    };
    let mut code = if answers.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    for answer in answers {
        match answer {
            // A reader that is gone wants no paths.
            Ok(path) => drop(io::stdout().write_all(&[path.as_os_str().as_bytes(), b"\n"].concat())),
            Err(reason) => {
                complain(&clean_str(&reason));
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
