//! The interpreter's threads, and which of the process's threads they are.

use std::collections::{HashMap, HashSet};

use dpdb_snapshot::{Avma, Process};
use serde::Serialize;

use super::Python;
use super::attributes::Attribute;
use super::heap::Heap;
use super::layout::Minor;
use super::unreadable::Unreadable;

/// More interpreters or threads than these are a cycle or damage.
const MOST_INTERPRETERS: usize = 1 << 12;
const MOST_THREADS: usize = 1 << 16;

/// A thread as the interpreter knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PythonThread {
    /// The thread of the process that it is; none where that cannot be told.
    pub tid: Option<i32>,
    /// It holds the global interpreter lock of its interpreter.
    pub holds_gil: bool,
    /// Its `PyThreadState`.
    #[serde(skip)]
    pub state: Avma,
    /// Its interpreter's number in the order in which they are kept; the youngest comes first.
    pub interpreter: usize,
}

/// The interpreters of a process, the youngest first; the flag tells that their list is damaged and there may be more.
pub(super) fn interpreters(python: &Python, heap: &Heap<'_>) -> (Vec<Avma>, bool) {
    let mut found = Vec::new();
    let mut next = heap.pointer(python.runtime, "_PyRuntimeState.interpreters.head");
    while found.len() < MOST_INTERPRETERS {
        match next {
            Ok(Some(at)) if !found.contains(&at) => found.push(at),
            Ok(None) => return (found, false),
            _ => return (found, true),
        }
        next = heap.pointer(found[found.len() - 1], "PyInterpreterState.next");
    }
    (found, true)
}

/// All threads of all interpreters; the flag tells that the lists are damaged and there may be more.
pub(super) fn threads(python: &Python, heap: &Heap<'_>, process: &Process) -> (Vec<PythonThread>, bool) {
    let mut found = Vec::new();
    let (interpreters, damaged) = interpreters(python, heap);
    for (interpreter, at) in interpreters.into_iter().enumerate() {
        let holder = gil_holder(python, heap, at).ok().flatten();
        let whole = of_interpreter(heap, at, |state| {
            let tid = native_thread(heap, state, process);
            found.push(PythonThread { tid, holds_gil: holder == Some(state), state, interpreter });
            found.len() < MOST_THREADS
        });
        if whole.is_err() {
            return (found, true);
        }
    }
    (found, damaged)
}

/// The names that the module `threading` has for the threads of a process: `Thread(name=)`, which the kernel is told from
/// 3.14 on only, and cut to 15 bytes.
pub(super) fn names(python: &Python, heap: &Heap<'_>, process: &Process) -> HashMap<i32, String> {
    let by_ident: Vec<HashMap<u64, String>> =
        interpreters(python, heap).0.into_iter().map(|at| active(heap, at)).collect();
    let named = threads(python, heap, process).0.into_iter().filter_map(|thread| {
        let ident = heap.word(thread.state, "PyThreadState.thread_id").ok()?;
        Some((thread.tid?, by_ident.get(thread.interpreter)?.get(&ident)?.clone()))
    });
    named.collect()
}

/// `threading._active`: the threads by `get_ident()`. Those of `_thread.start_new_thread` are not in it.
fn active(heap: &Heap<'_>, interpreter: Avma) -> HashMap<u64, String> {
    let active = || {
        let names = heap.names_of_module(interpreter, "threading")?;
        let active = heap.dict_get(names, "_active")?;
        heap.expect(active, "dict").ok()?;
        heap.dict(active, MOST_THREADS as u64).ok()
    };
    let named = |(ident, thread): (Avma, Avma)| {
        let Ok(Some(Attribute::Object(name))) = heap.attribute(thread, "_name") else { return None };
        Some((heap.small_integer(ident).ok()? as u64, heap.name(name).ok()?))
    };
    active().map(|active| active.pairs.into_iter().filter_map(named).collect()).unwrap_or_default()
}

fn of_interpreter(heap: &Heap<'_>, at: Avma, mut take: impl FnMut(Avma) -> bool) -> Result<(), Unreadable> {
    let head = heap.layout.any_of(&["PyInterpreterState.threads.head", "PyInterpreterState.tstate_head"])?;
    let mut next = Some(Avma(heap.memory.read_u64(at.wrapping_add(head))?)).filter(|at| at.0 != 0);
    let mut seen = HashSet::new();
    while let Some(state) = next {
        if !seen.insert(state) || !take(state) {
            return Err(Unreadable::Damaged { what: "list of threads", at });
        }
        next = heap.pointer(state, "PyThreadState.next")?;
    }
    Ok(())
}

/// `pthread_self()`, which the interpreter keeps, is the base of `fs` with glibc and musl on x86-64; `gettid()`, which
/// it keeps from 3.11 on, is that of the innermost pid namespace.
fn native_thread(heap: &Heap<'_>, state: Avma, process: &Process) -> Option<i32> {
    let base = heap.word(state, "PyThreadState.thread_id").ok()?;
    let by_base = process.threads.iter().find(|thread| {
        base != 0 && thread.registers.as_ref().is_some_and(|registers| registers.general.fs_base == base)
    });
    let by_id = || {
        let id = heap.word(state, "PyThreadState.native_thread_id").ok()?;
        process.thread(i32::try_from(id).ok()?).filter(|_| process.inner_pid.is_none())
    };
    by_base.or_else(by_id).map(|thread| thread.tid)
}

/// The thread state that holds the lock: `struct _gil_runtime_state` is a part of the runtime up to 3.11, of the
/// interpreter from 3.12 on.
fn gil_holder(python: &Python, heap: &Heap<'_>, interpreter: Avma) -> Result<Option<Avma>, Unreadable> {
    let (locked, holder) = if heap.layout.minor < Minor(12) {
        let at = |field| heap.field(python.runtime, field);
        (at("_PyRuntimeState.ceval.gil.locked")?, at("_PyRuntimeState.ceval.gil.last_holder")?)
    } else {
        let gil = heap.object(interpreter, "PyInterpreterState.ceval.gil")?;
        (heap.field(gil, "_gil_runtime_state.locked")?, heap.field(gil, "_gil_runtime_state.last_holder")?)
    };
    if i32::from_le_bytes(heap.bytes(locked)?) != 1 {
        return Ok(None);
    }
    Ok(Some(Avma(heap.memory.read_u64(holder)?)).filter(|at| at.0 != 0))
}
