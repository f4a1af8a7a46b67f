//! Locks and threads.

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;

pub(super) const KINDS: &[(&str, Kind)] =
    &[("_thread.lock", lock), ("_thread.RLock", recursive_lock), ("threading.Thread", thread)];

/// `PyMutex._bits`: locked (Include/cpython/pylock.h).
const LOCKED: u8 = 1;
/// `THREAD_HANDLE_DONE` (Modules/_threadmodule.c).
const DONE: i32 = 4;

fn lock(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    // 3.13 changed its structure between 3.13.0 and 3.13.5.
    let size = heap.word(of.facts.at, "PyTypeObject.tp_basicsize")?;
    let is_mutex = heap.layout.has("lockobject.lock._bits") && size == heap.layout.offset("lockobject.sizeof")?;
    let locked = match is_mutex {
        true => heap.byte(of.at, "lockobject.lock._bits")? & LOCKED != 0,
        false => heap.byte(of.at, "lockobject.locked")? != 0,
    };
    let state = if locked { "locked" } else { "unlocked" };
    Ok(reader.plain(of, format!("<{state} {} object at {}>", of.facts.full_name(), of.at)))
}

fn recursive_lock(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let (owner, count) = match heap.layout.has("rlockobject.rlock_owner") {
        true => (heap.word(of.at, "rlockobject.rlock_owner")?, heap.word(of.at, "rlockobject.rlock_count")?),
        // `_PyRecursiveMutex` counts from zero for the first time it is taken.
        false => {
            let owner = heap.word(of.at, "rlockobject.lock.thread")?;
            let level = heap.word(of.at, "rlockobject.lock.level")?;
            (owner, if owner == 0 { 0 } else { level.wrapping_add(1) })
        }
    };
    let state = if count == 0 { "unlocked" } else { "locked" };
    let name = of.facts.full_name();
    Ok(reader.plain(of, format!("<{state} {name} object owner={owner} count={count} at {}>", of.at)))
}

/// What `Thread.__repr__` says (Lib/threading.py).
fn thread(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let name = reader.kept(of.at, "_name").ok_or(Unreadable::NotA { expected: "Thread", at: of.at })?;
    let flag = |at, name| reader.kept(at, name).is_some_and(|at| heap.int_size(at).is_ok_and(|size| size.digits != 0));
    let mut status = String::from(match reader.kept(of.at, "_started") {
        Some(started) if flag(started, "_flag") => "started",
        _ => "initial",
    });
    let done = || {
        // 3.14 renamed it.
        let handle = reader.kept(of.at, "_handle").or_else(|| reader.kept(of.at, "_os_thread_handle"))?;
        let handle = heap.object(handle, "PyThreadHandleObject.handle").ok()?;
        Some(heap.int(handle, "ThreadHandle.state").ok()? == DONE)
    };
    if flag(of.at, "_is_stopped") || done() == Some(true) {
        status = "stopped".to_owned();
    }
    if flag(of.at, "_daemonic") {
        status += " daemon";
    }
    if let Some(ident) = reader.kept(of.at, "_ident").filter(|at| heap.expect(*at, "int").is_ok()) {
        status += &format!(" {}", heap.integer(ident)?);
    }
    let text = format!("<{}({}, {status})>", of.facts.simple_name(), heap.name(name)?);
    Ok(reader.described(of, text))
}
