//! Forked workers that crash together: all snapshots whole, and but one of them beyond that.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::common::fixture;
use super::{DPDB_TRACE, scratch};

/// MiB that all share, and that each has besides.
const SHARED: &str = "900";
const OWN: &str = "124";

pub(super) fn compare() {
    for (workers, options) in [("1", &[][..]), ("8", &[]), ("8", &["--base", "auto"])] {
        let dir = scratch();
        let (took, bytes) = run(dir.path(), workers, options);
        let name = if options.is_empty() { "whole" } else { "--base auto" };
        println!("  {workers} {name:<11}   {:.1} s, {} MiB", took.as_secs_f64(), bytes >> 20);
    }
}

fn run(dir: &Path, workers: &str, options: &[&str]) -> (Duration, u64) {
    let mut command = Command::new(DPDB_TRACE);
    command.args(["--quiet", "--min-free", "0"]).args(options).arg("--").arg(fixture("shared_heap.c"));
    command.args([SHARED, OWN, workers]).current_dir(dir).stderr(Stdio::null());
    let started = Instant::now();
    command.status().expect("it was built with the bench");
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    (started.elapsed(), files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum())
}
