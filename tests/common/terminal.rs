//! A pseudo-terminal with a command on it, as a user sits before it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::tools::tool;

/// No dialogue takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal, its command in a session of its own.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    master: File,
    /// All that was shown, and how much of it has been looked at.
    shown: Vec<u8>,
    seen: usize,
    _watched: Sender<()>,
}

impl Terminal {
    /// Starts `command` as the leader of a new session, of which this is the controlling terminal.
    #[track_caller]
    pub fn start(command: &Command) -> Terminal {
        Terminal::start_sized(command, None)
    }

    /// The same on a terminal of so many rows and columns; without them it has no size.
    #[track_caller]
    pub fn start_sized(command: &Command, size: Option<(u16, u16)>) -> Terminal {
        let size = size.map(|(ws_row, ws_col)| Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 });
        let pty = openpty(size.as_ref(), None).expect("a pseudo-terminal is free");
        let slave = || File::from(pty.slave.try_clone().expect("a descriptor is free"));
        // setsid(1) --ctty: a session, and the terminal on stdin as its controlling one.
        let mut leader = Command::new(tool("setsid"));
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args());
        leader.current_dir(command.get_current_dir().expect("a scene gave it one"));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => leader.env(name, value),
                None => leader.env_remove(name),
            };
        }
        let child = leader.stdin(slave()).stdout(slave()).stderr(slave()).spawn().expect("setsid can be run");
        let pid = Pid::from_raw(child.id() as i32);
        let (_watched, watch) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if watch.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                // The death of the session's leader hangs up the terminal, which ends the others.
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        Terminal { child, master: File::from(pty.master), shown: Vec::new(), seen: 0, _watched }
    }

    /// Types.
    #[track_caller]
    pub fn send(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes input");
    }

    /// Waits until `text` is shown, after all that was waited for before.
    #[track_caller]
    pub fn until(&mut self, text: &str) {
        loop {
            let unseen = &self.shown[self.seen..];
            if let Some(at) = unseen.windows(text.len()).position(|part| part == text.as_bytes()) {
                self.seen += at + text.len();
                return;
            }
            assert!(self.more(), "the terminal closed before {text:?}:\n{}", self.text());
        }
    }

    /// Reads on to the end; all that was shown, and how the command ended.
    #[track_caller]
    pub fn end(mut self) -> (String, ExitStatus) {
        while self.more() {}
        let status = self.child.wait().expect("our own child can be waited for");
        (self.text(), status)
    }

    /// Reads some; false once nobody has the terminal open any more (EIO).
    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let got = self.master.read(&mut bytes).unwrap_or(0);
        self.shown.extend_from_slice(&bytes[..got]);
        got > 0
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }
}
