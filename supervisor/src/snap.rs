//! Asking a supervisor for snapshots, over a socket that needs no setting: an abstract one (unix(7)) named after the
//! supervisor's pid, `\0dpdb-trace/PID`.
//!
//! The protocol, for any language: write `snap\n` for a snapshot of the process that connects, `snap PID\n` for one of another,
//! or the same with `tree` behind it for the whole tree of which that is one; read lines until the end, one for each
//! snapshot, `ok PATH` or `error REASON`. The kernel tells each side who the other is (SO_PEERCRED): the
//! supervisor serves its own user and root, and a client checks that it speaks to the tracer of the process.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::proc::{Status, proc_dir};
use crate::supervise::visit;
use crate::sys::{self, Bell};
use crate::{Observer, Options, SuperviseError};

/// The longest line that is read.
const LONGEST_LINE: u64 = 4096;

/// The variable in which the socket is named to a command that is to know it.
pub(crate) const VARIABLE: &str = "DPDB_TRACE_SOCKET";

/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// Snapshots that somebody asks for.
#[derive(Debug)]
pub(crate) struct SnapRequest {
    pub(crate) pid: i32,
    /// Of all processes that are supervised with it.
    pub(crate) tree: bool,
    /// Who asks, for the snapshot.
    pub(crate) by: String,
    pub(crate) answers: Sender<Answer>,
}

/// What came of one of them.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where it is, or why there is none.
    pub(crate) path: Result<PathBuf, String>,
}

/// Why there are no snapshots.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapError {
    /// No such process.
    #[error("there is no process {0}")]
    Gone(i32),
    /// Nobody supervises it, and it cannot be seized either.
    #[error(transparent)]
    Seize(#[from] SuperviseError),
    /// Something else traces it, or its supervisor does not listen here.
    #[error("process {pid} is traced by process {tracer}, which does not answer as dpdb-trace does")]
    NoAnswer {
        /// The process.
        pid: i32,
        /// Its tracer.
        tracer: i32,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn address(supervisor: i32) -> std::io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("dpdb-trace/{supervisor}"))
}

/// Our own socket, as unix(7) addresses are written: `@` stands for the zero byte in front of an abstract one.
pub(crate) fn name_of_socket() -> String {
    format!("@dpdb-trace/{}", std::process::id())
}

/// Listens on a thread of its own; what is asked for goes to `requests`, and the bell is rung.
pub(crate) fn listen(requests: Sender<SnapRequest>, bell: Bell) -> std::io::Result<()> {
    let listener = UnixListener::bind_addr(&address(std::process::id() as i32)?)?;
    std::thread::Builder::new().name("snap".to_owned()).spawn(move || {
        for client in listener.incoming().flatten() {
            let (requests, bell) = (requests.clone(), bell.clone());
            // Without a thread to be had there is no answer, and the client sees the end of it.
            let _ = std::thread::Builder::new().name("snap".to_owned()).spawn(move || serve(&client, &requests, &bell));
        }
    })?;
    Ok(())
}

fn serve(client: &UnixStream, requests: &Sender<SnapRequest>, bell: &Bell) {
    let Ok((pid, user)) = sys::peer(client) else { return };
    let mut out = client;
    if user != sys::effective_user() && user != 0 {
        let _ = out.write_all(b"error you are not the user of this supervisor\n");
        return;
    }
    let _ = client.set_read_timeout(Some(PATIENCE));
    let mut line = String::new();
    if BufReader::new(client.take(LONGEST_LINE)).read_line(&mut line).is_err() {
        return;
    }
    let Some((wanted, tree)) = parse(&line) else {
        let _ = out.write_all(b"error write it as 'snap', 'snap PID', 'snap tree' or 'snap PID tree'\n");
        return;
    };
    let (answers, inbox) = channel();
    let wanted = wanted.unwrap_or(pid);
    if requests.send(SnapRequest { pid: wanted, tree, by: format!("snap (pid {pid})"), answers }).is_err() {
        return;
    }
    bell.ring();
    for answer in inbox {
        let line = match answer.path {
            Ok(path) => [b"ok ".as_slice(), path.as_os_str().as_bytes(), b"\n"].concat(),
            Err(reason) => format!("error {reason}\n").into_bytes(),
        };
        if out.write_all(&line).is_err() {
            return;
        }
    }
}

/// Of which process, unless of the one that asks, and whether of its tree.
fn parse(line: &str) -> Option<(Option<i32>, bool)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (tree, words) = match words.split_last()? {
        (&"tree", rest) => (true, rest),
        _ => (false, words.as_slice()),
    };
    match words {
        ["snap"] => Some((None, tree)),
        ["snap", pid] => Some((Some(pid.parse().ok()?), tree)),
        _ => None,
    }
}

/// What came of each snapshot that was asked for: its path, or the reason why there is none.
pub type Answers = Vec<Result<PathBuf, String>>;

/// Takes a snapshot of process `pid`, or of its whole `tree`, and waits until that is written.
///
/// Where it is supervised, its supervisor does that, in its own way. Else it is seized, snapshot by the same means, and
/// let go: `options` say where to. Then it must be called as [`crate::attach()`] must be.
///
/// # Errors
/// Where it is gone or cannot be traced, or its supervisor does not answer.
pub fn snap(pid: i32, tree: bool, options: Options, observer: &mut dyn Observer) -> Result<Answers, SnapError> {
    match tracer_of(pid)? {
        Some(tracer) => ask_supervisor(pid, tree, tracer),
        None => {
            let (answers, inbox) = channel();
            let by = format!("snap (pid {})", std::process::id());
            visit(SnapRequest { pid, tree, by, answers }, options, observer)?;
            Ok(inbox.try_iter().map(|answer| answer.path).collect())
        }
    }
}

fn ask_supervisor(pid: i32, tree: bool, tracer: i32) -> Result<Answers, SnapError> {
    let supervisor = Status::of(tracer).map_or(0, |status| status.tgid);
    let no_answer = |source| SnapError::NoAnswer { pid, tracer: supervisor, source };
    let ask = || {
        let mut socket = UnixStream::connect_addr(&address(supervisor)?)?;
        // The name can be taken by anybody; who has it is told by the kernel.
        if sys::peer(&socket)?.0 != supervisor {
            return Err(std::io::Error::other("its name is taken by another process"));
        }
        let tree = if tree { " tree" } else { "" };
        socket.write_all(format!("snap {pid}{tree}\n").as_bytes())?;
        let lines = BufReader::new(socket).split(b'\n');
        lines.map(|line| line.map(|line| answer(&line))).collect::<std::io::Result<Vec<_>>>()
    };
    ask().map_err(no_answer)
}

fn answer(line: &[u8]) -> Result<PathBuf, String> {
    match line.strip_prefix(b"ok ") {
        Some(path) => Ok(PathBuf::from(std::ffi::OsStr::from_bytes(path))),
        None => {
            let text = String::from_utf8_lossy(line);
            Err(text.strip_prefix("error ").unwrap_or(&text).to_owned())
        }
    }
}

/// The thread that traces process `pid`, if one does.
fn tracer_of(pid: i32) -> Result<Option<i32>, SnapError> {
    let status = std::fs::read_to_string(proc_dir(pid).join("status")).map_err(|_| SnapError::Gone(pid))?;
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")?.trim().parse().ok());
    Ok(tracer.filter(|&tracer| tracer > 0))
}

#[cfg(test)]
mod tests {
    use super::{answer, parse};

    #[test]
    fn a_request_is_a_word_and_perhaps_a_number_and_a_word() {
        assert_eq!(parse("snap 12\n"), Some((Some(12), false)));
        assert_eq!(parse("snap 12 tree\n"), Some((Some(12), true)));
        assert_eq!((parse("snap\n"), parse("snap tree")), (Some((None, false)), Some((None, true))));
        for nonsense in ["", "tree", "snap x\n", "snap 1 2\n", "shot 1\n"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_answer_is_a_path_or_a_reason() {
        assert_eq!(answer(b"ok /a b"), Ok("/a b".into()));
        assert_eq!(answer(b"error no room"), Err("no room".to_owned()));
    }
}
