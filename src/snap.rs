//! `snap`: a snapshot of a process that goes on.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use dpdb_supervisor::{Event, Observer, SnapError};

use crate::cli::SnapArgs;
use crate::failure::{complain, sentence};
use crate::render::clean_str;
use crate::run::{error_code, make_output_directory};

/// Prints the path of each snapshot; 1 where one of them could not be taken.
pub fn snap(arguments: &SnapArgs) -> ExitCode {
    let options = arguments.options();
    make_output_directory(&options);
    let answers = match dpdb_supervisor::snap(arguments.pid, arguments.tree, options, &mut Notices) {
        Ok(answers) => answers,
        Err(error) => {
            complain(&sentence(&error));
            return match error {
                SnapError::Seize(error) => ExitCode::from(error_code(&error)),
                _ => ExitCode::FAILURE,
            };
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

/// Tells what of a tree is left out; what came of each snapshot is in the answers.
struct Notices;

impl Observer for Notices {
    fn event(&mut self, event: &Event) {
        if let Event::Notice(notice) = event {
            complain(&clean_str(notice));
        }
    }
}
