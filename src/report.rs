//! `dpdb-trace report`: all frames of all threads of one crash with their variables, as text or as JSON in the schema
//! `frames/1`; or the crashes of a whole run, equal ones together.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use dpdb_analyzer::{ValueLimits, ValueStyle};

use crate::cli::{ReportArgs, ValuesArgument};
use crate::crash_groups::{CrashGroups, Detail};
use crate::engine::{Engine, WholeRun, open_session};
use crate::failure::{FAILED, after_output, complain, failed, partial_view};
use crate::render::{self, Style};
use crate::shell::{Form, Shell};
use crate::snapshot_files;

/// Frames of each thread; a stack of 8 MiB has more only if each is smaller than 160 bytes.
const MOST_FRAMES: usize = 50_000;

/// Runs the subcommand.
pub fn report(arguments: &ReportArgs) -> ExitCode {
    match arguments.paths.as_slice() {
        [file] if !file.is_dir() && !arguments.md && arguments.html.is_none() => report_crash(file, arguments),
        _ => report_run(arguments),
    }
}

fn report_crash(path: &Path, arguments: &ReportArgs) -> ExitCode {
    if !arguments.json {
        return report_as_text(path, arguments);
    }
    let (session, file) = match open_session(path, &arguments.files) {
        Ok(opened) => opened,
        Err(error) => return failed(&error),
    };
    let whole = partial_view(path, &file.damage);
    let style = match arguments.values {
        ValuesArgument::Raw if !arguments.pretty => ValueStyle::Raw,
        _ => ValueStyle::Pretty,
    };
    let limits = arguments.limits.applied(ValueLimits { style, ..ValueLimits::default() });
    let document = session.report(Some(path), MOST_FRAMES, limits);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let json = if arguments.indent {
        serde_json::to_writer_pretty(&mut out, &document)
    } else {
        serde_json::to_writer(&mut out, &document)
    };
    let written = json.map_err(io::Error::from).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    after_output(written, whole)
}

/// As `inspect` would show it.
fn report_as_text(path: &Path, arguments: &ReportArgs) -> ExitCode {
    let mut engine = match Engine::open(path, &arguments.files) {
        Ok(engine) => engine,
        Err(error) => return failed(&error),
    };
    engine.limit_values(arguments.limits);
    let whole = partial_view(path, engine.damage());
    let told = Shell::new(WholeRun::of_one(engine), Form::Text).tell_all(MOST_FRAMES);
    after_output(told, whole)
}

/// A file that cannot be read does not keep the others from being told of.
fn report_run(arguments: &ReportArgs) -> ExitCode {
    let paths = match snapshot_files::named_by_all(&arguments.paths) {
        Ok(paths) => paths,
        Err(error) => return failed(&error),
    };
    let detail = if arguments.html.is_some() { Detail::Frames } else { Detail::Stack };
    let groups = CrashGroups::of(&paths, &arguments.files, detail);
    for lost in &groups.unreadable {
        complain(&format!("{}: {}", lost.file.display(), lost.error));
    }
    let code = if groups.unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
    if let Some(page) = &arguments.html {
        return match fs::write(page, render::groups_page(&groups)) {
            Ok(()) => code,
            Err(error) => failed(&io::Error::new(error.kind(), format!("{}: {error}", page.display()))),
        };
    }
    let text = match (arguments.json, arguments.md) {
        (true, _) => render::json_line(&groups),
        (_, true) => render::groups_markdown(&groups),
        _ => render::groups_text(&groups, &Style::for_stream(io::stdout().is_terminal())),
    };
    let mut out = io::stdout().lock();
    after_output(out.write_all(text.as_bytes()).and_then(|()| out.flush()), code)
}
