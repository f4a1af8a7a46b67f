//! Tracebacks: the frames that an exception went through, alive or not.

use std::collections::HashSet;

use dpdb_snapshot::Avma;

use super::super::frames::{self, PythonFrame};
use super::super::heap::Heap;
use super::super::layout::Minor;
use super::super::unreadable::Unreadable;

/// A traceback with more frames than this is cut; the interpreter's own limit of recursion is 1000.
const MOST_FRAMES: usize = 1 << 14;

/// The frames of a traceback, outermost first, and why there are no more where it was cut.
pub(super) fn frames(heap: &Heap<'_>, traceback: Option<Avma>) -> (Vec<PythonFrame>, Option<String>) {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut next = traceback;
    while let Some(at) = next {
        if found.len() >= MOST_FRAMES {
            return (found, Some(format!("more frames follow the first {MOST_FRAMES}")));
        }
        if !seen.insert(at) {
            return (found, Some(format!("the traceback is damaged: {at} comes twice")));
        }
        let entry = entry(heap, at);
        match entry {
            Ok((frame, after)) => {
                found.push(PythonFrame { traceback: true, ..frame });
                next = after;
            }
            Err(why) => return (found, Some(format!("the traceback is cut here: {why}"))),
        }
    }
    (found, None)
}

/// One frame of a traceback, and the entry after it.
fn entry(heap: &Heap<'_>, at: Avma) -> Result<(PythonFrame, Option<Avma>), Unreadable> {
    heap.expect(at, "traceback")?;
    let object = heap.object(at, "PyTracebackObject.tb_frame")?;
    let next = heap.pointer(at, "PyTracebackObject.tb_next")?;
    let frame = frame(heap, at, object).unwrap_or_else(|why| PythonFrame::unreadable(object, &why));
    Ok((frame, next))
}

fn frame(heap: &Heap<'_>, entry: Avma, object: Avma) -> Result<PythonFrame, Unreadable> {
    heap.expect(object, "frame")?;
    // A frame object that outlived its call has a copy of what was on the stack.
    let at = if heap.layout.minor < Minor(11) { object } else { heap.object(object, "PyFrameObject.f_frame")? };
    let code = frames::code_of(heap, at)?;
    heap.expect(code, "code")?;
    // In bytes in every version.
    let instruction = heap.int(entry, "PyTracebackObject.tb_lasti")?.into();
    let line = heap.int(entry, "PyTracebackObject.tb_lineno")?;
    let frame = frames::of_code(heap, at, code, instruction)?;
    // -1 where nobody asked for it yet: then the instruction tells.
    let known = u32::try_from(line).ok().filter(|line| *line > 0);
    Ok(PythonFrame { line: known.or(frame.line), ..frame })
}
