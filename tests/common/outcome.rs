//! Running a command to its end, with a bound on the time it may hang.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// No test takes this long unless it hangs; then its process group is killed and what it printed is shown.
const PATIENCE: Duration = Duration::from_secs(300);

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Outcome {
    /// As wait(2) gives it.
    pub status: ExitStatus,
    /// Its process id, while it had one.
    pub pid: i32,
    /// What it wrote to stdout; invalid UTF-8 is replaced.
    pub stdout: String,
    /// What it wrote to stderr; invalid UTF-8 is replaced.
    pub stderr: String,
}

impl Outcome {
    /// The exit code, or 128 + the signal that it died of.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or_default())
    }

    /// The signal that it died of.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Itself, if the exit code is 0.
    #[track_caller]
    pub fn success(self) -> Outcome {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }

    /// Itself, if no code of ours panicked or ran out of memory. A debuggee may; its status is mirrored.
    #[track_caller]
    pub fn without_panic(self) -> Outcome {
        const OURS: [&str; 5] = ["src/", "snapshot/src/", "supervisor/src/", "analyzer/src/", "/registry/src/"];
        let places = self.stderr.lines().filter_map(|line| line.split_once("panicked at ")).map(|(_, place)| place);
        let panicked = places.into_iter().any(|place| {
            OURS.iter().any(|ours| place.starts_with(ours) || ours.starts_with('/') && place.contains(ours))
        });
        let starved = self.stderr.contains("memory allocation of");
        assert!(!panicked && !starved, "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }
}

/// Runs `command` with an empty stdin to its end.
#[track_caller]
pub fn finish(command: &mut Command) -> Outcome {
    finish_with_input(command, b"")
}

/// Runs `command` to its end with `input` as its stdin.
///
/// stdin, stdout and stderr are files: what outlives the command (a daemon) keeps no pipe open that we wait on.
#[track_caller]
pub fn finish_with_input(command: &mut Command, input: &[u8]) -> Outcome {
    let mut stdin = tempfile::tempfile().expect("TMPDIR can be written");
    stdin.write_all(input).and_then(|()| stdin.rewind()).expect("TMPDIR can be written");
    let stdout = tempfile::tempfile().expect("TMPDIR can be written");
    let stderr = tempfile::tempfile().expect("TMPDIR can be written");
    let copy = |file: &File| Stdio::from(file.try_clone().expect("a descriptor is free"));
    command.stdin(stdin).stdout(copy(&stdout)).stderr(copy(&stderr)).process_group(0);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = child.id() as i32;

    let (sender, ended) = mpsc::channel();
    let waiter = std::thread::spawn(move || sender.send(child.wait()));
    let Ok(status) = ended.recv_timeout(PATIENCE) else {
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        panic!("{command:?} hangs\n{}\n{}", text_of(stdout), text_of(stderr));
    };
    let _ = waiter.join();
    let status = status.expect("our own child can be waited for");
    Outcome { status, pid, stdout: text_of(stdout), stderr: text_of(stderr) }
}

fn text_of(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a temporary file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
