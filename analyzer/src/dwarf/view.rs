//! The sections of a program's debugging information, opened for one question, and the units in them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugInfoOffset, LittleEndian, Section, UnitHeader,
    UnitOffset, UnitType,
};

use super::sections::{self, Dwarf, Slice, Wanted};
use super::unit::{DieRef, Part, Unit, UnitId};
use super::{DebugInfo, UnitTables, lock};
use crate::ObjectFile;

/// Units that one file may have. A Chromium has 30,000.
pub(super) const MOST_UNITS: usize = 1 << 20;

/// So many units may be looked at before the pages they are in are given back.
pub(super) const UNITS_AT_ONCE: usize = 128;

/// The bytes that one unit's abbreviations may have. A hostile file could have each of many units read all of a huge
/// section; Go's linker writes the largest known, under 1 MiB.
const LARGEST_ABBREVIATIONS: usize = 2 << 20;

/// Everything needed to read one program's debugging information. It is cheap to make: a slice for each section.
pub(crate) struct View<'a> {
    pub(super) info: &'a DebugInfo,
    wanted: Wanted,
    main: Arc<Dwarf<'a>>,
    units: RefCell<HashMap<UnitId, Option<Arc<Unit<'a>>>>>,
    /// What it reads is not kept for others.
    passes: bool,
}

impl<'a> View<'a> {
    pub(super) fn of(info: &'a DebugInfo, wanted: Wanted) -> View<'a> {
        let mut main = sections::load(&info.file, wanted);
        if let Some(alt) = info.alt.as_deref() {
            main.set_sup(sections::load(alt, wanted));
        }
        View { info, wanted, main: Arc::new(main), units: RefCell::default(), passes: false }
    }

    /// A view for one unit among all, of which nothing shall stay.
    pub(super) fn passing(info: &'a DebugInfo) -> View<'a> {
        View { passes: true, ..View::of(info, Wanted::Names) }
    }

    /// The sections of the main file.
    pub(super) fn main(&self) -> &Arc<Dwarf<'a>> {
        &self.main
    }

    /// The unit at `id`, or `None` where there is none that can be read.
    pub(crate) fn unit(&self, id: UnitId) -> Option<Arc<Unit<'a>>> {
        if let Some(known) = self.units.borrow().get(&id) {
            return known.clone();
        }
        let unit = match id.part {
            Part::Main | Part::Types => self.plain_unit(id, self.main.clone()),
            Part::Alt => self.plain_unit(id, self.main.sup.clone()?),
            Part::Split => self.split_unit(id.offset),
        };
        self.units.borrow_mut().insert(id, unit.clone());
        unit
    }

    /// The unit in `Main` at `offset`, or what its skeleton stands for. A skeleton whose split file is missing is
    /// what we have: its line table is there.
    pub(super) fn full_unit(&self, offset: usize) -> Option<Arc<Unit<'a>>> {
        let unit = self.unit(UnitId { part: Part::Main, offset })?;
        if unit.unit.dwo_id.is_none() {
            return Some(unit);
        }
        self.unit(UnitId { part: Part::Split, offset }).or(Some(unit))
    }

    fn plain_unit(&self, id: UnitId, dwarf: Arc<Dwarf<'a>>) -> Option<Arc<Unit<'a>>> {
        let header = match id.part {
            Part::Types => self.type_unit_header(&dwarf, id.offset)?,
            _ => dwarf.debug_info.header_from_offset(DebugInfoOffset(id.offset)).ok()?,
        };
        let abbreviations = self.abbreviations(id.part, &dwarf, &header)?;
        let unit = gimli::Unit::new_with_abbreviations(&dwarf, header, abbreviations).ok()?;
        Some(Arc::new(Unit { id, dwarf, unit, skeleton: None }))
    }

    fn abbreviations(
        &self,
        part: Part,
        dwarf: &Dwarf<'a>,
        header: &UnitHeader<Slice<'a>>,
    ) -> Option<Arc<Abbreviations>> {
        let offset = header.debug_abbrev_offset();
        if let Some(known) = lock(&self.info.abbreviations).get(&(part, offset.0)) {
            return Some(known.clone());
        }
        let section = dwarf.debug_abbrev.reader().slice();
        let table = section.get(offset.0..)?;
        let table = &table[..table.len().min(LARGEST_ABBREVIATIONS)];
        let read = DebugAbbrev::new(table, LittleEndian).abbreviations(DebugAbbrevOffset(0)).ok()?;
        let read = Arc::new(read);
        if !self.passes {
            lock(&self.info.abbreviations).insert((part, offset.0), read.clone());
        }
        Some(read)
    }

    fn split_unit(&self, offset: usize) -> Option<Arc<Unit<'a>>> {
        let skeleton = self.unit(UnitId { part: Part::Main, offset })?;
        let dwarf = match self.packaged(&skeleton) {
            Some(dwarf) => dwarf,
            None => sections::load_split(self.split_file(&skeleton)?, &self.main, self.wanted),
        };
        let header = split_header(&dwarf, skeleton.unit.dwo_id)?;
        let mut unit = gimli::Unit::new(&dwarf, header).ok()?;
        unit.copy_relocated_attributes(&skeleton.unit);
        let id = UnitId { part: Part::Split, offset };
        Some(Arc::new(Unit { id, dwarf: Arc::new(dwarf), unit, skeleton: Some(skeleton) }))
    }

    fn packaged(&self, skeleton: &Unit<'a>) -> Option<Dwarf<'a>> {
        let package = sections::load_package(self.info.split.package()?)?;
        package.find_cu(skeleton.unit.dwo_id?, &self.main).ok()?
    }

    /// The `.dwo` file of a skeleton, opened once for all questions to come.
    fn split_file(&self, skeleton: &Unit<'a>) -> Option<&'a ObjectFile> {
        let info: &'a DebugInfo = self.info;
        let units = self.main_units();
        let slots = info.split_files.get_or_init(|| units.iter().map(|_| OnceLock::new()).collect());
        let slot = slots.get(units.binary_search(&skeleton.id.offset).ok()?)?;
        slot.get_or_init(|| self.find_split_file(skeleton)).as_ref()
    }

    fn find_split_file(&self, skeleton: &Unit<'a>) -> Option<ObjectFile> {
        let name = self.main.attr_string(&skeleton.unit, skeleton.unit.dwo_name().ok()??).ok()?;
        let path = |slice: Slice<'a>| Path::new(std::ffi::OsStr::from_bytes(slice.slice()));
        let compiled_in = skeleton.unit.comp_dir.map(path);
        self.info.split.candidates(compiled_in, path(name)).find(|file| {
            let dwarf = sections::load_split(file, &Dwarf::default(), Wanted::Names);
            split_header(&dwarf, skeleton.unit.dwo_id).is_some()
        })
    }

    /// The first unit, for names without a place.
    pub(crate) fn first_unit(&self) -> Option<Arc<Unit<'a>>> {
        self.full_unit(*self.main_units().first()?)
    }

    /// The offsets of all units of the main file, ascending.
    pub(super) fn main_units(&self) -> &'a [usize] {
        self.info.main_units.get_or_init(|| unit_offsets(&self.main, &self.info.file))
    }

    fn alt_units(&self) -> &'a [usize] {
        self.info.alt_units.get_or_init(|| {
            let sup = self.main.sup().zip(self.info.alt.as_deref());
            sup.map(|(dwarf, file)| unit_offsets(dwarf, file)).unwrap_or_default()
        })
    }

    /// The tables kept for a unit.
    pub(super) fn tables(&self, unit: UnitId) -> Arc<UnitTables> {
        lock(&self.info.tables).entry(unit).or_default().clone()
    }

    /// The entry that a reference attribute of `unit` leads to.
    pub(crate) fn follow(&self, unit: &Unit<'a>, value: &AttributeValue<Slice<'a>>) -> Option<DieRef> {
        match *value {
            AttributeValue::UnitRef(offset) => Some(unit.die(offset)),
            // In a .dwp file an offset is counted from the unit's contribution, and that is what `dwarf` holds.
            AttributeValue::DebugInfoRef(offset) if unit.id.part == Part::Split => {
                offset.to_unit_offset(&unit.unit.header).map(|offset| unit.die(offset))
            }
            AttributeValue::DebugInfoRef(offset) if unit.id.part == Part::Types => self.entry_at(Part::Main, offset.0),
            AttributeValue::DebugInfoRef(offset) => self.entry_at(unit.id.part, offset.0),
            AttributeValue::DebugInfoRefSup(offset) => self.entry_at(Part::Alt, offset.0),
            AttributeValue::DebugTypesRef(signature) => self.type_of_signature(signature),
            _ => None,
        }
    }

    fn entry_at(&self, part: Part, offset: usize) -> Option<DieRef> {
        let units = if part == Part::Alt { self.alt_units() } else { self.main_units() };
        let after = units.partition_point(|unit| *unit <= offset);
        let unit = *units[..after].last()?;
        Some(DieRef { unit: UnitId { part, offset: unit }, offset: UnitOffset(offset - unit) })
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("file", &self.info.file).finish_non_exhaustive()
    }
}

fn unit_offsets(dwarf: &Dwarf<'_>, file: &ObjectFile) -> Box<[usize]> {
    let mut offsets = Vec::new();
    let mut headers = dwarf.units();
    while let (Ok(Some(header)), true) = (headers.next(), offsets.len() < MOST_UNITS) {
        offsets.extend(header.debug_info_offset().map(|offset| offset.0));
        if offsets.len().is_multiple_of(UNITS_AT_ONCE) {
            file.give_pages_back();
        }
    }
    offsets.into()
}

/// The header of the compilation unit with this identifier in a `.dwo` file.
fn split_header<'a>(dwarf: &Dwarf<'a>, id: Option<gimli::DwoId>) -> Option<UnitHeader<Slice<'a>>> {
    let mut headers = dwarf.units();
    let mut left = MOST_UNITS;
    while let (Ok(Some(header)), true) = (headers.next(), left > 0) {
        left -= 1;
        let found = match header.type_() {
            UnitType::SplitCompilation(found) => Some(found),
            UnitType::Compilation => gimli::Unit::new(dwarf, header).ok().and_then(|unit| unit.dwo_id),
            _ => None,
        };
        if found.is_some() && found == id {
            return Some(header);
        }
    }
    None
}
