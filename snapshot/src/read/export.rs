//! The plain core out of a compressed one.

use std::io::{self, Write};

use super::{Format, Snapshot};
use crate::Avma;
use crate::elf::header::ProgramHeader;
use crate::stream::Missing;

/// Why an export is not what `zstd -dc` would have given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The output could not be written.
    #[error("cannot write the core: {0}")]
    Io(#[from] io::Error),
    /// The core was written, but parts of the file are broken: zeros stand for them.
    #[error("{lost} of {written} bytes are lost ({reason}); zeros stand for them")]
    Broken {
        /// How many bytes were written.
        written: u64,
        /// How many of these are zeros because nothing better can be had.
        lost: u64,
        /// What is wrong where the first of them are.
        reason: String,
    },
    /// The core was written as far as the file goes.
    #[error("the file is cut off: only {written} bytes of the core could be written")]
    CutOff {
        /// How many bytes were written.
        written: u64,
    },
}

impl Snapshot {
    /// Writes the plain ELF core, byte for byte what `zstd -dc` gives but for what a delta has from its base, and returns its length.
    ///
    /// # Errors
    /// Where writing fails. Where the file is damaged, the error comes last: what can be had is written before.
    pub fn export(&self, out: &mut dyn Write) -> Result<u64, ExportError> {
        let mut buffer = vec![0; 256 << 10];
        let (mut written, mut lost, mut reason) = (0u64, 0u64, None);
        let mut loads: Vec<&ProgramHeader> = self.headers.loads.iter().filter(|_| self.shared.is_some()).collect();
        loads.sort_by_key(|load| load.offset);
        let mut loads = loads.as_slice();
        loop {
            let count = match self.stream.read_some(written, &mut buffer) {
                Ok(count) => count,
                Err(Missing::Broken { end, .. }) if end == u64::MAX => break,
                Err(Missing::Broken { end, reason: why, .. }) => {
                    let count = usize::try_from(end - written).unwrap_or(usize::MAX).min(buffer.len());
                    buffer[..count].fill(0);
                    lost += count as u64;
                    reason.get_or_insert(why);
                    count
                }
                Err(Missing::CutOff) => break,
            };
            let is_behind = |load: &&&ProgramHeader| load.offset.saturating_add(load.filesz) <= written;
            loads = &loads[loads.iter().take_while(is_behind).count()..];
            let (gone, why) = self.complete(loads, written, &mut buffer[..count]);
            lost += gone;
            reason = reason.or(why);
            out.write_all(&buffer[..count])?;
            written += count as u64;
        }
        out.flush()?;
        match reason {
            Some(reason) => Err(ExportError::Broken { written, lost, reason }),
            None if self.ends_early(written) => Err(ExportError::CutOff { written }),
            None => Ok(written),
        }
    }

    /// Puts what stands in the base into bytes of the stream from `offset` on. Returns how many could not be had, and why.
    fn complete(&self, loads: &[&ProgramHeader], offset: u64, buf: &mut [u8]) -> (u64, Option<String>) {
        let (mut lost, mut reason) = (0, None);
        let Some(shared) = &self.shared else { return (lost, reason) };
        let end = offset.saturating_add(buf.len() as u64);
        for load in loads.iter().take_while(|load| load.offset < end) {
            let (from, to) = (load.offset.max(offset), load.offset.saturating_add(load.filesz).min(end));
            if from < to {
                let part = &mut buf[(from - offset) as usize..(to - offset) as usize];
                let (gone, why) = shared.complete(Avma(load.vaddr.wrapping_add(from - load.offset)), part);
                lost += gone;
                reason = reason.or(why);
            }
        }
        (lost, reason)
    }

    /// Whether the headers speak of more than there is. A plain core is copied as it is.
    fn ends_early(&self, size: u64) -> bool {
        let segments = self.headers.loads.iter().chain(&self.headers.notes);
        self.format != Format::Core
            && segments
                .filter(|segment| segment.filesz > 0)
                .any(|segment| segment.offset.saturating_add(segment.filesz) > size)
    }
}
