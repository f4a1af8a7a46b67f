//! `dpdb-trace info`: what files say of themselves, read from their first frames.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use dpdb_snapshot::Snapshot;
use serde::Serialize;

use crate::cli::InfoArgs;
use crate::engine::{Crash, FileFacts, Info};
use crate::failure::{FAILED, after_output, complain, partial_view, sentence};
use crate::render::{self, Style};

#[derive(Serialize)]
struct Failure<'a> {
    file: &'a Path,
    error: String,
}

/// Runs the subcommand: a file that cannot be read, or not whole, does not keep the others from being told of.
pub fn info(arguments: &InfoArgs) -> ExitCode {
    let mut out = io::stdout().lock();
    let style = Style::for_stream(out.is_terminal());
    let mut code = ExitCode::SUCCESS;
    for (index, path) in arguments.files.iter().enumerate() {
        let (text, whole) = tell(path, arguments.json, &style);
        if !whole {
            code = ExitCode::from(FAILED);
        }
        let gap = if index == 0 || arguments.json { "" } else { "\n" };
        if let Err(error) = out.write_all(format!("{gap}{text}").as_bytes()) {
            return after_output(Err(error), code);
        }
    }
    after_output(out.flush(), code)
}

/// What to print of a file, and whether that is all there should be.
fn tell(path: &Path, as_json: bool, style: &Style) -> (String, bool) {
    match describe(path) {
        Ok(info) => {
            let whole = partial_view(path, &info.file.damage) == ExitCode::SUCCESS;
            (if as_json { render::json_line(&info) } else { render::info(&info, style) }, whole)
        }
        Err(error) => {
            let error = sentence(&error);
            complain(&error);
            let text = if as_json { render::json_line(&Failure { file: path, error }) } else { String::new() };
            (text, false)
        }
    }
}

/// One line of JSON of a file, be it of a failure to read it.
pub(crate) fn as_json(path: &Path) -> String {
    tell(path, true, &Style::default()).0
}

fn describe(path: &Path) -> Result<Info, dpdb_snapshot::OpenError> {
    let info = Snapshot::info(path)?;
    let crash = Crash::new(&info.process, None);
    Ok(Info::new(FileFacts::new(path, &info), &info.process, crash, Vec::new()))
}
