//! Decompresses single frames of a file.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::frame_index::FrameIndex;
use super::{Missing, read_up_to, seek_table};
use crate::bytes::u32_at;
use crate::limits::MAX_FRAME;

/// A file of frames of bounded size.
#[derive(Debug)]
pub(crate) struct Frames {
    file: File,
    index: FrameIndex,
    /// What could be decompressed of the frame that the end of the file cuts off.
    tail: Vec<u8>,
    decompressed: AtomicUsize,
}

impl Frames {
    pub(crate) fn new(file: File, index: FrameIndex, tail: Option<Vec<u8>>) -> Frames {
        Frames { file, index, tail: tail.unwrap_or_default(), decompressed: AtomicUsize::new(0) }
    }

    /// How many bytes of the stream there are.
    pub(crate) fn size(&self) -> u64 {
        self.index.size().saturating_add(self.tail.len() as u64)
    }

    /// What the skippable frames hold, those of at most `most` bytes.
    pub(crate) fn skippable(&self, most: u64) -> Vec<Vec<u8>> {
        let bounded = self.index.asides().iter().filter(|(_, size)| *size <= most);
        let read = |&(at, size): &(u64, u64)| {
            let mut frame = vec![0; usize::try_from(size).ok()?];
            let got = read_up_to(&self.file, at, &mut frame).ok()?;
            seek_table::skippable_content(&frame[..got]).map(<[u8]>::to_vec)
        };
        bounded.filter_map(read).collect()
    }

    #[cfg(test)]
    pub(crate) fn decompressed(&self) -> usize {
        self.decompressed.load(Ordering::Relaxed)
    }

    /// The number of the frame that holds a byte of the stream; the one past the last is the cut one.
    pub(crate) fn index_of(&self, offset: u64) -> Option<usize> {
        let in_tail = offset >= self.index.size() && offset < self.size();
        if in_tail { Some(usize::MAX) } else { self.index.index_of(offset) }
    }

    pub(crate) fn start_of(&self, index: usize) -> u64 {
        self.index.get(index).map_or(self.index.size(), |frame| frame.stream_offset)
    }

    /// All bytes of a frame.
    pub(crate) fn decompress(&self, index: usize) -> Result<Vec<u8>, Missing> {
        let Some(frame) = self.index.get(index) else { return Ok(self.tail.clone()) };
        self.decompressed.fetch_add(1, Ordering::Relaxed);
        let broken = |reason: String| Missing::Broken {
            start: frame.stream_offset,
            end: frame.stream_offset + frame.size as u64,
            reason,
        };
        let mut compressed = vec![0; frame.compressed];
        let got =
            read_up_to(&self.file, frame.file_offset, &mut compressed).map_err(|error| broken(error.to_string()))?;
        // zstd checks the checksum inside the frame, which are its last four bytes; what the seek table says has
        // then to be the same.
        let own_checksum = got.checked_sub(4).and_then(|at| u32_at(&compressed[..got], at));
        if frame.checksum.is_some() && frame.checksum != own_checksum {
            return Err(broken(format!(
                "the checksum of the frame at {:#x} is not the seek table's",
                frame.file_offset
            )));
        }
        let content = zstd::bulk::decompress(&compressed[..got], frame.size)
            .map_err(|error| broken(format!("the frame at {:#x} is corrupt: {error}", frame.file_offset)))?;
        if content.len() == frame.size {
            Ok(content)
        } else {
            Err(broken(format!(
                "the frame at {:#x} has {} bytes, not {}",
                frame.file_offset,
                content.len(),
                frame.size
            )))
        }
    }
}

/// The bytes that can still be had from a frame whose end is missing: the blocks before it.
pub(crate) fn decode_cut_frame(file: &File, at: u64) -> Vec<u8> {
    let mut content = Vec::new();
    if let Ok(decoder) = zstd::stream::read::Decoder::new(FileFrom { file, at }) {
        // The error at the end is why we are here.
        let _ = decoder.single_frame().take(MAX_FRAME).read_to_end(&mut content);
    }
    content
}

/// A file from a position on, without moving the file's own.
struct FileFrom<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FileFrom<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = read_up_to(self.file, self.at, buf)?;
        self.at += got as u64;
        Ok(got)
    }
}
