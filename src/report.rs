//! `dpdb-trace report`: all frames of all threads as JSON, in the schema `frames/1`.

use std::io::{self, Write};
use std::process::ExitCode;

use dpdb_analyzer::{ValueLimits, ValueStyle};

use crate::cli::{self, ReportArgs, ValuesArgument};
use crate::engine::open_session;
use crate::failure::{after_output, failed, partial_view};

/// Frames of each thread; a stack of 8 MiB has more only if each is smaller than 160 bytes.
const MOST_FRAMES: usize = 50_000;

/// Runs the subcommand.
pub fn report(arguments: &ReportArgs) -> ExitCode {
    if !arguments.json {
        cli::usage_error("a report is written as JSON only: add --json".to_owned()).exit();
    }
    let (session, file) = match open_session(&arguments.file, &arguments.files) {
        Ok(opened) => opened,
        Err(error) => return failed(&error),
    };
    let whole = partial_view(&arguments.file, &file.damage);
    let style = match arguments.values {
        ValuesArgument::Raw if !arguments.pretty => ValueStyle::Raw,
        _ => ValueStyle::Pretty,
    };
    let limits = arguments.limits.applied(ValueLimits { style, ..ValueLimits::default() });
    let document = session.report(Some(&arguments.file), MOST_FRAMES, limits);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let json = if arguments.indent {
        serde_json::to_writer_pretty(&mut out, &document)
    } else {
        serde_json::to_writer(&mut out, &document)
    };
    let written = json.map_err(io::Error::from).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    after_output(written, whole)
}
