//! Where snapshots go: a directory, a name for each, and a file that has its name only when it is whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dpdb_snapshot::{Base, Text};

use super::bases::Bases;
use super::hold::Pulse;
use super::ledger::{Finished, Ledger, Meter};
use super::name_template::{NameFields, NameTemplate};
use super::settings::Room;
use crate::sys::{self, Errno};

/// How many taken names are tried (`pid_7.snap.1`, `.2` …) before giving up.
const MOST_TAKEN: u32 = 10_000;

/// Where the snapshots of one run go.
#[derive(Debug)]
pub struct Destination {
    directory: PathBuf,
    template: NameTemplate,
    room: Room,
    ledger: Arc<Mutex<Ledger>>,
    bases: Bases,
    pulse: Pulse,
    run: String,
    unfinished: Arc<Mutex<Unfinished>>,
}

/// The files that do not have their names yet.
#[derive(Debug, Default)]
struct Unfinished {
    files: Vec<(Arc<sys::Directory>, String)>,
    /// There are to be no more.
    given_up: bool,
}

/// Why a snapshot could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A step with the file or its directory failed: no space, read-only, gone.
    #[error("cannot {step} {path}")]
    File {
        /// What was being done: `open`, `create`, `write`, `sync`, `rename`.
        step: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// The errno.
        #[source]
        source: io::Error,
    },
    /// Anybody could put something else into the place of a snapshot, or of what becomes one.
    #[error("the output directory {path} can be written to by everybody and has no sticky bit (chmod o-w or +t)")]
    Everybodys {
        /// The directory.
        path: PathBuf,
    },
    /// All names of the form `NAME.N` are taken.
    #[error("{path} and all its numbered variants up to {MOST_TAKEN} are taken")]
    NamesTaken {
        /// The name without a number.
        path: PathBuf,
    },
    /// A 32-bit process.
    #[error("process {pid} runs 32-bit code, of which no snapshots are taken")]
    Foreign {
        /// Its id.
        pid: i32,
    },
    /// We end, and do not wait for it.
    #[error("it was given up")]
    GivenUp,
    /// The process was gone before anything could be read.
    #[error("process {pid} is gone")]
    Vanished {
        /// Its id.
        pid: i32,
    },
}

impl CaptureError {
    fn file(step: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> CaptureError {
        CaptureError::File { step, path: path.into(), source: source.into() }
    }
}

impl Destination {
    /// Snapshots go to `directory`, and take no more than `room` over the whole run.
    pub fn new(directory: PathBuf, template: NameTemplate, room: Room) -> Destination {
        let (ledger, unfinished, pulse) = (Arc::default(), Arc::default(), Pulse::default());
        let (bases, run) = (Bases::default(), new_id());
        Destination { directory, template, room, ledger, bases, pulse, run, unfinished }
    }

    /// The number of the next snapshot, from 1.
    ///
    /// # Errors
    /// Why there may be no more, as a phrase.
    pub fn claim(&self) -> Result<u64, &'static str> {
        locked(&self.ledger).claim(&self.room)
    }

    /// What tells this run from all others.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// How many bytes were written, by all writers.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// The snapshots that others may be taken beyond.
    pub(super) fn bases(&self) -> &Bases {
        &self.bases
    }

    /// What tells whether a file that is being written may grow.
    pub(super) fn meter(&self, file: &PartialFile) -> Meter {
        let min_free = file.directory.room().map_or(0, |(free, all)| self.room.min_free.floor(free, all));
        let (directory, ledger) = (Arc::clone(&file.directory), Arc::clone(&self.ledger));
        Meter { directory, ledger, max_total: self.room.max_total, min_free }
    }

    /// Gives back a claim that came to nothing, so that another snapshot may be taken for it.
    pub fn give_back(&self) {
        locked(&self.ledger).give_back();
    }

    /// Starts a file: `.NAME.partial`, for its owner alone.
    ///
    /// # Errors
    /// Where the directory is gone or cannot be written to.
    pub fn create(&self, fields: &NameFields) -> Result<PartialFile, CaptureError> {
        let name = self.template.expand(fields);
        let directory = Arc::new(open(&self.directory)?);
        let mut unfinished = locked(&self.unfinished);
        if unfinished.given_up {
            return Err(CaptureError::GivenUp);
        }
        // A partial of the same name is another capture that is under way, or what a killed supervisor left.
        for attempt in 0..MOST_TAKEN {
            let partial = format!(".{}.partial", numbered(&name, attempt));
            match directory.create(&partial) {
                Ok(file) => {
                    // The lock goes with us, which is how `doctor` tells what a killed supervisor left.
                    sys::lock_while_open(&file);
                    unfinished.files.push((Arc::clone(&directory), partial.clone()));
                    let (base, unfinished) = (self.directory.clone(), Arc::clone(&self.unfinished));
                    let (ledger, pulse, bytes) = (Arc::clone(&self.ledger), self.pulse.clone(), 0);
                    let (partial, keep, number) = (Some(partial), self.room.keep, fields.number);
                    let file = PartialFile {
                        directory,
                        base,
                        name,
                        partial,
                        file,
                        unfinished,
                        ledger,
                        pulse,
                        bytes,
                        keep,
                        number,
                    };
                    return Ok(file);
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(CaptureError::file("create", self.directory.join(&partial), errno)),
            }
        }
        Err(CaptureError::NamesTaken { path: self.directory.join(name) })
    }

    /// Removes every file that is not whole, and lets no new one be made: we end, and the writers with us.
    pub fn give_up(&self) {
        let mut unfinished = locked(&self.unfinished);
        unfinished.given_up = true;
        for (directory, partial) in unfinished.files.drain(..) {
            // Nothing more can be done about a file that cannot be removed.
            let _ = directory.remove(&partial);
        }
    }

    /// Whether snapshots can be put into `directory`, as far as that can be told before there is one.
    ///
    /// # Errors
    /// Where it cannot be opened, or is everybody's.
    pub fn check(directory: &Path) -> Result<(), CaptureError> {
        open(directory).map(|_| ())
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Opens a directory for snapshots.
fn open(path: &Path) -> Result<sys::Directory, CaptureError> {
    let failed = |errno| CaptureError::file("open the output directory", path, errno);
    let directory = sys::Directory::open(path).map_err(failed)?;
    match directory.is_everybodys().map_err(failed)? {
        true => Err(CaptureError::Everybodys { path: path.to_owned() }),
        false => Ok(directory),
    }
}

/// A writer that broke leaves these data as they were.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kernel makes one (random(4)); without `/proc`, the time will do.
fn new_id() -> String {
    let made = std::fs::read_to_string("/proc/sys/kernel/random/uuid").map(|id| id.trim().to_owned());
    made.unwrap_or_else(|_| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        format!("{}-{}", since.as_nanos(), std::process::id())
    })
}

fn numbered(name: &str, attempt: u32) -> String {
    if attempt == 0 { name.to_owned() } else { format!("{name}.{attempt}") }
}

/// A file that is being written. Unless it is finished, it is removed when it goes.
#[derive(Debug)]
pub struct PartialFile {
    directory: Arc<sys::Directory>,
    base: PathBuf,
    name: String,
    /// What it is called until it is whole; `None` once it has its name.
    partial: Option<String>,
    file: File,
    unfinished: Arc<Mutex<Unfinished>>,
    ledger: Arc<Mutex<Ledger>>,
    pulse: Pulse,
    /// Written so far.
    bytes: u64,
    keep: Option<u64>,
    /// Its number in the run.
    number: u64,
}

impl PartialFile {
    /// The file as it is so far.
    pub fn as_file(&self) -> &File {
        &self.file
    }

    /// The error of a failed write to it.
    pub fn write_error(&self, source: io::Error) -> CaptureError {
        CaptureError::file("write", self.path(), source)
    }

    fn path(&self) -> PathBuf {
        self.base.join(self.partial.as_ref().unwrap_or(&self.name))
    }

    /// Makes the contents last and gives the file its name, or the first of `NAME.1`, `NAME.2` … that is free.
    ///
    /// # Errors
    /// Where that fails; the file is removed then.
    pub fn finish(self) -> Result<PathBuf, CaptureError> {
        self.finish_as(None, false).map(|(path, _)| path)
    }

    /// The same for a delta beyond `base`, or for one that others may be taken beyond; then it returns how they name it, too.
    ///
    /// # Errors
    /// Where that fails; the file is removed then.
    pub(super) fn finish_as(
        mut self,
        base: Option<Arc<Base>>,
        others_follow: bool,
    ) -> Result<(PathBuf, Option<Arc<Base>>), CaptureError> {
        sys::sync_file(&self.file).map_err(|errno| CaptureError::file("sync", self.path(), errno))?;
        let Some(partial) = self.partial.clone() else { return Ok((self.path(), None)) };
        let all = Arc::clone(&self.unfinished);
        let mut unfinished = locked(&all);
        if unfinished.given_up {
            return Err(CaptureError::GivenUp);
        }
        for attempt in 0..MOST_TAKEN {
            let name = numbered(&self.name, attempt);
            match self.rename(&partial, &name) {
                Ok(()) => {
                    self.partial = None;
                    unfinished.files.retain(|(_, name)| *name != partial);
                    // The file is whole whatever comes of this; some file systems cannot sync a directory.
                    let _ = self.directory.sync();
                    // One that cannot be named by deltas is a snapshot all the same.
                    let named = others_follow.then(|| Base::of(&self.file, Text::from(name.as_str())).ok()).flatten();
                    let named = named.map(Arc::new);
                    let as_base = named.as_ref().map(Arc::downgrade).unwrap_or_default();
                    let path = self.base.join(&name);
                    let (directory, bytes) = (Arc::clone(&self.directory), self.bytes);
                    locked(&self.ledger)
                        .finish(Finished { number: self.number, directory, name, bytes, as_base, base }, self.keep);
                    return Ok((path, named));
                }
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(CaptureError::file("rename", self.base.join(partial), errno)),
            }
        }
        Err(CaptureError::NamesTaken { path: self.base.join(&self.name) })
    }

    fn rename(&self, partial: &str, name: &str) -> sys::Result<()> {
        match self.directory.rename_without_replacing(partial, name) {
            // NFS and some FUSE file systems do not know RENAME_NOREPLACE; a hard link does not replace either.
            Err(Errno::EINVAL | Errno::ENOSYS) => {
                self.directory.link(partial, name)?;
                // The file has its name; the other one in its way is an unsightliness.
                let _ = self.directory.remove(partial);
                Ok(())
            }
            other => other,
        }
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = sys::write(&self.file, bytes)?;
        self.bytes += written as u64;
        locked(&self.ledger).add(written as u64);
        self.pulse.beat(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        let Some(partial) = &self.partial else { return };
        locked(&self.ledger).subtract(self.bytes);
        let mut unfinished = locked(&self.unfinished);
        // One that was given up is gone already, and its name may be somebody else's by now.
        if !unfinished.given_up {
            unfinished.files.retain(|(_, name)| name != partial);
            let _ = self.directory.remove(partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::ledger::SMALLEST;
    use std::os::unix::fs::PermissionsExt;

    fn destination(directory: &Path, template: &str, most: Option<u64>) -> Destination {
        let room = Room { max_snapshots: most, ..Room::default() };
        Destination::new(directory.to_owned(), NameTemplate::parse(template).unwrap(), room)
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let destination = destination(directory.path(), "pid_{pid}.snap", None);
        let mut file = destination.create(&NameFields { pid: 7, ..NameFields::default() }).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(directory.path()), [".pid_7.snap.partial"]);
        let path = file.finish().unwrap();
        assert_eq!(path, directory.path().join("pid_7.snap"));
        assert_eq!(names(directory.path()), ["pid_7.snap"]);
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_taken_name_is_numbered_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("x"), "mine").unwrap();
        std::os::unix::fs::symlink("/nonexistent", directory.path().join("x.1")).unwrap();
        let destination = destination(directory.path(), "x", None);
        let (first, second) = (destination.create(&NameFields::default()), destination.create(&NameFields::default()));
        assert_eq!(names(directory.path()), [".x.1.partial", ".x.partial", "x", "x.1"]);
        assert_eq!(second.unwrap().finish().unwrap(), directory.path().join("x.2"));
        assert_eq!(first.unwrap().finish().unwrap(), directory.path().join("x.3"));
        assert_eq!(std::fs::read(directory.path().join("x")).unwrap(), b"mine");
    }

    #[test]
    fn a_file_system_that_cannot_refuse_to_replace_gets_a_link() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("x"), "mine").unwrap();
        let destination = destination(directory.path(), "x", None);
        let file = destination.create(&NameFields::default()).unwrap();
        sys::failure::fail_once(sys::Call::Rename, Errno::EINVAL);
        sys::failure::fail_once(sys::Call::Rename, Errno::EINVAL);
        assert_eq!(file.finish().unwrap(), directory.path().join("x.1"));
        assert_eq!(names(directory.path()), ["x", "x.1"]);
    }

    #[test]
    fn every_failure_names_the_path_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let destination = destination(directory.path(), "x", None);
        for (call, errno) in [
            (sys::Call::OpenDirectory, Errno::ENOENT),
            (sys::Call::Create, Errno::EROFS),
            (sys::Call::Write, Errno::ENOSPC),
            (sys::Call::Sync, Errno::EDQUOT),
            (sys::Call::Rename, Errno::EACCES),
        ] {
            sys::failure::fail_once(call, errno);
            let written = destination.create(&NameFields::default()).and_then(|mut file| {
                file.write_all(b"x").map_err(|error| file.write_error(error))?;
                file.finish()
            });
            let CaptureError::File { path, source, .. } = written.unwrap_err() else { panic!("{call:?}") };
            assert_eq!(source.raw_os_error(), Some(errno as i32), "{call:?}");
            assert!(path.starts_with(directory.path()), "{call:?}");
            assert_eq!(names(directory.path()), [""; 0], "{call:?}");
        }
    }

    #[test]
    fn what_is_not_whole_when_we_end_is_removed_and_nothing_new_is_begun() {
        let directory = tempfile::tempdir().unwrap();
        let destination = destination(directory.path(), "x", None);
        let [whole, half] = [(); 2].map(|()| destination.create(&NameFields::default()).unwrap());
        whole.finish().unwrap();
        destination.give_up();
        assert_eq!(names(directory.path()), ["x"]);
        std::fs::write(directory.path().join(".x.1.partial"), "another supervisor's").unwrap();
        assert!(matches!(half.finish(), Err(CaptureError::GivenUp)));
        assert!(matches!(destination.create(&NameFields::default()), Err(CaptureError::GivenUp)));
        assert_eq!(names(directory.path()), [".x.1.partial", "x"]);
    }

    #[test]
    fn a_file_is_locked_for_as_long_as_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = destination(directory.path(), "x", None).create(&NameFields::default()).unwrap();
        let seen = File::open(directory.path().join(".x.partial")).unwrap();
        assert_eq!(sys::is_locked(&seen), Ok(true));
        file.finish().unwrap();
        assert_eq!(sys::is_locked(&seen), Ok(false));
    }

    #[test]
    fn no_more_are_claimed_than_allowed_and_a_failed_one_does_not_count() {
        let destination = destination(Path::new("/"), "x", Some(2));
        assert_eq!(
            (destination.claim(), destination.claim(), destination.claim()),
            (Ok(1), Ok(2), Err("as many snapshots were taken as --max-snapshots allows"))
        );
        destination.give_back();
        assert_eq!(
            (destination.claim(), destination.claim()),
            (Ok(3), Err("as many snapshots were taken as --max-snapshots allows"))
        );
    }

    fn with_room(directory: &Path, room: Room) -> Destination {
        Destination::new(directory.to_owned(), NameTemplate::parse("{n}").unwrap(), room)
    }

    fn write_one(destination: &Destination, bytes: &[u8]) -> Result<(), &'static str> {
        let number = destination.claim()?;
        let mut file = destination.create(&NameFields { number, ..NameFields::default() }).unwrap();
        file.write_all(bytes).unwrap();
        file.finish().unwrap();
        Ok(())
    }

    #[test]
    fn only_our_own_oldest_are_removed_and_only_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("0"), "older, and not ours").unwrap();
        let destination = with_room(directory.path(), Room { keep: Some(2), ..Room::default() });
        for _ in 0..4 {
            write_one(&destination, b"x").unwrap();
        }
        assert_eq!(names(directory.path()), ["0", "3", "4"]);
    }

    #[test]
    fn all_together_have_no_more_bytes_than_allowed() {
        let directory = tempfile::tempdir().unwrap();
        let room = Room { max_total: Some(SMALLEST + 10), ..Room::default() };
        let destination = with_room(directory.path(), room);
        write_one(&destination, b"12345678").unwrap();
        let file = destination.create(&NameFields { number: 2, ..NameFields::default() }).unwrap();
        let meter = destination.meter(&file);
        assert!(meter.exceeds_total(SMALLEST + 3) && !meter.exceeds_total(SMALLEST + 2));
        drop(file);
        write_one(&destination, b"901").unwrap();
        assert!(write_one(&destination, b"").unwrap_err().contains("--max-total"));
        // Where old ones may go, they make room.
        let destination = with_room(directory.path(), Room { keep: Some(9), ..room });
        for _ in 0..3 {
            write_one(&destination, b"12345678901").unwrap();
        }
    }

    #[test]
    fn a_file_that_came_to_nothing_takes_no_room() {
        let directory = tempfile::tempdir().unwrap();
        let destination = with_room(directory.path(), Room { max_total: Some(SMALLEST + 3), ..Room::default() });
        let mut file = destination.create(&NameFields::default()).unwrap();
        file.write_all(b"1234").unwrap();
        assert!(destination.claim().is_err());
        drop(file);
        assert!(destination.claim().is_ok());
    }
}
