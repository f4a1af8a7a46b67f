//! Finds the frames of a zstd file that has no seek table, without decompressing anything.
//!
//! This is what `ZSTD_findFrameCompressedSize` does, over a file instead of a buffer: it steps from block header to
//! block header (RFC 8878, 3.1.1), so a file of 4 GiB costs some 40,000 small reads.

use std::fs::File;
use std::io;

use super::read_up_to;
use crate::bytes::{u16_at, u32_at, u64_at};
use crate::limits::MAX_FRAMES;

const ZSTD_MAGIC: u32 = 0xfd2f_b528;
/// Frames to skip have magic numbers from here to 15 higher.
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;
/// So many skippable frames are remembered.
const MOST_SKIPPABLE: usize = 16;
/// The longest frame header (RFC 8878, 3.1.1.1).
const MAX_HEADER: usize = 18;

/// Whether a file that begins with this number is made of zstd frames.
pub(crate) fn is_zstd_magic(magic: u32) -> bool {
    magic == ZSTD_MAGIC || is_skippable(magic)
}

fn is_skippable(magic: u32) -> bool {
    magic & 0xffff_fff0 == SKIPPABLE_MAGIC
}

/// A whole frame, found by its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScannedFrame {
    pub(crate) file_offset: u64,
    pub(crate) compressed: u64,
    /// The size that its header says it decompresses to.
    pub(crate) content: Option<u64>,
}

/// What a file turned out to be made of.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) frames: Vec<ScannedFrame>,
    /// The first skippable frames: where they begin, and how long they are.
    pub(crate) skippable: Vec<(u64, u64)>,
    /// What follows the last whole frame, if anything does.
    pub(crate) tail: Option<Tail>,
}

/// The beginning of a frame whose end is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) file_offset: u64,
    /// What its header says it decompresses to: `Some(0)` where it has not even a header.
    pub(crate) content: Option<u64>,
    /// What is wrong with it, where it is not merely cut off.
    pub(crate) broken: Option<&'static str>,
}

enum Step {
    Frame { content: Option<u64>, end: u64 },
    Skippable { end: u64 },
    Tail { content: Option<u64>, broken: Option<&'static str> },
}

/// Not even a header.
const NO_HEADER: Step = Step::Tail { content: Some(0), broken: None };

/// Walks all frames of a file.
///
/// # Errors
/// What reading the file says.
pub(crate) fn scan(file: &File, file_size: u64) -> io::Result<Scan> {
    let mut scan = Scan::default();
    let mut window = Window { file, file_size, start: 0, bytes: Vec::new() };
    let mut at = 0;
    while at < file_size {
        match step(&mut window, at)? {
            Step::Frame { content, end } => {
                if scan.frames.len() as u64 >= MAX_FRAMES {
                    let broken = Some("there are more frames than are looked at");
                    scan.tail = Some(Tail { file_offset: at, content: Some(0), broken });
                    break;
                }
                scan.frames.push(ScannedFrame { file_offset: at, compressed: end - at, content });
                at = end;
            }
            Step::Skippable { end } => {
                if scan.skippable.len() < MOST_SKIPPABLE {
                    scan.skippable.push((at, end - at));
                }
                at = end;
            }
            Step::Tail { content, broken } => {
                scan.tail = Some(Tail { file_offset: at, content, broken });
                break;
            }
        }
    }
    Ok(scan)
}

/// Looks at the frame that begins at `at`.
fn step(window: &mut Window<'_>, at: u64) -> io::Result<Step> {
    let head = window.at(at, MAX_HEADER)?;
    let Some(magic) = u32_at(head, 0) else { return Ok(NO_HEADER) };
    if is_skippable(magic) {
        let Some(size) = u32_at(head, 4) else { return Ok(NO_HEADER) };
        let end = at + 8 + u64::from(size);
        return Ok(if end > window.file_size { NO_HEADER } else { Step::Skippable { end } });
    }
    if magic != ZSTD_MAGIC {
        return Ok(Step::Tail { content: Some(0), broken: Some("no zstd frame begins here") });
    }
    let Some(header) = FrameHeader::parse(head) else { return Ok(NO_HEADER) };
    blocks_end(window, at + header.size, header.has_checksum, header.content)
}

/// Steps over the blocks of a frame.
fn blocks_end(window: &mut Window<'_>, mut at: u64, has_checksum: bool, content: Option<u64>) -> io::Result<Step> {
    loop {
        let &[a, b, c] = window.at(at, 3)? else { return Ok(Step::Tail { content, broken: None }) };
        let header = u32::from_le_bytes([a, b, c, 0]);
        let (last, kind, size) = (header & 1 != 0, header >> 1 & 3, u64::from(header >> 3));
        at += 3 + match kind {
            // A repeated byte stands there once.
            1 => 1,
            3 => return Ok(Step::Tail { content, broken: Some("a zstd block has the reserved type") }),
            _ => size,
        };
        if last {
            let end = at + if has_checksum { 4 } else { 0 };
            let whole = end <= window.file_size;
            return Ok(if whole { Step::Frame { content, end } } else { Step::Tail { content, broken: None } });
        }
    }
}

/// A frame header (RFC 8878, 3.1.1.1).
struct FrameHeader {
    /// With the magic number.
    size: u64,
    content: Option<u64>,
    has_checksum: bool,
}

impl FrameHeader {
    fn parse(bytes: &[u8]) -> Option<FrameHeader> {
        let descriptor = *bytes.get(4)?;
        let single_segment = descriptor & 0x20 != 0;
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content_at = 5 + usize::from(!single_segment) + dictionary;
        let (content, content_size) = match descriptor >> 6 {
            0 if single_segment => (Some(u64::from(*bytes.get(content_at)?)), 1),
            0 => (None, 0),
            1 => (Some(u64::from(u16_at(bytes, content_at)?) + 256), 2),
            2 => (Some(u64::from(u32_at(bytes, content_at)?)), 4),
            _ => (Some(u64_at(bytes, content_at)?), 8),
        };
        let size = content_at + content_size;
        Some(FrameHeader { size: size as u64, content, has_checksum: descriptor & 4 != 0 })
            .filter(|_| size <= bytes.len())
    }
}

/// A few KiB of the file, kept because headers of small blocks stand close together.
struct Window<'a> {
    file: &'a File,
    file_size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    const SIZE: usize = 2048;

    /// `count` bytes at `at`, or fewer where the file ends.
    fn at(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        let inside = at >= self.start && at + count as u64 <= self.start + self.bytes.len() as u64;
        if !inside && at < self.file_size {
            self.bytes.resize(Window::SIZE, 0);
            let got = read_up_to(self.file, at, &mut self.bytes)?;
            self.bytes.truncate(got);
            self.start = at;
        }
        let from = usize::try_from(at - self.start.min(at)).unwrap_or(usize::MAX).min(self.bytes.len());
        Ok(&self.bytes[from..(from + count).min(self.bytes.len())])
    }
}
