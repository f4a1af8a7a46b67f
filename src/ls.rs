//! `dpdb-trace ls`: the snapshots in a directory, a line each, read from their first frames.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use dpdb_analyzer::parallel;

use crate::cli::LsArgs;
use crate::engine::SnapshotLine;
use crate::failure::{FAILED, after_output, complain, failed, sentence};
use crate::render::{self, Style};
use crate::snapshot_files;

/// Runs the subcommand: a file that cannot be read does not keep the others from being listed.
pub fn ls(arguments: &LsArgs) -> ExitCode {
    let paths = match snapshot_files::named_by_all(&arguments.paths) {
        Ok(paths) => paths,
        Err(error) => return failed(&error),
    };
    let mut code = ExitCode::SUCCESS;
    let mut lines = Vec::new();
    for (path, line) in paths.iter().zip(parallel::map(&paths, || (), |(), path| SnapshotLine::read(path))) {
        match line {
            Ok((line, _)) => lines.push(line),
            Err(error) => {
                complain(&format!("{}: {}", path.display(), sentence(&error)));
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
