//! `dpdb-trace pack`: a delta made whole.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dpdb_snapshot::{Snapshot, WriteOptions};

use crate::cli::PackArgs;
use crate::failure::{FAILED, complain, failed, sentence};

/// Runs the subcommand. The new file has its name only when it is whole.
pub fn pack(arguments: &PackArgs) -> ExitCode {
    let snapshot = match Snapshot::open(&arguments.file) {
        Ok(snapshot) => snapshot,
        Err(error) => return failed(&error),
    };
    let output = arguments.output.as_ref().unwrap_or(&arguments.file);
    let file = arguments.file.display();
    if snapshot.process().base.is_none() && arguments.output.is_none() {
        complain(&format!("{file} is whole already"));
        return ExitCode::SUCCESS;
    }
    match write(&snapshot, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&format!("cannot make {file} whole: {reason}"));
            ExitCode::from(FAILED)
        }
    }
}

fn write(snapshot: &Snapshot, path: &Path) -> Result<(), String> {
    let partial = partial_of(path).ok_or_else(|| format!("{} names no file", path.display()))?;
    let mut options = OpenOptions::new();
    let made = options.read(true).write(true).create_new(true).mode(0o600).open(&partial);
    let mut file = made.map_err(|error| format!("cannot create {}: {error}", partial.display()))?;
    let written = fill(snapshot, &mut file).and_then(|()| {
        fs::rename(&partial, path).map_err(|error| format!("cannot rename it to {}: {error}", path.display()))
    });
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

fn fill(snapshot: &Snapshot, file: &mut File) -> Result<(), String> {
    snapshot.pack(file, &WriteOptions::default()).map_err(|error| sentence(&error))?;
    file.sync_all().map_err(|error| error.to_string())
}

fn partial_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(".partial");
    Some(path.with_file_name(partial))
}
