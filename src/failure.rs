//! How a subcommand ends when it cannot do what it was asked.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What bad input and failed output end with; mistakes on the command line end with 2, which clap does.
pub const FAILED: u8 = 1;

/// Tells an error and its causes in one line on stderr, as the exit status of a failure.
pub fn failed(error: &dyn Error) -> ExitCode {
    complain(&sentence(error));
    ExitCode::from(FAILED)
}

/// Says in one line that a file is damaged, and gives the exit status that a partial view of it ends with: what is shown
/// is true, but it is not all there was.
pub fn partial_view(path: &Path, damage: &[String]) -> ExitCode {
    let Some(first) = damage.first() else { return ExitCode::SUCCESS };
    let more = if damage.len() > 1 { " ('info' says more)" } else { "" };
    complain(&format!("{} is damaged: {first}{more}", path.display()));
    ExitCode::from(FAILED)
}

/// One line on stderr under our name. A closed stderr is no reason to fail.
pub fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "dpdb-trace: {}", crate::render::clean_str(what));
}

/// An error and what caused it, joined by colons.
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&inner) {
            text = format!("{text}: {inner}");
        }
        cause = error.source();
    }
    text
}

/// The end of a command whose output was `written`: a reader that went away is none of our business, as with every
/// command in a pipe.
pub fn after_output(written: io::Result<()>, code: ExitCode) -> ExitCode {
    match written {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            complain(&format!("cannot write the output: {error}"));
            ExitCode::from(FAILED)
        }
    }
}
