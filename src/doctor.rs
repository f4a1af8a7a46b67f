//! `dpdb-trace doctor`: what the supervisor's checks found, in words or JSON.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use dpdb_supervisor::doctor::{Check, CheckState, examine};
use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::failure::{FAILED, after_output};
use crate::render::{self, Role, Style};

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    state: &'a str,
    sentence: &'a str,
    remedy: Option<&'a str>,
}

/// Runs the subcommand; the exit status is 1 where snapshots cannot be taken.
pub fn doctor(arguments: &DoctorArgs) -> ExitCode {
    let checks = examine(Path::new("."));
    let mut out = io::stdout().lock();
    let style = Style::for_stream(out.is_terminal());
    let text = if arguments.json { json(&checks) } else { text(&checks, &style) };
    let works = checks.iter().all(|check| check.state != CheckState::Fail);
    let code = if works { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
    after_output(out.write_all(text.as_bytes()).and_then(|()| out.flush()), code)
}

fn json(checks: &[Check]) -> String {
    let lines: Vec<Line<'_>> = checks
        .iter()
        .map(|check| Line {
            name: check.name,
            state: word(check.state),
            sentence: &check.sentence,
            remedy: check.remedy.as_deref(),
        })
        .collect();
    render::json_line(&lines)
}

fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "ok",
        CheckState::Warn => "warn",
        CheckState::Fail => "fail",
    }
}

fn text(checks: &[Check], style: &Style) -> String {
    let mut out = String::new();
    for check in checks {
        let role = match check.state {
            CheckState::Ok => Role::File,
            CheckState::Warn => Role::Doubt,
            CheckState::Fail => Role::Error,
        };
        let state = style.paint(role, format!("{:<4}", word(check.state)));
        let _ = writeln!(out, "{state}  {:<16}  {}", check.name, render::clean_str(&check.sentence));
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(out, "{:24}{}", "", render::clean_str(remedy));
        }
    }
    let verdict = match checks.iter().map(|check| check.state).max() {
        Some(CheckState::Fail) => style.paint(Role::Error, "Snapshots cannot be taken here.").to_string(),
        Some(CheckState::Warn) => "Snapshots can be taken here, within these limits.".to_owned(),
        _ => "Snapshots can be taken here.".to_owned(),
    };
    let _ = writeln!(out, "{verdict}");
    out
}
