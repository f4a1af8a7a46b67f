//! `py-bt` and `py-locals`.

use dpdb_analyzer::{PythonFrame, PythonVariable, Unreadable, ValueLimits};
use serde::Serialize;

use super::frames::FrameLine;
use super::{CommandError, Engine, Reply};

/// The Python stack of a thread.
#[derive(Debug, Serialize)]
pub struct PythonBacktrace {
    /// The thread.
    pub tid: i32,
    /// The version of the interpreter.
    pub version: String,
    /// The thread holds the global interpreter lock.
    pub holds_gil: bool,
    /// The frames, innermost first.
    pub frames: Vec<PythonFrameLine>,
    /// Why there are no more, unless the outermost is there.
    pub end: Option<String>,
}

/// A Python frame, and its variables if they were asked for.
#[derive(Debug, Serialize)]
pub struct PythonFrameLine {
    /// The frame.
    #[serde(flatten)]
    pub frame: FrameLine,
    /// Its variables that have values.
    pub variables: Option<Vec<PythonVariable>>,
    /// Why its variables cannot be read.
    pub unreadable: Option<String>,
}

impl Engine {
    /// The Python stack of a thread, on wish with the variables of each frame.
    ///
    /// # Errors
    /// There is no such thread, or it runs no Python code.
    pub fn python_backtrace(&mut self, tid: i32, with_locals: bool) -> Result<Reply, CommandError> {
        self.has_python(tid)?;
        let stack = self.stack(tid, usize::MAX)?;
        let end = stack.python.end.clone();
        let frames: Vec<(usize, PythonFrame)> = (0..stack.numbered.len())
            .filter(|number| !stack.numbered[*number].folded)
            .filter_map(|number| Some((number, stack.python_frame(number)?.clone())))
            .collect();
        let (numbers, frames): (Vec<usize>, Vec<PythonFrame>) = frames.into_iter().unzip();
        let lines = numbers.into_iter().map(|number| self.frame_line(tid, number));
        let lines = lines.collect::<Result<Vec<FrameLine>, CommandError>>()?;
        let frames = if with_locals {
            self.with_locals(lines, &frames)
        } else {
            let without = |frame| PythonFrameLine { frame, variables: None, unreadable: None };
            lines.into_iter().map(without).collect()
        };
        let thread = self.session.python_threads().into_iter().find(|thread| thread.tid == Some(tid));
        let version = self.session.python().map(|python| python.version().to_owned()).unwrap_or_default();
        let holds_gil = thread.is_some_and(|thread| thread.holds_gil);
        Ok(Reply::PythonBacktrace(PythonBacktrace { tid, version, holds_gil, frames, end }))
    }

    /// The variables of the selected frame if it is Python's, else of the Python frame that called it.
    ///
    /// # Errors
    /// There is no Python frame from the selected one on outwards.
    pub fn python_locals(&mut self) -> Result<Reply, CommandError> {
        let (number, frame) = self.nearest_python()?;
        let line = self.frame_line(self.tid, number)?;
        Ok(Reply::PythonLocals(self.with_own_locals(line, frame)))
    }

    /// The selected frame if it is Python's, else the Python frame that called it, and its number.
    pub(super) fn nearest_python(&mut self) -> Result<(usize, PythonFrame), CommandError> {
        let tid = self.tid;
        self.has_python(tid)?;
        let selected = self.selected_frame(tid);
        let stack = self.stack(tid, usize::MAX)?;
        let number = (selected..stack.numbered.len()).find(|number| stack.python_frame(*number).is_some());
        let found = number.and_then(|number| Some((number, stack.python_frame(number)?.clone())));
        found.ok_or_else(|| CommandError::refused("no Python code called the selected frame"))
    }

    /// The variables of the selected frame, or the arguments among them, whose names are `wanted`; `None` where it is
    /// no Python frame. What Python calls locals are the arguments, too.
    pub(super) fn python_variables(
        &mut self,
        arguments: bool,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Reply>, CommandError> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let line = self.frame_line(tid, number)?;
        let Some(frame) = self.stack(tid, number)?.python_frame(number).cloned() else { return Ok(None) };
        let mut found = self.with_own_locals(line, frame);
        let variables = found.variables.iter_mut();
        variables.for_each(|all| all.retain(|one| (one.argument || !arguments) && wanted(&one.name)));
        Ok(Some(Reply::PythonLocals(found)))
    }

    fn with_own_locals(&self, line: FrameLine, frame: PythonFrame) -> PythonFrameLine {
        self.with_locals(vec![line], &[frame]).remove(0)
    }

    /// Each frame with its variables.
    fn with_locals(&self, lines: Vec<FrameLine>, of: &[PythonFrame]) -> Vec<PythonFrameLine> {
        let read = self.session.python_locals(of, ValueLimits::default());
        let with = |(frame, read): (FrameLine, Result<Vec<PythonVariable>, Unreadable>)| {
            let unreadable = read.as_ref().err().map(ToString::to_string);
            PythonFrameLine { frame, variables: read.ok(), unreadable }
        };
        lines.into_iter().zip(read).map(with).collect()
    }
}
