//! A Python process whose memory is damaged at random is shown as far as it can be: no panic, no hang, no lie about
//! where it ends.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{Damaged, Scene, fixture_dir, tool};
use dpdb_analyzer::{Options, PythonMemo, Session, ValueLimits};

/// Seeds that share a session, and so the interpreter that was found when nothing was damaged.
const SEEDS: u64 = 1000;
/// Seeds for which the interpreter must be found again.
const FRESH_SEEDS: u64 = 20;
/// Seeds under which expressions are evaluated.
const EXPRESSION_SEEDS: u64 = 8;
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
        let inner = &stack.frames[..stack.frames.len().min(24)];
        for variables in session.python_locals(inner, limits) {
            for variable in variables.into_iter().flatten().take(100) {
                assert!(variable.value.to_string().len() < 1 << 22);
            }
        }
    }
    count
}

/// What is asked of each variable in turn, which stands for `x`.
const QUESTIONS: [&str; 22] = [
    "x",
    "len(x)",
    "x[0]",
    "x[-1:]",
    "list(x)",
    "sorted(x)",
    "dir(x)",
    "vars(x)",
    "type(x).__mro__",
    "x == x",
    "x.name",
    "x in [x]",
    "{x}",
    "{x: x}",
    "[y for y in x if y]",
    "str(x)",
    "repr(x)",
    "x + x",
    "x * 2",
    "bool(x)",
    "isinstance(x, int)",
    "dict(x)",
];

#[test]
fn expressions_over_damaged_objects_neither_panic_nor_hang() {
    let scene = Scene::new();
    let outcome = scene.run([tool("python3"), fixture_dir().join("targets/python_truth.py")]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let seed = Arc::new(AtomicU64::new(0));
    let session = session(&scene.snapshot(), &seed);
    let threads = session.python_threads().into_iter();
    let stacks = threads.filter_map(|thread| session.python_stack(thread.tid?, MOST_FRAMES));
    let frames: Vec<_> = stacks.flat_map(|stack| stack.frames).collect();
    let variables = session.python_locals(&frames, ValueLimits::default());
    let names = frames.iter().zip(variables).flat_map(|(frame, variables)| {
        variables.unwrap_or_default().into_iter().map(move |variable| (frame, variable.name))
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() > 50, "{} variables", names.len());
    let (mut answered, mut asked) = (0, 0);
    for next in 1..=EXPRESSION_SEEDS {
        seed.store(next, Ordering::Relaxed);
        for (place, (frame, name)) in names.iter().enumerate() {
            let mut memo = PythonMemo::default();
            let limits = ValueLimits { nodes: 400, ..ValueLimits::default() };
            let _ = session.evaluate_python(frame, &format!("$x = {name}"), &mut memo, limits);
            let question = QUESTIONS[(next as usize + place) % QUESTIONS.len()].replace('x', "$x");
            let found = session.evaluate_python(frame, &question, &mut memo, limits);
            asked += 1;
            answered += u64::from(found.is_ok_and(|value| value.shown.to_string().len() < 1 << 22));
        }
    }
    assert!(answered > asked / 10 && answered < asked, "the damage is felt, and not everywhere: {answered} of {asked}");
}

#[test]
fn random_damage_neither_panics_nor_hangs() {
    hold_under_damage("python_truth.py", 20, SEEDS);
}

#[test]
fn random_damage_of_objects_of_every_kind_neither_panics_nor_hangs() {
    hold_under_damage("python_kinds.py", 13, SEEDS / 20);
}

#[track_caller]
fn hold_under_damage(script: &str, at_least: usize, seeds: u64) {
    let scene = Scene::new();
    let outcome = scene.run([tool("python3"), fixture_dir().join("targets").join(script)]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let snapshot = scene.snapshot();

    let seed = Arc::new(AtomicU64::new(0));
    let shared = session(&snapshot, &seed);
    let whole = look(&shared);
    assert!(whole > at_least, "{whole} frames are there while nothing is damaged");
    let mut less = 0;
    for next in 1..=seeds {
        seed.store(next, Ordering::Relaxed);
        less += u64::from(look(&shared) < whole);
    }
    assert!(less > seeds / 10, "the damage is felt: {less}");

    for next in 1..=FRESH_SEEDS {
        seed.store(next, Ordering::Relaxed);
        look(&session(&snapshot, &seed));
    }
}
