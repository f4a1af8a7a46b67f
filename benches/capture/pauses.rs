//! A snapshot of a process that goes on, under us with `snap`, and bare with gcore, by turns. Who is not measured is stopped.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use dpdb_snapshot::Snapshot;

use super::common::{fixture, have};
use super::deaths::remove;
use super::{DPDB_TRACE, RUNS, Shape, scratch, show};

pub(super) fn compare(shape: Shape) {
    let dir = scratch();
    let (mut forks, mut idle, mut stops, mut ours, mut gcores) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut supervised =
        Beating::start(Command::new(DPDB_TRACE).args(["--quiet", "--name", "ours.snap", "--"]), dir.path(), shape);
    supervised.signal("STOP");
    let mut plain = Beating::start(&mut Command::new("env"), dir.path(), shape);
    for _ in 0..RUNS {
        std::thread::sleep(Duration::from_millis(50));
        forks.push(plain.ask("fork\n"));
        plain.ask("\n");
        std::thread::sleep(Duration::from_millis(500));
        idle.push(plain.ask("\n"));
        if have("gcore").is_some() {
            run(Command::new("gcore").args(["-o", "core"]).arg(&plain.pid).current_dir(&dir));
            gcores.push(plain.ask("\n"));
        }
        plain.signal("STOP");
        supervised.signal("CONT");
        // The thread that looks at the clock has seen that it was stopped before it is asked for the first time.
        std::thread::sleep(Duration::from_millis(50));
        supervised.ask("\n");
        run(Command::new(DPDB_TRACE).arg("snap").arg(&supervised.pid));
        ours.push(supervised.ask("\n"));
        let report = Snapshot::open(&dir.path().join("ours.snap")).ok().and_then(|it| it.capture().cloned());
        stops.extend(report.map(|report| Duration::from_nanos(report.pause_ns)));
        remove(dir.path(), "ours.snap");
        supervised.signal("STOP");
        plain.signal("CONT");
    }
    println!(
        "  {shape}   by itself {}   a bare fork {}   dpdb-trace snap stopped it {}, saw {}   gcore, saw {}",
        show(&mut idle),
        show(&mut forks),
        show(&mut stops),
        show(&mut ours),
        show(&mut gcores)
    );
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
    fn start(command: &mut Command, dir: &Path, shape: Shape) -> Beating {
        command.arg(fixture("heartbeat.c")).args(shape.arguments()).current_dir(dir);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command is there");
        let input = child.stdin.take().expect("it was asked for");
        let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut pid = String::new();
        output.read_line(&mut pid).expect("it tells its pid");
        Beating { child, pid: pid.trim().to_owned(), input, output }
    }

    /// The longest gap since the last time, or the time that a fork takes.
    fn ask(&mut self, what: &str) -> Duration {
        let mut line = String::new();
        let asked = self.input.write_all(what.as_bytes()).and_then(|()| self.output.read_line(&mut line));
        asked.expect("it answers each line");
        Duration::from_micros(line.trim().parse().unwrap_or(0))
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").args(["-s", name, &self.pid]));
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        // One that is stopped under us has us wait for it.
        self.signal("KILL");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
