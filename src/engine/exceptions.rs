//! `exception`: what a thread raised, with the traceback of each exception, and which of them the stack shows.

use std::collections::BTreeSet;
use std::path::Path;

use dpdb_analyzer::{ExceptionState, PythonException, PythonExceptions, PythonFrame, PythonSpan};
use dpdb_snapshot::Text;
use dpdb_snapshot::process::{Cause, ExceptionLanguage, Fate};
use serde::Serialize;

use super::frames::SelectedFrame;
use super::{CommandError, Engine, Reply};

/// The exceptions of a thread.
#[derive(Debug, Serialize)]
pub struct Exceptions {
    /// The thread.
    pub tid: i32,
    /// In which state of their life they were found.
    pub state: ExceptionState,
    /// In the order in which Python prints them; the number of one is its place here.
    pub exceptions: Vec<ExceptionLines>,
    /// The number of the one that was raised last.
    pub raised: usize,
    /// The number of the one whose traceback the stack of the thread is, if any is selected.
    pub selected: Option<usize>,
    /// Why there are no more.
    pub end: Option<String>,
    /// Where one was just selected: its innermost frame of the user's own code.
    pub frame: Option<SelectedFrame>,
}

/// One exception, and its traceback with the source.
#[derive(Debug, Serialize)]
pub struct ExceptionLines {
    /// The exception.
    #[serde(flatten)]
    pub exception: PythonException,
    /// Its frames with their lines, outermost first.
    pub traceback: Vec<TracebackLine>,
}

/// A frame of a traceback.
#[derive(Debug, Serialize)]
pub struct TracebackLine {
    /// The frame.
    #[serde(flatten)]
    pub frame: PythonFrame,
    /// Its line of source, without the indentation; none where the source is not to be had.
    pub text: Option<Text>,
    /// The part of that text that was running, in characters from the first on, where the interpreter kept it and it is
    /// not all of the line.
    pub running: Option<(usize, usize)>,
}

/// Traceback lines alike after this many are not worth their source.
const LINES_WITH_TEXT: usize = 4096;

impl Engine {
    /// The exceptions of the selected thread.
    ///
    /// # Errors
    /// It has none.
    pub fn exceptions(&mut self) -> Result<Reply, CommandError> {
        let tid = self.tid;
        Ok(Reply::Exceptions(Box::new(self.exceptions_of(tid)?)))
    }

    /// Makes the traceback of an exception the stack of the selected thread, or with `None` its own stack again.
    ///
    /// # Errors
    /// There is no such exception.
    pub fn select_exception(&mut self, number: Option<usize>) -> Result<Reply, CommandError> {
        let tid = self.tid;
        if let Some(number) = number {
            let found = self.found_exceptions(tid)?;
            if number >= found.all.len() {
                let last = found.all.len() - 1;
                return Err(CommandError::refused(format!("no exception {number}: the last is {last}")));
            }
        }
        self.show_traceback_of(tid, number);
        if number.is_none() {
            return self.show_frame();
        }
        let mut reply = self.exceptions_of(tid)?;
        if let Ok(Reply::Frame(frame)) = self.show_frame() {
            reply.frame = Some(frame);
        }
        Ok(Reply::Exceptions(Box::new(reply)))
    }

    /// As [`Engine::select_exception`], without an answer; the user's own frame is selected.
    pub(super) fn show_traceback_of(&mut self, tid: i32, number: Option<usize>) {
        match number {
            Some(number) => self.raised.insert(tid, number),
            None => self.raised.remove(&tid),
        };
        self.stacks.remove(&tid);
        self.list = Default::default();
        let own = self.user_frame(tid).unwrap_or(0);
        self.selected.insert(tid, own);
    }

    /// The number of the exception that the snapshot was taken for, if it was one of Python with a traceback.
    pub(super) fn reported_exception(&self, tid: i32) -> Option<usize> {
        let caught = self.process().cause.as_ref().and_then(Cause::exception)?;
        if caught.language != ExceptionLanguage::Python || caught.tid != tid {
            return None;
        }
        let found = self.session.python_exception(tid)?;
        Some(found.raised).filter(|_| !found.last().traceback.is_empty())
    }

    /// Whether the snapshot was taken for an exception that had just been raised on a thread: it is in flight.
    pub(super) fn is_just_raised(&self, tid: i32) -> bool {
        let caught = self.process().cause.as_ref().and_then(Cause::exception);
        caught.is_some_and(|caught| caught.tid == tid && caught.fate == Fate::Raised)
    }

    /// The frames of the traceback that is the stack of a thread, innermost first.
    pub(super) fn selected_traceback(&self, tid: i32) -> Option<Vec<PythonFrame>> {
        let number = *self.raised.get(&tid)?;
        let exceptions = self.session.python_exception(tid)?;
        Some(exceptions.all.get(number)?.traceback.iter().rev().cloned().collect())
    }

    fn found_exceptions(&mut self, tid: i32) -> Result<PythonExceptions, CommandError> {
        self.session.python_exception(tid).ok_or_else(|| {
            CommandError::refused(match self.session.python() {
                Err(why) => why.to_string(),
                Ok(_) => format!("thread {tid} has no exception: it raised, handles and printed none"),
            })
        })
    }

    fn exceptions_of(&mut self, tid: i32) -> Result<Exceptions, CommandError> {
        let found = self.found_exceptions(tid)?;
        let exceptions = found.all.into_iter().map(|exception| {
            let frames = exception.traceback.iter().enumerate();
            let traceback = frames.map(|(index, frame)| self.traceback_line(frame, index < LINES_WITH_TEXT)).collect();
            ExceptionLines { exception, traceback }
        });
        let exceptions: Vec<ExceptionLines> = exceptions.collect();
        self.note_doubts(&exceptions);
        Ok(Exceptions {
            tid,
            state: found.state,
            exceptions,
            raised: found.raised,
            selected: self.raised.get(&tid).copied(),
            end: found.end,
            frame: None,
        })
    }

    fn traceback_line(&self, frame: &PythonFrame, with_text: bool) -> TracebackLine {
        let line = frame.line.filter(|_| with_text).and_then(|line| self.python_source_line(frame, line));
        let indent = line.as_ref().map_or(0, |line| line.len() - line.trim_ascii_start().len());
        let running = line.as_ref().and_then(|line| {
            let span = self.session.python_span(frame).filter(|span| Some(span.line) == frame.line)?;
            running(line, &span)
        });
        let text = line.map(|line| Text(line[indent..].trim_ascii_end().to_vec()));
        TracebackLine { frame: frame.clone(), text: text.filter(|text| !text.as_bytes().is_empty()), running }
    }

    /// Remembers to say where lines may not be those that ran.
    fn note_doubts(&mut self, exceptions: &[ExceptionLines]) {
        let shown = exceptions.iter().flat_map(|one| &one.traceback).filter(|line| line.text.is_some());
        let files: BTreeSet<&Path> = shown.map(|line| line.frame.file.as_path()).collect();
        let texts = files.into_iter().filter_map(|file| Some((file, self.session.source_text(file).ok()?)));
        let doubts: Vec<String> = texts.filter_map(|(file, text)| self.session.source_doubt(file, &text)).collect();
        self.stale.extend(doubts);
    }

    fn python_source_line(&self, frame: &PythonFrame, line: u32) -> Option<Vec<u8>> {
        if frame.file.as_bytes().starts_with(b"<") {
            return None;
        }
        let text = self.session.source_text(Path::new(frame.file.as_path())).ok()?;
        text.line(line).map(<[u8]>::to_vec)
    }
}

/// Which characters of a line, counted behind its indentation, an instruction was made from; `None` where all of them.
fn running(line: &[u8], span: &PythonSpan) -> Option<(usize, usize)> {
    let indent = line.len() - line.trim_ascii_start().len();
    let whole = line.trim_ascii_end().len();
    let start = (span.column as usize).max(indent);
    let end = if span.end_line == span.line { span.end_column as usize } else { whole }.min(whole);
    if start >= end || (start == indent && end == whole) {
        return None;
    }
    let characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    let before = characters(&line[indent..start]);
    Some((before, before + characters(&line[start..end])))
}

#[cfg(test)]
mod tests {
    use super::running;
    use dpdb_analyzer::PythonSpan;

    #[test]
    fn the_running_part_of_a_line_is_counted_in_characters_behind_the_indentation() {
        let of = |line: &str, column, end_line, end_column| {
            running(line.as_bytes(), &PythonSpan { line: 7, column, end_line, end_column })
        };
        assert_eq!(of("    x = f(1)", 8, 7, 12), Some((4, 8)));
        assert_eq!(of("    f(1)  ", 4, 7, 8), None, "all of it");
        assert_eq!(of("    é = ü(1)", 9, 7, 14), Some((4, 8)));
        assert_eq!(of("    x = f(1,", 8, 8, 5), Some((4, 8)), "up to the end where it goes on");
        assert_eq!(of("x", 5, 7, 90), None, "another file than was compiled");
    }
}
