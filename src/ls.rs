//! `dpdb-trace ls`: the snapshots in a directory, a line each, read from their first frames.

use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use dpdb_snapshot::Snapshot;

use crate::cli::LsArgs;
use crate::engine::{Crash, SnapshotLine};
use crate::failure::{FAILED, after_output, complain, failed, sentence};
use crate::render::{self, Style};
use crate::snapshot_files;

/// Runs the subcommand: a file that cannot be read does not keep the others from being listed.
pub fn ls(arguments: &LsArgs) -> ExitCode {
    let mut paths = Vec::new();
    for path in &arguments.paths {
        match snapshot_files::named_by(path) {
            Ok(found) => paths.extend(found),
            Err(error) => return failed(&io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
    let mut code = ExitCode::SUCCESS;
    let mut lines = Vec::new();
    for (path, line) in paths.iter().zip(describe_all(&paths)) {
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

/// Describes files on all processors, in their order.
fn describe_all(paths: &[PathBuf]) -> Vec<Result<SnapshotLine, String>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(path) = paths.get(index)
        {
            done.push((index, describe(path)));
        }
        done
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(paths.len());
    let mut all: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            all.extend(other.join().expect("describing a file does not panic"));
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, line)| line).collect()
}

fn describe(path: &Path) -> Result<SnapshotLine, String> {
    let info = Snapshot::info(path).map_err(|error| sentence(&error))?;
    let damaged = !info.damage.is_empty();
    Ok(SnapshotLine { file: path.to_owned(), bytes: info.file_bytes, damaged, crash: Crash::new(&info.process, None) })
}
