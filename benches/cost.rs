//! What supervision, capture and the first backtrace cost: `cargo bench`. Medians of wall-clock time; nothing fails here.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DPDB_TRACE: &str = env!("CARGO_BIN_EXE_dpdb-trace");
const RUNS: usize = 15;

fn main() {
    let dir = tempfile::tempdir().expect("TMPDIR can be written");
    let plain = median(|| run(Command::new("true").current_dir(&dir)));
    let supervised = median(|| run(Command::new(DPDB_TRACE).args(["--quiet", "--", "true"]).current_dir(&dir)));
    println!("a command that does nothing    {plain:>10.2?}   supervised {supervised:>10.2?}");

    let forks = "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done";
    let plain = median(|| run(Command::new("sh").args(["-c", forks]).current_dir(&dir)));
    let supervised =
        median(|| run(Command::new(DPDB_TRACE).args(["--quiet", "--", "sh", "-c", forks]).current_dir(&dir)));
    println!("200 forks and execs            {plain:>10.2?}   supervised {supervised:>10.2?}");

    let crash = ["--quiet", "--name", "snap", "--", "sh", "-c", "kill -SEGV $$"];
    let died = median(|| {
        remove(&dir.path().join("snap"));
        run(Command::new(DPDB_TRACE).args(crash).current_dir(&dir));
    });
    let shown = median(|| run(Command::new(DPDB_TRACE).args(["inspect", "snap", "-c", "bt"]).current_dir(&dir)));
    println!("a small process dies           {died:>10.2?}   its first backtrace {shown:>10.2?}");
}

fn run(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the command is there");
}

fn remove(file: &Path) {
    // On the first run there is none.
    let _ = std::fs::remove_file(file);
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}
