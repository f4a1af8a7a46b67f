//! `dpdb-trace export`: a snapshot as a plain ELF core.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use dpdb_snapshot::Snapshot;

use crate::cli::ExportArgs;
use crate::failure::{FAILED, after_output, complain, failed, partial_view, sentence};

/// Runs the subcommand.
pub fn export(arguments: &ExportArgs) -> ExitCode {
    let snapshot = match Snapshot::open(&arguments.file) {
        Ok(snapshot) => snapshot,
        Err(error) => return failed(&error),
    };
    let damage: Vec<_> = snapshot.damage().iter().map(ToString::to_string).collect();
    let whole = partial_view(&arguments.file, &damage);
    let exported =
        if arguments.output == Path::new("-") { to_stdout(&snapshot) } else { to_file(&snapshot, &arguments.output) };
    if exported == ExitCode::SUCCESS { whole } else { exported }
}

fn to_stdout(snapshot: &Snapshot) -> ExitCode {
    let mut out = io::stdout().lock();
    match snapshot.export(&mut out) {
        Ok(_) => after_output(out.flush(), ExitCode::SUCCESS),
        Err(error) => failed(&error),
    }
}

/// A core holds all that the process knew, so only its owner may read it; a half one is taken away again.
fn to_file(snapshot: &Snapshot, path: &Path) -> ExitCode {
    let mut options = OpenOptions::new();
    let file = match options.write(true).create(true).truncate(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) => {
            complain(&format!("cannot create {}: {error}", path.display()));
            return ExitCode::from(FAILED);
        }
    };
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    match write(snapshot, file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            if is_file {
                let _ = std::fs::remove_file(path);
            }
            complain(&format!("cannot write {}: {reason}", path.display()));
            ExitCode::from(FAILED)
        }
    }
}

fn write(snapshot: &Snapshot, file: File) -> Result<(), String> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    snapshot.export(&mut out).map_err(|error| sentence(&error))?;
    out.flush().map_err(|error| error.to_string())
}
