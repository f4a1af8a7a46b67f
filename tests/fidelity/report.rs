//! Our own frames as `report --json` gives them (schema `frames/1`).

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::finish;

/// What tells one source frame from another, whatever addresses it was loaded at.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u64>,
    pub inline: bool,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |part: &Option<String>| part.clone().unwrap_or("??".to_owned());
        let line = self.line.unwrap_or_default();
        write!(f, "{} ({}:{line}){}", text(&self.function), text(&self.file), if self.inline { " inlined" } else { "" })
    }
}

/// The whole document.
#[track_caller]
pub fn report<S: AsRef<OsStr>>(file: &Path, options: impl IntoIterator<Item = S>) -> Value {
    let text = report_text(file, options);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// The whole document as it is written, with the keys of its objects in their order.
#[track_caller]
pub fn report_text<S: AsRef<OsStr>>(file: &Path, options: impl IntoIterator<Item = S>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.arg("report").arg(file).arg("--json").args(options).env_remove("DEBUGINFOD_URLS");
    finish(&mut command).without_panic().success().stdout
}

/// The crashed thread's frames.
#[track_caller]
pub fn crashed_frames(document: &Value) -> Vec<Place> {
    let threads = document["threads"].as_array().expect("frames/1 has threads");
    let crashed = threads.iter().find(|thread| thread["crashed"] == true).expect("one thread crashed");
    let frames = crashed["frames"].as_array().expect("frames/1 has frames");
    frames.iter().map(place).collect()
}

fn place(frame: &Value) -> Place {
    let text = |key: &str| frame[key].as_str().map(str::to_owned);
    let inline = frame["inline"].as_bool().unwrap_or_default();
    Place { function: text("function"), file: text("file"), line: frame["line"].as_u64(), inline }
}
