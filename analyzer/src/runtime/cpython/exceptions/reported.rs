//! The exception that is reported at a catchpoint. The functions that report one get it from the thread, or it is an
//! argument of theirs, which the entry of a function finds in registers (System V ABI, AMD64, 3.2.3).

use dpdb_snapshot::process::{Cause, ExceptionLanguage, Fate};
use dpdb_snapshot::{Avma, Process};

use super::super::frames;
use super::super::heap::Heap;
use super::super::locals;
use super::super::threads::PythonThread;
use super::found::{ExceptionState, Found, handled, in_flight, is_exception};

/// So many frames of the thread are searched for the exception of a traceback.
const SEARCHED_FRAMES: usize = 16;
/// So many exceptions are searched that one came of.
const LONGEST_CHAIN: usize = 64;
/// Items of the structures that hooks are given (`sys.UnraisableHookArgs`, `threading.ExceptHookArgs`).
const HOOK_ITEMS: u64 = 5;

/// The exception that a catchpoint of this thread is about, where the snapshot was taken at one and it is not simply
/// the thread's own.
pub(super) fn find(heap: &Heap<'_>, process: &Process, thread: &PythonThread) -> Option<Found> {
    let caught = process.cause.as_ref().and_then(Cause::exception)?;
    if caught.language != ExceptionLanguage::Python || Some(caught.tid) != thread.tid {
        return None;
    }
    if let Some(at) = caught.object.filter(|at| is_exception(heap, *at)) {
        let found = with_traceback(heap, thread, at);
        let state = if caught.fate == Fate::Raised { ExceptionState::Raised } else { ExceptionState::Reported };
        return Some(Found { state, ..found });
    }
    let registers = process.thread(caught.tid)?.registers.as_ref()?.general;
    let [first, second] = [registers.rdi, registers.rsi].map(Avma);
    of_hook(heap, second).or_else(|| of_traceback(heap, thread, first))
}

/// An exception whose address is known. Up to 3.11 its traceback stands beside it, as long as no handler has it.
fn with_traceback(heap: &Heap<'_>, thread: &PythonThread, at: Avma) -> Found {
    let in_flight = in_flight(heap, thread.state).ok().flatten();
    let mut places = in_flight.into_iter().chain(handled(heap, thread.state));
    let place = places.find(|found| found.value == Some(at));
    let state = ExceptionState::Reported;
    place.map_or_else(|| Found::object(state, at), |found| Found { state, ..found })
}

/// The second argument of a hook in C is a structure of the type, the value and the traceback.
fn of_hook(heap: &Heap<'_>, arguments: Avma) -> Option<Found> {
    let facts = heap.type_of(arguments).ok()?;
    if !matches!(facts.name.as_str(), "UnraisableHookArgs" | "ExceptHookArgs" | "_ExceptHookArgs") {
        return None;
    }
    let items = heap.first_items(arguments, HOOK_ITEMS).ok()?.items;
    let [kind, value, traceback] = items.get(..3)?.try_into().ok()?;
    Some(Found {
        state: ExceptionState::Reported,
        kind: Some(kind),
        value: Some(value).filter(|value| is_exception(heap, *value)),
        traceback: Some(traceback).filter(|at| heap.expect(*at, "traceback").is_ok()),
    })
}

/// The getter of `tb_next` has a traceback: that of an exception which is being handled or which such a one came of,
/// or of one which a variable of traceback.py holds.
fn of_traceback(heap: &Heap<'_>, thread: &PythonThread, traceback: Avma) -> Option<Found> {
    heap.expect(traceback, "traceback").ok()?;
    let is_its = |at: &Avma| {
        let own = heap.pointer(*at, "PyBaseExceptionObject.traceback").ok().flatten();
        is_exception(heap, *at) && own == Some(traceback)
    };
    let beside = |found: &Found| found.traceback == Some(traceback);
    let being_handled = handled(heap, thread.state).into_iter();
    let came_of_it = |at: Avma| chain(heap, at).iter().any(is_its);
    let mut being_handled = being_handled.filter(|found| beside(found) || found.value.is_some_and(came_of_it));
    let in_variables = || {
        let frames = frames::stack(heap, thread, SEARCHED_FRAMES).frames;
        let objects = frames.iter().flat_map(|frame| locals::objects(heap, frame).unwrap_or_default());
        let at = objects.into_iter().find(is_its)?;
        Some(Found::object(ExceptionState::Reported, at))
    };
    let reported = |found| Found { state: ExceptionState::Reported, ..found };
    being_handled.next().map(reported).or_else(in_variables)
}

/// An exception, and those that it came of. Python prints these with it, up to 3.10 even before it.
fn chain(heap: &Heap<'_>, at: Avma) -> Vec<Avma> {
    let mut chain = vec![at];
    let mut next = 0;
    while let Some(at) = chain.get(next).copied().filter(|_| chain.len() < LONGEST_CHAIN) {
        for field in ["PyBaseExceptionObject.cause", "PyBaseExceptionObject.context"] {
            let before = heap.pointer(at, field).ok().flatten();
            chain.extend(before.filter(|before| is_exception(heap, *before) && !chain.contains(before)));
        }
        next += 1;
    }
    chain
}
