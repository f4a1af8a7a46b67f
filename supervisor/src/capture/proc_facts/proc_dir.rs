//! Bounded reading of the files of one `/proc/PID`, with a soft error for each that fails.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use dpdb_snapshot::process::Step;
use dpdb_snapshot::{SoftError, Text};

/// The most bytes of a file whose size nobody can blow up.
const SMALL_FILE: usize = 64 << 10;

/// One `/proc/PID` (or `/proc/PID/task/TID`), and what could not be read of it.
#[derive(Debug)]
pub(crate) struct ProcDir {
    path: PathBuf,
    tid: Option<i32>,
    pub(crate) errors: Vec<SoftError>,
}

impl ProcDir {
    /// The directory of a process or, by its tid, of a thread's process.
    pub(crate) fn of(pid: i32) -> ProcDir {
        ProcDir { path: PathBuf::from(format!("/proc/{pid}")), tid: None, errors: Vec::new() }
    }

    /// The directory of one thread.
    pub(crate) fn of_thread(pid: i32, tid: i32) -> ProcDir {
        let path = PathBuf::from(format!("/proc/{pid}/task/{tid}"));
        ProcDir { path, tid: Some(tid), errors: Vec::new() }
    }

    /// Where a file of it is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Up to `limit` bytes of a file. That more was there is a soft error of its own.
    pub(crate) fn read(&mut self, name: &str, limit: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = File::open(self.path(name)).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
        match read {
            Err(error) => {
                self.failed("cannot read", name, &error);
                return None;
            }
            Ok(_) if bytes.len() > limit => {
                bytes.truncate(limit);
                self.complain(format!("{} was cut at {limit} bytes", self.path(name).display()), None);
            }
            Ok(_) => {}
        }
        Some(bytes)
    }

    /// A small file, as text. Bytes that are no UTF-8 are replaced.
    pub(crate) fn read_text(&mut self, name: &str) -> Option<String> {
        self.read(name, SMALL_FILE).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What a symbolic link says.
    pub(crate) fn link(&mut self, name: &str) -> Option<Text> {
        match std::fs::read_link(self.path(name)) {
            Ok(target) => Some(Text::from(target.as_path())),
            Err(error) => {
                self.failed("cannot read the link", name, &error);
                None
            }
        }
    }

    /// Notes a step that failed.
    pub(crate) fn failed(&mut self, what: &str, name: &str, error: &io::Error) {
        self.complain(format!("{what} {}", self.path(name).display()), error.raw_os_error());
    }

    /// Notes something that is not as it should be.
    pub(crate) fn complain(&mut self, message: String, errno: Option<i32>) {
        self.errors.push(SoftError { step: Step::Proc, tid: self.tid, errno, message });
    }
}
