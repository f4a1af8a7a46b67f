//! A fresh directory in which dpdb-trace supervises something, and what it leaves there.

use std::ffi::OsStr;
use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::fixture::fixture_dir;
use super::outcome::{Outcome, finish};

/// A fresh directory. The command runs in its `out/`, where the snapshots land too; the journal lies beside that.
#[derive(Debug)]
pub struct Scene {
    dir: TempDir,
}

impl Scene {
    /// An empty one.
    pub fn new() -> Scene {
        let dir = tempfile::Builder::new().prefix("dpdb-test-").tempdir().expect("TMPDIR can be written");
        fs::create_dir(dir.path().join("out")).expect("a fresh directory can be written");
        Scene { dir }
    }

    /// Where the command runs and the snapshots land.
    pub fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// A path beside `out/`, for files of the test's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `dpdb-trace OPTIONS --journal … -- ` without the command yet, in `out/`.
    pub fn trace(&self, options: &[&str]) -> Command {
        let mut command = dpdb_trace();
        command.current_dir(self.out()).args(options).arg("--journal").arg(self.path("journal")).arg("--");
        command
    }

    /// `dpdb-trace inspect` on a frozen file, in `out/`, with a home directory of its own and no other file of this machine.
    pub fn shell(&self) -> Command {
        let (mut command, snaps) = (dpdb_trace(), fixture_dir().join("snaps"));
        command.current_dir(self.out()).arg("inspect").arg(snaps.join("freestanding.snap"));
        command.arg("--exe").arg(snaps.join("freestanding.elf")).args(["--sysroot", "no-files-of-this-machine"]);
        command.env("XDG_CONFIG_HOME", self.path("config")).env("XDG_STATE_HOME", self.path("state"));
        command
    }

    /// Runs `dpdb-trace -- COMMAND…` to its end.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Outcome {
        finish(self.trace(&[]).args(command)).without_panic()
    }

    /// The snapshots in `out/`, sorted by name; a second one of a process has a number behind its name.
    pub fn snapshots(&self) -> Vec<PathBuf> {
        self.files(|name| {
            let (_, behind) = name.split_once(".snap").unwrap_or(("", "none"));
            let number =
                behind.strip_prefix('.').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
            !name.starts_with('.') && (behind.is_empty() || number)
        })
    }

    /// The only snapshot there is.
    #[track_caller]
    pub fn snapshot(&self) -> PathBuf {
        let all = self.snapshots();
        assert_eq!(all.len(), 1, "one snapshot is expected: {all:?}");
        all.into_iter().next().expect("there is one")
    }

    /// Half-written files, of which none may ever be left.
    pub fn partials(&self) -> Vec<PathBuf> {
        self.files(|name| name.contains(".partial"))
    }

    /// The journal, an object per line.
    pub fn journal(&self) -> Vec<Value> {
        read_lines(&self.path("journal"))
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    fn files(&self, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.out()).expect("out/ is ours");
        let mut found: Vec<_> = entries
            .map(|entry| entry.expect("out/ is ours").path())
            .filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(&wanted))
            .collect();
        found.sort();
        found
    }
}

/// The binary under test. No colours and no paging, whatever the developer's environment asks for.
fn dpdb_trace() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE").env_remove("DEBUGINFOD_URLS");
    command
}

/// Runs `dpdb-trace ARGUMENTS…` outside of any scene, such as `inspect FILE -c bt`.
#[track_caller]
pub fn inspect<S: AsRef<OsStr>>(file: &Path, arguments: impl IntoIterator<Item = S>) -> Outcome {
    finish(dpdb_trace().arg("inspect").arg(file).args(arguments)).without_panic()
}

/// The pid that a file named `pid_N.snap` carries.
#[track_caller]
pub fn pid_of(snapshot: &Path) -> i32 {
    let name = snapshot.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let digits = name.strip_prefix("pid_").unwrap_or_else(|| panic!("{} is not pid_N.snap", snapshot.display()));
    digits.parse().unwrap_or_else(|_| panic!("{} is not pid_N.snap", snapshot.display()))
}

/// The lines of a file.
#[track_caller]
pub fn read_lines(path: &Path) -> Vec<String> {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::io::BufReader::new(file).lines().map(|line| line.expect("our files are UTF-8")).collect()
}
