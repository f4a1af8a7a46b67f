//! `bt`, `frame`, `up`, `down` and `frames`.

use dpdb_analyzer::{Declared, Frame, FrameKind, FrameTrust, Language, NameSource, SourceFrame, WalkEnd, parallel};
use dpdb_snapshot::Text;
use serde::Serialize;

use super::displays::Displayed;
use super::merge::Level;
use super::source::SourceListing;
use super::values::VariableLine;
use super::{CommandError, Engine, Hex, Reply, Show};

/// One frame as a line of a backtrace.
#[derive(Clone, Debug, Serialize)]
pub struct FrameLine {
    /// Its number; 0 is the innermost.
    pub number: usize,
    /// It is the selected one.
    pub selected: bool,
    /// Where it goes on.
    pub pc: Hex,
    /// The function's name, without parameters.
    pub function: Option<Text>,
    /// `debug` or `elf`: where the name was found.
    pub name_source: Option<&'static str>,
    /// Bytes from the function's first to the pc.
    pub offset: Option<u64>,
    /// The source file.
    pub file: Option<Text>,
    /// The line in it.
    pub line: Option<u32>,
    /// The column in it.
    pub column: Option<u32>,
    /// The function was inlined into that of the next frame.
    pub inline: bool,
    /// The path of the module it lies in.
    pub module: Option<Text>,
    /// The language, where debug information tells.
    pub language: Option<&'static str>,
    /// How the frame was found: `registers`, `cfi`, `prologue`, `return address`, `frame pointer` or `scan`;
    /// `interpreter` for a Python frame, `traceback` for one that an exception went through.
    pub trust: String,
    /// It was found by a guess, and may not be one.
    pub doubtful: bool,
    /// It is the kernel's signal trampoline: what follows was interrupted.
    pub signal_trampoline: bool,
    /// It is no longer on the stack: it jumped to the function of the frame before it, as its last call.
    pub tail_call: bool,
    /// The canonical frame address.
    pub cfa: Option<Hex>,
    /// So many frames follow that are not shown here, since they are the interpreter's own, or of the other language.
    pub hidden_after: usize,
    /// Its arguments, short, where they were asked for and are known.
    pub arguments: Option<Vec<VariableLine>>,
    /// Its locals, for `bt full`.
    pub locals: Option<Vec<VariableLine>>,
}

/// A stack, or the part of it that was asked for.
#[derive(Debug, Serialize)]
pub struct Backtrace {
    /// The thread.
    pub tid: i32,
    /// The frames, innermost first.
    pub frames: Vec<FrameLine>,
    /// How many frames the stack has, as far as it was walked.
    pub total: usize,
    /// Frames that were left out of the middle begin at this number.
    pub gap: Option<usize>,
    /// Why the walk ended, unless at the outermost frame.
    pub end: Option<String>,
}

/// The frame that is now selected, with the source around it.
#[derive(Debug, Serialize)]
pub struct SelectedFrame {
    /// The thread.
    pub tid: i32,
    /// The frame.
    pub frame: FrameLine,
    /// Its line of source.
    pub source: Option<SourceListing>,
    /// What `display` shows here.
    pub displays: Vec<Displayed>,
}

/// Which frames `bt` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All; the middle of a very deep stack is left out.
    All,
    /// The innermost so many.
    Innermost(usize),
    /// The outermost so many.
    Outermost(usize),
}

/// Which of native and Python frames `bt` shows. A frame has the same number in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Both, without the interpreter's own frames between Python frames.
    Merged,
    /// Native frames only.
    Native,
    /// Python frames only.
    Python,
    /// All there are.
    All,
}

/// What a frame is looked for by.
#[derive(Clone, Copy, Debug)]
pub enum FrameOf<'a> {
    /// The name of its function, with or without namespaces.
    Function(&'a str),
    /// An address in its code, or its CFA.
    Address(&'a str),
}

/// Whether a function's full name means `wanted`: all of it, or what stands behind a `::` or `.`.
fn is_named(full: &str, wanted: &str) -> bool {
    let end = full.strip_suffix(wanted);
    end.is_some_and(|before| before.is_empty() || before.ends_with("::") || before.ends_with('.'))
}

impl View {
    fn shows(self, level: &Level) -> bool {
        match self {
            View::Merged => !level.folded,
            View::Native => level.python.is_none(),
            View::Python => level.python.is_some() && !level.folded,
            View::All => true,
        }
    }
}

/// A deeper stack than this is shown by its two ends.
const SHOWN_WHOLE: usize = 300;
/// So many innermost and outermost frames of it.
const SHOWN_ENDS: (usize, usize) = (200, 50);

impl Extent {
    /// How many frames of `total` to show from the innermost on, and from which on to the outermost.
    pub(super) fn ends_of(self, total: usize) -> (usize, usize) {
        match self {
            Extent::All if total > SHOWN_WHOLE => (SHOWN_ENDS.0, total - SHOWN_ENDS.1),
            Extent::All => (total, total),
            Extent::Innermost(count) => (count.min(total), total),
            Extent::Outermost(count) => (0, total.saturating_sub(count)),
        }
    }
}

impl Engine {
    /// The stack of a thread.
    ///
    /// # Errors
    /// There is no such thread, or Python frames are asked for where there are none.
    pub fn backtrace(&mut self, tid: i32, extent: Extent, view: View) -> Result<Backtrace, CommandError> {
        if view == View::Python {
            self.has_python(tid)?;
        }
        let has_python = !self.stack(tid, 0)?.python.frames.is_empty();
        let wanted = if let Extent::Innermost(count) = extent { count } else { usize::MAX };
        let stack = self.stack(tid, if has_python { usize::MAX } else { wanted })?;
        let levels = stack.numbered.iter().enumerate().filter(|(_, level)| view.shows(level));
        let shown: Vec<usize> = levels.map(|(number, _)| number).collect();
        let (total, all) = (shown.len(), stack.numbered.len());
        let native_end = (stack.end != WalkEnd::Outermost && view != View::Python).then(|| stack.end.to_string());
        let end = native_end.or_else(|| stack.python.end.clone().filter(|_| view != View::Native));
        let (front, back) = extent.ends_of(total);
        let mut frames = Vec::new();
        for at in (0..front).chain(back..total) {
            let mut line = self.frame_line(tid, shown[at])?;
            line.hidden_after = shown.get(at + 1).copied().unwrap_or(all) - shown[at] - 1;
            frames.push(line);
        }
        let gap = (extent == Extent::All && front < back).then_some(front);
        let end = end.filter(|_| front == total || back < total);
        Ok(Backtrace { tid, frames, total, gap, end })
    }

    /// Selects a frame of the selected thread.
    ///
    /// # Errors
    /// There is no such frame.
    pub fn select_frame(&mut self, number: usize) -> Result<Reply, CommandError> {
        self.frame_at(self.tid, number)?;
        self.selected.insert(self.tid, number);
        self.list = Default::default();
        self.show_frame()
    }

    /// Selects the innermost frame of a function, or the one whose code an address is in.
    ///
    /// # Errors
    /// No frame is.
    pub fn select_frame_of(&mut self, wanted: FrameOf<'_>) -> Result<Reply, CommandError> {
        let tid = self.tid;
        let total = self.stack(tid, usize::MAX)?.numbered.len();
        let wanted_function = match wanted {
            FrameOf::Function(name) => name.to_owned(),
            FrameOf::Address(text) => {
                let at = self.address(text)?;
                let range = self.session.function_range(at);
                let stack = self.stack(tid, usize::MAX)?;
                let holds = |frame: &Frame| frame.pc == at || range.is_some_and(|range| range.contains(frame.pc));
                let physical = stack.physical.iter().position(|frame| holds(frame) || frame.cfa == Some(at));
                let number = physical.and_then(|at| stack.numbered.iter().position(|level| level.physical == at));
                let missing =
                    || CommandError::refused(format!("no frame has {text} as its pc, its function or its CFA"));
                return self.select_frame(number.ok_or_else(missing)?);
            }
        };
        for number in 0..total {
            let line = self.frame_line(tid, number)?;
            if line.function.is_some_and(|name| is_named(&name.to_string(), &wanted_function)) {
                return self.select_frame(number);
            }
        }
        Err(CommandError::refused(format!("no frame is one of {wanted_function}; 'bt' lists them")))
    }

    /// Selects the frame so many further out, or further in where `steps` is negative; stops at either end.
    ///
    /// # Errors
    /// It is at that end already.
    pub fn move_frame(&mut self, steps: i64) -> Result<Reply, CommandError> {
        let from = self.selected_frame(self.tid);
        let reach = from.saturating_add(usize::try_from(steps).unwrap_or(0));
        let mut stack = self.stack(self.tid, reach.saturating_add(1))?;
        if !stack.python.frames.is_empty() {
            stack = self.stack(self.tid, usize::MAX)?;
        }
        let to = stack.step(from, steps);
        match to == from && steps != 0 {
            true if steps > 0 => Err(CommandError::refused("this is the outermost frame")),
            true => Err(CommandError::refused("this is the innermost frame")),
            false => self.select_frame(to),
        }
    }

    /// The selected frame, with its line of source.
    ///
    /// # Errors
    /// The thread has no frames.
    pub fn show_frame(&mut self) -> Result<Reply, CommandError> {
        let (tid, number) = (self.tid, self.selected_frame(self.tid));
        let frame = self.frame_with_arguments(tid, number)?;
        let source = self.source_around(tid, number, 0);
        let displays = self.displayed();
        Ok(Reply::Frame(SelectedFrame { tid, frame, source, displays }))
    }

    /// The stack of a thread with the arguments of its frames, and their locals where all is asked for.
    ///
    /// # Errors
    /// There is no such thread.
    pub fn backtrace_with_values(
        &mut self,
        tid: i32,
        extent: Extent,
        view: View,
        full: bool,
    ) -> Result<Backtrace, CommandError> {
        let mut backtrace = self.backtrace(tid, extent, view)?;
        let (brief, readable) = (self.brief(), self.readable(Show::default()));
        let values = parallel::map(
            &backtrace.frames,
            || (),
            |(), frame| {
                let arguments = self.declared(tid, frame.number, Declared::Arguments, brief);
                let locals =
                    full.then(|| self.declared(tid, frame.number, Declared::Locals, readable).unwrap_or_default());
                (arguments, locals)
            },
        );
        for (frame, (arguments, locals)) in backtrace.frames.iter_mut().zip(values) {
            (frame.arguments, frame.locals) = (arguments, locals);
        }
        Ok(backtrace)
    }

    fn frame_with_arguments(&mut self, tid: i32, number: usize) -> Result<FrameLine, CommandError> {
        let line = self.frame_line(tid, number)?;
        Ok(FrameLine { arguments: self.declared(tid, number, Declared::Arguments, self.brief()), ..line })
    }

    /// One frame as a line.
    ///
    /// # Errors
    /// There is no such thread or frame.
    pub fn frame_line(&mut self, tid: i32, number: usize) -> Result<FrameLine, CommandError> {
        let selected = tid == self.tid && number == self.selected_frame(tid);
        let (frame, source) = self.frame_at(tid, number)?;
        let module = source.module.and_then(|index| self.session.modules().get(index));
        let module = module.map(|module| module.path().clone());
        let line = line(number, selected, &frame, source, module);
        let of_traceback = self.stack(tid, 0)?.python_frame(number).is_some_and(|frame| frame.traceback);
        Ok(if of_traceback { FrameLine { trust: "traceback".to_owned(), ..line } } else { line })
    }
}

pub(super) fn line(
    number: usize,
    selected: bool,
    frame: &Frame,
    source: SourceFrame,
    module: Option<Text>,
) -> FrameLine {
    let (function, location) = (source.function.as_ref(), source.location.as_ref());
    let python = source.language == Some(Language::Python);
    FrameLine {
        number,
        selected,
        pc: frame.pc.into(),
        function: function.map(|function| Text::from(function.name.as_str())),
        name_source: function.map(|function| match function.source {
            NameSource::Debug => "debug",
            NameSource::Elf => "elf",
        }),
        offset: function.map(|function| function.offset),
        file: location.map(|location| location.file.as_path().into()),
        line: location.map(|location| location.line),
        column: location.map(|location| location.column).filter(|&column| column != 0),
        inline: source.inline,
        module,
        language: source.language.map(language_name),
        trust: if python { "interpreter".to_owned() } else { frame.trust.to_string() },
        doubtful: !python && matches!(frame.trust, FrameTrust::FramePointer | FrameTrust::Scan),
        signal_trampoline: frame.kind == FrameKind::SignalTrampoline,
        tail_call: frame.kind == FrameKind::TailCall,
        cfa: frame.cfa.map(Hex::from),
        hidden_after: 0,
        arguments: None,
        locals: None,
    }
}

pub(super) fn language_name(language: Language) -> &'static str {
    match language {
        Language::Assembler => "asm",
        Language::C => "c",
        Language::Cpp => "c++",
        Language::Rust => "rust",
        Language::Go => "go",
        Language::Python => "python",
        _ => "other",
    }
}
