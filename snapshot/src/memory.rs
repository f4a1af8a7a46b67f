//! Reading the bytes of a stopped process, wherever they are kept.

use crate::{AddressRange, Avma};

/// Why bytes of a process cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// The process had nothing mapped there.
    #[error("{0} was not mapped")]
    NotMapped(Avma),
    /// The process had memory there, which the file does not hold.
    #[error("{range} was not captured: {reason}")]
    NotCaptured {
        /// The whole range that shares this reason.
        range: AddressRange,
        /// A short phrase, such as `MADV_DONTDUMP` or `the file is cut off`.
        reason: String,
    },
    /// The memory was there but could not be read, neither then nor now.
    #[error("{range} could not be read: {reason}")]
    Unreadable {
        /// The range that failed.
        range: AddressRange,
        /// The errno or the decoder's complaint, as a short phrase.
        reason: String,
    },
}

/// The memory of a stopped process: a snapshot's, an ELF core's, or a live one's.
///
/// Implementations are cheap to call for a few bytes (they cache what is costly), and can be called from any thread.
pub trait Memory: Send + Sync {
    /// Reads into `buf` from `at` on, and returns how many bytes were had: all of `buf`, or fewer where what
    /// follows is absent. It is never zero for a non-empty `buf`.
    ///
    /// # Errors
    /// Why the very first byte is absent.
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent>;

    /// Fills all of `buf` from `at` on.
    ///
    /// # Errors
    /// Why the first missing byte is absent.
    fn read(&self, at: Avma, buf: &mut [u8]) -> Result<(), Absent> {
        let mut done = 0;
        while done < buf.len() {
            let next = at.checked_add(done as u64).ok_or(Absent::NotMapped(at))?;
            done += self.read_some(next, &mut buf[done..])?.max(1);
        }
        Ok(())
    }

    /// The little-endian 64-bit word at `at`.
    ///
    /// # Errors
    /// As [`Memory::read`].
    fn read_u64(&self, at: Avma) -> Result<u64, Absent> {
        let mut word = [0; 8];
        self.read(at, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    /// The bytes from `at` up to a NUL, which is not among them. They end earlier at `limit` bytes or where memory
    /// ends; the flag says whether the NUL was found.
    ///
    /// # Errors
    /// Why the very first byte is absent.
    fn read_c_string(&self, at: Avma, limit: usize) -> Result<(Vec<u8>, bool), Absent> {
        let mut text = Vec::new();
        let mut chunk = [0; 256];
        while text.len() < limit {
            let Some(next) = at.checked_add(text.len() as u64) else { break };
            // Chunks end at 256-byte boundaries, so that a string just below an unmapped page is had whole.
            let want = (256 - (next.0 as usize % 256)).min(limit - text.len());
            let got = match self.read_some(next, &mut chunk[..want]) {
                Ok(got) => got,
                Err(absent) if text.is_empty() => return Err(absent),
                Err(_) => break,
            };
            if let Some(nul) = chunk[..got].iter().position(|&byte| byte == 0) {
                text.extend_from_slice(&chunk[..nul]);
                return Ok((text, true));
            }
            text.extend_from_slice(&chunk[..got]);
        }
        Ok((text, false))
    }
}
