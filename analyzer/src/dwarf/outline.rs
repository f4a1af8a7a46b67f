//! Which entry stands inside which: DWARF's entries do not know their parents.

use gimli::UnitOffset;

use super::functions::skip_children;
use super::sections::Slice;
use super::unit::Unit;

/// As for functions: see there.
const MOST_ATTRIBUTES: usize = 1 << 27;

/// Nested containers; templates of templates come to some dozens.
const DEEPEST: usize = 200;

/// The namespaces and classes of a unit, in the file's order.
#[derive(Debug, Default)]
pub(super) struct Outline(Vec<Container>);

#[derive(Clone, Copy, Debug)]
struct Container {
    entry: UnitOffset,
    /// Behind the last of its children.
    end: UnitOffset,
    parent: Option<u32>,
}

impl Outline {
    /// Walks all of a unit but its functions.
    pub(super) fn read(unit: &Unit<'_>) -> Outline {
        let mut builder = Builder::default();
        let _ = builder.walk(unit);
        let end = UnitOffset(unit.unit.header.length_including_self());
        while let Some((open, _)) = builder.open.pop() {
            builder.containers[open as usize].end = end;
        }
        Outline(builder.containers)
    }

    /// The entries of the containers around the entry at `offset`, outermost first.
    pub(super) fn around(&self, offset: UnitOffset) -> Vec<UnitOffset> {
        let before = self.0.partition_point(|container| container.entry < offset);
        let mut next = before.checked_sub(1);
        let mut around = Vec::new();
        while let Some(container) = next.map(|index| self.0[index]).filter(|_| around.len() < DEEPEST) {
            if offset < container.end {
                around.push(container.entry);
            }
            next = container.parent.map(|parent| parent as usize);
        }
        around.reverse();
        around
    }
}

#[derive(Default)]
struct Builder {
    containers: Vec<Container>,
    /// The containers that are not closed yet, with the depth outside of them.
    open: Vec<(u32, isize)>,
}

impl Builder {
    fn walk(&mut self, unit: &Unit<'_>) -> Result<(), gimli::Error> {
        let mut entries = unit.unit.entries_raw(None)?;
        let (mut left, mut shift) = (MOST_ATTRIBUTES, 0);
        while !entries.is_empty() && left > 0 {
            let (offset, outside) = (entries.next_offset(), shift + entries.next_depth());
            self.close(offset, outside);
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            left = left.saturating_sub(1 + abbreviation.attributes().len());
            let over = abbreviation.has_children() && abbreviation.tag() == gimli::DW_TAG_subprogram;
            let sibling = read_sibling(&mut entries, abbreviation, over)?;
            if abbreviation.has_children() && is_container(abbreviation.tag()) {
                self.open(offset, outside);
            }
            match sibling.filter(|next| *next > entries.next_offset()) {
                Some(next) => {
                    entries = unit.unit.entries_raw(Some(next))?;
                    shift = outside;
                }
                None if over => left = left.saturating_sub(skip_children(&mut entries, outside - shift, left)?),
                None => {}
            }
        }
        Ok(())
    }

    fn open(&mut self, entry: UnitOffset, outside: isize) {
        let Ok(index) = u32::try_from(self.containers.len()) else { return };
        let parent = self.open.last().map(|(parent, _)| *parent);
        self.containers.push(Container { entry, end: entry, parent });
        self.open.push((index, outside));
    }

    fn close(&mut self, offset: UnitOffset, depth: isize) {
        while let Some((open, _)) = self.open.pop_if(|(_, outside)| *outside >= depth) {
            self.containers[open as usize].end = offset;
        }
    }
}

fn read_sibling(
    entries: &mut gimli::EntriesRaw<'_, Slice<'_>>,
    abbreviation: &gimli::Abbreviation,
    wanted: bool,
) -> Result<Option<UnitOffset>, gimli::Error> {
    if !wanted {
        return entries.skip_attributes(abbreviation.attributes()).map(|()| None);
    }
    let mut sibling = None;
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute(*specification)?;
        if let (gimli::DW_AT_sibling, gimli::AttributeValue::UnitRef(next)) = (attribute.name(), attribute.value()) {
            sibling = Some(next);
        }
    }
    Ok(sibling)
}

fn is_container(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_interface_type
            | gimli::DW_TAG_enumeration_type
    )
}
