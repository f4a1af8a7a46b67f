//! The source text that a snapshot carries: the lines around each Python frame, read while the process's files are
//! what they were.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use dpdb_analyzer::{Options, PythonFrame, Session};
use dpdb_snapshot::{Avma, Excerpt, Process, Snapshot, SourceFile, Text};
use dpdb_supervisor::capture::SourceReader;
use dpdb_supervisor::proc_dir;
use dpdb_supervisor::sys::ProcessRoot;

/// The search for frames, and the reading of files, end after so long each.
const PATIENCE: Duration = Duration::from_millis(250);
/// Frames of a thread that are looked at, and threads.
const FRAMES: usize = 256;
const THREADS: usize = 256;
/// Lines before and after the line of a frame.
const AROUND: u32 = 20;
/// Of a longer function, only lines so near to the running one.
const NEAR: u32 = 150;
/// Files that are carried, and the most bytes of one that is.
const FILES: usize = 128;
const LARGEST: u64 = 4 << 20;
/// Bytes of text in all: of lines around frames, and of whole files.
const MOST_TEXT: [usize; 2] = [1 << 20, 16 << 20];

/// Reads the source text around the Python frames of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct PythonSources {
    /// Whole files, and not only the lines around frames.
    pub whole: bool,
}

impl SourceReader for PythonSources {
    fn read(&self, written: &Path, via: i32) -> Vec<SourceFile> {
        let (Ok(snapshot), Ok(root)) = (Snapshot::open(written), ProcessRoot::of(via)) else { return Vec::new() };
        // What is constant in a container's interpreter stands in a file of the container.
        let sysroot = (!root.is_ours()).then(|| proc_dir(via).join("root"));
        let session = Session::new(Box::new(snapshot), Options { sysroot, ..Options::default() });
        let wanted = Wanted::of(&session);
        self.files(&wanted, &root, session.process())
    }
}

impl PythonSources {
    fn files(&self, wanted: &Wanted, root: &ProcessRoot, process: &Process) -> Vec<SourceFile> {
        let until = Instant::now() + PATIENCE;
        let mut room = MOST_TEXT[usize::from(self.whole)];
        let mut files = Vec::new();
        for (path, ranges) in wanted.files.iter().take_while(|_| Instant::now() < until) {
            let Some((bytes, modified_ns)) = read(root, path, process) else { continue };
            let mut file = SourceFile::new(path.clone(), &bytes, modified_ns);
            file.excerpts = if self.whole { excerpts(&bytes, &[(1, u32::MAX)]) } else { excerpts(&bytes, ranges) };
            let size: usize = file.excerpts.iter().map(|excerpt| excerpt.text.as_bytes().len()).sum();
            if size <= room {
                room -= size;
                files.push(file);
            }
        }
        files
    }
}

/// Which lines of which files: in the order in which they were met, those of the thread that met the cause first.
#[derive(Debug, Default)]
struct Wanted {
    files: Vec<(Text, Vec<(u32, u32)>)>,
    functions: HashSet<Avma>,
}

impl Wanted {
    /// What the Python frames of all threads and the tracebacks of their exceptions refer to.
    fn of(session: &Session) -> Wanted {
        let mut wanted = Wanted::default();
        if session.python().is_err() {
            return wanted;
        }
        let until = Instant::now() + PATIENCE;
        for thread in session.process().threads.iter().take(THREADS).take_while(|_| Instant::now() < until) {
            let exceptions = session.python_exception(thread.tid).map(|found| found.all).unwrap_or_default();
            let tracebacks = exceptions.iter().flat_map(|exception| exception.traceback.iter().take(FRAMES));
            let stack = session.python_stack(thread.tid, FRAMES).map(|stack| stack.frames).unwrap_or_default();
            for frame in tracebacks.chain(&stack) {
                wanted.add(session, frame);
            }
        }
        wanted
    }

    /// The lines around a frame's own, and those of its function.
    fn add(&mut self, session: &Session, frame: &PythonFrame) {
        let Some(line) = frame.line.filter(|_| !frame.file.as_bytes().starts_with(b"<")) else { return };
        let mut ranges = vec![(line.saturating_sub(AROUND).max(1), line.saturating_add(AROUND))];
        if self.functions.insert(frame.code)
            && let Some(function) = session.python_function(frame)
        {
            let (near, far) = (line.saturating_sub(NEAR).max(1), line.saturating_add(NEAR));
            ranges.push((function.first.max(near), function.last.unwrap_or(line).min(far)));
        }
        let has_room = self.files.len() < FILES;
        let known = self.files.iter_mut().find(|(file, _)| *file == frame.file);
        match known {
            Some((_, all)) => all.extend(ranges),
            None if has_room => self.files.push((frame.file.clone(), ranges)),
            None => {}
        }
    }
}

/// The bytes of a file as the process sees it, and when it was changed last.
fn read(root: &ProcessRoot, named: &Text, process: &Process) -> Option<(Vec<u8>, u64)> {
    let directory = process.cwd.as_ref().map(Text::as_path).unwrap_or(Path::new("/"));
    let identity = process.identity.clone().unwrap_or_default();
    let file = root.open_regular(&directory.join(named.as_path()), identity.uid[3], identity.gid[3]).ok()?;
    let metadata = file.metadata().ok()?;
    // Files of procfs have no size, and what reading one of them does is not to be known.
    if metadata.len() == 0 || metadata.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some((bytes, u64::try_from(modified.as_nanos()).ok()?))
}

/// The lines of a file in any of these ranges, from first to last number each.
fn excerpts(bytes: &[u8], ranges: &[(u32, u32)]) -> Vec<Excerpt> {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable();
    let mut excerpts: Vec<Excerpt> = Vec::new();
    let mut end = 0;
    let mut lines = (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')).peekable();
    for (first, last) in ranges {
        // Lines that an earlier range had are gone from the iterator.
        while lines.next_if(|(number, _)| *number < first).is_some() {}
        while let Some((number, line)) = lines.next_if(|(number, _)| *number <= last) {
            match excerpts.last_mut().filter(|_| number == end + 1) {
                Some(excerpt) => excerpt.text.0.extend_from_slice(line),
                None => excerpts.push(Excerpt { first: number, text: Text(line.to_vec()) }),
            }
            end = number;
        }
    }
    excerpts
}

#[cfg(test)]
mod tests {
    use super::excerpts;

    #[test]
    fn ranges_that_touch_become_one_excerpt_and_what_is_past_the_end_none() {
        let of = |ranges: &[(u32, u32)]| {
            let found = excerpts(b"1\n2\n3\n4\n5", ranges);
            found.into_iter().map(|one| (one.first, one.text.to_string())).collect::<Vec<_>>()
        };
        let text = |first, text: &str| (first, text.replace('|', "\\n"));
        assert_eq!(of(&[(4, 9), (1, 1), (2, 2)]), [text(1, "1|2|"), text(4, "4|5")]);
        assert_eq!(of(&[(1, u32::MAX), (2, 3)]), [text(1, "1|2|3|4|5")]);
        assert_eq!(of(&[(7, 9), (3, 2)]), []);
    }
}
