//! Values of the standard libraries when their memory is damaged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use dpdb_analyzer::{Frame, Logical, Options, Remark, Session, ValueLimits, ValueStyle, ValueTree, Variable};
use dpdb_snapshot::{Absent, Avma, Memory, Snapshot};
use serde_json::Value;

use crate::programs::{Capture, captures};

fn named<'a>(captures: &'a [Capture], program: &str) -> Option<&'a Capture> {
    captures.iter().find(|capture| capture.program == program)
}

/// Memory part of which is not what it was.
struct DamagedMemory {
    whole: Snapshot,
    damage: Arc<Damage>,
}

#[derive(Default)]
struct Damage {
    /// With another seed other bytes are wrong; with 0 none is.
    seed: AtomicU64,
    /// Words that were put in place of others.
    words: Mutex<BTreeMap<u64, u64>>,
}

impl Memory for DamagedMemory {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let count = self.whole.read_some(at, buf)?;
        let seed = self.damage.seed.load(Ordering::Relaxed);
        let words = self.damage.words.lock().expect("no test panics while it holds the words");
        for (address, byte) in (at.0..).zip(&mut buf[..count]) {
            if let Some(word) = words.get(&(address & !7)) {
                *byte = word.to_le_bytes()[(address & 7) as usize];
            }
            let chance = mixed(seed ^ mixed(address));
            if seed != 0 && chance.is_multiple_of(24) {
                *byte = (chance >> 8) as u8;
            }
        }
        Ok(count)
    }
}

/// splitmix64's last step.
fn mixed(seed: u64) -> u64 {
    let seed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ seed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ seed >> 31
}

/// The stack of a program that died, and what can be done to its memory.
struct Scene {
    session: Session,
    damage: Arc<Damage>,
    frames: Vec<Frame>,
    tid: i32,
    /// The frame with the containers.
    index: usize,
}

impl Scene {
    fn of(variant: &'static str, program: &str) -> Scene {
        let all = captures(variant);
        let capture = named(&all, program).expect("the Makefile has it");
        let whole = Snapshot::open(&capture.core).expect("we wrote it");
        let damage = Arc::new(Damage::default());
        let process = whole.process().clone();
        let memory = DamagedMemory { whole, damage: damage.clone() };
        let options = Options { executable: Some(capture.executable.clone()), ..Options::default() };
        let session = Session::new(Box::new((process, memory)), options);
        let tid = session.process().threads[0].tid;
        let frames = session.backtrace(tid, 50).frames;
        let is_zoo = |frame: &Frame| {
            let function = session.symbolize(frame).pop().and_then(|source| source.function);
            function.is_some_and(|function| function.name.ends_with("zoo"))
        };
        let index = frames.iter().position(is_zoo).expect("every such program has a zoo");
        Scene { session, damage, frames, tid, index }
    }

    fn variables(&self, style: ValueStyle) -> Vec<Variable> {
        let limits = ValueLimits { elements: 16, nodes: 400, style, ..ValueLimits::default() };
        self.session.variables(self.tid, &self.frames, self.index, limits).into_iter().flatten().collect()
    }

    fn value(&self, name: &str, style: ValueStyle) -> ValueTree {
        let found = self.variables(style).into_iter().find(|variable| variable.name == name);
        found.expect("the zoo has it").value
    }
}

#[test]
fn a_wild_vector_is_shown_as_it_is_laid_out_and_says_why() {
    let scene = Scene::of("gcc-O0", "cpp_stl");
    let ValueTree::Logical(whole) = scene.value("numbers", ValueStyle::Pretty) else { panic!("a vector is one") };
    assert!(matches!(&*whole, Logical::Sequence { items, length: Some(6) } if items.len() == 6));

    let raw = serde_json::to_value(scene.value("numbers", ValueStyle::Raw)).expect("values are JSON");
    let mut pointers = pointers(&raw);
    pointers.sort_unstable();
    let [start, finish, limit] = pointers[..] else { panic!("a vector has three pointers: {raw}") };
    let at = scene.frames[scene.index].registers.get(7).expect("rsp is always known");
    let place = (at..at + 0x2000)
        .step_by(8)
        .find(|at| {
            [0, 8, 16].map(|offset| scene.session.memory().read_u64(Avma(at + offset)).ok())
                == [start, finish, limit].map(Some)
        })
        .expect("the vector is on the stack");
    // Ten to the fifteenth elements, with the capacity for them.
    let wild = start + 4_000_000_000_000_000;
    scene.damage.words.lock().expect("nothing panicked").extend([(place + 8, wild), (place + 16, wild)]);
    assert!(doubt(&scene.value("numbers", ValueStyle::Pretty)).contains("last element"));
    // More elements than there is room for.
    scene.damage.words.lock().expect("nothing panicked").extend([(place + 8, limit + 4), (place + 16, limit)]);
    assert!(doubt(&scene.value("numbers", ValueStyle::Pretty)).contains("capacity"));
}

fn pointers(value: &Value) -> Vec<u64> {
    match value {
        Value::Object(map) => match map.get("$ptr").and_then(Value::as_str) {
            Some(text) => u64::from_str_radix(text.trim_start_matches("0x"), 16).into_iter().collect(),
            None => map.values().flat_map(pointers).collect(),
        },
        _ => Vec::new(),
    }
}

fn doubt(value: &ValueTree) -> &str {
    match value {
        ValueTree::Remarked { value, remark } => match (&**value, &**remark) {
            (ValueTree::Struct(_), Remark::Doubt(doubt)) => doubt,
            other => panic!("no doubt: {other:?}"),
        },
        other => panic!("no remark: {other:?}"),
    }
}

#[test]
fn a_thousand_damaged_memories_are_shown_within_bounds() {
    for (variant, program) in [("gcc-O0", "cpp_stl"), ("rust-O0", "rs_collections")] {
        let scene = Scene::of(variant, program);
        let whole = scene.variables(ValueStyle::Pretty);
        let (mut changed, mut doubted) = (0, 0);
        for seed in 1..=500 {
            scene.damage.seed.store(seed, Ordering::Relaxed);
            let variables = scene.variables(ValueStyle::Pretty);
            assert_eq!(variables.len(), whole.len(), "seed {seed}");
            for (damaged, whole) in variables.iter().zip(&whole) {
                let json = serde_json::to_string(&damaged.value).expect("values are JSON");
                assert!(json.len() < 1 << 20, "seed {seed}: {} takes {} bytes", damaged.name, json.len());
                changed += usize::from(damaged.value != whole.value);
                doubted += usize::from(json.contains("\"doubt\""));
            }
        }
        assert!(changed > 1000 && doubted > 100, "{program}: {changed} changed, {doubted} doubted");
    }
}
