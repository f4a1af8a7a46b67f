//! A Python process whose memory is damaged at random is shown as far as it can be: no panic, no hang, no lie about
//! where it ends.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Scene, fixture_dir, tool};
use dpdb_analyzer::{Options, Session, Target, ValueLimits};
use dpdb_snapshot::{Absent, Avma, Memory, Process, Snapshot};

/// Seeds that share a session, and so the interpreter that was found when nothing was damaged.
const SEEDS: u64 = 1000;
/// Seeds for which the interpreter must be found again.
const FRESH_SEEDS: u64 = 20;
const MOST_FRAMES: usize = 200;

/// Words of memory replaced by others: which ones, and by what, the seed decides.
struct Damaged {
    snapshot: Snapshot,
    seed: Arc<AtomicU64>,
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
        if seed != 0 {
            for (byte, offset) in buf[..got].iter_mut().zip(0..) {
                damage(byte, at.0.wrapping_add(offset), seed);
            }
        }
        Ok(got)
    }
}

/// One word in 16 to 2,048 is another one: bits flipped, zero, all ones, or a small number.
fn damage(byte: &mut u8, at: u64, seed: u64) {
    let word = mixed((at / 8) ^ seed.rotate_left(32));
    if !word.is_multiple_of(16 << (seed % 8)) {
        return;
    }
    let lane = at % 8;
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

/// The finalizer of splitmix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn session(snapshot: &Path, seed: &Arc<AtomicU64>) -> Session {
    let snapshot = Snapshot::open(snapshot).expect("the snapshot is whole");
    Session::new(Box::new(Damaged { snapshot, seed: Arc::clone(seed) }), Options::default())
}

/// Reads all there is, and returns how many frames there were.
fn look(session: &Session) -> usize {
    let limits = ValueLimits { nodes: 400, ..ValueLimits::default() };
    let mut count = 0;
    for thread in session.python_threads().into_iter().take(8) {
        let Some(stack) = thread.tid.and_then(|tid| session.python_stack(tid, MOST_FRAMES)) else { continue };
        assert!(stack.frames.len() <= MOST_FRAMES);
        count += stack.frames.len();
        for frame in stack.frames.iter().take(24) {
            for variable in session.python_locals(frame, limits).into_iter().flatten().take(100) {
                assert!(variable.value.to_string().len() < 1 << 22);
            }
        }
    }
    count
}

#[test]
fn random_damage_neither_panics_nor_hangs() {
    let scene = Scene::new();
    let outcome = scene.run([tool("python3"), fixture_dir().join("targets/python_truth.py")]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let snapshot = scene.snapshot();

    let seed = Arc::new(AtomicU64::new(0));
    let shared = session(&snapshot, &seed);
    let whole = look(&shared);
    assert!(whole > 20, "{whole} frames are there while nothing is damaged");
    let mut less = 0;
    for next in 1..=SEEDS {
        seed.store(next, Ordering::Relaxed);
        less += u64::from(look(&shared) < whole);
    }
    assert!(less > SEEDS / 10, "the damage is felt: {less}");

    for next in 1..=FRESH_SEEDS {
        seed.store(next, Ordering::Relaxed);
        look(&session(&snapshot, &seed));
    }
}
