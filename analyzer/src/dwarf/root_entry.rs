//! Which addresses a unit covers, told by its root entry alone.
//!
//! Where nothing indexes the addresses (clang writes no `.debug_aranges`), all units are visited until the right one
//! is found. Reading a unit properly would parse its whole abbreviation table, its line program's header and its name
//! in `.debug_str`: three pages or more of cold file each. So only the one abbreviation of the root entry is parsed,
//! with the attributes that cost such a read renamed to one that nobody knows.

use std::sync::Arc;

use gimli::{Abbreviations, DebugAbbrev, DebugAbbrevOffset, LittleEndian, Reader, Section, UnitHeader};

use super::ranges::{PcAttributes, Range};
use super::sections::{Dwarf, Slice};

/// Declarations that are stepped over to find the root entry's, which compilers write first.
const MOST_DECLARATIONS: usize = 1000;

/// An attribute that nobody defines. Like those it replaces it takes one byte as LEB128.
const IGNORED: u8 = 0x7f;

/// The ranges of the unit with this header; `None` where its root entry says nothing about addresses.
pub(super) fn ranges_of<'a>(dwarf: &Dwarf<'a>, header: UnitHeader<Slice<'a>>) -> Option<Vec<Range>> {
    let abbreviations = Arc::new(abbreviation_of_root(dwarf, &header)?);
    let unit = gimli::Unit::new_with_abbreviations(dwarf, header, abbreviations).ok()?;
    let root = unit.entry(unit.header.root_offset()).ok()?;
    let mut attributes = PcAttributes::default();
    root.attrs().iter().for_each(|attribute| attributes.take(attribute));
    if attributes.is_empty() {
        return None;
    }
    let mut ranges = Vec::new();
    attributes.for_each(dwarf, &unit, |range| {
        if range.is_real() {
            ranges.push(range);
        }
    });
    Some(ranges)
}

fn abbreviation_of_root<'a>(dwarf: &Dwarf<'a>, header: &UnitHeader<Slice<'a>>) -> Option<Abbreviations> {
    let root = header.root_offset();
    let code = header.range_from(root..).ok()?.read_uleb128().ok()?;
    let mut table = *dwarf.debug_abbrev.reader();
    table.skip(header.debug_abbrev_offset().0).ok()?;
    for _ in 0..MOST_DECLARATIONS {
        let start = table;
        let found = table.read_uleb128().ok()?;
        if found == 0 {
            return None;
        }
        let declaration = skip_declaration(&mut table, &start)?;
        if found == code {
            return parse(declaration);
        }
    }
    None
}

/// Steps over one declaration behind its code, and returns a copy of all of it with the costly attributes renamed.
fn skip_declaration(table: &mut Slice<'_>, start: &Slice<'_>) -> Option<Vec<u8>> {
    table.read_uleb128().ok()?;
    table.read_u8().ok()?;
    let mut renamed = Vec::new();
    loop {
        let at = table.offset_from(*start);
        let (name, form) = (table.read_uleb128().ok()?, table.read_uleb128().ok()?);
        if form == u64::from(gimli::DW_FORM_implicit_const.0) {
            table.read_sleb128().ok()?;
        }
        if (name, form) == (0, 0) {
            break;
        }
        if is_costly(name) {
            renamed.push(at);
        }
    }
    let mut copy = start.slice().get(..table.offset_from(*start))?.to_vec();
    for at in renamed {
        // A number that was padded to more bytes stays: it costs the read, and nothing else.
        copy[at] = if copy[at] < 0x80 { IGNORED } else { copy[at] };
    }
    Some(copy)
}

fn is_costly(name: u64) -> bool {
    [gimli::DW_AT_name, gimli::DW_AT_comp_dir, gimli::DW_AT_stmt_list].iter().any(|costly| u64::from(costly.0) == name)
}

fn parse(mut declaration: Vec<u8>) -> Option<Abbreviations> {
    declaration.push(0);
    DebugAbbrev::new(&declaration, LittleEndian).abbreviations(DebugAbbrevOffset(0)).ok()
}
