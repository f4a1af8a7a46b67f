//! Reads a snapshot, a compressed core or a plain one.

mod base;
mod core_headers;
mod core_process;
mod damage;
mod export;
mod modules;
mod notes;
mod pack;
mod segments;
mod stack_strings;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use damage::Damage;
pub use export::ExportError;
pub use modules::build_id_at;
pub use pack::PackError;

use crate::capture_report::UnreadableRange;
use crate::elf::header::HeaderError;
use crate::stream::{Missing, Stream};
use crate::{Absent, AddressRange, Avma, CaptureReport, Memory, Process, SourceFile};
use core_headers::CoreHeaders;
use segments::{Place, Segments};

/// How a core is kept in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Compressed with zstd, and with our own notes: a `.snap`.
    Snap,
    /// Compressed with zstd by somebody else, such as systemd's `core.zst`.
    CompressedCore,
    /// As it is.
    Core,
}

/// Why a file cannot be opened as a core.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system says no.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{path} is empty", path = .0.display())]
    Empty(PathBuf),
    /// It is something else.
    #[error("{path} is neither a snapshot nor an ELF core", path = .0.display())]
    NotACore(PathBuf),
    /// It is compressed by something else.
    #[error("{path} is compressed with {with}: decompress it first, or have it compressed with zstd", path = path.display())]
    Compression {
        /// The file.
        path: PathBuf,
        /// The program that decompresses it.
        with: &'static str,
    },
    /// An ELF file, but of a program.
    #[error("{path} is an ELF file, but no core: its type is {kind}", path = path.display())]
    NotACoreButElf {
        /// The file.
        path: PathBuf,
        /// `e_type`, in words where it has some.
        kind: String,
    },
    /// A core of another machine.
    #[error("{path} is a core of a process on {machine}; only 64-bit x86-64 ones can be read", path = path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// Its machine.
        machine: String,
    },
    /// It ends, or breaks, before it says what it is.
    #[error("{path} cannot be read: {what}", path = path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where, and how.
        what: String,
    },
}

/// A core file, opened for reading: the process and its memory.
///
/// Only what is asked for is decompressed. Reading from several threads at once is fine.
#[derive(Debug)]
pub struct Snapshot {
    stream: Stream,
    format: Format,
    headers: CoreHeaders,
    segments: Segments,
    unreadable: Vec<UnreadableRange>,
    process: Process,
    capture: Option<CaptureReport>,
    sources: Vec<SourceFile>,
    damage: Vec<Damage>,
    /// What it shares with its base, where it is a delta.
    shared: Option<base::Shared>,
}

/// What a file says of itself, without its memory.
#[derive(Clone, Debug)]
pub struct Info {
    /// How it is kept.
    pub format: Format,
    /// The process.
    pub process: Process,
    /// How the capture went.
    pub capture: Option<CaptureReport>,
    /// What is missing or broken.
    pub damage: Vec<Damage>,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of memory that it holds, if it is whole.
    pub memory_bytes: u64,
    /// Bytes of address space that were mapped.
    pub mapped_bytes: u64,
}

impl Snapshot {
    /// Opens a snapshot (`.snap`), a zstd-compressed core or a plain ELF core.
    ///
    /// A file that is cut off or broken opens as far as it can be read, and [`Snapshot::damage`] says what is missing.
    ///
    /// # Errors
    /// Where the file cannot be read, is something else, or has not even an ELF header.
    pub fn open(path: &Path) -> Result<Snapshot, OpenError> {
        let (mut snapshot, beside) = Snapshot::open_with_notes(path)?;
        if let Some(base) = &snapshot.process.base {
            let shared = base::Shared::open(path, base, &beside);
            snapshot.damage.extend(shared.trouble().map(|reason| Damage::Base { reason }));
            snapshot.shared = Some(shared);
        }
        snapshot.sources = beside.sources;
        Ok(snapshot)
    }

    /// The same without a base that it may have: what stands there reads as zeros.
    fn open_alone(path: &Path) -> Result<Snapshot, OpenError> {
        Snapshot::open_with_notes(path).map(|(snapshot, _)| snapshot)
    }

    fn open_with_notes(path: &Path) -> Result<(Snapshot, notes::Beside), OpenError> {
        let io_error = |source| OpenError::Io { path: path.to_owned(), source };
        let stream = Stream::open(File::open(path).map_err(io_error)?).map_err(io_error)?;
        let mut damage = stream.damage().to_vec();
        let mut headers = CoreHeaders::read(&stream, &mut damage).map_err(|error| open_error(path, &stream, error))?;
        let notes = notes::read(&stream, &headers.notes, &mut damage);
        headers.add_unlisted_files(&notes.files);
        let segments = Segments::new(&headers.loads, notes.memory.as_ref());
        let capture = notes.capture.clone();
        let beside = notes::beside(&stream, &mut damage);
        let unreadable = capture.as_ref().map(|report| sorted(&report.unreadable)).unwrap_or_default();
        damage::note_missing_end(&stream, &headers, capture.is_some(), notes.is_snapshot(), &mut damage);
        let format = match (stream.is_compressed(), notes.is_snapshot()) {
            (true, true) => Format::Snap,
            (true, false) => Format::CompressedCore,
            (false, _) => Format::Core,
        };
        let (process, sources, shared) = (Process::default(), Vec::new(), None);
        let mut snapshot =
            Snapshot { stream, format, headers, segments, unreadable, process, capture, sources, damage, shared };
        snapshot.process = core_process::describe(notes, &snapshot.headers.loads, &snapshot);
        Ok((snapshot, beside))
    }

    /// What is known of the process: from our own notes, or for a plain core from the kernel's.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// How the core is kept in the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What of the file is cut off or broken. A frame in the middle that does not decompress shows only when it is
    /// read, as [`Absent::Unreadable`].
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How the capture went; a core that we did not write, or whose end is cut off, does not say.
    pub fn capture(&self) -> Option<&CaptureReport> {
        self.capture.as_ref()
    }

    /// The source files that it carries, or lines of them.
    pub fn sources(&self) -> &[SourceFile] {
        &self.sources
    }

    /// What the file at `path` says of itself, from its first frames and its last.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn info(path: &Path) -> Result<Info, OpenError> {
        Ok(Snapshot::open(path)?.into_info())
    }

    fn into_info(self) -> Info {
        Info {
            format: self.format(),
            memory_bytes: self.headers.loads.iter().map(|load| load.filesz).fold(0, u64::saturating_add),
            mapped_bytes: self.headers.loads.iter().map(|load| load.memsz).fold(0, u64::saturating_add),
            file_bytes: self.stream.file_size(),
            process: self.process,
            capture: self.capture,
            damage: self.damage,
        }
    }

    /// Reads from one place: a segment's bytes, or zeros.
    fn read_place(&self, at: Avma, place: Place<'_>, buf: &mut [u8]) -> Result<usize, Absent> {
        match place {
            Place::Zero { end } => {
                let count = clamp(end, at, buf);
                buf[..count].fill(0);
                Ok(count)
            }
            Place::Absent { range, reason } => Err(Absent::NotCaptured { range, reason: reason.to_owned() }),
            Place::Bytes { offset, range } => {
                let known = self.cut_at().saturating_sub(offset);
                if known == 0 {
                    let range = AddressRange { start: at, end: range.end };
                    return Err(Absent::NotCaptured { range, reason: self.why_cut() });
                }
                let range = AddressRange { end: Avma(at.0.saturating_add(known)).min(range.end), ..range };
                let after = self.unreadable.partition_point(|gone| gone.range.end <= at);
                let next = self.unreadable.get(after);
                if let Some(gone) = next.filter(|gone| gone.range.contains(at)) {
                    return Err(Absent::Unreadable { range: gone.range, reason: gone.reason.clone() });
                }
                let end = next.map_or(range.end, |gone| gone.range.start.min(range.end));
                let count = clamp(end, at, buf);
                let own = |from: Avma, buf: &mut [u8]| {
                    let offset = offset.wrapping_add(from.0.wrapping_sub(at.0));
                    self.stream.read_some(offset, buf).map_err(|missing| absent(missing, from, offset, range))
                };
                match &self.shared {
                    Some(shared) => shared.read(at, &mut buf[..count], own),
                    None => own(at, &mut buf[..count]),
                }
            }
        }
    }
}

impl Snapshot {
    /// Where in the core the memory ends that was captured.
    fn cut_at(&self) -> u64 {
        self.capture.as_ref().and_then(|report| report.cut_at).unwrap_or(u64::MAX)
    }

    fn why_cut(&self) -> String {
        let why = self.capture.as_ref().and_then(|report| report.cut.clone());
        why.unwrap_or_else(|| "the capture was ended early".to_owned())
    }
}

/// How much of `buf` lies between `at` and `end`.
fn clamp(end: Avma, at: Avma, buf: &[u8]) -> usize {
    usize::try_from(end.0.saturating_sub(at.0)).unwrap_or(usize::MAX).min(buf.len())
}

/// Why the memory at `at`, which is at `offset` of the stream inside a segment's `range`, is not there.
fn absent(missing: Missing, at: Avma, offset: u64, range: AddressRange) -> Absent {
    match missing {
        Missing::CutOff => {
            let range = AddressRange { start: at, end: range.end };
            Absent::NotCaptured { range, reason: "the file is cut off".to_owned() }
        }
        Missing::Broken { start, end, reason } => {
            let first = at.0.saturating_sub(offset.saturating_sub(start)).max(range.start.0);
            let last = at.0.saturating_add(end.saturating_sub(offset)).min(range.end.0);
            Absent::Unreadable { range: AddressRange::new(first, last), reason }
        }
    }
}

impl Memory for Snapshot {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let mut done = 0;
        while done < buf.len() {
            let Some(next) = at.checked_add(done as u64) else { break };
            let got = match self.segments.find(next) {
                Some(place) => self.read_place(next, place, &mut buf[done..]),
                // A range cannot hold the very last byte.
                None if self.headers.incomplete && next.0 < u64::MAX => Err(Absent::NotCaptured {
                    range: self.segments.unknown(next),
                    reason: "the file is cut off, and does not say what was mapped".to_owned(),
                }),
                None => Err(Absent::NotMapped(next)),
            };
            match got {
                Ok(got) => done += got,
                Err(absent) if done == 0 => return Err(absent),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

fn sorted(unreadable: &[UnreadableRange]) -> Vec<UnreadableRange> {
    let mut ranges: Vec<_> = unreadable.iter().filter(|gone| !gone.range.is_empty()).cloned().collect();
    ranges.sort_by_key(|gone| gone.range.start);
    // Ours do not overlap; those of a broken file must not either, for the search by their ends.
    ranges.dedup_by(|next, previous| next.range.start < previous.range.end);
    ranges
}

/// The sentence for a file whose very beginning is no core.
fn open_error(path: &Path, stream: &Stream, error: core_headers::Error) -> OpenError {
    let path = path.to_owned();
    match error {
        core_headers::Error::Header(HeaderError::Architecture(machine)) => OpenError::Architecture { path, machine },
        core_headers::Error::Kind(kind) => OpenError::NotACoreButElf { path, kind },
        core_headers::Error::Header(HeaderError::Short) if stream.file_size() == 0 => OpenError::Empty(path),
        core_headers::Error::Header(HeaderError::NotElf) if !stream.is_compressed() => other_file(path, stream),
        core_headers::Error::Header(HeaderError::NotElf) => OpenError::NotACore(path),
        core_headers::Error::Header(HeaderError::Short) => {
            OpenError::Broken { path, what: "it is cut off inside its ELF header".to_owned() }
        }
        core_headers::Error::Broken(what) => OpenError::Broken { path, what },
    }
}

/// Files that systemd and others leave where one looks for cores.
fn other_file(path: PathBuf, stream: &Stream) -> OpenError {
    let mut magic = [0; 6];
    let got = stream.read_some(0, &mut magic).unwrap_or_default();
    let with = match &magic[..got] {
        [0x04, 0x22, 0x4d, 0x18, ..] => "lz4",
        [0xfd, b'7', b'z', b'X', b'Z', 0x00] => "xz",
        [0x1f, 0x8b, ..] => "gzip",
        [b'B', b'Z', b'h', ..] => "bzip2",
        _ => return OpenError::NotACore(path),
    };
    OpenError::Compression { path, with }
}

#[cfg(test)]
mod tests {
    use super::Snapshot;
    use crate::{
        Absent, AddressRange, Avma, CaptureReport, Content, Mapping, Memory, PlannedRange, Process, WriteOptions,
        Written, write_snapshot,
    };

    struct Ones;

    impl Memory for Ones {
        fn read_some(&self, _: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            buf.fill(1);
            Ok(buf.len())
        }
    }

    #[test]
    fn opening_decompresses_the_first_frames_and_the_last_only() {
        let range = AddressRange::new(0x10_0000, 0x110_0000);
        let mapping = Mapping { range, ..Mapping::default() };
        let process = Process { pid: 5, mappings: vec![mapping], ..Process::default() };
        let plan = [PlannedRange { range, content: Content::Captured }];
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let options = WriteOptions { chunk_size: 64 << 10, ..WriteOptions::default() };
        write_snapshot(&process, &plan, &Ones, &mut file, &options, &mut |_: &Written| CaptureReport::default())
            .unwrap();

        let snapshot = Snapshot::open(file.path()).unwrap();
        assert_eq!(snapshot.stream.frames_decompressed(), 2, "of 258");
        assert_eq!(snapshot.read_u64(Avma(0x80_0000)), Ok(0x0101_0101_0101_0101));
        assert_eq!(snapshot.stream.frames_decompressed(), 3);
    }
}
