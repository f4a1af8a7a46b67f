//! A thread's stack as people count it: inlined functions are frames of their own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dpdb_analyzer::{Frame, FrameKind, PythonFrame, PythonStack, Session, SourceFrame, WalkEnd};
use dpdb_snapshot::Avma;

use super::merge::{Level, NativeLevel, merge};
use super::traceback_stack::{OwnStack, join};
use super::user_frame::{Candidate, is_runtime_library, is_users};
use super::{CommandError, Engine, python};

/// The frames of most stacks, walked at once.
const USUAL_DEPTH: usize = 256;

/// Past this, a stack is cut: an 8 MiB stack has half a million frames at most.
pub(super) const DEEPEST: usize = 1 << 19;

/// The user's own frame is looked for among so many.
const USER_FRAME_DEPTH: usize = 64;

/// A thread's stack, walked as far as anybody asked.
#[derive(Debug)]
pub struct Stack {
    /// The physical frames.
    pub physical: Vec<Frame>,
    /// Why there are no more.
    pub end: WalkEnd,
    /// The frames as they are numbered: which physical frame, and which of the functions there, innermost first. A
    /// Python frame has the physical frame that runs it.
    pub numbered: Vec<Level>,
    /// The Python frames.
    pub python: PythonStack,
}

impl Stack {
    /// The Python frame that has this number.
    pub fn python_frame(&self, number: usize) -> Option<&PythonFrame> {
        self.python.frames.get(self.numbered.get(number)?.python?)
    }

    /// The frame so many steps further out (further in where negative), not counting folded ones; at either end it
    /// stops.
    pub fn step(&self, from: usize, steps: i64) -> usize {
        let shown = |number: &usize| self.numbered.get(*number).is_some_and(|level| !level.folded);
        let count = usize::try_from(steps.unsigned_abs()).unwrap_or(usize::MAX);
        if count == 0 {
            return from;
        }
        let (mut further_out, mut further_in) =
            ((from + 1..self.numbered.len()).filter(shown), (0..from).rev().filter(shown));
        let way: &mut dyn Iterator<Item = usize> = if steps > 0 { &mut further_out } else { &mut further_in };
        way.take(count).last().unwrap_or(from)
    }
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
            let stack = self.walk(tid, limit);
            self.stacks.insert(tid, stack);
        }
        Ok(&self.stacks[&tid])
    }

    fn walk(&mut self, tid: i32, limit: usize) -> Stack {
        let backtrace = self.session.backtrace(tid, limit);
        let python = self.session.python_stack(tid, limit);
        let own = python.as_ref().and_then(|_| self.session.python().ok()).map(dpdb_analyzer::Python::module);
        let mut native = Vec::with_capacity(backtrace.frames.len());
        for (physical, frame) in backtrace.frames.iter().enumerate() {
            let names = self.names.of(&self.session, frame);
            let internal = own.is_some_and(|own| python::is_internal(&self.session, own, frame));
            let eval = internal && names.last().is_some_and(python::is_loop);
            let levels = 0..names.len().max(1);
            native.extend(levels.map(|level| NativeLevel { physical, level, eval, internal }));
        }
        let mut python = python.unwrap_or_default();
        let mut numbered = merge(&native, &python.frames, backtrace.end == WalkEnd::Outermost);
        if let Some(traceback) = self.selected_traceback(tid) {
            let raised = self.is_just_raised(tid);
            let own = OwnStack { levels: &numbered, python: &python.frames, raised };
            let internal: HashSet<usize> =
                native.iter().filter(|frame| frame.internal).map(|frame| frame.physical).collect();
            numbered = join(own, &traceback, |level| internal.contains(&level.physical));
            python.frames.extend(traceback);
        }
        Stack { physical: backtrace.frames, end: backtrace.end, numbered, python }
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
        let Some(&Level { physical, level, .. }) = stack.numbered.get(number) else {
            return Err(match stack.numbered.len() {
                0 => CommandError::refused(format!("thread {tid} has no frames: {}", stack.end)),
                count => CommandError::refused(format!("no frame {number}: the outermost is {}", count - 1)),
            });
        };
        let Some(frame) = stack.physical.get(physical).cloned() else {
            return Err(CommandError::refused(format!("thread {tid} has no native frames: {}", stack.end)));
        };
        if let Some(python) = stack.python_frame(number) {
            return Ok((frame, python::source_frame(python)));
        }
        let names = self.names.of(&self.session, &frame);
        let source = names.get(level).cloned().unwrap_or_default();
        Ok((frame, source))
    }

    /// The number of the first frame that is the user's own code; of a program without any names, the first that is in
    /// no runtime library.
    pub fn user_frame(&mut self, tid: i32) -> Option<usize> {
        if self.raised.contains_key(&tid) {
            let stack = self.stack(tid, 0).ok()?;
            let frames = (0..stack.numbered.len()).map_while(|number| stack.python_frame(number));
            let unwound: Vec<&PythonFrame> = frames.take_while(|frame| frame.traceback).collect();
            let own = unwound.iter().position(|frame| python::is_users(frame) && !python::is_installed(frame));
            let own = own.or_else(|| unwound.iter().position(|frame| python::is_users(frame)));
            if own.is_some() || !self.is_just_raised(tid) {
                return own;
            }
        }
        let count = self.stack(tid, USER_FRAME_DEPTH).ok()?.numbered.len().min(USER_FRAME_DEPTH);
        let own = (0..count).find(|&number| self.is_own(tid, number));
        let own = own.map(|own| self.own_beyond_installed(tid, own, count).unwrap_or(own));
        own.or_else(|| (0..count).find(|&number| self.is_outside_runtimes(tid, number)))
    }

    /// Of installed Python code that was called by the user's, the frame of the latter.
    fn own_beyond_installed(&self, tid: i32, own: usize, count: usize) -> Option<usize> {
        let stack = &self.stacks[&tid];
        stack.python_frame(own).filter(|frame| python::is_installed(frame))?;
        let is_other = |frame: &PythonFrame| python::is_users(frame) && !python::is_installed(frame);
        (own..count).find(|&number| stack.python_frame(number).is_some_and(is_other))
    }

    fn is_outside_runtimes(&mut self, tid: i32, number: usize) -> bool {
        let Ok((frame, source)) = self.frame_at(tid, number) else { return false };
        let module = source.module.and_then(|index| self.session.modules().get(index));
        let is_named = source.function.is_some() || frame.kind == FrameKind::SignalTrampoline;
        !is_named && module.is_some_and(|module| !is_runtime_library(module.path()))
    }

    /// Where there is Python, the interpreter's code is a runtime's, and so is Python's own library.
    fn is_own(&mut self, tid: i32, number: usize) -> bool {
        let Ok((frame, source)) = self.frame_at(tid, number) else { return false };
        let stack = &self.stacks[&tid];
        if let Some(python) = stack.python_frame(number) {
            return python::is_users(python);
        }
        let own = self.session.python().ok().filter(|_| !stack.python.frames.is_empty());
        let internal = own.is_some_and(|own| {
            python::is_internal(&self.session, own.module(), &frame) || python::is_library(&self.session, &frame)
        });
        !internal && self.owned(&frame, &source)
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
