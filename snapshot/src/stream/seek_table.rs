//! The seek table of the zstd seekable format (version 0.1.0, facebook/zstd, contrib/seekable_format).
//!
//! It is a skippable frame at the end of the file: for each frame its compressed size, its decompressed size and the
//! low half of the XXH64 of what it decompresses to; then the number of frames, a descriptor, and a magic number as
//! the very last bytes of the file.

use std::fs::File;
use std::io;

use super::frame_index::FrameIndex;
use super::read_up_to;
use crate::bytes::u32_at;
use crate::limits::{MAX_FRAME, MAX_FRAMES};

/// The magic number of the skippable frame that holds the table.
const TABLE_MAGIC: u32 = 0x184d_2a5e;
/// The magic number of a skippable frame with notes that are not part of the core.
const NOTES_MAGIC: u32 = 0x184d_2a53;
/// The low half of the XXH64 of nothing, which a skippable frame decompresses to.
const CHECKSUM_OF_NOTHING: u32 = 0x51d8_e999;
/// The last four bytes of a seekable file.
const SEEKABLE_MAGIC: u32 = 0x8f92_eab1;
const HEADER: u64 = 8;
const FOOTER: u64 = 9;
const CHECKSUM_FLAG: u8 = 0x80;
/// Bits that have to be zero.
const RESERVED_BITS: u8 = 0x7c;

/// What is said of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) compressed: u32,
    pub(crate) size: u32,
    pub(crate) checksum: u32,
}

impl Entry {
    /// A frame of `size` bytes that decompresses to nothing (the format's "Seek_Table_Entries").
    pub(crate) fn of_skippable(size: u32) -> Entry {
        Entry { compressed: size, size: 0, checksum: CHECKSUM_OF_NOTHING }
    }

    fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (field, value) in bytes.chunks_exact_mut(4).zip([self.compressed, self.size, self.checksum]) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }
}

/// The skippable frame with the table of these frames.
pub(crate) fn to_bytes(entries: &[Entry]) -> Vec<u8> {
    let table_size = entries.len() as u64 * 12 + FOOTER;
    let mut bytes = Vec::with_capacity((table_size + HEADER) as usize);
    bytes.extend(TABLE_MAGIC.to_le_bytes());
    bytes.extend((table_size as u32).to_le_bytes());
    for entry in entries {
        bytes.extend(entry.to_bytes());
    }
    bytes.extend((entries.len() as u32).to_le_bytes());
    bytes.push(CHECKSUM_FLAG);
    bytes.extend(SEEKABLE_MAGIC.to_le_bytes());
    bytes
}

/// A skippable frame that holds `content`.
///
/// # Errors
/// It is too large for one.
pub(crate) fn skippable_frame(content: &[u8]) -> io::Result<Vec<u8>> {
    let size = u32::try_from(content.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok([&NOTES_MAGIC.to_le_bytes(), &size.to_le_bytes(), content].concat())
}

/// What a whole skippable frame made by [`skippable_frame`] holds.
pub(crate) fn skippable_content(frame: &[u8]) -> Option<&[u8]> {
    let is_notes = u32_at(frame, 0) == Some(NOTES_MAGIC);
    frame.get(HEADER as usize..).filter(|content| is_notes && u32_at(frame, 4) == u32::try_from(content.len()).ok())
}

/// The same table with a skippable frame of `size` bytes behind the frames that it has.
pub(crate) fn with_skippable(table: &[u8], size: u32) -> Vec<u8> {
    let entry = Entry::of_skippable(size).to_bytes();
    let (entries, footer) = table.split_at(table.len() - FOOTER as usize);
    let mut longer = [entries, &entry[..], footer].concat();
    let (content, count) = (longer.len() - HEADER as usize, (longer.len() - HEADER as usize - FOOTER as usize) / 12);
    longer[4..8].copy_from_slice(&(content as u32).to_le_bytes());
    let count_at = longer.len() - FOOTER as usize;
    longer[count_at..count_at + 4].copy_from_slice(&(count as u32).to_le_bytes());
    longer
}

/// The bytes of the table at the end of a file that [`to_bytes`] made.
///
/// # Errors
/// There is none.
pub(crate) fn bytes_of(file: &File, file_size: u64) -> io::Result<Vec<u8>> {
    let no_table = || io::Error::new(io::ErrorKind::InvalidData, "it has no seek table");
    let mut footer = [0; FOOTER as usize];
    read_up_to(file, file_size.checked_sub(FOOTER).ok_or_else(no_table)?, &mut footer)?;
    let count = u64::from(u32_at(&footer, 0).unwrap_or_default());
    if u32_at(&footer, 5) != Some(SEEKABLE_MAGIC) || footer[4] != CHECKSUM_FLAG || count > MAX_FRAMES {
        return Err(no_table());
    }
    let size = count * 12 + FOOTER + HEADER;
    let mut table = vec![0; size as usize];
    read_up_to(file, file_size.checked_sub(size).ok_or_else(no_table)?, &mut table)?;
    if u32_at(&table, 0) == Some(TABLE_MAGIC) { Ok(table) } else { Err(no_table()) }
}

/// Why there is no table to be had.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io(io::Error),
    /// There is one, but what it says cannot be.
    Broken(String),
}

/// Reads the table at the end of a file; `None` where there is none.
pub(crate) fn read(file: &File, file_size: u64) -> Result<Option<FrameIndex>, ReadError> {
    let Some(footer_at) = file_size.checked_sub(FOOTER) else { return Ok(None) };
    let mut footer = [0; FOOTER as usize];
    read_up_to(file, footer_at, &mut footer).map_err(ReadError::Io)?;
    if u32_at(&footer, 5) != Some(SEEKABLE_MAGIC) {
        return Ok(None);
    }
    let count = u64::from(u32_at(&footer, 0).unwrap_or_default());
    let descriptor = footer[4];
    if count > MAX_FRAMES || descriptor & RESERVED_BITS != 0 {
        return Err(broken("its footer is not one"));
    }
    let entry_size = if descriptor & CHECKSUM_FLAG != 0 { 12 } else { 8 };
    let table_size = count * entry_size + FOOTER;
    let Some(table_at) = file_size.checked_sub(table_size + HEADER) else {
        return Err(broken("it is larger than the file"));
    };
    let mut table = vec![0; (table_size + HEADER - FOOTER) as usize];
    read_up_to(file, table_at, &mut table).map_err(ReadError::Io)?;
    if u32_at(&table, 0) != Some(TABLE_MAGIC) || u32_at(&table, 4).map(u64::from) != Some(table_size) {
        return Err(broken("it does not begin where it should"));
    }
    index(&table[HEADER as usize..], entry_size as usize, table_at).map(Some)
}

/// Adds the entries up, and checks that they end where the table begins.
fn index(entries: &[u8], entry_size: usize, frames_end: u64) -> Result<FrameIndex, ReadError> {
    let mut index = FrameIndex::default();
    for entry in entries.chunks_exact(entry_size) {
        let (compressed, size) = (u32_at(entry, 0).unwrap_or_default(), u32_at(entry, 4).unwrap_or_default());
        if u64::from(size) > MAX_FRAME || u64::from(compressed) > 2 * MAX_FRAME {
            return Err(broken("a frame is larger than 16 MiB"));
        }
        if u64::from(size) > most_content(u64::from(compressed)) {
            return Err(broken("a frame is too short for what it should hold"));
        }
        index.push(0, compressed, size, u32_at(entry, 8));
    }
    if index.file_end() == frames_end { Ok(index) } else { Err(broken("its frames do not add up to the file")) }
}

/// The most that a frame of so many bytes can decompress to: a block of four bytes repeats one up to 128 KiB times.
fn most_content(compressed: u64) -> u64 {
    (compressed / 4 + 1) * (128 << 10)
}

fn broken(reason: &str) -> ReadError {
    ReadError::Broken(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Entry, ReadError, read, to_bytes};

    fn file_of(bytes: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_table_reads_back_and_a_wrong_one_is_refused() {
        let entries =
            [Entry { compressed: 10, size: 100, checksum: 7 }, Entry { compressed: 5, size: 50, checksum: 8 }];
        let mut bytes = vec![0; 15];
        bytes.extend(to_bytes(&entries));
        let index = read(&file_of(&bytes), bytes.len() as u64).unwrap().unwrap();
        assert_eq!(index.size(), 150);
        let second = index.get(index.index_of(149).unwrap()).unwrap();
        assert_eq!((second.file_offset, second.stream_offset, second.checksum), (10, 100, Some(8)));
        assert_eq!(index.index_of(150), None);

        let shifted = [&[0], bytes.as_slice()].concat();
        assert!(matches!(read(&file_of(&shifted), shifted.len() as u64), Err(ReadError::Broken(_))));
        assert!(read(&file_of(b"short"), 5).unwrap().is_none());
    }
}
