//! `bt -group`: the stacks of all threads of all processes, equal ones once.

use std::collections::HashMap;

use dpdb_snapshot::Text;
use serde::Serialize;

use super::{Engine, Extent, FrameLine, Reply, View, WholeRun};

/// Frames of each stack that are looked at.
const FRAMES: usize = 200;

/// Stacks of a run, the most frequent first.
#[derive(Debug, Serialize)]
pub struct EqualStacks {
    /// How many threads there are.
    pub threads: usize,
    /// How many processes.
    pub processes: usize,
    /// The stacks.
    pub groups: Vec<EqualStack>,
    /// Processes that could not be looked into, a sentence each.
    pub unreadable: Vec<String>,
    /// Somebody interrupted it: processes are left out.
    pub given_up: bool,
}

/// Threads whose stacks are equal: the same functions at the same lines, wherever they lie in memory.
#[derive(Debug, Serialize)]
pub struct EqualStack {
    /// The threads.
    pub members: Vec<StackMember>,
    /// The frames of the first of them.
    pub frames: Vec<FrameLine>,
}

/// A thread of a process.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StackMember {
    /// The process's number in `processes`.
    pub process: usize,
    /// Its process id.
    pub pid: i32,
    /// Its rank.
    pub rank: Option<u32>,
    /// The thread.
    pub tid: i32,
}

/// What makes a frame equal to another: its function and line, or the module and offset of what has no name.
type FrameKey = (Option<Text>, Option<Text>, Option<u32>, Option<u64>);

impl WholeRun {
    /// The stacks of all threads of all processes, equal ones once.
    pub fn equal_stacks(&mut self) -> Reply {
        let mut known: HashMap<Vec<FrameKey>, usize> = HashMap::new();
        let mut all =
            EqualStacks { threads: 0, processes: 0, groups: Vec::new(), unreadable: Vec::new(), given_up: false };
        let indices = self.all();
        all.given_up = self.for_each(&indices, |process, engine| {
            let engine = match engine {
                Ok(engine) => engine,
                Err(error) => return all.unreadable.push(error.to_string()),
            };
            all.processes += 1;
            for (tid, frames) in stacks(engine) {
                all.threads += 1;
                let key = frames.iter().map(key).collect();
                let index = *known.entry(key).or_insert(all.groups.len());
                if index == all.groups.len() {
                    all.groups.push(EqualStack { members: Vec::new(), frames });
                }
                let crash = &process.line.crash;
                let member = StackMember { process: process.number, pid: crash.pid, rank: crash.rank, tid };
                all.groups[index].members.push(member);
            }
        });
        // Equally frequent ones stay in the order of death.
        all.groups.sort_by_key(|group| std::cmp::Reverse(group.members.len()));
        Reply::EqualStacks(all)
    }
}

/// The innermost frames of each thread; a thread whose registers are lost has none.
fn stacks(engine: &mut Engine) -> Vec<(i32, Vec<FrameLine>)> {
    let tids: Vec<i32> = engine.process().threads.iter().map(|thread| thread.tid).collect();
    let mut frames_of = |tid| {
        let backtrace = engine.backtrace(tid, Extent::Innermost(FRAMES), View::Merged);
        let mut frames = backtrace.map(|backtrace| backtrace.frames).unwrap_or_default();
        // They stand for many threads, in which other frames are selected.
        frames.iter_mut().for_each(|frame| frame.selected = false);
        frames
    };
    tids.into_iter().map(|tid| (tid, frames_of(tid))).collect()
}

fn key(frame: &FrameLine) -> FrameKey {
    let unnamed = frame.function.is_none() || frame.line.is_none();
    let module = frame.module.clone().filter(|_| unnamed);
    (frame.function.clone(), module, frame.line, frame.offset.filter(|_| unnamed))
}
