//! Source text.

use std::fmt::Write as _;

use dpdb_snapshot::Text;

use super::source_colours::{SourceLanguage, colour_line};
use super::style::{Role, Style, clean};
use crate::engine::SourceListing;

/// Lines with their numbers, the current one marked.
pub fn listing(listing: &SourceListing, style: &Style) -> String {
    let width = listing.lines.last().map_or(1, |line| line.number.to_string().len());
    let language = SourceLanguage::of_file(&listing.file.to_string());
    let mut out = String::new();
    for line in &listing.lines {
        let text = clean(&expand_tabs(&line.text));
        let current = listing.current == Some(line.number);
        let role = if current { Role::Strong } else { Role::Faint };
        let number = format!("{} {:>width$}", if current { ">" } else { " " }, line.number);
        let number = style.paint(role, number);
        let coloured = colour_line(text.trim_end(), language, style);
        let _ = writeln!(out, "{}", format!("{number}  {coloured}").trim_end());
    }
    out
}

/// Tabs up to the next multiple of eight columns, as terminals have it; a tab would be escaped otherwise.
fn expand_tabs(text: &Text) -> Text {
    let mut out = Vec::with_capacity(text.as_bytes().len());
    let mut column = 0;
    for &byte in text.as_bytes() {
        if byte == b'\t' {
            let blanks = 8 - column % 8;
            out.resize(out.len() + blanks, b' ');
            column += blanks;
        } else {
            out.push(byte);
            // Bytes after the first of a UTF-8 character take no column.
            column += usize::from(byte & 0xc0 != 0x80);
        }
    }
    Text(out)
}
