//! The bytes of a file, mapped and not read: a debug file of many hundred megabytes costs the pages that are looked at.
#![allow(unsafe_code, reason = "the analyzer's one door to mmap(2)")]

use std::fs::{self, File};
use std::io;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

/// The bytes of a file, or of an image that was never one (the vdso).
#[derive(Debug)]
pub(crate) enum Image {
    /// A mapped file.
    Mapped(Mmap),
    /// Bytes of our own.
    Owned(Vec<u8>),
}

impl Image {
    /// Maps the regular file at `path`. Anything else (a FIFO, a device, a directory) is an error, so that a hostile
    /// path can neither block nor be endless.
    pub(crate) fn map(path: &Path) -> io::Result<Image> {
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Image::map_file(&File::open(path)?)
    }

    /// Maps a regular file that was opened.
    pub(crate) fn map_file(file: &File) -> io::Result<Image> {
        if file.metadata()?.len() == 0 {
            return Ok(Image::Owned(Vec::new()));
        }
        // SAFETY: the map is read-only and private, and its bytes are only ever looked at as `&[u8]`, where every
        // value is valid. What nobody can promise is that no other process writes to the file meanwhile: a changed
        // byte then shows as a wrong value and a truncated file as SIGBUS. Linkers and package managers replace
        // files by unlinking or renaming, which leaves this map's inode alone; every debugger lives with the rest.
        Ok(Image::Mapped(unsafe { Mmap::map(file)? }))
    }

    /// Gives back the memory of the pages that were looked at; looking again costs a fault each. Whoever goes through a
    /// large file calls it now and then: the kernel maps sixteen pages for one that is touched, and counts them all.
    pub(crate) fn give_pages_back(&self) {
        if let Image::Mapped(map) = self {
            // SAFETY: the pages belong to a file and were never written to, so that the same bytes come back at the next
            // access, whoever borrows them meanwhile.
            // It fails for locked pages, which stay.
            let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
    }

    /// As [`Image::give_pages_back`], for `part` of its bytes; nothing where they are not.
    pub(crate) fn give_back(&self, part: &[u8]) {
        let Image::Mapped(map) = self else { return };
        let offset = (part.as_ptr() as usize).checked_sub(map.as_ptr() as usize);
        if let Some(offset) = offset.filter(|offset| offset.saturating_add(part.len()) <= map.len()) {
            // SAFETY: as there.
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, offset, part.len()) };
        }
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Image::Mapped(map) => map,
            Image::Owned(bytes) => bytes,
        }
    }
}
