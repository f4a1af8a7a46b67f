//! The same question to several debuggers, and what each answer costs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

/// The binary that is measured.
pub const DPDB_TRACE: &str = env!("CARGO_BIN_EXE_dpdb-trace");

/// Runs of each question, after one that is not counted.
const RUNS: usize = 5;

/// The first argument of a run of this program that only measures another.
const MEASURE: &str = "measure-one-command";

/// What one run cost.
#[derive(Clone, Copy)]
struct Cost {
    wall_ms: f64,
    cpu_ms: f64,
    peak_mib: f64,
}

pub fn was_asked_to_measure() -> bool {
    std::env::args().nth(1).is_some_and(|first| first == MEASURE)
}

/// Runs the command in our arguments and prints what it cost. A process of its own, since the peak of memory that
/// getrusage(2) tells is that of the largest child there ever was.
pub fn measure_our_arguments() {
    let mut words = std::env::args_os().skip(2);
    let program = words.next().expect("a command follows");
    let start = Instant::now();
    let mut command = Command::new(program);
    let status = command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let wall = start.elapsed().as_secs_f64() * 1e3;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is asked about children of ours");
    let milliseconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    let cpu = milliseconds(usage.user_time()) + milliseconds(usage.system_time());
    let code = status.ok().and_then(|status| status.code()).unwrap_or(-1);
    println!("{wall} {cpu} {} {code}", usage.max_rss() as f64 / 1024.0);
}

/// A crashed program and who is asked about it.
pub struct Contest {
    snapshot: OsString,
    executable: OsString,
    core: OsString,
    /// A cache directory of this run's own, empty at first.
    cache: tempfile::TempDir,
}

impl Contest {
    pub fn new(executable: &Path, snapshot: &Path, core: &Path) -> Contest {
        let cache = tempfile::tempdir().expect("TMPDIR can be written");
        Contest { snapshot: snapshot.into(), executable: executable.into(), core: core.into(), cache }
    }

    pub fn heading(&self) {
        println!("  {:<44} {:>10} {:>10} {:>10}", "median", "wall, ms", "CPU, ms", "peak, MiB");
    }

    /// The stack with all variables.
    pub fn backtrace(&self) {
        line("dpdb-trace, first time: bt full", &[self.ours(&["bt full"])]);
        repeated("dpdb-trace: bt full", || self.ours(&["bt full"]));
        repeated("gdb: bt full", || self.gdb("bt full"));
        repeated("lldb: bt (it has no full)", || self.lldb("bt"));
    }

    /// Types by a pattern that few names match.
    pub fn names(&self, pattern: &str) {
        let types = format!("types {pattern}");
        line("dpdb-trace, first time: types RE", &[self.ours(&[&types])]);
        repeated("dpdb-trace: types RE", || self.ours(&[&types]));
        repeated("dpdb-trace: functions RE", || self.ours(&[&format!("functions {pattern}")]));
        repeated("gdb: info types RE", || self.gdb(&format!("info types {pattern}")));
    }

    fn ours(&self, commands: &[&str]) -> Option<Cost> {
        let mut words: Vec<OsString> = vec![DPDB_TRACE.into(), "inspect".into(), self.snapshot.clone()];
        words.extend(["--exe".into(), self.executable.clone()]);
        words.extend(commands.iter().flat_map(|command| ["-c".into(), OsString::from(command)]));
        measure(&words, self.cache.path())
    }

    fn gdb(&self, command: &str) -> Option<Cost> {
        let words = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", command].map(OsString::from);
        measure(&[&words[..], &[self.executable.clone(), self.core.clone()]].concat(), self.cache.path())
    }

    fn lldb(&self, command: &str) -> Option<Cost> {
        let words = ["lldb", "-x", "--batch", "-o", command, "-c"].map(OsString::from);
        measure(&[&words[..], &[self.core.clone(), self.executable.clone()]].concat(), self.cache.path())
    }
}

fn measure(words: &[OsString], cache: &Path) -> Option<Cost> {
    let own = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(own);
    let output = command.arg(MEASURE).args(words).env("DPDB_TRACE_CACHE", cache).output().expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        // We end with 1 where nothing matches, which is an answer.
        [wall_ms, cpu_ms, peak_mib, 0.0 | 1.0] => Some(Cost { wall_ms, cpu_ms, peak_mib }),
        _ => None,
    }
}

fn repeated(what: &str, run: impl Fn() -> Option<Cost>) {
    run();
    line(what, &(0..RUNS).map(|_| run()).collect::<Vec<_>>());
}

fn line(what: &str, runs: &[Option<Cost>]) {
    let costs: Vec<Cost> = runs.iter().copied().flatten().collect();
    if costs.is_empty() {
        println!("  {what:<44} {:>10}", "failed");
        return;
    }
    let median = |of: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = costs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let (wall, cpu, peak) = (median(|cost| cost.wall_ms), median(|cost| cost.cpu_ms), median(|cost| cost.peak_mib));
    println!("  {what:<44} {wall:>10.1} {cpu:>10.1} {peak:>10.1}");
}
