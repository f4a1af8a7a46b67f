//! A core that is one long zstd frame, as `zstd core` and systemd-coredump write it: there is no way into its middle,
//! so it is decompressed from the beginning, as far as somebody asks, into a temporary file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Missing, read_up_to};
use crate::limits::MAX_SPOOL;

/// How much is decompressed at once.
const STEP: usize = 256 << 10;

/// A stream that is decompressed as far as it was asked for.
pub(crate) struct Spool {
    state: Mutex<State>,
}

struct State {
    decoder: zstd::stream::read::Decoder<'static, BufReader<File>>,
    /// Without a name; holes where the stream has zeros.
    content: File,
    /// How far the stream is decompressed.
    produced: u64,
    /// Why it does not go further.
    end: Option<Missing>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").finish_non_exhaustive()
    }
}

impl Spool {
    /// Prepares to decompress a file; the temporary file is in `$TMPDIR`, else in `/var/tmp`, which, unlike `/tmp`,
    /// is on a disk (file-hierarchy(7)).
    ///
    /// # Errors
    /// Where no temporary file can be made.
    pub(crate) fn new(file: File) -> io::Result<Spool> {
        let state = State {
            decoder: zstd::stream::read::Decoder::new(file)?,
            content: nameless_file()?,
            produced: 0,
            end: None,
            buffer: vec![0; STEP],
        };
        Ok(Spool { state: Mutex::new(state) })
    }

    /// Reads at least one byte at `offset`, decompressing as far as needed.
    pub(crate) fn read_some(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Missing> {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while state.produced <= offset {
            if let Some(missing) = &state.end {
                return Err(missing.clone());
            }
            state.step();
        }
        let count = usize::try_from(state.produced - offset).unwrap_or(usize::MAX).min(buf.len());
        let broken = |error: io::Error| Missing::Broken {
            start: offset,
            end: offset + count as u64,
            reason: format!("the temporary file cannot be read: {error}"),
        };
        let got = read_up_to(&state.content, offset, &mut buf[..count]).map_err(broken)?;
        // What is past the end of the temporary file was zeros, too.
        buf[got..count].fill(0);
        Ok(count)
    }
}

impl State {
    /// Decompresses some more; sets `end` where that is not possible.
    fn step(&mut self) {
        let missing = |start: u64, reason: String| Missing::Broken { start, end: u64::MAX, reason };
        if self.produced >= MAX_SPOOL {
            self.end = Some(missing(self.produced, format!("only the first {MAX_SPOOL} bytes are decompressed")));
            return;
        }
        match self.decoder.read(&mut self.buffer) {
            Ok(0) => self.end = Some(Missing::CutOff),
            Ok(got) => match self.store(got) {
                Ok(()) => self.produced += got as u64,
                Err(error) => {
                    let reason = format!("it does not fit into a temporary file (set TMPDIR): {error}");
                    self.end = Some(missing(self.produced, reason));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end = Some(Missing::CutOff),
            Err(error) => self.end = Some(missing(self.produced, format!("the file is corrupt: {error}"))),
        }
    }

    fn store(&mut self, count: usize) -> io::Result<()> {
        let bytes = &self.buffer[..count];
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        self.content.write_all_at(bytes, self.produced)
    }
}

/// A file of our own that goes away with us.
fn nameless_file() -> io::Result<File> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let directory = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    let mut tries = 0;
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".dpdb-trace.{}.{number}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 100 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}
