//! What the writer of a snapshot and the loop that holds its process say to each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dpdb_snapshot::{Absent, AddressRange, Avma, Memory};

/// Bytes that all writers of a run have written: a disk on which this stands still does not answer.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// So many bytes more are written.
    pub(crate) fn beat(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a process is still held for who reads it.
#[derive(Clone, Debug, Default)]
pub struct Hold(Arc<AtomicBool>);

impl Hold {
    /// It is not held any longer. To be called before it goes on: what is read later is not of the instant any more.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it went on.
    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The memory of a process for as long as it is held.
#[derive(Debug)]
pub(super) struct HeldMemory<'a, M> {
    pub(super) memory: M,
    pub(super) hold: &'a Hold,
}

impl<M: Memory> Memory for HeldMemory<'_, M> {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let read = self.memory.read_some(at, buf);
        // Asked afterwards, so that no byte is taken that may have changed.
        if self.hold.is_over() {
            let range = AddressRange { start: at, end: Avma(u64::MAX) };
            return Err(Absent::Unreadable { range, reason: "the process was let go before it was read".to_owned() });
        }
        read
    }
}
