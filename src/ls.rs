//! `dpdb-trace ls`: the snapshots in a directory, a line each, read from their first frames.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use dpdb_snapshot::Snapshot;

use crate::cli::LsArgs;
use crate::engine::{Crash, SnapshotLine};
use crate::failure::{FAILED, after_output, complain, failed, sentence};
use crate::render::{self, Style};
use crate::{parallel, snapshot_files};

/// Runs the subcommand: a file that cannot be read does not keep the others from being listed.
pub fn ls(arguments: &LsArgs) -> ExitCode {
    let paths = match snapshot_files::named_by_all(&arguments.paths) {
        Ok(paths) => paths,
        Err(error) => return failed(&error),
    };
    let mut code = ExitCode::SUCCESS;
    let mut lines = Vec::new();
    for (path, line) in paths.iter().zip(parallel::map(&paths, || (), |(), path| describe(path))) {
        match line {
            Ok(line) => lines.push(line),
            Err(error) => {
                complain(&format!("{}: {error}", path.display()));
                code = ExitCode::from(FAILED);
            }
        }
    }
    // What has no time of death is older than anything that has.
    lines.sort_by_key(|line| line.crash.time);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = if arguments.json {
        lines.iter().try_for_each(|line| out.write_all(render::json_line(line).as_bytes()))
    } else {
        let style = Style::for_stream(io::stdout().is_terminal());
        out.write_all(render::snapshot_lines(&lines, &style).as_bytes())
    };
    after_output(written.and_then(|()| out.flush()), code)
}

fn describe(path: &Path) -> Result<SnapshotLine, String> {
    let info = Snapshot::info(path).map_err(|error| sentence(&error))?;
    let damaged = !info.damage.is_empty();
    Ok(SnapshotLine {
        file: path.to_owned(),
        bytes: info.file_bytes,
        damaged,
        started: info.process.timing.started,
        crash: Crash::new(&info.process, None),
    })
}
