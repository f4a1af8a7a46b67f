//! What a capture costs the process, beside the kernel's core dump and gdb's gcore: `cargo bench --bench capture`.
//! Medians; nothing fails here. More sizes than 64 MiB and 1 GiB can be given as arguments, in MiB.

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use common::{fixture, have};

const DPDB_TRACE: &str = env!("CARGO_BIN_EXE_dpdb-trace");
const RUNS: usize = 5;

fn main() {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if given.is_empty() { vec![64, 1024] } else { given };
    println!("a crash, until the parent's waitpid returns");
    sizes.iter().for_each(|&size| deaths(size));
    println!("a snapshot of a running process, the longest gap that it sees");
    sizes.iter().for_each(|&size| pauses(size));
}

/// Bare, under us, and with the kernel writing a core into a file, by turns.
fn deaths(mebibytes: u64) {
    let dir = tempfile::tempdir_in(".").expect("the working directory can be written");
    let (mut forks, mut bare, mut ours, mut cores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (fork, death) = death(dir.path(), mebibytes, "ulimit -c 0; exec \"$@\"");
        forks.push(fork);
        bare.push(death);
        ours.push(death_under_us(dir.path(), mebibytes));
        cores.push(death_with_core(dir.path(), mebibytes));
    }
    let core = if dir.path().join("core.was").exists() { show(&mut cores) } else { "no core in a file".to_owned() };
    println!(
        "  {mebibytes:>5} MiB   bare {}   dpdb-trace {}   kernel core {core}   (a bare fork of it {})",
        show(&mut bare),
        show(&mut ours),
        show(&mut forks)
    );
}

/// What the fixture says of its fork and its death, run by a shell script.
fn death(dir: &Path, mebibytes: u64, script: &str) -> (Duration, Duration) {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(fixture("death_time.c")).arg(mebibytes.to_string()).current_dir(dir);
    let output = command.stderr(Stdio::null()).output().expect("sh is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(|number| Duration::from_micros(number.parse().unwrap_or(0)));
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

fn death_under_us(dir: &Path, mebibytes: u64) -> Duration {
    let script = format!("ulimit -c 0; exec {DPDB_TRACE} --quiet --name ours.snap -- \"$@\"");
    let (_, death) = death(dir, mebibytes, &script);
    let _ = std::fs::remove_file(dir.join("ours.snap"));
    death
}

fn death_with_core(dir: &Path, mebibytes: u64) -> Duration {
    let (_, death) = death(dir, mebibytes, "ulimit -c unlimited; exec \"$@\"");
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("core") && entry.file_name() != "core.was" {
            let _ = std::fs::remove_file(entry.path());
            let _ = std::fs::write(dir.join("core.was"), "");
        }
    }
    death
}

/// Under us with `snap`, and bare with gcore, by turns.
fn pauses(mebibytes: u64) {
    let dir = tempfile::tempdir_in(".").expect("the working directory can be written");
    let (mut idle, mut ours, mut gcores) = (Vec::new(), Vec::new(), Vec::new());
    let mut supervised = Beating::start(Command::new(DPDB_TRACE).args(["--quiet", "--"]), dir.path(), mebibytes);
    let mut plain = Beating::start(&mut Command::new("env"), dir.path(), mebibytes);
    for _ in 0..RUNS {
        plain.longest();
        std::thread::sleep(Duration::from_millis(500));
        idle.push(plain.longest());
        supervised.longest();
        run(Command::new(DPDB_TRACE).arg("snap").arg(&supervised.pid));
        ours.push(supervised.longest());
        if have("gcore").is_some() {
            plain.longest();
            run(Command::new("gcore").args(["-o", "core"]).arg(&plain.pid).current_dir(&dir));
            gcores.push(plain.longest());
        }
    }
    let gcore = if gcores.is_empty() { "not installed".to_owned() } else { show(&mut gcores) };
    println!("  {mebibytes:>5} MiB   none {}   dpdb-trace snap {}   gcore {gcore}", show(&mut idle), show(&mut ours));
}

fn run(command: &mut Command) {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().expect("the command is there");
}

/// The heartbeat fixture.
struct Beating {
    child: Child,
    pid: String,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Beating {
    fn start(command: &mut Command, dir: &Path, mebibytes: u64) -> Beating {
        command.arg(fixture("heartbeat.c")).arg(mebibytes.to_string()).current_dir(dir);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command is there");
        let input = child.stdin.take().expect("it was asked for");
        let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut pid = String::new();
        output.read_line(&mut pid).expect("it tells its pid");
        Beating { child, pid: pid.trim().to_owned(), input, output }
    }

    /// The longest gap since the last time.
    fn longest(&mut self) -> Duration {
        let mut line = String::new();
        let asked = self.input.write_all(b"\n").and_then(|()| self.output.read_line(&mut line));
        asked.expect("it answers each line");
        Duration::from_micros(line.trim().parse().unwrap_or(0))
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The median, with the extremes in parentheses.
fn show(times: &mut [Duration]) -> String {
    times.sort();
    let text = |at: usize| format!("{:.1}", times[at].as_secs_f64() * 1000.0);
    format!("{} ms ({} to {})", text(times.len() / 2), text(0), text(times.len() - 1))
}
