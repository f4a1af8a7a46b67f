//! Reading, compressing and writing at once: one thread reads, several compress, the caller's writes in order.
//!
//! A fixed number of buffers goes round: the reader fills one, a compressor compresses it, the writer writes it and
//! gives it back. So the memory in use is bounded, whoever is slow; and when writing fails, the channels close and all
//! threads end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, compress_bound};

use super::layout::{Layout, Piece};
use super::pages::{Pages, Sharing};
use super::{Course, FrameSink, Progress, WriteError};
use crate::capture_report::{UnreadableRange, push_unreadable};
use crate::elf::PAGE;
use crate::{Absent, AddressRange, Avma, Memory};

/// A chunk of the stream on its way.
struct Chunk {
    /// Its number, which says its place in the file.
    number: u64,
    content: Vec<u8>,
    frame: Vec<u8>,
    unreadable: Vec<UnreadableRange>,
    pages: Pages,
    error: Option<WriteError>,
}

/// A compressor as our frames want it: with checksum; zstd's one-shot compression always says the size.
pub(super) fn new_compressor(level: i32) -> Result<Compressor<'static>, WriteError> {
    let mut compressor = Compressor::new(level).map_err(WriteError::Compress)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true)).map_err(WriteError::Compress)?;
    Ok(compressor)
}

/// Where in the memory a snapshot was ended, and why.
pub(super) type Cut = Option<(u64, String)>;

/// Streams all memory of the layout into the sink, or as much as `course` wants.
pub(super) fn run(
    layout: &Layout,
    memory: &dyn Memory,
    chunk_size: usize,
    sink: &mut FrameSink<'_>,
    course: &mut dyn Course,
) -> Result<Cut, WriteError> {
    let chunks = layout.stream_size().div_ceil(chunk_size as u64);
    let threads = sink.options.threads.clamp(1, 64).min(chunks.max(1) as usize);
    let mut compressors = Vec::new();
    for _ in 0..threads {
        compressors.push(new_compressor(sink.options.level)?);
    }
    let (to_reader, free) = channel();
    let (to_compressors, filled) = channel();
    let (to_writer, compressed) = channel();
    for _ in 0..(2 * threads + 2).min(chunks as usize) {
        let (content, frame) = (Vec::with_capacity(chunk_size), Vec::with_capacity(compress_bound(chunk_size)));
        let (unreadable, pages) = (Vec::new(), Pages::default());
        // The receiver is right here.
        let _ = to_reader.send(Chunk { number: 0, content, frame, unreadable, pages, error: None });
    }
    let filled = Mutex::new(filled);
    let options = sink.options;
    let sharing = &options.sharing;
    let cut = std::thread::scope(|scope| {
        scope.spawn(move || read_chunks(layout, memory, chunk_size, &free, &to_compressors));
        for compressor in compressors {
            let (filled, to_writer) = (&filled, to_writer.clone());
            let look = move |chunk: &mut Chunk| look_at_pages(layout, chunk_size, sharing, chunk);
            scope.spawn(move || compress_chunks(compressor, look, filled, &to_writer));
        }
        drop(to_writer);
        let done = write_chunks(layout.stream_size(), chunk_size, &compressed, &to_reader, sink, course);
        // The others may be waiting for buffers, or for somebody to take theirs: let them go.
        drop((to_reader, compressed));
        done
    })?;
    sink.written.unreadable.sort_by_key(|gone| gone.range.start);
    let mut merged = Vec::new();
    for gone in std::mem::take(&mut sink.written.unreadable) {
        push_unreadable(&mut merged, gone.range, gone.reason);
    }
    sink.written.unreadable = merged;
    Ok(cut)
}

/// The reader's thread: fills free buffers in order.
fn read_chunks(
    layout: &Layout,
    memory: &dyn Memory,
    chunk_size: usize,
    free: &Receiver<Chunk>,
    to_compressors: &Sender<Chunk>,
) {
    let mut number = 0;
    let mut start = 0;
    while start < layout.stream_size() {
        let Ok(mut chunk) = free.recv() else { return };
        let end = (start + chunk_size as u64).min(layout.stream_size());
        chunk.number = number;
        chunk.content.resize((end - start) as usize, 0);
        chunk.unreadable.clear();
        fill(&layout.pieces, start, memory, &mut chunk.content, &mut chunk.unreadable);
        if to_compressors.send(chunk).is_err() {
            return;
        }
        number += 1;
        start = end;
    }
}

/// Fills `content`, which begins `start` bytes behind the header, from the pieces that lie there.
fn fill(pieces: &[Piece], start: u64, memory: &dyn Memory, content: &mut [u8], unreadable: &mut Vec<UnreadableRange>) {
    for (at, part, zero) in parts(pieces, start, content.len()) {
        let target = &mut content[part];
        if zero {
            target.fill(0);
        } else {
            read_or_zero(memory, at, target, unreadable);
        }
    }
}

/// What lies in the `length` bytes from `start` on behind the header: where each part is in memory and among these bytes,
/// and whether it is known to be zero.
fn parts(pieces: &[Piece], start: u64, length: usize) -> impl Iterator<Item = (Avma, Range<usize>, bool)> {
    let first = pieces.partition_point(|piece| piece.offset + piece.range.len() <= start);
    let end = start + length as u64;
    pieces[first..].iter().take_while(move |piece| piece.offset < end).map(move |piece| {
        let (from, to) = (piece.offset.max(start), (piece.offset + piece.range.len()).min(end));
        let at = piece.range.start.wrapping_add(from - piece.offset);
        (at, (from - start) as usize..(to - start) as usize, piece.zero)
    })
}

/// Looks at the whole pages of a chunk that could be read: whether an earlier snapshot has them, or a later one may.
fn look_at_pages(layout: &Layout, chunk_size: usize, sharing: &Sharing, chunk: &mut Chunk) {
    if !sharing.is_wanted() {
        return;
    }
    let start = chunk.number * chunk_size as u64;
    for (at, part, zero) in parts(&layout.pieces, start, chunk.content.len()) {
        // Pieces begin with a page; a chunk may begin within one.
        let skipped = (at.0.next_multiple_of(PAGE) - at.0) as usize;
        let whole = chunk.content[part].get_mut(skipped..).filter(|_| !zero).unwrap_or_default();
        for (page, at) in whole.chunks_exact_mut(PAGE as usize).zip((at.0 + skipped as u64..).step_by(PAGE as usize)) {
            let range = AddressRange::new(at, at + PAGE);
            if !chunk.unreadable.iter().any(|gone| gone.range.intersection(&range).is_some()) {
                sharing.look_at(range.start, page, &mut chunk.pages);
            }
        }
    }
}

/// Reads memory; pages that cannot be read become zeros and are listed.
fn read_or_zero(memory: &dyn Memory, start: Avma, buf: &mut [u8], unreadable: &mut Vec<UnreadableRange>) {
    let mut done = 0;
    while done < buf.len() {
        let at = start.wrapping_add(done as u64);
        match memory.read_some(at, &mut buf[done..]) {
            Ok(got) if got > 0 => done += got.min(buf.len() - done),
            failed => {
                let end = start.wrapping_add(buf.len() as u64);
                let (gone, reason) = failure(at, end, failed.err());
                let count = gone.len() as usize;
                buf[done..done + count].fill(0);
                push_unreadable(unreadable, gone, reason);
                done += count;
            }
        }
    }
}

/// What is lost when reading fails at `at`: the range that the error names, else the page; never beyond `end`.
fn failure(at: Avma, end: Avma, absent: Option<Absent>) -> (AddressRange, String) {
    let next_page = Avma((at.0 & !(PAGE - 1)).saturating_add(PAGE));
    let (until, reason) = match absent {
        Some(Absent::Unreadable { range, reason } | Absent::NotCaptured { range, reason }) => (range.end, reason),
        Some(Absent::NotMapped(_)) => (next_page, "not mapped".to_owned()),
        None => (next_page, "nothing was read".to_owned()),
    };
    (AddressRange { start: at, end: until.max(next_page).min(end) }, reason)
}

/// A compressor's thread.
fn compress_chunks(
    mut compressor: Compressor<'static>,
    look: impl Fn(&mut Chunk),
    filled: &Mutex<Receiver<Chunk>>,
    to_writer: &Sender<Chunk>,
) {
    loop {
        let next = filled.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        let Ok(mut chunk) = next else { return };
        look(&mut chunk);
        chunk.frame.clear();
        let bound = compress_bound(chunk.content.len());
        chunk.frame.reserve(bound);
        chunk.error = compressor.compress_to_buffer(&chunk.content, &mut chunk.frame).err().map(WriteError::Compress);
        if to_writer.send(chunk).is_err() {
            return;
        }
    }
}

/// The caller's thread: writes the frames in order, and gives the buffers back.
fn write_chunks(
    all: u64,
    chunk_size: usize,
    compressed: &Receiver<Chunk>,
    to_reader: &Sender<Chunk>,
    sink: &mut FrameSink<'_>,
    course: &mut dyn Course,
) -> Result<Cut, WriteError> {
    let mut early = BTreeMap::new();
    for (number, at) in (0..all).step_by(chunk_size).enumerate() {
        let number = number as u64;
        let mut chunk = loop {
            if let Some(chunk) = early.remove(&number) {
                break chunk;
            }
            let Ok(chunk) = compressed.recv() else {
                return Err(WriteError::Io(std::io::Error::other("a thread of the writer ended early")));
            };
            early.insert(chunk.number, chunk);
        };
        if let Some(error) = chunk.error.take() {
            return Err(error);
        }
        let progress = Progress {
            file_bytes: sink.written.file_bytes,
            memory_bytes: at,
            of_memory_bytes: all,
            at_most: sink.size_if_ended(chunk.frame.len(), all - at),
        };
        if let Err(why) = course.go_on(&progress) {
            return Ok(Some((at, why)));
        }
        sink.written.unreadable.append(&mut chunk.unreadable);
        sink.pages.add(&mut chunk.pages);
        sink.write(&chunk.frame, chunk.content.len())?;
        // When the reader is done it no longer listens.
        let _ = to_reader.send(chunk);
    }
    Ok(None)
}
