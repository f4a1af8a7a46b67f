//! The Python frames of a thread.

use std::collections::HashSet;

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::heap::Heap;
use super::layout::Minor;
use super::lines::{self, Span};
use super::threads::PythonThread;
use super::unreadable::Unreadable;

/// A table of lines that is longer than this is not read whole.
const LONGEST_LINE_TABLE: u64 = 1 << 22;

/// `CO_GENERATOR`, `CO_COROUTINE` and `CO_ASYNC_GENERATOR` (Include/cpython/code.h).
const SUSPENDABLE: i32 = 0x20 | 0x80 | 0x200;

/// A frame of Python code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PythonFrame {
    /// The function: its qualified name from 3.11 on (and for generators), else its plain name.
    pub function: Text,
    /// Its plain name, which tracebacks show.
    pub name: Text,
    /// The file it was compiled from.
    pub file: Text,
    /// The line it executes; none where the instruction belongs to none.
    pub line: Option<u32>,
    /// It is the body of a generator or a coroutine.
    pub generator: bool,
    /// It is the outermost that one call of the interpreter's evaluation loop runs: a native frame lies beneath it.
    pub entry: bool,
    /// It comes from the traceback of an exception: its call may have ended.
    pub traceback: bool,
    /// Where the frame is: a `PyFrameObject` up to 3.10, then a `_PyInterpreterFrame`.
    #[serde(skip)]
    pub at: Avma,
    /// Its code object.
    #[serde(skip)]
    pub code: Avma,
    /// The offset in bytes of the instruction it executes; negative where it has not begun.
    #[serde(skip)]
    pub instruction: i64,
}

impl PythonFrame {
    /// A frame of which no more can be told than why.
    pub(super) fn unreadable(at: Avma, why: &Unreadable) -> PythonFrame {
        let name = Text::from(format!("<a frame that cannot be read: {why}>").as_str());
        PythonFrame {
            function: name.clone(),
            name,
            file: Text::default(),
            line: None,
            generator: false,
            entry: false,
            traceback: false,
            at,
            code: Avma(0),
            instruction: -1,
        }
    }
}

/// The Python stack of a thread.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PythonStack {
    /// The frames, innermost first.
    pub frames: Vec<PythonFrame>,
    /// Why there are no more, unless the outermost is there.
    pub end: Option<String>,
}

/// The stack of a thread, at most `limit` frames of it.
pub(super) fn stack(heap: &Heap<'_>, thread: &PythonThread, limit: usize) -> PythonStack {
    let mut stack = PythonStack::default();
    let mut next = innermost(heap, thread.state);
    let mut seen = HashSet::new();
    loop {
        let at = match next {
            Ok(Some(at)) => at,
            Ok(None) => break,
            Err(why) => {
                stack.end = Some(format!("the Python stack is cut here: {why}"));
                break;
            }
        };
        if stack.frames.len() >= limit {
            stack.end = Some(format!("more Python frames follow the first {limit}"));
            break;
        }
        if !seen.insert(at) {
            stack.end = Some(format!("the Python stack is damaged: the frame at {at} comes twice"));
            break;
        }
        next = match link(heap, at) {
            Ok(link) => {
                link.take(heap, at, &mut stack);
                Ok(link.previous)
            }
            Err(why) => Err(why),
        };
    }
    stack
}

/// The line that a generator that has not ended stands at.
pub(super) fn line_of_generator(heap: &Heap<'_>, generator: Avma) -> Result<Option<i32>, Unreadable> {
    let at = match heap.layout.minor {
        Minor(..=10) => heap.object(generator, "PyGenObject.gi_frame")?,
        _ => heap.field(generator, "PyGenObject.gi_iframe")?,
    };
    let code = code_of(heap, at)?;
    heap.expect(code, "code")?;
    line(heap, code, last_instruction(heap, at, code)?)
}

fn innermost(heap: &Heap<'_>, state: Avma) -> Result<Option<Avma>, Unreadable> {
    match heap.layout.minor {
        Minor(..=10) => heap.pointer(state, "PyThreadState.frame"),
        Minor(11..=12) => match heap.pointer(state, "PyThreadState.cframe")? {
            Some(cframe) => heap.pointer(cframe, "_PyCFrame.current_frame"),
            None => Ok(None),
        },
        _ => heap.pointer(state, "PyThreadState.current_frame"),
    }
}

/// What a frame says before its code is looked at.
struct Link {
    previous: Option<Avma>,
    /// It is no frame of Python code, but stands for the C code that called the loop.
    shim: bool,
    entry: bool,
    generator: bool,
}

fn link(heap: &Heap<'_>, at: Avma) -> Result<Link, Unreadable> {
    if heap.layout.minor < Minor(11) {
        let generator = heap.pointer(at, "PyFrameObject.f_gen")?.is_some();
        return Ok(Link { previous: heap.pointer(at, "PyFrameObject.f_back")?, shim: false, entry: true, generator });
    }
    const GENERATOR: u8 = 1;
    const C_STACK: u8 = 3;
    let owner = heap.byte(at, "_PyInterpreterFrame.owner")?;
    let entry = heap.layout.minor == Minor(11) && heap.byte(at, "_PyInterpreterFrame.is_entry")? != 0;
    Ok(Link {
        previous: heap.pointer(at, "_PyInterpreterFrame.previous")?,
        shim: heap.layout.minor >= Minor(12) && owner >= C_STACK,
        entry,
        generator: owner == GENERATOR,
    })
}

impl Link {
    /// Adds the frame to those found, unless Python does not show it either.
    fn take(&self, heap: &Heap<'_>, at: Avma, stack: &mut PythonStack) {
        if !self.shim {
            match frame(heap, at, self) {
                Ok(Some(frame)) => return stack.frames.push(frame),
                Ok(None) => {}
                Err(why) => {
                    let (generator, entry) = (self.generator, self.entry);
                    stack.frames.push(PythonFrame { generator, entry, ..PythonFrame::unreadable(at, &why) });
                    return;
                }
            }
        }
        // Beneath a shim, or beneath a frame that is not there yet, lies native code all the same.
        if let Some(last) = stack.frames.last_mut().filter(|_| self.shim || self.entry) {
            last.entry = true;
        }
    }
}

/// The frame at `at`; `None` where its function has not begun.
fn frame(heap: &Heap<'_>, at: Avma, link: &Link) -> Result<Option<PythonFrame>, Unreadable> {
    let code = code_of(heap, at)?;
    heap.expect(code, "code")?;
    let offset = last_instruction(heap, at, code)?;
    if heap.layout.minor >= Minor(11) && !link.generator {
        let first = heap.int(code, "PyCodeObject._co_firsttraceable")?;
        if offset / 2 < i64::from(first) {
            return Ok(None);
        }
    }
    let found = of_code(heap, at, code, offset)?;
    Ok(Some(PythonFrame { generator: link.generator, entry: link.entry, ..found }))
}

/// The frame at `at`, as its code object and the instruction in that tell it.
pub(super) fn of_code(heap: &Heap<'_>, at: Avma, code: Avma, offset: i64) -> Result<PythonFrame, Unreadable> {
    let named = |field| Ok::<_, Unreadable>(Text::from(heap.name(heap.object(code, field)?)?.as_str()));
    let name = named("PyCodeObject.co_name")?;
    Ok(PythonFrame {
        function: if heap.layout.minor < Minor(11) { name.clone() } else { named("PyCodeObject.co_qualname")? },
        name,
        file: named("PyCodeObject.co_filename")?,
        line: line(heap, code, offset)?.and_then(|line| u32::try_from(line).ok()),
        generator: heap.int(code, "PyCodeObject.co_flags")? & SUSPENDABLE != 0,
        entry: false,
        traceback: false,
        at,
        code,
        instruction: offset,
    })
}

pub(super) fn code_of(heap: &Heap<'_>, at: Avma) -> Result<Avma, Unreadable> {
    match heap.layout.minor {
        Minor(..=10) => heap.object(at, "PyFrameObject.f_code"),
        Minor(11..=12) => heap.object(at, "_PyInterpreterFrame.f_code"),
        // From 3.14 on a tagged reference, whose lowest two bits are no part of the address.
        _ => Ok(Avma(heap.object(at, "_PyInterpreterFrame.f_executable")?.0 & !3)),
    }
}

/// The offset in bytes of the instruction that a frame executes; negative where it has not begun.
pub(super) fn last_instruction(heap: &Heap<'_>, at: Avma, code: Avma) -> Result<i64, Unreadable> {
    match heap.layout.minor {
        Minor(..=9) => Ok(heap.int(at, "PyFrameObject.f_lasti")?.into()),
        Minor(10) => Ok(i64::from(heap.int(at, "PyFrameObject.f_lasti")?) * 2),
        minor => {
            let previous = minor < Minor(13);
            let field = if previous { "_PyInterpreterFrame.prev_instr" } else { "_PyInterpreterFrame.instr_ptr" };
            let first = byte_code(heap, at, code)?;
            Ok(heap.word(at, field)?.wrapping_sub(first.0) as i64)
        }
    }
}

/// The instructions that a frame executes: free-threaded builds have a copy for each thread from 3.14 on (`co_tlbc`).
fn byte_code(heap: &Heap<'_>, at: Avma, code: Avma) -> Result<Avma, Unreadable> {
    if heap.layout.has("_PyInterpreterFrame.tlbc_index")
        && let Some(copies) = heap.pointer(code, "PyCodeObject.co_tlbc")?
    {
        let index = heap.int(at, "_PyInterpreterFrame.tlbc_index")?;
        let index = u64::try_from(index).map_err(|_| Unreadable::Damaged { what: "frame", at })?;
        let copy = Avma(heap.memory.read_u64(copies.wrapping_add(8 + index * 8))?);
        if copy.0 != 0 {
            return Ok(copy);
        }
    }
    heap.field(code, "PyCodeObject.co_code_adaptive")
}

fn line(heap: &Heap<'_>, code: Avma, offset: i64) -> Result<Option<i32>, Unreadable> {
    let first = heap.int(code, "PyCodeObject.co_firstlineno")?;
    if offset < 0 {
        return Ok(Some(first));
    }
    let table = line_table(heap, code)?;
    Ok(match heap.layout.minor {
        Minor(..=9) => Some(lines::by_lnotab(&table, first, offset)),
        Minor(10) => lines::by_ranges(&table, first, offset),
        _ => lines::by_locations(&table, first, offset),
    })
}

/// Which part of the source a frame's instruction was made from; from 3.11 on, where the interpreter keeps columns.
pub(super) fn span(heap: &Heap<'_>, frame: &PythonFrame) -> Result<Option<Span>, Unreadable> {
    if heap.layout.minor < Minor(11) || frame.instruction < 0 {
        return Ok(None);
    }
    let first = heap.int(frame.code, "PyCodeObject.co_firstlineno")?;
    Ok(lines::span(&line_table(heap, frame.code)?, first, frame.instruction))
}

/// The table that tells the lines of a code object's instructions.
pub(super) fn line_table(heap: &Heap<'_>, code: Avma) -> Result<Vec<u8>, Unreadable> {
    let field = if heap.layout.minor < Minor(10) { "PyCodeObject.co_lnotab" } else { "PyCodeObject.co_linetable" };
    let table = heap.object(code, field)?;
    heap.expect(table, "bytes")?;
    Ok(heap.byte_string(table, LONGEST_LINE_TABLE)?.0)
}
