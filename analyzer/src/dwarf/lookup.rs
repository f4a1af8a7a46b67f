//! From an address to the functions and the line there.

use gimli::UnitOffset;

use super::lines::{LineTable, file_path};
use super::scopes::{self, InlinedCall};
use super::unit::Unit;
use super::view::View;
use crate::{Language, SourceLocation, Svma};

/// What debugging information says about an address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The functions there: inlined ones, the innermost first, and last the one whose code it is. Empty where the unit
    /// knows none (assembler without function entries).
    pub(crate) functions: Vec<Function>,
    /// The line of the address itself, which is that of the first of `functions`.
    pub(crate) location: Option<SourceLocation>,
    /// The unit's language.
    pub(crate) language: Option<Language>,
}

/// A function at an address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Function {
    /// It is an inlined instance.
    pub(crate) inline: bool,
    /// The name as a debugger shows it.
    pub(crate) name: Option<String>,
    /// As the linker has it.
    pub(crate) linkage_name: Option<String>,
    /// Where its code (its instance's code) begins.
    pub(crate) low: Svma,
    /// Where control is in it: the line of the address, or of the inlined call.
    pub(crate) location: Option<SourceLocation>,
    /// The language of the unit that its code is in.
    pub(crate) language: Option<Language>,
}

impl<'a> View<'a> {
    /// What is at `address`; `None` where no unit covers it.
    pub(crate) fn place(&self, address: Svma) -> Option<Place> {
        let unit = self.full_unit(self.unit_covering(address.0)?)?;
        let (language, location) = (unit.language(), self.location(&unit, address.0));
        let mut place = Place { functions: Vec::new(), location: location.clone(), language };
        let Some(function) = self.function_in(unit.id.offset, address.0) else { return Some(place) };
        let mut location = location;
        let mut calls: Vec<(UnitOffset, InlinedCall)> = scopes::around(&unit, function, address.0)
            .into_iter()
            .filter_map(|scope| Some((scope.entry, scope.call?)))
            .collect();
        while let Some((entry, call)) = calls.pop() {
            place.functions.push(self.function(&unit, entry, Some(call), location));
            location = call_location(&unit, &call);
        }
        place.functions.push(self.function(&unit, function, None, location));
        Some(place)
    }

    fn function(
        &self,
        unit: &Unit<'a>,
        entry: UnitOffset,
        call: Option<InlinedCall>,
        location: Option<SourceLocation>,
    ) -> Function {
        let gathered = self.function_entry(unit.die(entry));
        let language = unit.language();
        let name = self.display_name(&gathered, language);
        let low = call.map_or_else(|| entry_point(unit, entry), |call| Some(call.low));
        let linkage_name = gathered.linkage_name.filter(|linkage| Some(linkage) != name.as_ref());
        Function { inline: call.is_some(), name, linkage_name, low: Svma(low.unwrap_or_default()), location, language }
    }

    /// The line of an address that `unit` covers.
    fn location(&self, unit: &Unit<'a>, address: u64) -> Option<SourceLocation> {
        let unit = unit.with_lines();
        let tables = self.tables(unit.id);
        let row = tables.lines.get_or_init(|| LineTable::read(unit)).at(address)?;
        Some(SourceLocation { file: file_path(unit, row.file)?, line: row.line, column: row.column })
    }

    /// The function whose code `address` is, and its unit.
    pub(crate) fn physical_function(&self, address: u64) -> Option<(std::sync::Arc<Unit<'a>>, UnitOffset)> {
        let unit = self.full_unit(self.unit_covering(address)?)?;
        let function = self.function_in(unit.id.offset, address)?;
        Some((unit, function))
    }

    /// The first address of the function whose code `address` is (gdb's `get_pc_function_start`).
    pub(crate) fn function_start(&self, address: Svma) -> Option<Svma> {
        let (unit, function) = self.physical_function(address.0)?;
        entry_point(&unit, function).map(Svma)
    }

    /// Where the function whose code is at `address` was declared, and the highest line of that file that any of its
    /// code comes from.
    pub(crate) fn function_lines(&self, address: Svma) -> Option<(SourceLocation, u32)> {
        let (unit, entry) = self.physical_function(address.0)?;
        let (home, file, line) = self.function_entry(unit.die(entry)).declared?;
        let home = self.unit(home)?;
        let file = file_path(home.with_lines(), file)?;
        let lines = unit.with_lines();
        let tables = self.tables(lines.id);
        let table = tables.lines.get_or_init(|| LineTable::read(lines));
        let mut last = line;
        addresses_of(&unit, entry).for_each(&unit.dwarf, &unit.unit, |range| {
            let own = |row: &&super::lines::Row| file_path(lines, row.file).as_ref() == Some(&file);
            let highest =
                table.within(range.low, range.high).filter(|row| row.line > last).filter(own).map(|row| row.line);
            last = highest.max().unwrap_or(last);
        });
        Some((SourceLocation { file, line, column: 0 }, last))
    }
}

/// The line of the call that `call` replaced. An index of 0 means no file before DWARF 5 (section 2.14 there).
fn call_location(unit: &Unit<'_>, call: &InlinedCall) -> Option<SourceLocation> {
    let file = file_path(unit.with_lines(), call.file?)?;
    (call.line != 0).then_some(SourceLocation { file, line: call.line, column: call.column })
}

/// The addresses of the entry at `offset`.
pub(super) fn addresses_of<'a>(unit: &Unit<'a>, offset: UnitOffset) -> super::ranges::PcAttributes<'a> {
    let mut addresses = super::ranges::PcAttributes::default();
    if let Ok(entry) = unit.unit.entry(offset) {
        entry.attrs().iter().for_each(|attribute| addresses.take(attribute));
    }
    addresses
}

/// Where a function begins.
pub(super) fn entry_point(unit: &Unit<'_>, offset: UnitOffset) -> Option<u64> {
    addresses_of(unit, offset).first(&unit.dwarf, &unit.unit)
}
