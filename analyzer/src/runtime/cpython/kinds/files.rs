//! Open files and sockets.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("_io.FileIO", raw),
    ("_io.BufferedReader", buffered),
    ("_io.BufferedWriter", buffered),
    ("_io.BufferedRandom", buffered),
    ("_io.TextIOWrapper", text),
    ("_socket.socket", socket),
    ("socket.socket", socket),
];

/// The name of a raw file, as `open()` was given it.
fn name(reader: &Reader<'_, '_>, raw: Avma, path: &mut Vec<Avma>) -> String {
    let name = reader.kept(raw, "name").map(|name| format!(" name={}", reader.nested(name, path)));
    name.unwrap_or_default()
}

fn with_descriptor(reader: &Reader<'_, '_>, of: &Subject<'_>, text: String, raw: Avma) -> Shown {
    let descriptor = reader.heap.int(raw, "fileio.fd")?;
    let attributes = vec![("fd".to_owned(), PythonValue::Int(descriptor.into()))];
    Ok(PythonValue::Object { type_name: of.facts.full_name(), at: of.at, text: Some(text), attributes })
}

fn raw(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let kind = of.facts.full_name();
    if heap.int(of.at, "fileio.fd")? < 0 {
        return Ok(reader.plain(of, format!("<{kind} [closed]>")));
    }
    let bit = |field| Ok::<_, Unreadable>(heap.bits(of.at, field)? != 0);
    let mode = match (bit("fileio.created")?, bit("fileio.appending")?, bit("fileio.readable")?) {
        (true, _, false) => "xb",
        (true, _, true) => "xb+",
        (_, true, false) => "ab",
        (_, true, true) => "ab+",
        (_, _, true) if bit("fileio.writable")? => "rb+",
        (_, _, true) => "rb",
        _ => "wb",
    };
    let closes = if bit("fileio.closefd")? { "True" } else { "False" };
    let name = name(reader, of.at, of.path);
    with_descriptor(reader, of, format!("<{kind}{name} mode='{mode}' closefd={closes}>"), of.at)
}

fn buffered(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let kind = of.facts.full_name();
    let Some(raw) = raw_of(reader, of.at)? else { return Ok(reader.plain(of, format!("<{kind}>"))) };
    let text = format!("<{kind}{}>", name(reader, raw, of.path));
    with_descriptor(reader, of, text, raw)
}

/// The raw file beneath a buffer; none where that is no `FileIO`.
fn raw_of(reader: &Reader<'_, '_>, buffer: Avma) -> Result<Option<Avma>, Unreadable> {
    let raw = reader.heap.pointer(buffer, "buffered.raw")?;
    Ok(raw.filter(|raw| reader.heap.type_of(*raw).is_ok_and(|facts| facts.full_name() == "_io.FileIO")))
}

fn text(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let kind = of.facts.full_name();
    let buffer = heap.object(of.at, "textio.buffer")?;
    // An unbuffered standard stream has the raw file there.
    let raw = match heap.type_of(buffer)?.full_name().as_str() {
        "_io.FileIO" => Some(buffer),
        kind if kind.starts_with("_io.Buffered") => raw_of(reader, buffer)?,
        _ => None,
    };
    let name = raw.map(|raw| name(reader, raw, of.path)).unwrap_or_default();
    let mode = reader.kept(of.at, "mode").map(|mode| format!(" mode={}", reader.nested(mode, of.path)));
    let encoding = reader.nested(heap.object(of.at, "textio.encoding")?, of.path);
    let text = format!("<{kind}{name}{} encoding={encoding}>", mode.unwrap_or_default());
    match raw {
        Some(raw) => with_descriptor(reader, of, text, raw),
        None => Ok(reader.plain(of, text)),
    }
}

/// With the numbers of `socket(2)`; the addresses are the kernel's to tell.
fn socket(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let number = |field| reader.heap.int(of.at, field);
    let text = format!(
        "<{} fd={}, family={}, type={}, proto={}>",
        of.facts.full_name(),
        number("PySocketSockObject.sock_fd")?,
        number("PySocketSockObject.sock_family")?,
        number("PySocketSockObject.sock_type")?,
        number("PySocketSockObject.sock_proto")?,
    );
    Ok(reader.plain(of, text))
}
