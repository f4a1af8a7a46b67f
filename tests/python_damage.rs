//! A Python process whose memory is damaged at random is shown as far as it can be: no panic, no hang, no lie about
//! where it ends.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Damaged, Scene, fixture_dir, tool};
use dpdb_analyzer::{Options, Session, ValueLimits};

/// Seeds that share a session, and so the interpreter that was found when nothing was damaged.
const SEEDS: u64 = 1000;
/// Seeds for which the interpreter must be found again.
const FRESH_SEEDS: u64 = 20;
const MOST_FRAMES: usize = 200;

fn session(snapshot: &Path, seed: &Arc<AtomicU64>) -> Session {
    Session::new(Box::new(Damaged::everywhere(snapshot, seed)), Options::default())
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
