//! Frozen snapshots: of a process only what commands read of it, be it from the snapshot or from the files of its
//! modules, so that a machine that has none of those files reads the same.
//!
//! Memory is there by whole pages; what nobody read in them is zero, so that the files stay small.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dpdb_analyzer::{Options, Session, Target};
use dpdb_snapshot::process::{Host, Process};
use dpdb_snapshot::{Absent, AddressRange, Avma, CaptureReport, Content, Memory, PlannedRange, Snapshot, SourceFile};
use dpdb_snapshot::{Text, WriteOptions, Written, add_sources, write_snapshot};
use dpdb_trace::engine::{Engine, FileFacts};
use dpdb_trace::shell::execute;

use super::fixture_dir;

const PAGE: u64 = 4096;
/// Around each byte that was read so many stay: an object is read by some of its fields, and later versions read others.
const BLOCK: u64 = 256;
/// Stands before the paths of all files, so that no file of any machine is taken for one of the process.
const ELSEWHERE: &str = "/frozen";

/// The numbers of the blocks of memory that were asked for.
type Blocks = Arc<Mutex<BTreeSet<u64>>>;

/// A snapshot that remembers what was asked for.
struct Recording {
    snapshot: Snapshot,
    blocks: Blocks,
}

impl Target for Recording {
    fn process(&self) -> &Process {
        self.snapshot.process()
    }

    fn memory(&self) -> &dyn Memory {
        self
    }

    fn sources(&self) -> &[SourceFile] {
        self.snapshot.sources()
    }
}

impl Memory for Recording {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let last = at.0.saturating_add(buf.len().max(1) as u64 - 1);
        self.blocks.lock().expect("nobody panics with it").extend(at.0 / BLOCK..=last / BLOCK);
        self.snapshot.read_some(at, buf)
    }
}

/// Memory of which only some blocks are there, and zeros between them.
struct Sparse<'s> {
    memory: &'s dyn Memory,
    blocks: &'s BTreeSet<u64>,
}

impl Memory for Sparse<'_> {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let got = self.memory.read_some(at, buf)?;
        for (byte, at) in buf[..got].iter_mut().zip(at.0..) {
            if !self.blocks.contains(&(at / BLOCK)) {
                *byte = 0;
            }
        }
        Ok(got)
    }
}

/// Where the frozen interpreters are.
pub fn frozen_dir() -> PathBuf {
    fixture_dir().join("pythons")
}

/// The frozen interpreters, by minor version and flags, such as `3.13t`: files named `cpython-3.13.5t.snap`.
pub fn frozen() -> BTreeMap<String, PathBuf> {
    let files = frozen_dir().read_dir().expect("they are fixtures").map(|entry| entry.expect("a file").path());
    let named = files.filter_map(|path| {
        let version = path.file_name()?.to_str()?.strip_prefix("cpython-")?.strip_suffix(".snap")?;
        let (minor, micro) = version.rsplit_once('.').expect("three numbers");
        Some((minor.to_owned() + micro.trim_start_matches(|c: char| c.is_ascii_digit()), path.clone()))
    });
    named.collect()
}

/// Writes to `frozen` what these commands read of a snapshot, without what tells of the machine that it was taken on.
pub fn freeze(snapshot: &Path, commands: &[&str], frozen: &Path) {
    let blocks = Blocks::default();
    let target = Recording { snapshot: Snapshot::open(snapshot).expect("it is whole"), blocks: Arc::clone(&blocks) };
    let info = Snapshot::info(snapshot).expect("it is whole");
    let mut engine = Engine::new(Session::new(Box::new(target), Options::default()), FileFacts::new(snapshot, &info));
    for command in commands {
        execute(&mut engine, command).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
    drop(engine);

    let whole = Snapshot::open(snapshot).expect("it is whole");
    let (process, sources) = (elsewhere(whole.process().clone()), whole.sources().to_vec());
    let session = Session::new(Box::new(whole), Options::default());
    let blocks = blocks.lock().expect("nobody panics with it");
    let plan = plan(&session, &blocks);
    let memory = Sparse { memory: session.memory(), blocks: &blocks };
    let mut file = File::options().read(true).write(true).create_new(true).open(frozen).expect("the fixtures are ours");
    let options = WriteOptions { level: 19, chunk_size: 1 << 20, ..WriteOptions::default() };
    let mut report = |_: &Written| CaptureReport::default();
    write_snapshot(&process, &plan, &memory, &mut file, &options, &mut report).expect("it is written");
    add_sources(&file, &sources, 1 << 20).expect("they are added");
}

/// The pages of the blocks, as far as there are any. Those of code are read to walk native stacks and to look for
/// modules, and none of that is frozen.
fn plan(session: &Session, blocks: &BTreeSet<u64>) -> Vec<PlannedRange> {
    let mut plan: Vec<PlannedRange> = Vec::new();
    let mut pages: Vec<u64> = blocks.iter().map(|block| block * BLOCK / PAGE).collect();
    pages.dedup();
    for start in pages.into_iter().map(|page| Avma(page * PAGE)) {
        let is_data = session.process().mapping_at(start).is_some_and(|mapping| !mapping.permissions.execute);
        if !is_data || session.memory().read_u64(start).is_err() {
            continue;
        }
        let range = AddressRange { start, end: start.wrapping_add(PAGE) };
        match plan.last_mut().filter(|last| last.range.end == range.start) {
            Some(last) => last.range.end = range.end,
            None => plan.push(PlannedRange { range, content: Content::Captured }),
        }
    }
    plan
}

fn elsewhere(mut process: Process) -> Process {
    let moved = |path: &mut Text| {
        if path.0.starts_with(b"/") {
            path.0.splice(..0, ELSEWHERE.bytes());
        }
    };
    process.mappings.iter_mut().for_each(|mapping| moved(&mut mapping.path));
    process.modules.iter_mut().for_each(|module| moved(&mut module.path));
    process.executable.iter_mut().for_each(moved);
    Process {
        arguments: Vec::new(),
        environment: Vec::new(),
        fds: Vec::new(),
        limits: Vec::new(),
        cgroup: Vec::new(),
        namespaces: Vec::new(),
        tree: Vec::new(),
        run: None,
        host: Host::default(),
        ..process
    }
}
