//! Python stacks with their variables, out of a snapshot, beside the tools of the field; what raising and handling
//! exceptions costs under supervision; how long a caught exception holds its process: `cargo bench --bench python`.
//!
//! Wall-clock time and processor time of the runs that took least, bare and supervised ones in turns. Nothing fails here,
//! and a peer that is missing is said.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

const DPDB_TRACE: &str = env!("CARGO_BIN_EXE_dpdb-trace");
const RUNS: usize = 7;

/// Raises and handles exceptions, and does nothing else.
const HANDLES: &str = "
def fail(number):
    raise ValueError(number)
for number in range(10_000_000):
    try:
        fail(number)
    except ValueError:
        pass
";
/// Reports an exception with a gigabyte in its memory, every page of it its own, and prints how many seconds that took.
const REPORTS: &str = "
import time, traceback
large = b'x' * (1 << 30)
start = time.perf_counter()
try:
    raise ValueError(1)
except ValueError:
    traceback.format_exc()
print(time.perf_counter() - start)
";

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
    println!("20 threads of 100 frames, with variables{:>12}{:>12}", "wall", "CPU");
    let mut python = start(dir.path());
    let pid = first_line(&mut python);
    peer("pystack remote --locals", &["pystack", "remote", "--locals", &pid]);
    peer("py-spy dump --locals", &["py-spy", "dump", "--locals", "--pid", &pid]);
    drop(python.stdin.take());
    python.wait().expect("it is our child");
    print(
        "dpdb-trace inspect, a snapshot",
        least(&mut || {
            let mut inspect = Command::new(DPDB_TRACE);
            inspect.args(["inspect", "snap", "-c", "thread apply all py-bt full"]).current_dir(&dir);
            run(&mut inspect)
        }),
    );
    let core = dir.path().join("core");
    let written = Command::new("zstd").args(["-q", "-d", "-c"]).arg(dir.path().join("snap")).output();
    if written.is_ok_and(|output| std::fs::write(&core, output.stdout).is_ok()) {
        peer("pystack core --locals", &["pystack", "core", "--locals", &core.display().to_string()]);
    }

    println!("\n10,000,000 exceptions raised and handled");
    let mut bare = || run(Command::new("python3").args(["-c", HANDLES]));
    let mut supervised = || run(Command::new(DPDB_TRACE).args(["--", "python3", "-c", HANDLES]).current_dir(&dir));
    let [bare, supervised] = in_turns([&mut bare, &mut supervised]);
    print("bare", bare);
    print("supervised", supervised);
    if let (Some(bare), Some(supervised)) = (bare, supervised) {
        let share = supervised.processor.as_secs_f64() / bare.processor.as_secs_f64() - 1.0;
        println!("{:<40}{:>24.1}%", "more processor time, with our start", share * 100.0);
    }

    println!("\nthe report of an exception with 1 GiB resident, as the process sees it: milliseconds, run by run");
    let snapshot = dir.path().join("reported");
    let mut caught = Command::new(DPDB_TRACE);
    caught.args(["--catch", "python-logged", "--name", "reported", "--", "python3"]).current_dir(&dir);
    for (what, mut command) in [("bare", Command::new("python3")), ("caught", caught)] {
        command.args(["-c", REPORTS]).stderr(Stdio::null());
        let times = (0..RUNS).filter_map(|_| {
            let output = command.output().ok()?;
            let _ = std::fs::remove_file(&snapshot);
            let seconds = String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().ok()?;
            Some(format!("{:.2}", seconds * 1000.0))
        });
        println!("{what:<40}{}", times.collect::<Vec<_>>().join("  "));
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
    print(what, least(&mut || run(Command::new(command[0]).args(&command[1..]))));
}

fn print(what: &str, cost: Option<Cost>) {
    match cost {
        Some(Cost { wall, processor }) => println!("{what:<40}{wall:>12.2?}{processor:>12.2?}"),
        None => println!("{what:<40}not there, or it failed"),
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

/// What a run took. Each is the least of several runs: whatever else the machine does only adds to it.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    /// Of all processes that were waited for, in user and kernel mode.
    processor: Duration,
}

fn least(work: &mut dyn FnMut() -> bool) -> Option<Cost> {
    let [cost] = in_turns([work]);
    cost
}

/// The costs of several works that take turns; `None` of one that fails.
fn in_turns<const N: usize>(works: [&mut dyn FnMut() -> bool; N]) -> [Option<Cost>; N] {
    let mut least = [Some(Cost { wall: Duration::MAX, processor: Duration::MAX }); N];
    let mut works = works;
    for _ in 0..RUNS {
        for (work, least) in works.iter_mut().zip(&mut least) {
            let (start, before) = (Instant::now(), processor_time());
            let works = work();
            let cost = Cost { wall: start.elapsed(), processor: processor_time().saturating_sub(before) };
            *least = least
                .filter(|_| works)
                .map(|known| Cost { wall: known.wall.min(cost.wall), processor: known.processor.min(cost.processor) });
        }
    }
    least
}

/// What the children that were waited for have used so far.
fn processor_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("always there");
    let time =
        |time: nix::sys::time::TimeVal| Duration::from_micros(time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64);
    time(usage.user_time()) + time(usage.system_time())
}
