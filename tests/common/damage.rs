//! A snapshot whose memory is damaged at random: which bytes are others, and which they are, a seed decides.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dpdb_analyzer::Target;
use dpdb_snapshot::{Absent, AddressRange, Avma, Memory, Process, Snapshot};

/// Words of memory replaced by others.
pub struct Damaged {
    snapshot: Snapshot,
    /// What decides; with 0 nothing is damaged.
    seed: Arc<AtomicU64>,
    /// Where there is damage; everywhere if there are none.
    ranges: Vec<AddressRange>,
}

impl Damaged {
    /// A snapshot that is damaged everywhere.
    pub fn everywhere(snapshot: &Path, seed: &Arc<AtomicU64>) -> Damaged {
        let snapshot = Snapshot::open(snapshot).expect("the snapshot is whole");
        Damaged { snapshot, seed: Arc::clone(seed), ranges: Vec::new() }
    }

    /// A snapshot that is damaged in its heap and stacks: what is mapped from no file and can be written to.
    pub fn in_heap_and_stacks(snapshot: &Path, seed: &Arc<AtomicU64>) -> Damaged {
        let whole = Damaged::everywhere(snapshot, seed);
        let is_data = |path: &str| path.is_empty() || path == "[heap]" || path.starts_with("[stack");
        let mappings = whole.snapshot.process().mappings.iter();
        let ranges =
            mappings.filter(|mapping| is_data(&mapping.path.to_string())).map(|mapping| mapping.range).collect();
        Damaged { ranges, ..whole }
    }
}

impl Target for Damaged {
    fn process(&self) -> &Process {
        self.snapshot.process()
    }

    fn memory(&self) -> &dyn Memory {
        self
    }
}

impl Memory for Damaged {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let got = self.snapshot.read_some(at, buf)?;
        let seed = self.seed.load(Ordering::Relaxed);
        let reached = self.ranges.is_empty() || self.ranges.iter().any(|range| range.contains(at));
        if seed != 0 && reached {
            // The first part ends at a word's end.
            let (first, rest) = buf[..got].split_at_mut(got.min((8 - at.0 % 8) as usize));
            let words = std::iter::once(first).chain(rest.chunks_mut(8));
            let mut next = at.0;
            for word in words {
                damage(word, next, seed);
                next = next.wrapping_add(word.len() as u64);
            }
        }
        Ok(got)
    }
}

/// One word in 16 to 2,048 is another one: bits flipped, zero, all ones, or a small number. These are bytes of one word.
fn damage(bytes: &mut [u8], at: u64, seed: u64) {
    let word = mixed((at / 8) ^ seed.rotate_left(32));
    if !word.is_multiple_of(16 << (seed % 8)) {
        return;
    }
    for (byte, lane) in bytes.iter_mut().zip(at % 8..) {
        *byte = match word >> 32 & 3 {
            0 => *byte ^ (u8::from(lane == word >> 44 & 7) << (word >> 40 & 7)),
            1 => 0,
            2 => (mixed(word) >> (lane * 8)) as u8,
            _ => {
                if lane == 0 {
                    (word >> 48) as u8
                } else {
                    0
                }
            }
        };
    }
}

/// The finalizer of splitmix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
