//! Writes a snapshot: a pure layout first, then memory through a pipeline of threads.

mod course;
mod header;
mod layout;
mod pages;
mod pipeline;
mod sources;

use std::io::{self, Write};

use crate::capture_report::{self, UnreadableRange};
use crate::dpdb_note::{NT_DPDB_CAPTURE, NT_DPDB_SHARED, OWNER, Runs, SharedNote, VERSION};
use crate::elf::{PAGE, note};
use crate::stream::seek_table::{self, Entry};
use crate::{AddressRange, CaptureReport, Memory, Process};
pub use course::{Course, Progress};
use layout::Layout;
use pages::AllPages;
pub use pages::{PageHashes, Sharing};
pub use sources::add_sources;

/// Bytes of zeros in a frame that stands for memory which was cut off.
const ZEROS: usize = 4 << 20;

/// Bytes of the stream that are kept for the capture report at its end.
pub const TRAILER_SIZE: usize = 64 << 10;

/// What is to become of a range of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its bytes go into the file.
    Captured,
    /// It holds nothing but zeros, which need no bytes.
    Zero,
    /// It is not captured; the reason is a short phrase, such as `MADV_DONTDUMP`.
    LeftOut(String),
}

/// A part of the memory and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRange {
    /// Where; page-aligned and inside one or more mappings.
    pub range: AddressRange,
    /// What is to become of it.
    pub content: Content,
}

/// How to write.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// The zstd level; negative ones are faster.
    pub level: i32,
    /// Bytes of the stream that are compressed as one frame: at least 4 KiB, at most 16 MiB.
    pub chunk_size: usize,
    /// Threads that compress.
    pub threads: usize,
    /// What becomes of pages that other snapshots may have.
    pub sharing: Sharing,
}

impl Default for WriteOptions {
    /// What docs/format.md measured to be good: level 1 in chunks of 128 KiB, on up to four processors.
    fn default() -> WriteOptions {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(4));
        WriteOptions { level: 1, chunk_size: 128 << 10, threads, sharing: Sharing::None }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file. In the call of `late`, those written so far.
    pub file_bytes: u64,
    /// Bytes of the core that the file decompresses to. In the call of `late`, those written so far.
    pub core_bytes: u64,
    /// Bytes of memory in it.
    pub memory_bytes: u64,
    /// Planned memory that could not be read, ascending.
    pub unreadable: Vec<UnreadableRange>,
    /// Why not all of the planned memory was written.
    pub cut: Option<String>,
    /// Memory that stands in the base, ascending.
    pub shared: Vec<AddressRange>,
    /// Its pages, where [`Sharing::First`] asked for them.
    pub pages: PageHashes,
}

/// Why a snapshot could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file could not be written.
    #[error("cannot write the snapshot: {0}")]
    Io(#[from] io::Error),
    /// zstd refused.
    #[error("cannot compress: {0}")]
    Compress(#[source] io::Error),
    /// More memory than a seek table can describe.
    #[error("{0} frames are more than a seek table can hold: raise the chunk size")]
    TooManyFrames(u64),
}

/// Writes the snapshot of `process` to `out`.
///
/// `plan` is ascending and does not overlap; what of the mappings it does not mention is left out. Memory is read on
/// other threads. What cannot be read becomes zeros in the file and a range in the report. `course` may end it early: then
/// zeros stand for the rest of the memory, which costs some hundred bytes for each 4 MiB, and the report says from where on.
///
/// Memory in use is `2 * threads + 2` times about twice the chunk size, besides the notes.
///
/// # Errors
/// Only where `out` fails, or where zstd does not take the options.
pub fn write_snapshot(
    process: &Process,
    plan: &[PlannedRange],
    memory: &dyn Memory,
    out: &mut (dyn Write + Send),
    options: &WriteOptions,
    course: &mut dyn Course,
) -> Result<Written, WriteError> {
    let layout = Layout::new(process, plan);
    let chunk_size = options.chunk_size.clamp(4 << 10, 16 << 20);
    let header = header::core_header(process, &layout, TRAILER_SIZE as u64);
    let frames = (header.len() as u64 + layout.stream_size()).div_ceil(chunk_size as u64);
    if frames > crate::limits::MAX_FRAMES {
        return Err(WriteError::TooManyFrames(frames));
    }

    let (written, pages) = (Written::default(), AllPages::default());
    let mut sink = FrameSink { out, options, written, pages, entries: Vec::new() };
    for chunk in header.chunks(chunk_size) {
        sink.compress(chunk)?;
    }
    let cut = pipeline::run(&layout, memory, chunk_size, &mut sink, course)?;
    let there = cut.as_ref().map_or(layout.stream_size(), |(at, _)| *at);
    sink.zeros(layout.stream_size() - there)?;
    let unreadable: u64 = sink.written.unreadable.iter().map(|gone| gone.range.len()).sum();
    sink.written.memory_bytes = there.saturating_sub(unreadable);
    (sink.written.pages, sink.written.shared) = std::mem::take(&mut sink.pages).finish(&options.sharing);
    sink.written.cut = cut.as_ref().map(|(_, why)| why.clone());
    let mut report = course.report(&sink.written);
    report.cut_at = cut.as_ref().map(|(at, _)| header.len() as u64 + at);
    report.cut = cut.map(|(_, why)| why);
    report.version = VERSION;
    report.memory_bytes = sink.written.memory_bytes;
    report.shared_bytes = sink.written.shared.iter().map(AddressRange::len).sum();
    report.unreadable.clone_from(&sink.written.unreadable);
    sink.compress(&trailer(&report))?;
    if matches!(options.sharing, Sharing::Beyond(_)) {
        let runs = Runs::of(&sink.written.shared);
        sink.beside(&compressed_note(NT_DPDB_SHARED, &SharedNote { version: VERSION, page: PAGE, runs })?)?;
    }
    sink.finish()
}

/// A note for a skippable frame: JSON is several times smaller when it is compressed, and nobody reads it through the core.
fn compressed_note(kind: u32, content: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let desc = zstd::bulk::compress(&serde_json::to_vec(content)?, WriteOptions::default().level)?;
    let mut note = Vec::new();
    note::append(&mut note, OWNER, kind, &desc);
    Ok(note)
}

/// The second note segment: one note that fills it.
fn trailer(report: &CaptureReport) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TRAILER_SIZE);
    note::append(&mut bytes, OWNER, NT_DPDB_CAPTURE, &[]);
    let json = capture_report::to_padded_json(report, TRAILER_SIZE - bytes.len());
    bytes.clear();
    note::append(&mut bytes, OWNER, NT_DPDB_CAPTURE, &json);
    bytes
}

/// Where compressed frames go, in order, and what is to be remembered of them.
struct FrameSink<'a> {
    out: &'a mut (dyn Write + Send),
    options: &'a WriteOptions,
    written: Written,
    pages: AllPages,
    entries: Vec<Entry>,
}

impl FrameSink<'_> {
    /// Compresses and writes one frame on this thread.
    fn compress(&mut self, content: &[u8]) -> Result<(), WriteError> {
        let mut compressor = pipeline::new_compressor(self.options.level)?;
        let frame = compressor.compress(content).map_err(WriteError::Compress)?;
        self.write(&frame, content.len())
    }

    /// Writes so many zeros, in frames of their own.
    fn zeros(&mut self, count: u64) -> Result<(), WriteError> {
        let mut compressor = pipeline::new_compressor(self.options.level)?;
        let mut compressed = |size: usize| compressor.compress(&vec![0; size]).map_err(WriteError::Compress);
        if count >= ZEROS as u64 {
            let frame = compressed(ZEROS)?;
            for _ in 0..count / ZEROS as u64 {
                self.write(&frame, ZEROS)?;
            }
        }
        let rest = (count % ZEROS as u64) as usize;
        if rest > 0 {
            let frame = compressed(rest)?;
            self.write(&frame, rest)?;
        }
        Ok(())
    }

    /// How long the file is at most if it is ended behind a frame of `next` bytes, where `left` bytes of memory are not written
    /// yet.
    fn size_if_ended(&self, next: usize, left: u64) -> u64 {
        let zeros = left.div_ceil(ZEROS as u64) + 1;
        // A run-length block of four bytes stands for at most 128 KiB (RFC 8878, 3.1.1.2); header and checksum of a frame.
        let frames = (left / (128 << 10) + zeros) * 4 + zeros * 32;
        let table = (self.entries.len() as u64 + zeros + 2) * 12 + 32;
        let trailer = 4 << 10;
        // Two numbers for each run, of at most ten digits.
        let shared = self.pages.ranges() as u64 * 24;
        self.written.file_bytes + next as u64 + frames + table + trailer + shared
    }

    /// Writes one frame that decompresses to `size` bytes.
    fn write(&mut self, frame: &[u8], size: usize) -> Result<(), WriteError> {
        self.out.write_all(frame)?;
        // The last four bytes of a frame with a checksum are what the seek table wants: the low half of the XXH64 of
        // its content (RFC 8878, 3.1.1).
        let checksum = frame.len().checked_sub(4).and_then(|at| crate::bytes::u32_at(frame, at)).unwrap_or_default();
        self.entries.push(Entry { compressed: frame.len() as u32, size: size as u32, checksum });
        self.written.file_bytes += frame.len() as u64;
        self.written.core_bytes += size as u64;
        Ok(())
    }

    /// Writes notes that are no part of the core.
    fn beside(&mut self, notes: &[u8]) -> Result<(), WriteError> {
        let frame = seek_table::skippable_frame(notes)?;
        self.out.write_all(&frame)?;
        self.entries.push(Entry::of_skippable(frame.len() as u32));
        self.written.file_bytes += frame.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<Written, WriteError> {
        let table = seek_table::to_bytes(&self.entries);
        self.out.write_all(&table)?;
        self.out.flush()?;
        self.written.file_bytes += table.len() as u64;
        Ok(self.written)
    }
}
