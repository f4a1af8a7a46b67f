//! What a `SyntaxError` says of the source that it is about.

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::super::heap::Heap;
use super::super::objects::Reader;
use super::super::value::PythonValue;
use super::message;
use crate::value::ValueLimits;

/// Where in which source a `SyntaxError` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PythonSyntaxError {
    /// The message without the place.
    pub message: Text,
    /// The file.
    pub file: Option<Text>,
    /// The line.
    pub line: Option<i64>,
    /// The text of the line.
    pub text: Option<Text>,
    /// The first character it is about, from 1 on.
    pub offset: Option<i64>,
    /// The character after the last; none and zero where it is about one.
    pub end_offset: Option<i64>,
}

/// Reads it where the exception is a `SyntaxError`.
pub(super) fn read(heap: &Heap<'_>, at: Avma) -> Option<PythonSyntaxError> {
    heap.expect_subtype(at, "SyntaxError").ok()?;
    let reader = Reader::new(heap, ValueLimits::default());
    let field = |field| heap.pointer(at, field).ok().flatten();
    let text = |name| {
        let at = field(name).filter(|at| heap.expect(*at, "str").is_ok())?;
        Some(Text::from(message::of_object(heap, at).as_str()))
    };
    let number = |name| match reader.value(field(name)?) {
        PythonValue::Int(number) => i64::try_from(number).ok(),
        _ => None,
    };
    Some(PythonSyntaxError {
        message: text("PySyntaxErrorObject.msg").unwrap_or_else(|| Text::from("<no detail available>")),
        file: text("PySyntaxErrorObject.filename"),
        line: number("PySyntaxErrorObject.lineno"),
        text: text("PySyntaxErrorObject.text"),
        offset: number("PySyntaxErrorObject.offset"),
        end_offset: number("PySyntaxErrorObject.end_offset"),
    })
}
