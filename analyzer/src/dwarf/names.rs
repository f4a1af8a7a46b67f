//! What a function is called.

use gimli::{AttributeValue, UnitOffset};

use super::outline::Outline;
use super::sections::Slice;
use super::unit::{DieRef, Unit, UnitId};
use super::view::View;
use crate::Language;
use crate::symbols::try_demangle;

/// Entries that are followed from an instance through its abstract origin to its declaration. Two or three are usual;
/// a damaged file may have a cycle.
const MOST_HOPS: usize = 16;

/// What the entry of a function, and those it refers to, say about it.
#[derive(Clone, Debug, Default)]
pub(super) struct FunctionEntry {
    /// `DW_AT_name`.
    pub(super) name: Option<String>,
    /// `DW_AT_linkage_name`.
    pub(super) linkage_name: Option<String>,
    /// Where it was declared: file (a number of that unit's line table) and line.
    pub(super) declared: Option<(UnitId, u64, u32)>,
    /// One of the chain is a declaration, and none says that it completes one: the function is defined elsewhere.
    pub(super) is_declaration: bool,
    has_specification: bool,
    /// The last entry of the chain, whose parents are the function's namespaces and classes.
    pub(super) home: Option<DieRef>,
}

impl<'a> View<'a> {
    /// Gathers what the entry at `entry` and its origins say.
    pub(super) fn function_entry(&self, entry: DieRef) -> FunctionEntry {
        let mut gathered = FunctionEntry::default();
        let mut next = Some(entry);
        for _ in 0..MOST_HOPS {
            let Some((here, unit)) = next.and_then(|here| Some((here, self.unit(here.unit)?))) else { break };
            gathered.home = Some(here);
            next = self.gather(&unit, here.offset, &mut gathered);
        }
        gathered.is_declaration &= !gathered.has_specification;
        gathered
    }

    /// What the symbol of a function is called.
    pub(crate) fn symbol_name(&self, entry: DieRef) -> Option<String> {
        let entry = self.function_entry(entry);
        entry.linkage_name.or(entry.name)
    }

    /// Whether the function of `entry` is by its linkage name, or where it has none by its name, the one of `other` in
    /// another view.
    pub(crate) fn names_same_function(&self, entry: DieRef, view: &View<'_>, other: DieRef) -> bool {
        let (one, other) = (self.function_entry(entry), view.function_entry(other));
        match (&one.linkage_name, &other.linkage_name) {
            (Some(one), Some(other)) => one == other,
            _ => one.name.is_some() && one.name == other.name,
        }
    }

    /// Adds what one entry says, and returns the one it refers to.
    fn gather(&self, unit: &Unit<'a>, offset: UnitOffset, gathered: &mut FunctionEntry) -> Option<DieRef> {
        let mut entries = unit.unit.entries_raw(Some(offset)).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        let (mut origin, mut file, mut line) = (None, None, None);
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(*specification).ok()?;
            match (attribute.name(), attribute.value()) {
                (gimli::DW_AT_name, value) if gathered.name.is_none() => gathered.name = unit.string(value),
                (gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name, value)
                    if gathered.linkage_name.is_none() =>
                {
                    gathered.linkage_name = unit.string(value);
                }
                (name @ (gimli::DW_AT_abstract_origin | gimli::DW_AT_specification), value) => {
                    gathered.has_specification |= name == gimli::DW_AT_specification;
                    origin = self.follow(unit, &value);
                }
                (gimli::DW_AT_declaration, AttributeValue::Flag(flag)) => gathered.is_declaration |= flag,
                (gimli::DW_AT_decl_file, AttributeValue::FileIndex(value)) => file = Some(value),
                (gimli::DW_AT_decl_line, _) => line = attribute.udata_value().and_then(|line| line.try_into().ok()),
                _ => {}
            }
        }
        if let (None, Some(file), Some(line)) = (gathered.declared, file, line) {
            gathered.declared = Some((unit.id, file, line));
        }
        origin
    }

    /// The name as a debugger shows it: with namespaces and classes, without parameters.
    ///
    /// C++ comes out of the linkage name, as in gdb: `DW_AT_name` knows neither the enclosing function of a lambda
    /// nor, with `-gsimple-template-names`, template arguments. For Rust it is the other way round: the path of
    /// entries has the generic arguments, which the linkage name lacks.
    pub(super) fn display_name(&self, function: &FunctionEntry, language: Option<Language>) -> Option<String> {
        if matches!(language, Some(Language::C | Language::Assembler | Language::Go)) {
            return function.name.clone().or_else(|| function.linkage_name.clone());
        }
        let linkage = function.linkage_name.as_deref();
        if language != Some(Language::Rust)
            && let Some(name) = linkage.and_then(try_demangle)
        {
            return Some(name);
        }
        let Some(name) = &function.name else {
            return linkage.map(|linkage| try_demangle(linkage).unwrap_or_else(|| linkage.to_owned()));
        };
        let mut path = function.home.map(|home| self.path_of(home)).unwrap_or_default();
        path.push(name.clone());
        Some(path.join("::"))
    }

    /// The class (or the namespace) that the function at `entry` is a member of.
    pub(crate) fn home_of_function(&self, entry: DieRef) -> Option<DieRef> {
        let home = self.function_entry(entry).home?;
        let unit = self.unit(home.unit)?;
        let tables = self.tables(home.unit);
        let outline = tables.outline.get_or_init(|| Outline::read(&unit));
        outline.around(home.offset).last().map(|container| unit.die(*container))
    }

    /// The names of the namespaces and classes around an entry, outermost first.
    pub(crate) fn path_of(&self, entry: DieRef) -> Vec<String> {
        let entry = self.declaration_of(entry).unwrap_or(entry);
        let Some(unit) = self.unit(entry.unit) else { return Vec::new() };
        let tables = self.tables(entry.unit);
        let outline = tables.outline.get_or_init(|| Outline::read(&unit));
        outline.around(entry.offset).into_iter().filter_map(|container| container_name(&unit, container)).collect()
    }

    /// The entry among the namespaces for one that is not. gcc puts the types of type units outside of them, with the
    /// declaration that they specify inside, and what refers to such a unit by its signature just anywhere.
    fn declaration_of(&self, entry: DieRef) -> Option<DieRef> {
        let referred = |from: DieRef, name| {
            let unit = self.unit(from.unit)?;
            let value = unit.unit.entry(from.offset).ok()?.attr_value(name)?;
            self.follow(&unit, &value)
        };
        let described = referred(entry, gimli::DW_AT_signature).unwrap_or(entry);
        referred(described, gimli::DW_AT_specification)
    }
}

pub(super) fn container_name<'a>(unit: &Unit<'a>, offset: UnitOffset) -> Option<String> {
    let entry: gimli::DebuggingInformationEntry<Slice<'a>> = unit.unit.entry(offset).ok()?;
    match entry.attr_value(gimli::DW_AT_name) {
        Some(name) => unit.string(name),
        None => (entry.tag() == gimli::DW_TAG_namespace).then(|| "(anonymous namespace)".to_owned()),
    }
}
