//! Types and objects of Python's heap as text.

use std::fmt::Write as _;

use super::style::{Role, Style, clean_str};
use super::table::{Table, cell, number, plain};
use crate::engine::PythonHeap;

/// A longer text of an object is cut.
const LONGEST: usize = 100;

/// Types with their counts, or objects.
pub fn objects(heap: &PythonHeap, style: &Style) -> String {
    let mut table = Table::bare();
    if !heap.types.is_empty() {
        table = Table::new(&["objects", "bytes", "type"]);
        for kind in &heap.types {
            table.row(vec![number(kind.count), number(kind.bytes), plain(clean_str(&kind.type_name))]);
        }
    } else if !heap.objects.is_empty() {
        table = Table::new(&["address", "bytes", "type", "value"]);
        for object in &heap.objects {
            let value: String = object.value.to_string();
            let mut shown: String = value.chars().take(LONGEST).collect();
            if shown.len() < value.len() {
                shown.push('…');
            }
            table.row(vec![
                cell(Role::Faint, &object.address),
                number(object.bytes),
                plain(clean_str(&object.type_name)),
                plain(clean_str(&shown)),
            ]);
        }
    }
    let mut out = table.render(style);
    let what = if heap.types.is_empty() { "objects" } else { "types" };
    let more = if heap.more > 0 { format!("{} more {what}; ", heap.more) } else { String::new() };
    let total = format!("({more}the collector knows {} objects)", heap.total);
    let _ = writeln!(out, "{}", style.paint(Role::Faint, total));
    if let Some(end) = &heap.end {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, format!("({})", clean_str(end))));
    }
    out
}
