//! The bytes of the ELF core, wherever they are: plain in the file, in zstd frames of bounded size, or in one long
//! zstd frame.

mod cache;
mod frame_index;
mod frame_scan;
mod frames;
pub(crate) mod seek_table;
mod spool;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use cache::Cache;
use frames::Frames;
use spool::Spool;

use crate::limits::{CACHE, MAX_FRAME};
use crate::read::Damage;

/// Why bytes of the stream cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The file ends before them.
    CutOff,
    /// They are there but broken: the stream's range (end exclusive) that is lost with them, and what is wrong.
    Broken { start: u64, end: u64, reason: String },
}

/// The decompressed core file.
#[derive(Debug)]
pub(crate) struct Stream {
    source: Source,
    cache: Mutex<Cache>,
    is_compressed: bool,
    file_size: u64,
    damage: Vec<Damage>,
}

#[derive(Debug)]
enum Source {
    /// The file is the core.
    Plain {
        file: File,
        size: u64,
    },
    Frames(Frames),
    Spool(Spool),
}

/// How much of a plain core is read and cached at once.
const PLAIN_BLOCK: u64 = 64 << 10;

impl Stream {
    /// Finds out how the core is kept in `file`, by its first bytes.
    ///
    /// # Errors
    /// Only what the operating system says of the file; damage is collected.
    pub(crate) fn open(file: File) -> io::Result<Stream> {
        let file_size = file.metadata()?.len();
        let mut magic = [0; 4];
        let is_zstd = read_up_to(&file, 0, &mut magic)? == 4 && frame_scan::is_zstd_magic(u32::from_le_bytes(magic));
        let mut damage = Vec::new();
        let source = if is_zstd {
            open_compressed(file, file_size, &mut damage)?
        } else {
            Source::Plain { file, size: file_size }
        };
        Ok(Stream { source, cache: Mutex::new(Cache::new(CACHE)), is_compressed: is_zstd, file_size, damage })
    }

    /// Whether the file is made of zstd frames.
    pub(crate) fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// The size of the file on disk.
    pub(crate) fn file_size(&self) -> u64 {
        self.file_size
    }

    /// What was found missing or broken in the way the core is kept.
    pub(crate) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How many bytes can be had, where that is known without decompressing all of them.
    pub(crate) fn known_size(&self) -> Option<u64> {
        match &self.source {
            Source::Plain { size, .. } => Some(*size),
            Source::Frames(frames) => Some(frames.size()),
            Source::Spool(_) => None,
        }
    }

    /// What the skippable frames hold, those of at most `most` bytes; the seek table is not among them.
    pub(crate) fn skippable(&self, most: u64) -> Vec<Vec<u8>> {
        match &self.source {
            Source::Frames(frames) => frames.skippable(most),
            _ => Vec::new(),
        }
    }

    /// How many frames were decompressed so far.
    #[cfg(test)]
    pub(crate) fn frames_decompressed(&self) -> usize {
        match &self.source {
            Source::Frames(frames) => frames.decompressed(),
            _ => 0,
        }
    }

    /// Reads into `buf` from `offset` on: all of it, or as much as there is before bytes that are missing.
    ///
    /// # Errors
    /// Why the very first byte is missing.
    pub(crate) fn read_some(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Missing> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_piece(offset.saturating_add(done as u64), &mut buf[done..]) {
                Ok(got) => done += got,
                Err(_) if done > 0 => break,
                Err(missing) => return Err(missing),
            }
        }
        Ok(done)
    }

    /// At least one byte of what `offset` lies in: one frame, or one block of a plain file.
    fn read_piece(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Missing> {
        match &self.source {
            Source::Spool(spool) => spool.read_some(offset, buf),
            Source::Plain { file, size } => {
                if offset >= *size {
                    return Err(Missing::CutOff);
                }
                let (start, end) = (offset - offset % PLAIN_BLOCK, (offset - offset % PLAIN_BLOCK) + PLAIN_BLOCK);
                self.cached(offset, start, buf, || {
                    let mut block = vec![0; (end.min(*size) - start) as usize];
                    let broken = |error: io::Error| Missing::Broken { start, end, reason: error.to_string() };
                    let got = read_up_to(file, start, &mut block).map_err(broken)?;
                    block.truncate(got);
                    Ok(block)
                })
            }
            Source::Frames(frames) => {
                let index = frames.index_of(offset).ok_or(Missing::CutOff)?;
                self.cached(offset, frames.start_of(index), buf, || frames.decompress(index))
            }
        }
    }

    /// Copies out of the cached block that begins at `start`, which `load` makes when it is not there.
    ///
    /// The lock is not held while loading: two threads may decompress one frame twice, but none waits for another's.
    fn cached(
        &self,
        offset: u64,
        start: u64,
        buf: &mut [u8],
        load: impl FnOnce() -> Result<Vec<u8>, Missing>,
    ) -> Result<usize, Missing> {
        let found = self.lock_cache().get(start);
        let block = match found {
            Some(block) => block,
            None => {
                let block = load()?;
                self.lock_cache().insert(start, block)
            }
        };
        let rest = block.get((offset - start) as usize..).filter(|rest| !rest.is_empty()).ok_or(Missing::CutOff)?;
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        // A thread that panicked elsewhere leaves the cache whole: no method of it can be interrupted half-way.
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Chooses between the seek table, a scan of the frames, and decompressing from the beginning.
fn open_compressed(file: File, file_size: u64, damage: &mut Vec<Damage>) -> io::Result<Source> {
    match seek_table::read(&file, file_size) {
        Ok(Some(index)) => return Ok(Source::Frames(Frames::new(file, index, None))),
        Ok(None) => {}
        Err(seek_table::ReadError::Io(error)) => return Err(error),
        Err(seek_table::ReadError::Broken(reason)) => damage.push(Damage::SeekTable { reason }),
    }
    let scan = frame_scan::scan(&file, file_size)?;
    if let Some(tail) = scan.tail {
        damage.push(match tail.broken {
            None => Damage::FileCutOff { at: tail.file_offset, of: file_size },
            Some(reason) => Damage::Frame { at: tail.file_offset, reason: reason.to_owned() },
        });
    }
    let is_bounded = |content: Option<u64>| content.is_some_and(|content| content <= MAX_FRAME);
    let frames_are = scan.frames.iter().all(|frame| is_bounded(frame.content));
    if !(frames_are && scan.tail.is_none_or(|tail| is_bounded(tail.content))) {
        return Ok(Source::Spool(Spool::new(file)?));
    }
    let index = frame_index::FrameIndex::from_scan(&scan);
    let tail = scan.tail.map(|tail| frames::decode_cut_frame(&file, tail.file_offset));
    Ok(Source::Frames(Frames::new(file, index, tail)))
}

/// Reads until `buf` is full or the file ends, and returns how many bytes there were.
pub(crate) fn read_up_to(file: &File, mut offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset) {
            Ok(0) => break,
            Ok(got) => {
                done += got;
                offset += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
