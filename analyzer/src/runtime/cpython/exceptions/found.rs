//! Where the exception of a thread is.

use dpdb_snapshot::{Avma, Process};
use serde::Serialize;

use super::super::heap::{EXCEPTION, Heap};
use super::super::layout::Minor;
use super::super::threads::PythonThread;
use super::super::unreadable::Unreadable;

/// Handled exceptions that nest deeper than this are a cycle or damage.
const MOST_HANDLED: usize = 1 << 12;
/// In which state of its life an exception was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    /// It was being reported as unhandled where the snapshot was taken.
    Reported,
    /// It was in flight: raised, and no handler reached yet.
    Raised,
    /// An `except` or `finally` block was handling it.
    Handled,
    /// The interpreter had printed it and gone on (`sys.last_exc`, `sys.last_value`).
    Printed,
}

/// An exception where it was found. In flight it need not have been made into an object up to 3.11: then there is its
/// type, and as its value NULL, the argument, or a tuple of the arguments.
pub(super) struct Found {
    pub(super) state: ExceptionState,
    pub(super) kind: Option<Avma>,
    pub(super) value: Option<Avma>,
    /// The traceback, where it is kept beside the exception.
    pub(super) traceback: Option<Avma>,
}

impl Found {
    pub(super) fn object(state: ExceptionState, value: Avma) -> Found {
        Found { state, kind: None, value: Some(value), traceback: None }
    }
}

/// The exception of a thread.
pub(super) fn find(heap: &Heap<'_>, process: &Process, thread: &PythonThread) -> Option<Found> {
    let reported = super::reported::find(heap, process, thread);
    let in_flight = || in_flight(heap, thread.state).ok().flatten();
    let being_handled = || handled(heap, thread.state).into_iter().next();
    reported.or_else(in_flight).or_else(being_handled).or_else(|| printed(heap, process, thread))
}

/// Whether an object is an exception.
pub(super) fn is_exception(heap: &Heap<'_>, at: Avma) -> bool {
    heap.type_of(at).is_ok_and(|facts| facts.has(EXCEPTION))
}

pub(super) fn in_flight(heap: &Heap<'_>, state: Avma) -> Result<Option<Found>, Unreadable> {
    let raised = ExceptionState::Raised;
    if heap.layout.has("PyThreadState.current_exception") {
        let at = heap.pointer(state, "PyThreadState.current_exception")?;
        return Ok(at.filter(|at| is_exception(heap, *at)).map(|at| Found::object(raised, at)));
    }
    let Some(kind) = heap.pointer(state, "PyThreadState.curexc_type")? else { return Ok(None) };
    Ok(Some(Found {
        state: raised,
        kind: Some(kind),
        value: heap.pointer(state, "PyThreadState.curexc_value")?,
        traceback: heap.pointer(state, "PyThreadState.curexc_traceback")?,
    }))
}

/// The exceptions that the thread's blocks are handling, innermost first. Generators have an entry each, which is empty
/// where they handle none.
pub(super) fn handled(heap: &Heap<'_>, state: Avma) -> Vec<Found> {
    let mut found = Vec::new();
    let mut next = heap.pointer(state, "PyThreadState.exc_info").ok().flatten();
    for _ in 0..MOST_HANDLED {
        let Some(item) = next else { break };
        let value = heap.pointer(item, "_PyErr_StackItem.exc_value").ok().flatten();
        if let Some(value) = value.filter(|value| is_exception(heap, *value)) {
            let beside = heap.layout.minor < Minor(11);
            let traceback = beside.then(|| heap.pointer(item, "_PyErr_StackItem.exc_traceback").ok().flatten());
            let traceback = traceback.flatten().filter(|at| heap.expect(*at, "traceback").is_ok());
            found.push(Found { traceback, ..Found::object(ExceptionState::Handled, value) });
        }
        next = heap.pointer(item, "_PyErr_StackItem.previous_item").ok().flatten();
    }
    found
}

/// What the interpreter has printed it keeps in `sys`: in the main thread only.
fn printed(heap: &Heap<'_>, process: &Process, thread: &PythonThread) -> Option<Found> {
    if thread.tid != Some(process.pid) {
        return None;
    }
    let interpreter = heap.pointer(thread.state, "PyThreadState.interp").ok()??;
    let sys = heap.pointer(interpreter, "PyInterpreterState.sysdict").ok()??;
    let named = |name| heap.dict_get(sys, name);
    let value = named("last_exc").or_else(|| named("last_value")).filter(|at| is_exception(heap, *at))?;
    let traceback = named("last_traceback").filter(|at| heap.expect(*at, "traceback").is_ok());
    Some(Found { traceback, ..Found::object(ExceptionState::Printed, value) })
}
