//! Files written by earlier versions open for ever, with the same output: every command over every frozen file.
//!
//! `UPDATE_GOLDEN=1 cargo test --test frozen_snapshots` rewrites the expected output, never the files.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{finish, fixture_dir};

/// Every command that only reads.
const COMMANDS: [&str; 14] = [
    "info",
    "why",
    "threads",
    "bt",
    "frames",
    "regs",
    "disas",
    "x/4gx $sp",
    "whatat $pc",
    "modules",
    "maps",
    "fds",
    "env",
    "thread apply all bt",
];

#[test]
fn frozen_files_still_say_the_same() {
    let frozen = frozen_files();
    assert!(frozen.len() >= 3, "{frozen:?}");
    for file in frozen {
        let golden = file.with_extension("golden");
        let said = transcript(&file);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &said).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(said, expected, "{} (UPDATE_GOLDEN=1 accepts it)", file.display());
    }
}

#[test]
fn frozen_files_stay_small() {
    for file in frozen_files() {
        assert!(file.metadata().unwrap().len() < 100 << 10, "{}", file.display());
    }
}

fn frozen_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixture_dir().join("snaps")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "snap" || kind == "zst")).collect();
    files.sort();
    files
}

/// What all commands print on one file. Its executable lies beside it as `NAME.elf`, or it has none; nothing of this
/// machine may help, since the next one has other libraries.
fn transcript(file: &Path) -> String {
    let mut text = String::new();
    for command in COMMANDS {
        let mut dpdb = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
        dpdb.current_dir(fixture_dir().join("snaps"))
            .arg("inspect")
            .arg(file.file_name().unwrap())
            .args(["-c", command]);
        dpdb.args(["--sysroot", "no-files-of-this-machine"])
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .env("COLUMNS", "120");
        let executable = file.with_extension("elf");
        if executable.exists() {
            dpdb.arg("--exe").arg(executable.file_name().unwrap());
        }
        let outcome = finish(&mut dpdb).without_panic();
        let _ = writeln!(text, "$ {command}");
        // Which version reads is no part of what the file says.
        let lines = outcome.stdout.lines().chain(outcome.stderr.lines());
        lines.filter(|line| !line.starts_with("  read by ")).for_each(|line| _ = writeln!(text, "{line}"));
        text.push('\n');
    }
    text
}
