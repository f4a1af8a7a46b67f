//! Python stacks with their variables, out of a snapshot, beside the tools of the field: `cargo bench --bench python`.
//! 20 threads of 100 frames; medians of wall-clock time; nothing fails here, and a peer that is missing is said.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DPDB_TRACE: &str = env!("CARGO_BIN_EXE_dpdb-trace");
const RUNS: usize = 7;

/// Each thread stands a hundred calls deep; the process says so, and dies once its input is closed.
const SCRIPT: &str = "
import os, sys, threading
def descend(depth, text, numbers, mapping):
    name, items = 'frame %d' % depth, [depth, text, None]
    if depth:
        return descend(depth - 1, text, numbers, mapping)
    ready.release()
    wait.wait()
ready, wait = threading.Semaphore(0), threading.Event()
for index in range(20):
    threading.Thread(target=descend, args=(99, 'text', list(range(10)), {'key': index}), daemon=True).start()
for index in range(20):
    ready.acquire()
print(os.getpid(), flush=True)
sys.stdin.read()
os.kill(os.getpid(), 11)
";

fn main() {
    let dir = tempfile::tempdir().expect("TMPDIR can be written");
    let mut python = start(dir.path());
    let pid = first_line(&mut python);
    peer("pystack remote --locals", &["pystack", "remote", "--locals", &pid]);
    peer("py-spy dump --locals", &["py-spy", "dump", "--locals", "--pid", &pid]);
    drop(python.stdin.take());
    python.wait().expect("it is our child");

    let ours = median(|| {
        let mut inspect = Command::new(DPDB_TRACE);
        inspect.args(["inspect", "snap", "-c", "thread apply all py-bt full"]).current_dir(&dir);
        run(&mut inspect)
    });
    println!("{:<36}{:>10.2?}", "dpdb-trace inspect, a snapshot", ours.unwrap_or_default());
    let core = dir.path().join("core");
    let written = Command::new("zstd").args(["-q", "-d", "-c"]).arg(dir.path().join("snap")).output();
    if written.is_ok_and(|output| std::fs::write(&core, output.stdout).is_ok()) {
        peer("pystack core --locals", &["pystack", "core", "--locals", &core.display().to_string()]);
    }
}

/// The process, under us: its snapshot will be `snap`.
fn start(dir: &Path) -> Child {
    let mut command = Command::new(DPDB_TRACE);
    command.args(["--quiet", "--name", "snap", "--", "python3", "-c", SCRIPT]).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("we are there")
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let output = child.stdout.take().expect("it is a pipe");
    BufReader::new(output).read_line(&mut line).expect("it says its pid");
    line.trim().to_owned()
}

fn peer(what: &str, command: &[&str]) {
    match median(|| run(Command::new(command[0]).args(&command[1..]))) {
        Some(time) => println!("{what:<36}{time:>10.2?}"),
        None => println!("{what:<36}not there, or it failed"),
    }
}

fn run(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn median(mut work: impl FnMut() -> bool) -> Option<Duration> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        if !work() {
            return None;
        }
        times.push(start.elapsed());
    }
    times.sort();
    times.get(RUNS / 2).copied()
}
