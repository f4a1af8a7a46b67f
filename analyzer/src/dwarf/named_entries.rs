//! The types, variables and functions that a unit gives a name outside of functions, and finding one by its path.
//!
//! A name is looked for in the unit at hand first, then in the index of all others, in the file's order. What a unit
//! names is gathered when it is first asked and kept as hashes, twelve bytes a name.

use std::cmp::Reverse;
use std::path::PathBuf;

use gimli::{UnitOffset, constants as dw};

use super::functions::skip_children;
use super::lines::file_path;
use super::name_index::hash;
use super::sections::Slice;
use super::unit::{DieRef, Unit};
use super::view::View;

/// As for functions: see there.
const MOST_ATTRIBUTES: usize = 1 << 27;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NameKind {
    /// A type that is described, not only declared. With a word of C's (`struct`), only such a one.
    Type(Option<Tag>),
    /// A variable with a place.
    Variable,
    /// A function with code.
    Function,
    /// A value of an enumeration.
    Enumerator,
}

/// C keeps the names of these apart from those of other types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tag {
    Struct,
    Union,
    Enum,
}

/// The names of a unit, sorted by hash.
#[derive(Debug, Default)]
pub(super) struct NameTable(Box<[(u32, UnitOffset)]>);

impl NameTable {
    fn read(view: &View<'_>, unit: &Unit<'_>) -> NameTable {
        let mut names = Vec::new();
        // What follows a damaged entry is lost, what precedes it is not.
        let _ = gather(view, unit, &mut names);
        names.sort_unstable_by_key(|(hash, offset)| (*hash, offset.0));
        NameTable(names.into())
    }

    fn with(&self, hash: u32) -> impl Iterator<Item = UnitOffset> + '_ {
        let start = self.0.partition_point(|(known, _)| *known < hash);
        self.0[start..].iter().take_while(move |(known, _)| *known == hash).map(|(_, offset)| *offset)
    }
}

impl<'a> View<'a> {
    /// The entry with this path, such as `ns::Class<int>`; namespaces may be left out from the front. The unit at
    /// hand is asked before all others.
    pub(crate) fn find_named(&self, near: Option<&Unit<'a>>, path: &str, kind: NameKind) -> Option<DieRef> {
        self.find_at_hand(near, path, kind).or_else(|| {
            let (path, hash) = components_and_hash(path)?;
            let made = (!self.has_index_at_hand()).then(|| self.indexed(hash, kind));
            self.best_of(made.into_iter().flatten(), &path, kind)
        })
    }

    /// As [`View::find_named`], as far as it can be told without reading the names of other units: that it finds
    /// nothing may mean nothing.
    pub(crate) fn find_at_hand(&self, near: Option<&Unit<'a>>, path: &str, kind: NameKind) -> Option<DieRef> {
        let (path, hash) = components_and_hash(path)?;
        near.and_then(|unit| self.named_in(unit, &path, hash, kind)).or_else(|| {
            if self.has_index_at_hand() {
                self.best_of(self.indexed(hash, kind), &path, kind)
            } else {
                self.best_of(self.accelerated(&path, hash, kind).into_iter(), &path, kind)
            }
        })
    }

    /// As [`View::find_named`] in one unit alone.
    pub(crate) fn find_in(&self, unit: &Unit<'a>, path: &str, kind: NameKind) -> Option<DieRef> {
        let (path, hash) = components_and_hash(path)?;
        self.named_in(unit, &path, hash, kind)
    }

    /// The entry with this path in a unit of which the source file has this name, or one that ends in it.
    pub(crate) fn find_in_file(&self, near: &Unit<'a>, file: &str, path: &str, kind: NameKind) -> Option<DieRef> {
        let (path, hash) = components_and_hash(path)?;
        let own = near.is_of_file(file).then(|| self.named_in(near, &path, hash, kind)).flatten();
        own.or_else(|| {
            let of_file = |die: &DieRef| self.unit(die.unit).is_some_and(|unit| unit.is_of_file(file));
            self.best_of(self.indexed(hash, kind).filter(of_file), &path, kind)
        })
    }

    /// The best among candidates of the first unit that has any.
    fn best_of(&self, candidates: impl Iterator<Item = DieRef>, path: &[&str], kind: NameKind) -> Option<DieRef> {
        let mut best: Option<(DieRef, Reverse<usize>)> = None;
        for die in candidates {
            let Some(unit) = self.unit(die.unit).filter(|unit| self.is_wanted(unit, die, path, kind)) else { continue };
            let length = self.path_length(die, path);
            match best {
                Some((found, _)) if found.unit != unit.id => break,
                Some((_, known)) if known > length => {}
                _ => best = Some((die, length)),
            }
        }
        best.map(|(die, _)| die)
    }

    /// The entries of this kind in all units whose full name is `wanted`, with that name, in the file's order.
    pub(crate) fn named_like(
        &self,
        kind: NameKind,
        wanted: &dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = (DieRef, String)> {
        let is_wanted = move |die: DieRef| {
            let unit = self.unit(die.unit).filter(|unit| self.is_wanted(unit, die, &[], kind));
            unit.map(|_| (die, self.full_path(die).join("::"))).filter(|(_, name)| wanted(name))
        };
        self.indexed_like(kind, wanted).filter_map(is_wanted)
    }

    /// The entries of this kind in a unit, in the order in which they stand.
    pub(crate) fn named_of_unit(&self, unit: &Unit<'a>, kind: NameKind) -> Vec<DieRef> {
        let tables = self.tables(unit.id);
        let names = tables.names.get_or_init(|| NameTable::read(self, unit));
        let all = names.0.iter().map(|(_, offset)| unit.die(*offset));
        let mut found: Vec<DieRef> = all.filter(|die| self.is_wanted(unit, *die, &[], kind)).collect();
        found.sort_unstable_by_key(|die| die.offset.0);
        found
    }

    /// The enumeration that the enumerator at `die` belongs to: the last one that begins before it, since they do not
    /// nest.
    pub(crate) fn enumeration_of(&self, die: DieRef) -> Option<DieRef> {
        let unit = self.unit(die.unit)?;
        let tables = self.tables(unit.id);
        let names = tables.names.get_or_init(|| NameTable::read(self, &unit));
        let before = names.0.iter().map(|(_, offset)| *offset).filter(|offset| offset.0 < die.offset.0);
        let is_enumeration = |offset: &UnitOffset| matches!(unit.unit.entry(*offset), Ok(entry) if entry.tag() == dw::DW_TAG_enumeration_type);
        before.filter(is_enumeration).max_by_key(|offset| offset.0).map(|offset| unit.die(offset))
    }

    /// The file and line where an entry was declared.
    pub(crate) fn declared_at(&self, die: DieRef) -> Option<(PathBuf, u32)> {
        let (home, file, line) = self.function_entry(die).declared?;
        Some((file_path(self.unit(home)?.with_lines(), file)?, line))
    }

    fn named_in(&self, unit: &Unit<'a>, path: &[&str], hash: u32, kind: NameKind) -> Option<DieRef> {
        self.best_of(self.entries_with(unit, hash).into_iter(), path, kind)
    }

    /// The entries of a unit whose last name hashes to `hash`, in the order in which they stand.
    pub(super) fn entries_with(&self, unit: &Unit<'a>, hash: u32) -> Vec<DieRef> {
        let tables = self.tables(unit.id);
        let names = tables.names.get_or_init(|| NameTable::read(self, unit));
        names.with(hash).map(|offset| unit.die(offset)).collect()
    }

    fn is_wanted(&self, unit: &Unit<'a>, die: DieRef, path: &[&str], kind: NameKind) -> bool {
        let Ok(entry) = unit.unit.entry(die.offset) else { return false };
        let tag = entry.tag();
        let right_kind = match kind {
            NameKind::Type(None) => is_type(tag),
            NameKind::Type(Some(Tag::Struct)) => matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_class_type),
            NameKind::Type(Some(Tag::Union)) => tag == dw::DW_TAG_union_type,
            NameKind::Type(Some(Tag::Enum)) => tag == dw::DW_TAG_enumeration_type,
            NameKind::Variable => {
                tag == dw::DW_TAG_variable
                    && (entry.has_attr(dw::DW_AT_location) || entry.has_attr(dw::DW_AT_const_value))
            }
            NameKind::Enumerator => tag == dw::DW_TAG_enumerator,
            NameKind::Function => tag == dw::DW_TAG_subprogram && self.entry_address(die).is_some(),
        };
        // A constant member of a class is declared there, and may be defined nowhere.
        let constant = kind == NameKind::Variable && entry.has_attr(dw::DW_AT_const_value);
        let declaration = entry.has_attr(dw::DW_AT_declaration) && !constant;
        right_kind && !declaration && self.ends_in(die, path)
    }

    fn ends_in(&self, die: DieRef, path: &[&str]) -> bool {
        if path.is_empty() {
            return true;
        }
        let full = self.full_path(die);
        full.len() >= path.len() && full.iter().rev().zip(path.iter().rev()).all(|(own, asked)| same(own, asked))
    }

    /// The closer to the front of the path an entry is, the better it matches: `x` is `::x` before it is `ns::x`.
    fn path_length(&self, die: DieRef, path: &[&str]) -> Reverse<usize> {
        Reverse(self.full_path(die).len().saturating_sub(path.len()))
    }

    /// The path of an entry, its own name last.
    pub(crate) fn full_path(&self, die: DieRef) -> Vec<String> {
        let gathered = self.function_entry(die);
        let mut path = gathered.home.map(|home| self.path_of(home)).unwrap_or_default();
        path.extend(gathered.name);
        path
    }
}

fn components_and_hash(path: &str) -> Option<(Vec<&str>, u32)> {
    let path = components(path);
    let hash = hash(path.last()?.as_bytes());
    Some((path, hash))
}

/// Splits a path at `::` outside of template arguments and parameter lists.
pub(crate) fn components(path: &str) -> Vec<&str> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_i32);
    let bytes = path.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' | b'(' | b'{' => open += 1,
            b'>' | b')' | b'}' => open -= 1,
            b':' if open == 0 && bytes.get(at + 1) == Some(&b':') => {
                parts.push(path[start..at].trim());
                start = at + 2;
            }
            _ => {}
        }
    }
    parts.push(path[start.min(path.len())..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Names are the same but for the blanks that compilers put into template arguments as they like.
pub(crate) fn same(own: &str, asked: &str) -> bool {
    own == asked || own.bytes().filter(|byte| *byte != b' ').eq(asked.bytes().filter(|byte| *byte != b' '))
}

fn gather(view: &View<'_>, unit: &Unit<'_>, names: &mut Vec<(u32, UnitOffset)>) -> Result<(), gimli::Error> {
    let mut entries = unit.unit.entries_raw(None)?;
    let (mut left, mut shift) = (MOST_ATTRIBUTES, 0);
    while !entries.is_empty() && left > 0 {
        let (offset, outside) = (entries.next_offset(), shift + entries.next_depth());
        let Some(abbreviation) = entries.read_abbreviation()? else { continue };
        left = left.saturating_sub(1 + abbreviation.attributes().len());
        let read = read_attributes(&mut entries, abbreviation)?;
        if is_named(abbreviation.tag()) {
            if let Some(name) = read.name.and_then(|name| unit.dwarf.attr_string(&unit.unit, name).ok()) {
                names.push((hash(name.slice()), offset));
            } else if abbreviation.tag() == dw::DW_TAG_enumeration_type {
                // Without a name of its own it still is what its enumerators belong to.
                names.push((hash(b""), offset));
            } else if read.refers {
                names.extend(view.function_entry(unit.die(offset)).name.map(|name| (hash(name.as_bytes()), offset)));
            }
        }
        if !abbreviation.has_children() || holds_names(abbreviation.tag()) {
            continue;
        }
        match read.sibling.filter(|next| *next > entries.next_offset()) {
            Some(next) => {
                entries = unit.unit.entries_raw(Some(next))?;
                shift = outside;
            }
            None => left = left.saturating_sub(skip_children(&mut entries, outside - shift, left)?),
        }
    }
    Ok(())
}

struct Attributes<'a> {
    name: Option<gimli::AttributeValue<Slice<'a>>>,
    /// It has its name from another entry.
    refers: bool,
    sibling: Option<UnitOffset>,
}

fn read_attributes<'a>(
    entries: &mut gimli::EntriesRaw<'_, Slice<'a>>,
    abbreviation: &gimli::Abbreviation,
) -> Result<Attributes<'a>, gimli::Error> {
    let mut read = Attributes { name: None, refers: false, sibling: None };
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute_inline(*specification)?;
        match (attribute.name(), attribute.value()) {
            (gimli::DW_AT_name, name) => read.name = Some(name),
            (gimli::DW_AT_specification | gimli::DW_AT_abstract_origin, _) => read.refers = true,
            (gimli::DW_AT_sibling, gimli::AttributeValue::UnitRef(next)) => read.sibling = Some(next),
            _ => {}
        }
    }
    Ok(read)
}

fn is_named(tag: gimli::DwTag) -> bool {
    is_type(tag) || matches!(tag, dw::DW_TAG_variable | dw::DW_TAG_subprogram | dw::DW_TAG_enumerator)
}

pub(super) fn is_type(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_base_type
            | dw::DW_TAG_structure_type
            | dw::DW_TAG_class_type
            | dw::DW_TAG_union_type
            | dw::DW_TAG_enumeration_type
            | dw::DW_TAG_typedef
            | dw::DW_TAG_template_alias
            | dw::DW_TAG_unspecified_type
    )
}

pub(super) fn holds_names(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_compile_unit
            | dw::DW_TAG_partial_unit
            | dw::DW_TAG_namespace
            | dw::DW_TAG_module
            | dw::DW_TAG_structure_type
            | dw::DW_TAG_class_type
            | dw::DW_TAG_union_type
            | dw::DW_TAG_enumeration_type
    )
}

#[cfg(test)]
mod tests {
    use super::{components, same};

    #[test]
    fn paths_are_cut_outside_of_template_arguments() {
        assert_eq!(components("::ns::Box<a::b, (c::d)0>::value"), ["ns", "Box<a::b, (c::d)0>", "value"]);
        assert_eq!(components("crate::{closure#0}"), ["crate", "{closure#0}"]);
        assert_eq!(components("::"), Vec::<&str>::new());
        assert!(same("Box<int, char>", "Box<int,char>"));
        assert!(!same("Box<int>", "Box<char>"));
    }
}
