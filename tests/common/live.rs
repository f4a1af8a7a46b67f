//! A command that a test talks with while it runs: lines from its stdout, bytes into its stdin.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// No test takes this long unless it hangs; then its process group is killed, and what waits for it goes on.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running command, of a process group of its own.
#[derive(Debug)]
pub struct Live {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    ended: Option<ExitStatus>,
    /// Dropped with us: the watchdog's sign to go home.
    _watched: Sender<()>,
}

impl Live {
    /// Starts `command` with pipes for stdin and stdout.
    #[track_caller]
    pub fn start(command: &mut Command) -> Live {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let group = Pid::from_raw(child.id() as i32);
        let (_watched, watch) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if watch.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = killpg(group, Signal::SIGKILL);
            }
        });
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it was asked for"));
        Live { child, input, output, ended: None, _watched }
    }

    /// Its process id, and its group's.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// The next line that it prints, which must come.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its lines are UTF-8");
        assert!(line.ends_with('\n'), "its stdout ends with {line:?}");
        line.trim_end().to_owned()
    }

    /// Waits for a line, which must be this one.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// The number after `word` in the next line.
    #[track_caller]
    pub fn number_after(&mut self, word: &str) -> i32 {
        let line = self.line();
        let number = line.strip_prefix(word).and_then(|rest| rest.trim().parse().ok());
        number.unwrap_or_else(|| panic!("{line:?} is not {word} and a number"))
    }

    /// Writes a byte to its stdin.
    #[track_caller]
    pub fn poke(&mut self) {
        let input = self.input.as_mut().expect("its stdin is open");
        input.write_all(b"x").and_then(|()| input.flush()).expect("it reads its stdin");
    }

    /// Ends its stdin.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Sends it, and it alone, a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it still runs");
    }

    /// Everything that it still prints, until the last process that holds its stdout is gone.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("its lines are UTF-8");
        text
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("our own child can be waited for");
        self.ended = Some(status);
        status
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}
