//! Where each frame begins, in the file and in the stream.

use super::frame_scan::Scan;

/// The positions of all frames: ascending, without holes in the stream.
#[derive(Debug, Default)]
pub(crate) struct FrameIndex {
    frames: Vec<Position>,
    /// Where the last frame ends.
    end: Position,
    /// Frames that are no part of the stream: where each begins in the file, and its length there.
    asides: Vec<(u64, u64)>,
}

/// So many frames beside the stream are remembered; we write one.
const MOST_ASIDES: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
struct Position {
    file: u64,
    stream: u64,
    /// The length in the file; a skippable frame may follow.
    compressed: u32,
    /// The low half of the XXH64 of what it decompresses to, where the seek table says it.
    checksum: Option<u32>,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) file_offset: u64,
    pub(crate) compressed: usize,
    pub(crate) stream_offset: u64,
    pub(crate) size: usize,
    pub(crate) checksum: Option<u32>,
}

impl FrameIndex {
    /// Appends a frame behind the others, `gap` bytes further in the file than the last one ends.
    pub(crate) fn push(&mut self, gap: u64, compressed: u32, size: u32, checksum: Option<u32>) {
        let file = self.end.file.saturating_add(gap);
        self.end.file = file.saturating_add(u64::from(compressed));
        // A frame of no bytes (what compressing nothing gives, or a skippable one) is never looked for.
        if size > 0 {
            self.frames.push(Position { file, stream: self.end.stream, compressed, checksum });
        } else {
            self.push_aside(file, compressed.into());
        }
        self.end.stream = self.end.stream.saturating_add(u64::from(size));
    }

    pub(crate) fn from_scan(scan: &Scan) -> FrameIndex {
        let mut index = FrameIndex { asides: scan.skippable.clone(), ..FrameIndex::default() };
        for frame in &scan.frames {
            let gap = frame.file_offset - index.end.file;
            // Both fit: the scan was asked for frames of at most MAX_FRAME.
            index.push(gap, frame.compressed as u32, frame.content.unwrap_or_default() as u32, None);
        }
        index
    }

    /// Notes a frame that may be a skippable one.
    pub(crate) fn push_aside(&mut self, file_offset: u64, size: u64) {
        if self.asides.len() < MOST_ASIDES {
            self.asides.push((file_offset, size));
        }
    }

    /// Where frames beside the stream begin in the file, and their lengths there.
    pub(crate) fn asides(&self) -> &[(u64, u64)] {
        &self.asides
    }

    /// How long the stream is.
    pub(crate) fn size(&self) -> u64 {
        self.end.stream
    }

    /// How many bytes of the file the frames take.
    pub(crate) fn file_end(&self) -> u64 {
        self.end.file
    }

    /// The number of the frame that holds a byte of the stream.
    pub(crate) fn index_of(&self, stream_offset: u64) -> Option<usize> {
        if stream_offset >= self.end.stream {
            return None;
        }
        self.frames.partition_point(|frame| frame.stream <= stream_offset).checked_sub(1)
    }

    pub(crate) fn get(&self, index: usize) -> Option<Frame> {
        let frame = self.frames.get(index)?;
        let end = self.frames.get(index + 1).map_or(self.end.stream, |next| next.stream);
        Some(Frame {
            file_offset: frame.file,
            compressed: frame.compressed as usize,
            stream_offset: frame.stream,
            size: (end - frame.stream) as usize,
            checksum: frame.checksum,
        })
    }
}
