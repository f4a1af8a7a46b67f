//! The way of events from the thread that speaks ptrace to those who want to know: an observer, and the journal.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use dpdb_snapshot::Text;
use serde::Serialize;

use crate::{Event, Observer, SuperviseError};

/// An event, and when it was: nanoseconds since 1970 (UTC).
pub(crate) type Timed = (u64, Event);

/// Where the loop puts its events. It never waits: a terminal that stands still (`^S`), or a journal on a server that
/// does not answer, must not hold up the tree.
#[derive(Debug)]
pub(crate) struct Reporter {
    sender: Sender<Timed>,
    history: bool,
}

impl Reporter {
    pub(crate) fn new(history: bool) -> (Reporter, Receiver<Timed>) {
        let (sender, receiver) = channel();
        (Reporter { sender, history }, receiver)
    }

    /// Tells of something.
    pub(crate) fn tell(&self, event: Event) {
        // Nobody listens any more only when we are about to end.
        let _ = self.sender.send((now(), event));
    }

    /// Tells of something that only the history of the tree is about; where nobody wants that, it is not even made.
    pub(crate) fn tell_history(&self, event: impl FnOnce() -> Event) {
        if self.history {
            self.tell(event());
        }
    }
}

/// Hands events on until the loop has ended.
pub(crate) fn hand_on(receiver: &Receiver<Timed>, journal: &mut Option<Journal>, observer: &mut dyn Observer) {
    let wants_history = observer.wants_history();
    for (time, event) in receiver {
        if let Some(journal) = journal {
            journal.write(time, &event);
        }
        if wants_history || !is_history(&event) {
            observer.event(&event);
        }
    }
}

fn is_history(event: &Event) -> bool {
    matches!(event, Event::Started { .. } | Event::Execed { .. } | Event::Exited { .. })
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The history of the tree in a file: a JSON object per line, each written as it happens.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// A crash was told of.
    had_failure: bool,
}

impl Journal {
    /// Opens the file at `path` to append to it, so that several supervisors may share one.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Journal, SuperviseError> {
        let journal = |source| SuperviseError::Journal { path: path.to_owned(), source };
        // std opens with O_CLOEXEC: the command does not inherit it.
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(journal)?;
        Ok(Journal { file, had_failure: false })
    }

    /// Writes one line. What cannot be written is lost: the tree must not suffer for its history.
    fn write(&mut self, time: u64, event: &Event) {
        let Some(line) = Line::of(event) else { return };
        let first_failure = is_failure(event) && !std::mem::replace(&mut self.had_failure, true);
        let Ok(mut bytes) = serde_json::to_vec(&Entry { time, line, first_failure }) else { return };
        bytes.push(b'\n');
        // One write per line: with O_APPEND, lines of several writers do not mix.
        let _ = self.file.write(&bytes);
    }
}

#[derive(Serialize)]
struct Entry<'event> {
    time: u64,
    #[serde(flatten)]
    line: Line<'event>,
    /// Nothing had crashed in this run before: what others died of later may come of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    first_failure: bool,
}

/// Whether this tells of a crash that was to leave a snapshot. Which of several was first is told by the order in which their
/// snapshots are there, but for those of one instant.
fn is_failure(event: &Event) -> bool {
    match event {
        Event::SnapshotWritten(written) => written.cause.is_crash(),
        Event::SnapshotFailed { cause, .. } => cause.is_crash(),
        _ => false,
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'event> {
    Start {
        pid: i32,
        ppid: i32,
        comm: &'event Text,
    },
    Attach {
        pid: i32,
        processes: usize,
    },
    Exec {
        pid: i32,
        comm: &'event Text,
        executable: &'event Text,
        command: &'event [Text],
    },
    Exit {
        pid: i32,
        code: i32,
    },
    Death {
        pid: i32,
        signal: String,
        core: bool,
    },
    Snapshot {
        run: &'event str,
        number: u64,
        pid: i32,
        comm: &'event Text,
        signal: Option<String>,
        path: Text,
        bytes: u64,
        took: u64,
        cut: Option<&'event str>,
    },
    Failure {
        pid: i32,
        comm: &'event Text,
        signal: Option<String>,
        reason: &'event str,
    },
    Notice {
        message: &'event str,
    },
}

impl<'event> Line<'event> {
    fn of(event: &'event Event) -> Option<Line<'event>> {
        Some(match event {
            Event::Started { pid, ppid, comm } => Line::Start { pid: *pid, ppid: *ppid, comm },
            Event::Attached { pid, processes } => Line::Attach { pid: *pid, processes: *processes },
            Event::Execed { pid, comm, executable, arguments } => {
                Line::Exec { pid: *pid, comm, executable, command: arguments }
            }
            Event::Exited { pid, code } => Line::Exit { pid: *pid, code: *code },
            Event::Died { pid, signal, core } => Line::Death { pid: *pid, signal: signal.to_string(), core: *core },
            Event::SnapshotWritten(written) => Line::Snapshot {
                run: &written.run,
                number: written.number,
                pid: written.pid,
                comm: &written.comm,
                signal: written.cause.signal().map(|signal| signal.to_string()),
                path: Text::from(written.path.as_path()),
                bytes: written.bytes,
                took: u64::try_from(written.took.as_nanos()).unwrap_or(u64::MAX),
                cut: written.cut.as_deref(),
            },
            Event::SnapshotFailed { pid, comm, cause, reason } => {
                Line::Failure { pid: *pid, comm, signal: cause.signal().map(|signal| signal.to_string()), reason }
            }
            Event::Notice(message) => Line::Notice { message },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, Timed, hand_on};
    use crate::{Event, Observer};
    use dpdb_snapshot::Text;
    use dpdb_snapshot::process::Signal;

    struct Counting(Vec<String>, bool);

    impl Observer for Counting {
        fn event(&mut self, event: &Event) {
            self.0.push(format!("{event:?}"));
        }

        fn wants_history(&self) -> bool {
            self.1
        }
    }

    fn two_events() -> [Timed; 2] {
        let started = Event::Started { pid: 7, ppid: 1, comm: Text(b"a\"b\xff".to_vec()) };
        [(1, started), (2, Event::Died { pid: 7, signal: Signal::SEGV, core: false })]
    }

    #[test]
    fn a_journal_line_is_json_with_its_time_and_any_bytes_in_a_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (sender, receiver) = std::sync::mpsc::channel();
        two_events().into_iter().for_each(|event| sender.send(event).unwrap());
        drop(sender);
        let mut observer = Counting(Vec::new(), false);
        hand_on(&receiver, &mut Some(Journal::open(&path).unwrap()), &mut observer);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines[0],
            serde_json::json!({"time": 1, "event": "start", "pid": 7, "ppid": 1, "comm": {"hex": "612262ff"}})
        );
        assert_eq!(
            lines[1],
            serde_json::json!({"time": 2, "event": "death", "pid": 7, "signal": "SIGSEGV", "core": false})
        );
        assert_eq!(observer.0.len(), 1, "an observer that wants no history is told of the death alone");
    }

    #[test]
    fn a_journal_that_cannot_be_written_hurts_nobody() {
        let (sender, receiver) = std::sync::mpsc::channel();
        two_events().into_iter().for_each(|event| sender.send(event).unwrap());
        drop(sender);
        let mut observer = Counting(Vec::new(), true);
        hand_on(&receiver, &mut Some(Journal::open(std::path::Path::new("/dev/full")).unwrap()), &mut observer);
        assert_eq!(observer.0.len(), 2);
    }
}
