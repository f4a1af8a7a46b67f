//! Series, frames and indices of pandas, by the arrays they are made of (pandas/_libs/internals.pyx).

use dpdb_snapshot::Avma;

use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::PythonValue;

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("pandas.DataFrame", frame),
    ("pandas.core.frame.DataFrame", frame),
    ("pandas.Series", frame),
    ("pandas.core.series.Series", frame),
];

/// Blocks of one element type.
const MOST_BLOCKS: u64 = 64;

/// What is not laid out as it is here is shown as any other object.
fn frame(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    parts(reader, of).or_else(|_| {
        let attributes = reader.attributes(of.at, of.path);
        Ok(PythonValue::Object { type_name: of.facts.full_name(), at: of.at, text: None, attributes })
    })
}

/// Its axes and blocks: the index last, the columns of a frame before it; the values of a frame's block have a column
/// in each row. The manager of a frame is a structure of Cython's: its table of methods, then the blocks, then the axes;
/// that of a series may be an object that keeps them as attributes.
fn parts(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let unknown = || Unreadable::NotA { expected: "pandas object of a known layout", at: of.at };
    let manager = reader.kept(of.at, "_mgr").ok_or_else(unknown)?;
    let part = |name: &str, word: u64| match reader.kept(manager, name) {
        Some(kept) => Ok(kept),
        None => reader.behind_header(manager, word),
    };
    let (axes, blocks) = (part("axes", 2)?, part("blocks", 1)?);
    reader.heap.expect(axes, "list")?;
    reader.heap.expect(blocks, "tuple")?;
    let axes = reader.heap.first_items(axes, 2)?.items;
    let mut attributes = Vec::new();
    for (axis, name) in axes.iter().rev().zip(["index", "columns"]) {
        attributes.push((name.to_owned(), index(reader, *axis, of.path)));
    }
    for (number, block) in reader.heap.first_items(blocks, MOST_BLOCKS)?.items.into_iter().enumerate() {
        let values = reader.behind_header(block, 4)?;
        attributes.push((format!("block {number}"), reader.nested(values, of.path)));
    }
    let type_name = of.facts.full_name();
    Ok(PythonValue::Object { type_name, at: of.at, text: None, attributes })
}

/// An index keeps an array, or a range.
fn index(reader: &Reader<'_, '_>, at: Avma, path: &mut Vec<Avma>) -> PythonValue {
    let kept = reader.kept(at, "_range").or_else(|| reader.kept(at, "_data"));
    reader.nested(kept.unwrap_or(at), path)
}
