//! What a suspended coroutine waits for, and what that waits for in turn.

use std::collections::HashSet;

use dpdb_snapshot::Avma;

use super::frames::{self, PythonFrame};
use super::heap::Heap;
use super::layout::Minor;
use super::unreadable::Unreadable;

/// Coroutines that await one another deeper than this are cut.
const MOST_LINKS: usize = 1 << 12;
/// `YIELD_FROM`, up to 3.10 (Include/opcode.h).
const YIELD_FROM: u8 = 72;

/// A chain of coroutines, the outermost first.
#[derive(Debug, Default)]
pub(super) struct AwaitChain {
    pub(super) frames: Vec<PythonFrame>,
    /// What the innermost waits for, where that is no coroutine.
    pub(super) end: Option<Avma>,
}

/// The chain that begins with a coroutine or a generator.
pub(super) fn of(heap: &Heap<'_>, coroutine: Avma) -> AwaitChain {
    let mut chain = AwaitChain::default();
    let (mut next, mut seen) = (Some(coroutine), HashSet::new());
    while let Some(at) = next.map(|at| unwrapped(heap, at)) {
        if !is_suspendable(heap, at) {
            chain.end = Some(at);
            break;
        }
        if !seen.insert(at) || chain.frames.len() >= MOST_LINKS {
            break;
        }
        let Ok(Some(frame)) = frame(heap, at) else { break };
        chain.frames.push(frame);
        next = awaited(heap, at).ok().flatten();
    }
    chain
}

/// Objects that only stand for what they wait for.
fn unwrapped(heap: &Heap<'_>, at: Avma) -> Avma {
    let Ok(facts) = heap.type_of(at) else { return at };
    let field = match facts.name.as_str() {
        "coroutine_wrapper" => "PyCoroWrapper.cw_coroutine",
        "async_generator_asend" => "PyAsyncGenASend.ags_gen",
        "FutureIter" => "futureiterobject.future",
        _ => return at,
    };
    heap.object(at, field).unwrap_or(at)
}

fn is_suspendable(heap: &Heap<'_>, at: Avma) -> bool {
    let builtin = heap.type_of(at).ok().and_then(|facts| facts.builtin.clone());
    matches!(builtin.as_deref(), Some("coroutine" | "generator" | "async_generator"))
}

/// Where the frame of a coroutine is; `None` where it has ended.
pub(super) fn place(heap: &Heap<'_>, coroutine: Avma) -> Result<Option<Avma>, Unreadable> {
    if heap.layout.minor < Minor(11) {
        return heap.pointer(coroutine, "PyGenObject.gi_frame");
    }
    let state = heap.byte(coroutine, "PyGenObject.gi_frame_state")? as i8;
    let ended = if heap.layout.minor < Minor(15) { state > 0 } else { state > 4 };
    Ok(if ended { None } else { Some(heap.field(coroutine, "PyGenObject.gi_iframe")?) })
}

fn frame(heap: &Heap<'_>, coroutine: Avma) -> Result<Option<PythonFrame>, Unreadable> {
    let Some(at) = place(heap, coroutine)? else { return Ok(None) };
    let code = frames::code_of(heap, at)?;
    heap.expect(code, "code")?;
    let instruction = frames::last_instruction(heap, at, code)?;
    let frame = frames::of_code(heap, at, code, instruction)?;
    // Up to 3.10 code knows no qualified names, but what is made of it does.
    let name = heap.name(heap.object(coroutine, "PyGenObject.gi_qualname")?)?;
    Ok(Some(PythonFrame { function: name.as_str().into(), ..frame }))
}

/// What a coroutine awaits: the object on top of its stack, if it was suspended by `await` or `yield from`.
fn awaited(heap: &Heap<'_>, coroutine: Avma) -> Result<Option<Avma>, Unreadable> {
    let Some(at) = place(heap, coroutine)? else { return Ok(None) };
    let top = match heap.layout.minor {
        Minor(..=10) => return awaited_by_frame_object(heap, at),
        Minor(11..=12) if !is_awaiting(heap, coroutine, at)? => return Ok(None),
        Minor(11..=13) => {
            if heap.layout.minor == Minor(13) && heap.byte(coroutine, "PyGenObject.gi_frame_state")? as i8 != -1 {
                return Ok(None);
            }
            let depth = heap.int(at, "_PyInterpreterFrame.stacktop")?;
            let Some(above) = u64::try_from(depth).ok().and_then(|depth| depth.checked_sub(1)) else { return Ok(None) };
            heap.memory.read_u64(heap.field(at, "_PyInterpreterFrame.localsplus")?.wrapping_add(above * 8))?
        }
        minor => {
            let state = heap.byte(coroutine, "PyGenObject.gi_frame_state")? as i8;
            if !(if minor == Minor(14) { state == -1 } else { matches!(state, 2 | 3) }) {
                return Ok(None);
            }
            let end = heap.object(at, "_PyInterpreterFrame.stackpointer")?;
            let [below, top] = [16, 8].map(|back| heap.memory.read_u64(end.wrapping_sub(back)));
            // In 3.15 a null reference lies above the object.
            let top = top?;
            if top <= 1 { below? } else { top }
        }
    };
    Ok(Some(Avma(top & !3)).filter(|at| at.0 != 0))
}

/// In 3.11 and 3.12 the oparg of the `RESUME` that follows tells: 2 and 3 are after `yield from` and `await`.
fn is_awaiting(heap: &Heap<'_>, coroutine: Avma, frame: Avma) -> Result<bool, Unreadable> {
    if heap.byte(coroutine, "PyGenObject.gi_frame_state")? as i8 != -1 {
        return Ok(false);
    }
    let instruction = heap.object(frame, "_PyInterpreterFrame.prev_instr")?;
    let [_, oparg] = heap.bytes(instruction.wrapping_add(2))?;
    Ok(oparg & 3 >= 2)
}

/// Up to 3.10 the instruction that follows is `YIELD_FROM`.
fn awaited_by_frame_object(heap: &Heap<'_>, frame: Avma) -> Result<Option<Avma>, Unreadable> {
    let code = heap.object(frame, "PyFrameObject.f_code")?;
    let last = frames::last_instruction(heap, frame, code)?;
    let Ok(next) = u64::try_from(last + 2) else { return Ok(None) };
    let bytes = heap.object(code, "PyCodeObject.co_code")?;
    heap.expect(bytes, "bytes")?;
    let [opcode] = heap.bytes(heap.field(bytes, "PyBytesObject.ob_sval")?.wrapping_add(next))?;
    if last < 0 || opcode != YIELD_FROM {
        return Ok(None);
    }
    let end = if heap.layout.minor < Minor(10) {
        heap.pointer(frame, "PyFrameObject.f_stacktop")?
    } else {
        let depth = heap.int(frame, "PyFrameObject.f_stackdepth")?;
        let stack = heap.object(frame, "PyFrameObject.f_valuestack")?;
        u64::try_from(depth).ok().filter(|depth| *depth > 0).map(|depth| stack.wrapping_add(depth * 8))
    };
    // While it runs the frame does not say where its stack ends.
    let Some(end) = end else { return Ok(None) };
    Ok(Some(Avma(heap.memory.read_u64(end.wrapping_sub(8))?)).filter(|at| at.0 != 0))
}
