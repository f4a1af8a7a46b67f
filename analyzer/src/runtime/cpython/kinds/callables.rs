//! What can be called: methods, functions and descriptors in C, partial functions, code.

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::repr;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("method", method),
    ("builtin_function_or_method", builtin_function),
    ("builtin_method", builtin_function),
    ("method_descriptor", method_descriptor),
    ("classmethod_descriptor", method_descriptor),
    ("wrapper_descriptor", slot_wrapper),
    ("method-wrapper", method_wrapper),
    ("getset_descriptor", attribute_descriptor),
    ("member_descriptor", member_descriptor),
    ("functools.partial", partial),
    ("code", code),
];

/// A name of C.
const LONGEST_NAME: usize = 256;
/// Arguments of a partial function.
const MOST_ARGUMENTS: u64 = 64;

fn method(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let function = reader.heap.object(of.at, "PyMethodObject.im_func")?;
    let receiver = reader.heap.object(of.at, "PyMethodObject.im_self")?;
    Ok(reader.bound_method(of.at, function, receiver, of.path))
}

impl Reader<'_, '_> {
    /// A function bound to an object, as `method_repr` writes it (Objects/classobject.c).
    pub(in crate::runtime::cpython) fn bound_method(
        &self,
        at: Avma,
        function: Avma,
        receiver: Avma,
        path: &mut Vec<Avma>,
    ) -> PythonValue {
        let name = self.kept(function, "__qualname__").or_else(|| self.kept(function, "__name__"));
        let name = name.and_then(|name| self.heap.name(name).ok()).unwrap_or_else(|| "?".to_owned());
        let text = format!("<bound method {name} of {}>", self.nested(receiver, path));
        PythonValue::Object { type_name: "method".to_owned(), at, text: Some(text), attributes: Vec::new() }
    }
}

fn c_name(reader: &Reader<'_, '_>, at: Avma) -> Result<String, Unreadable> {
    let (name, _) = reader.heap.memory.read_c_string(at, LONGEST_NAME)?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// One without a receiver, or with its module for one, is a function (`meth_repr`, Objects/methodobject.c).
fn builtin_function(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let row = heap.object(of.at, "PyCFunctionObject.m_ml")?;
    let name = c_name(reader, heap.object(row, "PyMethodDef.ml_name")?)?;
    let receiver = heap.pointer(of.at, "PyCFunctionObject.m_self")?;
    let receiver = receiver.map(|at| heap.type_of(at).map(|facts| (at, facts))).transpose()?;
    let text = match receiver {
        Some((at, facts)) if facts.builtin.as_deref() != Some("module") => {
            format!("<built-in method {name} of {} object at {at}>", heap.tp_name(facts.at)?)
        }
        _ => format!("<built-in function {name}>"),
    };
    Ok(reader.plain(of, text))
}

/// The name of a descriptor, and that of the type it is for.
fn described(reader: &Reader<'_, '_>, of: &Subject<'_>) -> Result<(String, String), Unreadable> {
    let name = reader.heap.name(reader.heap.object(of.at, "PyDescrObject.d_name")?)?;
    let owner = reader.heap.class(reader.heap.object(of.at, "PyDescrObject.d_type")?)?;
    Ok((name, reader.heap.tp_name(owner.at)?))
}

fn descriptor(reader: &Reader<'_, '_>, of: &Subject<'_>, what: &str) -> Shown {
    let (name, owner) = described(reader, of)?;
    Ok(reader.plain(of, format!("<{what} '{name}' of '{owner}' objects>")))
}

fn method_descriptor(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    descriptor(reader, of, "method")
}

fn slot_wrapper(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    descriptor(reader, of, "slot wrapper")
}

fn attribute_descriptor(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    descriptor(reader, of, "attribute")
}

fn member_descriptor(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    descriptor(reader, of, "member")
}

/// Its descriptor and the object stand behind the header (`wrapperobject`, Objects/descrobject.c).
fn method_wrapper(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let name = reader.heap.name(reader.heap.object(reader.behind_header(of.at, 0)?, "PyDescrObject.d_name")?)?;
    let receiver = reader.behind_header(of.at, 1)?;
    let kind = reader.heap.tp_name(reader.heap.type_of(receiver)?.at)?;
    Ok(reader.plain(of, format!("<method-wrapper '{name}' of {kind} object at {receiver}>")))
}

fn partial(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let mut args = vec![(None, reader.nested(heap.object(of.at, "partialobject.fn")?, of.path))];
    for item in heap.first_items(heap.object(of.at, "partialobject.args")?, MOST_ARGUMENTS)?.items {
        args.push((None, reader.nested(item, of.path)));
    }
    let keywords = heap.object(of.at, "partialobject.kw")?;
    heap.expect_subtype(keywords, "dict")?;
    for (name, value) in heap.dict(keywords, MOST_ARGUMENTS)?.pairs {
        args.push((Some(heap.name(name)?), reader.nested(value, of.path)));
    }
    Ok(PythonValue::Call { callee: of.facts.full_name(), args })
}

fn code(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let heap = reader.heap;
    let text = |field| heap.name(heap.object(of.at, field)?);
    let name = text("PyCodeObject.co_name")?;
    let file = repr::double_quoted(&text("PyCodeObject.co_filename")?);
    let line = heap.int(of.at, "PyCodeObject.co_firstlineno")?;
    Ok(reader.plain(of, format!("<code object {name} at {}, file {file}, line {line}>", of.at)))
}
