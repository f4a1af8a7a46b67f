//! `bt -first-chance`: the stack of the fault that a handler took before the process died of it.

use dpdb_analyzer::WalkEnd;

use super::frames::{Backtrace, Extent, line};
use super::stack::DEEPEST;
use super::{CommandError, Engine};

impl Engine {
    /// The native frames at that fault, as the stack was then. They are none of the numbered frames, so that none is
    /// selected.
    ///
    /// # Errors
    /// No handler took a fault.
    pub fn first_chance_backtrace(&mut self, extent: Extent) -> Result<Backtrace, CommandError> {
        let tid = self.session.first_chance().map(|fault| fault.tid);
        let Some((tid, stack)) = tid.zip(self.session.first_chance_backtrace(DEEPEST)) else {
            let why = "no handler of the process took the fault first: 'bt' shows the stack at it";
            return Err(CommandError::refused(why));
        };
        let mut frames = Vec::new();
        for frame in &stack.frames {
            for source in self.names.of(&self.session, frame).iter().cloned() {
                let module = source.module.and_then(|index| self.session.modules().get(index));
                let module = module.map(|module| module.path().clone());
                frames.push(line(frames.len(), false, frame, source, module));
            }
        }
        let total = frames.len();
        let (front, back) = extent.ends_of(total);
        frames.drain(front..back);
        let gap = (extent == Extent::All && front < back).then_some(front);
        let end = (stack.end != WalkEnd::Outermost).then(|| stack.end.to_string());
        Ok(Backtrace { tid, frames, total, gap, end: end.filter(|_| front == total || back < total) })
    }
}
