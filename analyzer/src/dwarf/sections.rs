//! The DWARF sections of a file, as gimli wants them.

use gimli::{EndianSlice, LittleEndian, SectionId};

use crate::ObjectFile;

/// What all of DWARF is read through: a borrowed, bounds-checked slice.
pub(crate) type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The DWARF sections of one file.
pub(crate) type Dwarf<'a> = gimli::Dwarf<Slice<'a>>;

/// A slice of nothing.
pub(crate) fn empty<'a>() -> Slice<'a> {
    EndianSlice::new(&[], LittleEndian)
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Names and lines. Sections of values, types and macros are left empty, so that compressed ones among them
    /// (`.debug_loclists` is the second largest of all) are not decompressed for a backtrace.
    Names,
    /// Locations and types as well.
    Values,
}

/// The sections of `object` that are wanted.
pub(crate) fn load(object: &ObjectFile, wanted: Wanted) -> Dwarf<'_> {
    let section = |id: SectionId| Ok::<_, gimli::Error>(if wanted.has(id) { data(object, id.name()) } else { empty() });
    gimli::Dwarf::load(section).unwrap_or_default()
}

/// The sections of a `.dwo` file that belong to `parent`, the file with the skeleton units.
pub(crate) fn load_split<'a>(object: &'a ObjectFile, parent: &Dwarf<'a>, wanted: Wanted) -> Dwarf<'a> {
    let mut dwarf: Dwarf<'a> =
        gimli::Dwarf::load(|id: SectionId| Ok::<_, gimli::Error>(split(object, id, wanted))).unwrap_or_default();
    dwarf.make_dwo(parent);
    dwarf
}

/// The sections of a `.dwp` file with its index, or `None` where that is damaged. A unit's share of each section must
/// be there for the unit to be found, so that none is left out.
pub(crate) fn load_package(object: &ObjectFile) -> Option<gimli::DwarfPackage<Slice<'_>>> {
    let section = |id: SectionId| id.dwo_name().map_or(empty(), |name| data(object, name));
    gimli::DwarfPackage::load(|id| Ok::<_, gimli::Error>(section(id)), empty()).ok()
}

fn split(object: &ObjectFile, id: SectionId, wanted: Wanted) -> Slice<'_> {
    id.dwo_name().filter(|_| wanted.has(id)).map_or(empty(), |name| data(object, name))
}

impl Wanted {
    fn has(self, id: SectionId) -> bool {
        match id {
            SectionId::DebugMacinfo | SectionId::DebugMacro | SectionId::DebugNames => false,
            SectionId::DebugLoc | SectionId::DebugLocLists | SectionId::DebugTypes => self == Wanted::Values,
            _ => true,
        }
    }
}

/// A damaged section is as good as none.
fn data<'a>(object: &'a ObjectFile, name: &str) -> Slice<'a> {
    EndianSlice::new(object.section_data(name).ok().flatten().unwrap_or_default(), LittleEndian)
}
