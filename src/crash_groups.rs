//! The snapshots of a whole run, equal crashes together: `dpdb-trace report DIR`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dpdb_analyzer::FileCache;
use serde::Serialize;

use crate::cli::FileArgs;
use crate::engine::{Backtrace, Engine, Extent, FrameLine, Signature, SnapshotLine, SourceListing, View};
use crate::failure::sentence;
use dpdb_analyzer::parallel;

/// The crashes of a run.
#[derive(Debug, Serialize)]
pub struct CrashGroups {
    /// How many snapshots were looked into.
    pub snapshots: usize,
    /// The crash that came before all others, which often is what the others died of.
    pub first_failure: Option<SnapshotLine>,
    /// Equal crashes, those that came first before others.
    pub groups: Vec<CrashGroup>,
    /// Files that could not be read.
    pub unreadable: Vec<UnreadableFile>,
}

/// Equal crashes.
#[derive(Debug, Serialize)]
pub struct CrashGroup {
    /// What they have in common.
    pub signature: Signature,
    /// All of them, by time.
    pub crashes: Vec<SnapshotLine>,
    /// The stack of the first, where it can be read again.
    pub stack: Option<Backtrace>,
    /// Its frames with their sources and variables, where they were asked for.
    #[serde(skip)]
    pub frames: Vec<FrameDetail>,
}

/// A frame with all that a page shows of it.
#[derive(Debug)]
pub struct FrameDetail {
    /// The frame, with its arguments and locals.
    pub frame: FrameLine,
    /// The source around its line.
    pub source: Option<SourceListing>,
}

/// How much is read of the first crash of each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Its stack.
    Stack,
    /// And the sources and variables of its frames.
    Frames,
}

/// Lines of source before and after that of a frame.
const CONTEXT: u32 = 4;
/// Frames shown in detail.
const DETAILED: usize = 64;

/// A file that could not be read.
#[derive(Debug, Serialize)]
pub struct UnreadableFile {
    /// Its path.
    pub file: PathBuf,
    /// Why, in a sentence.
    pub error: String,
}

impl CrashGroup {
    /// The first of them.
    pub fn first(&self) -> &SnapshotLine {
        self.crashes.first().expect("a group is made for a crash")
    }
}

/// What a snapshot tells when it is looked into.
struct Looked {
    line: SnapshotLine,
    signature: Signature,
}

impl CrashGroups {
    /// Looks into the snapshots at `paths`.
    ///
    /// A snapshot is closed before the next is opened: what is kept of each is a line. What was found out about the
    /// program's own files is shared among those that one processor looks into.
    pub fn of(paths: &[PathBuf], files: &FileArgs, detail: Detail) -> CrashGroups {
        let looked = parallel::map(paths, FileCache::default, |shared, path| look_into(path, files, shared));
        let mut unreadable = Vec::new();
        let mut readable = Vec::new();
        for (path, looked) in paths.iter().zip(looked) {
            match looked {
                Ok(looked) => readable.push(looked),
                Err(error) => unreadable.push(UnreadableFile { file: path.clone(), error }),
            }
        }
        // What has no time of death goes last: it cannot be the first failure.
        readable.sort_by_key(|looked| looked.line.crash.time.unwrap_or(u64::MAX));
        let snapshots = readable.len();
        let first_failure = readable.first().map(|looked| looked.line.clone());
        let mut groups: Vec<CrashGroup> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for Looked { line, signature } in readable {
            let index = *known.entry(signature.hash.clone()).or_insert(groups.len());
            if index == groups.len() {
                groups.push(CrashGroup { signature, crashes: Vec::new(), stack: None, frames: Vec::new() });
            }
            groups[index].crashes.push(line);
        }
        let firsts: Vec<&Path> = groups.iter().map(|group| group.first().file.as_path()).collect();
        let stacks = parallel::map(&firsts, FileCache::default, |shared, path| stack_of(path, files, shared, detail));
        for (group, stack) in groups.iter_mut().zip(stacks) {
            if let Some((stack, frames)) = stack {
                (group.stack, group.frames) = (Some(stack), frames);
            }
        }
        CrashGroups { snapshots, first_failure, groups, unreadable }
    }
}

fn look_into(path: &Path, files: &FileArgs, shared: &FileCache) -> Result<Looked, String> {
    let mut engine = Engine::open_sharing(path, files, shared.clone()).map_err(|error| sentence(&error))?;
    let crash = engine.crash();
    let signature = engine.signature();
    let bytes = path.metadata().map_or(0, |metadata| metadata.len());
    let line = SnapshotLine { crash, ..SnapshotLine::new(path, bytes, !engine.damage().is_empty(), engine.process()) };
    Ok(Looked { line, signature })
}

/// The stack of the thread that met the cause, with the arguments of its frames, and what else is asked for.
fn stack_of(
    path: &Path,
    files: &FileArgs,
    shared: &FileCache,
    detail: Detail,
) -> Option<(Backtrace, Vec<FrameDetail>)> {
    let mut engine = Engine::open_sharing(path, files, shared.clone()).ok()?;
    let tid = engine.tid();
    let stack = engine.backtrace_with_values(tid, Extent::All, View::Merged, false).ok()?;
    if detail == Detail::Stack {
        return Some((stack, Vec::new()));
    }
    let full = engine.backtrace_with_values(tid, Extent::Innermost(DETAILED), View::Merged, true).ok()?;
    let frames = full.frames.into_iter();
    let frames = frames.map(|frame| FrameDetail { source: engine.source_around(tid, frame.number, CONTEXT), frame });
    Some((stack, frames.collect()))
}
