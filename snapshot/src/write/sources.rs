//! Adds source text to a snapshot that is already whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::compressed_note;
use crate::SourceFile;
use crate::dpdb_note::{NT_DPDB_SOURCES, SourcesNote, VERSION};
use crate::stream::seek_table;

/// Adds the text of these files to the snapshot in `file`, behind its core and before its seek table, and returns how
/// many bytes that took, `room` at most. The core that the file decompresses to stays what it was.
///
/// # Errors
/// There is no room, `file` is not a snapshot with a seek table, or it cannot be written. It is then as it was, unless that fails too.
pub fn add_sources(file: &File, files: &[SourceFile], room: u64) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let table = seek_table::bytes_of(file, size)?;
    let frame = seek_table::skippable_frame(&note_of(files)?)?;
    let end = [frame.as_slice(), &seek_table::with_skippable(&table, frame.len() as u32)].concat();
    let added = (end.len() - table.len()) as u64;
    if added > room {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let at = size - table.len() as u64;
    file.write_all_at(&end, at).or_else(|error| {
        file.write_all_at(&table, at)?;
        file.set_len(size)?;
        Err(error)
    })?;
    Ok(added)
}

fn note_of(files: &[SourceFile]) -> io::Result<Vec<u8>> {
    compressed_note(NT_DPDB_SOURCES, &SourcesNote { version: VERSION, files: files.to_vec() })
}
