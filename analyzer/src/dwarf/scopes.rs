//! The branch of one function's tree that an address is in: the blocks and inlined calls around it.

use gimli::{AttributeValue, EntriesRaw, UnitOffset};

use super::functions::skip_children;
use super::ranges::PcAttributes;
use super::sections::Slice;
use super::unit::Unit;

/// Attributes read or stepped over in one function.
const MOST_ATTRIBUTES: usize = 1 << 24;

/// Scopes around one address. Inlining of 100 levels happens in Rust; nobody nests a thousand.
const MOST_SCOPES: usize = 1000;

/// A block or an inlined call that covers an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Its entry.
    pub(crate) entry: UnitOffset,
    /// Where it was called, for an inlined call; `None` for a block.
    pub(crate) call: Option<InlinedCall>,
}

/// The call that was replaced by the callee's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InlinedCall {
    /// `DW_AT_call_file`.
    pub(super) file: Option<u64>,
    /// `DW_AT_call_line`; 0 where it is unknown.
    pub(super) line: u32,
    /// `DW_AT_call_column`.
    pub(super) column: u32,
    /// The first address of its code.
    pub(super) low: u64,
}

/// The scopes inside the function at `function` that cover `address`, outermost first.
pub(crate) fn around(unit: &Unit<'_>, function: UnitOffset, address: u64) -> Vec<Scope> {
    let mut scopes = Vec::new();
    let _ = walk(unit, function, &mut |mut scope, addresses| {
        let covered = addresses.cover(&unit.dwarf, &unit.unit, address);
        if covered && scopes.len() < MOST_SCOPES {
            if let Some(call) = &mut scope.call {
                call.low = addresses.first(&unit.dwarf, &unit.unit).unwrap_or(0);
            }
            scopes.push(scope);
        }
        match (covered, addresses.is_empty() && scope.call.is_none()) {
            (true, _) => Step::IntoAndNoFurther,
            // A block without addresses is as if it were not there.
            (_, true) => Step::Into,
            _ => Step::Over,
        }
    });
    scopes
}

enum Step {
    Into,
    IntoAndNoFurther,
    Over,
}

fn walk<'a>(
    unit: &Unit<'a>,
    function: UnitOffset,
    visit: &mut dyn FnMut(Scope, &PcAttributes<'a>) -> Step,
) -> Result<(), gimli::Error> {
    let mut entries = unit.unit.entries_raw(Some(function))?;
    let Some(abbreviation) = entries.read_abbreviation()? else { return Ok(()) };
    entries.skip_attributes(abbreviation.attributes())?;
    let mut left = MOST_ATTRIBUTES;
    // The depth outside of which there is nothing to find; `shift` is what jumps to siblings made gimli forget.
    let (mut floor, mut shift) = (0, 0);
    while shift + entries.next_depth() > floor && !entries.is_empty() {
        let outside = shift + entries.next_depth();
        let offset = entries.next_offset();
        let Some(abbreviation) = entries.read_abbreviation()? else { continue };
        left = left.saturating_sub(1 + abbreviation.attributes().len());
        if left == 0 {
            return Ok(());
        }
        let entry = read_scope(&mut entries, abbreviation, offset)?;
        let step = match abbreviation.tag() {
            gimli::DW_TAG_inlined_subroutine
            | gimli::DW_TAG_lexical_block
            | gimli::DW_TAG_try_block
            | gimli::DW_TAG_catch_block => visit(entry.scope, &entry.addresses),
            _ => Step::Over,
        };
        match step {
            Step::IntoAndNoFurther => floor = outside,
            Step::Into => {}
            Step::Over if !abbreviation.has_children() => {}
            Step::Over => match entry.sibling.filter(|next| *next > entries.next_offset()) {
                Some(next) => {
                    entries = unit.unit.entries_raw(Some(next))?;
                    shift = outside;
                }
                None => left = left.saturating_sub(skip_children(&mut entries, outside - shift, left)?),
            },
        }
    }
    Ok(())
}

struct Entry<'a> {
    scope: Scope,
    addresses: PcAttributes<'a>,
    sibling: Option<UnitOffset>,
}

fn read_scope<'a>(
    entries: &mut EntriesRaw<'_, Slice<'a>>,
    abbreviation: &gimli::Abbreviation,
    offset: UnitOffset,
) -> Result<Entry<'a>, gimli::Error> {
    let inlined = abbreviation.tag() == gimli::DW_TAG_inlined_subroutine;
    let (mut addresses, mut sibling, mut call) = (PcAttributes::default(), None, InlinedCall::default());
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute_inline(*specification)?;
        addresses.take(&attribute);
        let number = || attribute.udata_value().and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_sibling, AttributeValue::UnitRef(next)) => sibling = Some(next),
            (gimli::DW_AT_call_file, AttributeValue::FileIndex(file)) => call.file = Some(file),
            (gimli::DW_AT_call_line, _) => call.line = number(),
            (gimli::DW_AT_call_column, _) => call.column = number(),
            _ => {}
        }
    }
    let scope = Scope { entry: offset, call: inlined.then_some(call) };
    Ok(Entry { scope, addresses, sibling })
}
