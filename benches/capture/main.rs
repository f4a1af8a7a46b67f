//! What a capture costs, beside the kernel's core dump and gdb's gcore: `cargo bench --bench capture [-- PART…] [MIB…]`, where the
//! parts are `deaths`, `pauses`, `whole` and `workers`. Medians of five with the extremes; nothing fails here.

#[path = "../../tests/common/mod.rs"]
mod common;

mod deaths;
mod pauses;
mod whole;
mod workers;

use std::path::PathBuf;
use std::time::Duration;

const DPDB_TRACE: &str = env!("CARGO_BIN_EXE_dpdb-trace");
const RUNS: usize = 5;

/// What the memory of a process is like.
#[derive(Clone, Copy)]
struct Shape {
    mebibytes: u64,
    /// In huge pages, not in those of 4 KiB.
    huge: bool,
    /// More threads than one.
    threads: u64,
}

impl Shape {
    fn small(mebibytes: u64) -> Shape {
        Shape { mebibytes, huge: false, threads: 0 }
    }

    fn arguments(self) -> [String; 3] {
        let pages = if self.huge { "huge" } else { "small" };
        [self.mebibytes.to_string(), pages.to_owned(), self.threads.to_string()]
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>5} MiB", self.mebibytes)?;
        if self.huge {
            f.write_str(", huge pages")?;
        }
        if self.threads > 0 {
            write!(f, ", {} threads", self.threads)?;
        }
        Ok(())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let given: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let parts: Vec<&String> = arguments.iter().filter(|argument| argument.parse::<u64>().is_err()).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| *wanted == part);
    let sizes = if given.is_empty() { vec![64, 1024, 4096] } else { given };
    let shapes = sizes.iter().flat_map(|&size| [Shape::small(size), Shape { huge: true, ..Shape::small(size) }]);
    let shapes: Vec<Shape> = shapes.filter(|shape| !shape.huge || shape.mebibytes >= 1024).collect();
    if is_wanted("deaths") {
        println!("a crash, until the parent's waitpid returns");
        let threads = Shape { threads: 500, ..Shape::small(sizes[sizes.len() / 2]) };
        shapes.iter().chain([&threads]).for_each(|&shape| deaths::compare(shape));
    }
    if is_wanted("pauses") {
        println!("a snapshot of a running process: how long it was stopped, and the longest gap that it saw");
        shapes.iter().for_each(|&shape| pauses::compare(shape));
    }
    if is_wanted("whole") {
        println!("a crash, until the file is there");
        whole::compare(Shape::small(1024));
    }
    if is_wanted("workers") {
        println!(
            "forked workers of 1 GiB that share 900 MiB crash together, from their start until all files are there"
        );
        workers::compare();
    }
}

/// A directory on the disk that the working directory is on: /tmp may be memory.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(".").expect("the working directory can be written")
}

/// The cores in a directory.
fn cores(dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let is_core = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("core");
    entries.filter(is_core).map(|entry| entry.path()).collect()
}

/// The median, with the extremes in parentheses.
fn show(times: &mut [Duration]) -> String {
    if times.is_empty() {
        return "not to be had".to_owned();
    }
    times.sort();
    let text = |at: usize| format!("{:.1}", times[at].as_secs_f64() * 1000.0);
    format!("{} ms ({} to {})", text(times.len() / 2), text(0), text(times.len() - 1))
}
