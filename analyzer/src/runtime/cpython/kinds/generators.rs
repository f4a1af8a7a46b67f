//! Generators and coroutines, with how far they have come.

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::frames;
use crate::runtime::cpython::layout::Minor;
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] =
    &[("generator", generator), ("coroutine", generator), ("async_generator", generator)];

/// As `gen_repr` writes it (Objects/genobject.c); its state, and the line it would go on at, are its children.
fn generator(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let name = reader.heap.name(reader.heap.object(of.at, "PyGenObject.gi_qualname")?)?;
    let kind = &of.facts.name;
    let text = format!("<{kind} object {name} at {}>", of.at);
    let type_name = of.facts.full_name();
    let state = state(reader, of)?;
    let mut attributes = vec![("state".to_owned(), PythonValue::text(state))];
    if state != "closed"
        && let Some(line) = frames::line_of_generator(reader.heap, of.at)?
    {
        attributes.push(("line".to_owned(), PythonValue::Int(line.into())));
    }
    Ok(PythonValue::Object { type_name, at: of.at, text: Some(text), attributes })
}

/// In the words of `inspect.getgeneratorstate`. The numbers are those of `PyFrameState` and its forerunners
/// (Include/internal/pycore_frame.h), which 3.15 numbered anew.
fn state(reader: &Reader<'_, '_>, of: &Subject<'_>) -> Result<&'static str, Unreadable> {
    let heap = reader.heap;
    if heap.layout.minor < Minor(11) {
        let Some(frame) = heap.pointer(of.at, "PyGenObject.gi_frame")? else { return Ok("closed") };
        let running = match heap.layout.has("PyGenObject.gi_running") {
            true => heap.byte(of.at, "PyGenObject.gi_running")? != 0,
            false => heap.byte(frame, "PyFrameObject.f_state")? == 0,
        };
        return Ok(match heap.int(frame, "PyFrameObject.f_lasti")? {
            -1 => "created",
            _ if running => "running",
            _ => "suspended",
        });
    }
    let number = heap.byte(of.at, "PyGenObject.gi_frame_state")? as i8;
    let first_suspended = if heap.layout.minor < Minor(13) { -1 } else { -2 };
    Ok(match (heap.layout.minor, number) {
        (Minor(15), 0) => "created",
        (Minor(15), 1..=3) => "suspended",
        (Minor(15), 4) => "running",
        (Minor(15), _) => "closed",
        (_, 0) => "running",
        (_, number) if number > 0 => "closed",
        (_, number) if number < first_suspended => "created",
        _ => "suspended",
    })
}
