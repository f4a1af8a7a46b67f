//! A thread's stack as people count it: inlined functions are frames of their own.

use std::collections::HashMap;
use std::sync::Arc;

use dpdb_analyzer::{Frame, FrameKind, Session, SourceFrame, WalkEnd};
use dpdb_snapshot::Avma;

use super::user_frame::{Candidate, is_users};
use super::{CommandError, Engine};

/// The frames of most stacks, walked at once.
const USUAL_DEPTH: usize = 256;

/// Past this, a stack is cut: an 8 MiB stack has half a million frames at most.
const DEEPEST: usize = 1 << 19;

/// The user's own frame is looked for among so many.
const USER_FRAME_DEPTH: usize = 64;

/// A thread's stack, walked as far as anybody asked.
#[derive(Debug)]
pub struct Stack {
    /// The physical frames.
    pub physical: Vec<Frame>,
    /// Why there are no more.
    pub end: WalkEnd,
    /// The frames as they are numbered: which physical frame, and which of the functions there, innermost first.
    pub numbered: Vec<(usize, usize)>,
}

/// The functions at a pc; deep recursion has few different ones.
#[derive(Debug, Default)]
pub struct Names {
    known: HashMap<(Avma, FrameKindKey), Arc<[SourceFrame]>>,
}

type FrameKindKey = bool;

impl Names {
    /// The functions of a frame, innermost first; never empty.
    pub fn of(&mut self, session: &Session, frame: &Frame) -> Arc<[SourceFrame]> {
        let key = (frame.lookup_address(), frame.kind == FrameKind::SignalTrampoline);
        self.known.entry(key).or_insert_with(|| session.symbolize(frame).into()).clone()
    }
}

impl Engine {
    /// The stack of a thread with at least `wanted` numbered frames, unless it has fewer.
    ///
    /// # Errors
    /// There is no such thread.
    pub fn stack(&mut self, tid: i32, wanted: usize) -> Result<&Stack, CommandError> {
        if self.process().thread(tid).is_none() {
            return Err(CommandError::refused(format!("no thread has the id {tid}; 'threads' lists them")));
        }
        let enough = self.stacks.get(&tid).is_some_and(|stack| {
            stack.numbered.len() >= wanted || !matches!(stack.end, WalkEnd::Limit(limit) if limit < DEEPEST)
        });
        if !enough {
            let limit = if wanted <= USUAL_DEPTH { USUAL_DEPTH } else { DEEPEST };
            let backtrace = self.session.backtrace(tid, limit);
            let mut numbered = Vec::with_capacity(backtrace.frames.len());
            for (index, frame) in backtrace.frames.iter().enumerate() {
                let levels = self.names.of(&self.session, frame).len();
                numbered.extend((0..levels.max(1)).map(|level| (index, level)));
            }
            self.stacks.insert(tid, Stack { physical: backtrace.frames, end: backtrace.end, numbered });
        }
        Ok(&self.stacks[&tid])
    }

    /// The number of the frame that is selected in a thread: on first sight the user's own in the thread that met the
    /// cause, the innermost in all others.
    pub fn selected_frame(&self, tid: i32) -> usize {
        self.selected.get(&tid).copied().unwrap_or(0)
    }

    /// A numbered frame and the function it stands for.
    ///
    /// # Errors
    /// There is no such thread, or no such frame.
    pub fn frame_at(&mut self, tid: i32, number: usize) -> Result<(Frame, SourceFrame), CommandError> {
        let stack = self.stack(tid, number.saturating_add(1))?;
        let Some(&(physical, level)) = stack.numbered.get(number) else {
            return Err(match stack.numbered.len() {
                0 => CommandError::refused(format!("thread {tid} has no frames: {}", stack.end)),
                count => CommandError::refused(format!("no frame {number}: the outermost is {}", count - 1)),
            });
        };
        let frame = stack.physical[physical].clone();
        let names = self.names.of(&self.session, &frame);
        let source = names.get(level).cloned().unwrap_or_default();
        Ok((frame, source))
    }

    /// The number of the first frame that is the user's own code.
    pub fn user_frame(&mut self, tid: i32) -> Option<usize> {
        let count = self.stack(tid, USER_FRAME_DEPTH).ok()?.numbered.len().min(USER_FRAME_DEPTH);
        (0..count).find(|&number| self.frame_at(tid, number).is_ok_and(|(frame, source)| self.owned(&frame, &source)))
    }

    fn owned(&self, frame: &Frame, source: &SourceFrame) -> bool {
        let module = source.module.and_then(|index| self.session.modules().get(index));
        let file = source.location.as_ref().map(|location| location.file.as_path().into());
        is_users(Candidate {
            function: source.function.as_ref().map(|function| function.name.as_str()),
            file: file.as_ref(),
            module: module.map(dpdb_analyzer::Module::path),
            trampoline: frame.kind == FrameKind::SignalTrampoline,
        })
    }
}
