//! `dpdb-trace info`: what files say of themselves, read from their first frames.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use dpdb_snapshot::Snapshot;
use serde::Serialize;

use crate::cli::InfoArgs;
use crate::engine::{Crash, FileFacts, Info};
use crate::failure::{FAILED, after_output, complain, sentence};
use crate::render::{self, Style};

#[derive(Serialize)]
struct Failure<'a> {
    file: &'a Path,
    error: String,
}

/// Runs the subcommand: a file that cannot be read does not keep the others from being told of.
pub fn info(arguments: &InfoArgs) -> ExitCode {
    let mut out = io::stdout().lock();
    let style = Style::for_stream(out.is_terminal());
    let mut code = ExitCode::SUCCESS;
    for (index, path) in arguments.files.iter().enumerate() {
        let written = match describe(path) {
            Ok(info) if arguments.json => out.write_all(render::json_line(&info).as_bytes()),
            Ok(info) => {
                let gap = if index == 0 { "" } else { "\n" };
                out.write_all(format!("{gap}{}", render::info(&info, &style)).as_bytes())
            }
            Err(error) => {
                code = ExitCode::from(FAILED);
                let error = sentence(&error);
                complain(&error);
                let failure = Failure { file: path, error };
                if arguments.json { out.write_all(render::json_line(&failure).as_bytes()) } else { Ok(()) }
            }
        };
        if let Err(error) = written {
            return after_output(Err(error), code);
        }
    }
    after_output(out.flush(), code)
}

fn describe(path: &Path) -> Result<Info, dpdb_snapshot::OpenError> {
    let info = Snapshot::info(path)?;
    let crash = Crash::new(&info.process, None);
    Ok(Info::new(FileFacts::new(path, &info), &info.process, crash, Vec::new()))
}
