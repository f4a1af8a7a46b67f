//! The calls that a function makes, as far as the compiler wrote them down (`DW_TAG_call_site`, DWARF 5, section 3.4;
//! `DW_TAG_GNU_call_site` before).

use gimli::{AttributeValue, EntriesRaw, UnitOffset};

use super::lookup::{addresses_of, entry_point};
use super::sections::Slice;
use super::unit::Unit;
use super::view::View;
use crate::Svma;

/// Attributes read in one function.
const MOST_ATTRIBUTES: usize = 1 << 24;

/// Calls kept of one function.
const MOST_CALLS: usize = 1 << 16;

/// The calls of one function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    /// Where the function begins.
    pub(crate) function: Svma,
    /// The calls, in the file's order.
    pub(crate) sites: Vec<CallSite>,
    /// Whether the compiler promises that all its tail calls are among them.
    pub(crate) has_all_tail_calls: bool,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallSite {
    /// The address behind the call (or jump) instruction.
    pub(crate) return_address: Svma,
    /// It is a jump that leaves nothing of its function on the stack.
    pub(crate) is_tail_call: bool,
    /// What is called.
    pub(crate) target: CallTarget,
}

/// What a call goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallTarget {
    /// Functions of this file that begin there; more than one where the callee's code is in several ranges.
    Addresses(Vec<Svma>),
    /// A function that this unit only declares, by its linkage name.
    Name(String),
    /// Only registers and memory at that time could tell, or nothing is said.
    Unknown,
}

impl<'a> View<'a> {
    /// Those calls of the function whose code is at `address` which `wanted` says yes to, by their return addresses
    /// and whether they are tail calls. Of what is not wanted the target, which costs most, is not looked up.
    pub(crate) fn calls_of(&self, address: Svma, wanted: &dyn Fn(Svma, bool) -> bool) -> Option<Calls> {
        let (unit, function) = self.physical_function(address.0)?;
        let mut calls = Calls { function: Svma(entry_point(&unit, function)?), ..Calls::default() };
        // What follows a damaged entry is lost, what precedes it is not.
        let _ = self.read_calls(&unit, function, wanted, &mut calls);
        Some(calls)
    }

    fn read_calls(
        &self,
        unit: &Unit<'a>,
        function: UnitOffset,
        wanted: &dyn Fn(Svma, bool) -> bool,
        calls: &mut Calls,
    ) -> Result<(), gimli::Error> {
        let mut entries = unit.unit.entries_raw(Some(function))?;
        calls.has_all_tail_calls = promises_tail_calls(&mut entries)?;
        let mut left = MOST_ATTRIBUTES;
        while entries.next_depth() > 0 && !entries.is_empty() && calls.sites.len() < MOST_CALLS {
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            left = left.saturating_sub(1 + abbreviation.attributes().len());
            if left == 0 {
                break;
            }
            if matches!(abbreviation.tag(), gimli::DW_TAG_call_site | gimli::DW_TAG_GNU_call_site) {
                calls.sites.extend(self.read_call(unit, &mut entries, abbreviation, wanted)?);
            } else {
                entries.skip_attributes(abbreviation.attributes())?;
            }
        }
        Ok(())
    }

    fn read_call(
        &self,
        unit: &Unit<'a>,
        entries: &mut EntriesRaw<'_, Slice<'a>>,
        abbreviation: &gimli::Abbreviation,
        wanted: &dyn Fn(Svma, bool) -> bool,
    ) -> Result<Option<CallSite>, gimli::Error> {
        let (mut return_address, mut is_tail_call) = (None, false);
        let (mut expression, mut origin) = (false, None);
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(*specification)?;
            match (attribute.name(), attribute.value()) {
                // The GNU extension has the return address in DW_AT_low_pc.
                (gimli::DW_AT_call_return_pc | gimli::DW_AT_low_pc, value) => {
                    return_address = unit.dwarf.attr_address(&unit.unit, value)?;
                }
                (gimli::DW_AT_call_tail_call | gimli::DW_AT_GNU_tail_call, AttributeValue::Flag(flag)) => {
                    is_tail_call = flag;
                }
                (gimli::DW_AT_call_target | gimli::DW_AT_GNU_call_site_target, _) => expression = true,
                (gimli::DW_AT_call_origin | gimli::DW_AT_abstract_origin, value) => {
                    origin = self.follow(unit, &value);
                }
                _ => {}
            }
        }
        let return_address = return_address.map(Svma).filter(|address| wanted(*address, is_tail_call));
        let Some(return_address) = return_address else { return Ok(None) };
        let target = if expression { None } else { origin.and_then(|origin| self.target(origin)) };
        Ok(Some(CallSite { return_address, is_tail_call, target: target.unwrap_or(CallTarget::Unknown) }))
    }

    /// Where the function whose entry is `callee` can be found.
    fn target(&self, callee: super::unit::DieRef) -> Option<CallTarget> {
        let unit = self.unit(callee.unit)?;
        let named = self.function_entry(callee);
        if named.is_declaration {
            return named.linkage_name.or(named.name).map(CallTarget::Name);
        }
        let mut starts = Vec::new();
        addresses_of(&unit, callee.offset).for_each(&unit.dwarf, &unit.unit, |range| starts.push(Svma(range.low)));
        (!starts.is_empty()).then_some(CallTarget::Addresses(starts))
    }
}

fn promises_tail_calls(entries: &mut EntriesRaw<'_, Slice<'_>>) -> Result<bool, gimli::Error> {
    let Some(abbreviation) = entries.read_abbreviation()? else { return Ok(false) };
    let mut promised = false;
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute(*specification)?;
        let is_promise = matches!(
            attribute.name(),
            gimli::DW_AT_call_all_calls
                | gimli::DW_AT_call_all_tail_calls
                | gimli::DW_AT_GNU_all_call_sites
                | gimli::DW_AT_GNU_all_tail_call_sites
        );
        promised |= is_promise && attribute.value() == AttributeValue::Flag(true);
    }
    Ok(promised)
}
