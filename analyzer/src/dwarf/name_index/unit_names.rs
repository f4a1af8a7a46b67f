//! The names of one unit, each with the namespaces and classes around it.

use std::collections::HashMap;

use gimli::{UnitOffset, constants as dw};

use super::super::functions::skip_children;
use super::super::named_entries::{holds_names, is_type};
use super::super::sections::Slice;
use super::super::unit::{Part, Unit};
use super::super::view::View;
use super::build::Share;
use super::layout::{MOST_UNITS, RawRecord, Record};
use super::{Kind, hash, without_generics};

/// As for functions: see there.
const MOST_ATTRIBUTES: usize = 1 << 27;

/// Containers in each other; what is deeper is listed by the path down to there.
const DEEPEST: usize = 200;

/// What stands for a namespace without a name.
const ANONYMOUS: &[u8] = b"(anonymous namespace)";

/// The bytes of a full name that is kept.
const LONGEST: usize = 1 << 16;

/// Adds the names of the unit at `offset`, which is the one with this number.
pub(super) fn read(view: &View<'_>, number: usize, offset: usize, share: &mut Share) {
    let Some(number) = u32::try_from(number).ok().filter(|number| *number < MOST_UNITS) else { return };
    let Some(unit) = view.full_unit(offset) else { return };
    share.is_complete &= unit.unit.dwo_id.is_none() || unit.id.part == Part::Split;
    let mut reader = Reader { view, unit: &unit, number, share, path: Path::default(), named: HashMap::new() };
    // What follows a damaged entry is lost, what precedes it is not.
    let _ = reader.walk();
}

struct Reader<'v, 'a, 's> {
    view: &'v View<'a>,
    unit: &'v Unit<'a>,
    number: u32,
    share: &'s mut Share,
    path: Path,
    /// The names of the functions and variables read so far, which others refer to for theirs.
    named: HashMap<UnitOffset, FullName>,
}

/// An entry's name.
#[derive(Clone, Copy)]
struct FullName {
    /// The place of the full one.
    place: u32,
    /// The hashes of its last component, of that without generic arguments, and of the linkage name.
    last: u32,
    plain: Option<u32>,
    linkage: Option<u32>,
}

impl FullName {
    fn new(place: u32, last: &[u8], linkage: Option<&[u8]>) -> FullName {
        let plain = without_generics(last);
        let has_generics = !plain.is_empty() && plain.len() < last.len();
        FullName {
            place,
            last: hash(last),
            plain: has_generics.then(|| hash(plain)),
            linkage: linkage.filter(|linkage| *linkage != last).map(hash),
        }
    }
}

/// The full name of what is being read.
#[derive(Default)]
struct Path {
    text: Vec<u8>,
    /// Of each container: the depth outside of it, and the length of the text outside of it.
    open: Vec<(isize, usize)>,
}

impl Path {
    fn close(&mut self, depth: isize) {
        while let Some((_, length)) = self.open.pop_if(|(outside, _)| *outside >= depth) {
            self.text.truncate(length);
        }
    }

    fn open(&mut self, depth: isize, name: Option<&[u8]>) {
        if self.open.len() < DEEPEST {
            self.open.push((depth, self.text.len()));
            // A name that is too long is left out.
            let _ = name.is_some_and(|name| self.append(name));
        }
    }

    fn append(&mut self, name: &[u8]) -> bool {
        let fits = self.text.len() + name.len() + 2 < LONGEST;
        if fits {
            if !self.text.is_empty() {
                self.text.extend_from_slice(b"::");
            }
            self.text.extend_from_slice(name);
        }
        fits
    }
}

/// What an entry says of itself, as far as its name needs it.
#[derive(Default)]
struct Entry<'a> {
    name: Option<gimli::AttributeValue<Slice<'a>>>,
    linkage_name: Option<gimli::AttributeValue<Slice<'a>>>,
    /// It has its name from another entry.
    origin: Option<gimli::AttributeValue<Slice<'a>>>,
    sibling: Option<UnitOffset>,
    is_declaration: bool,
    is_constant: bool,
    has_code: bool,
    has_place: bool,
}

impl<'a> Entry<'a> {
    fn take(&mut self, attribute: &gimli::Attribute<Slice<'a>>) {
        match attribute.name() {
            gimli::DW_AT_name => self.name = Some(attribute.value()),
            gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => self.linkage_name = Some(attribute.value()),
            gimli::DW_AT_specification | gimli::DW_AT_abstract_origin => self.origin = Some(attribute.value()),
            gimli::DW_AT_declaration => self.is_declaration = true,
            gimli::DW_AT_low_pc | gimli::DW_AT_ranges => self.has_code = true,
            gimli::DW_AT_location => self.has_place = true,
            gimli::DW_AT_const_value => (self.has_place, self.is_constant) = (true, true),
            gimli::DW_AT_sibling => {
                if let gimli::AttributeValue::UnitRef(next) = attribute.value() {
                    self.sibling = Some(next);
                }
            }
            _ => {}
        }
    }

    /// What it is looked up as; `None` where it is no answer to any question.
    fn kind(&self, tag: gimli::DwTag) -> Option<Kind> {
        let kind = match tag {
            // A constant member of a class is declared there, and may be defined nowhere.
            dw::DW_TAG_variable if self.is_constant => Kind::Variable,
            _ if self.is_declaration => return None,
            dw::DW_TAG_structure_type | dw::DW_TAG_class_type => Kind::Struct,
            dw::DW_TAG_union_type => Kind::Union,
            dw::DW_TAG_enumeration_type => Kind::Enum,
            dw::DW_TAG_variable if self.has_place => Kind::Variable,
            dw::DW_TAG_subprogram if self.has_code => Kind::Function,
            dw::DW_TAG_subprogram => Kind::FunctionWithoutCode,
            dw::DW_TAG_enumerator => Kind::Enumerator,
            _ if is_type(tag) => Kind::OtherType,
            _ => return None,
        };
        Some(kind)
    }
}

impl<'a> Reader<'_, 'a, '_> {
    fn walk(&mut self) -> Result<(), gimli::Error> {
        let unit = self.unit;
        let mut entries = unit.unit.entries_raw(None)?;
        let (mut left, mut shift) = (MOST_ATTRIBUTES, 0);
        while !entries.is_empty() && left > 0 {
            let (offset, outside) = (entries.next_offset(), shift + entries.next_depth());
            self.path.close(outside);
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            let tag = abbreviation.tag();
            left = left.saturating_sub(1 + abbreviation.attributes().len());
            let goes_in = abbreviation.has_children() && holds_names(tag);
            let mut entry = Entry::default();
            for specification in abbreviation.attributes() {
                entry.take(&entries.read_attribute_inline(*specification)?);
            }
            self.entry(offset, tag, &entry);
            if goes_in {
                if tag != dw::DW_TAG_compile_unit && tag != dw::DW_TAG_partial_unit {
                    let name = self.text(entry.name).or((tag == dw::DW_TAG_namespace).then_some(ANONYMOUS));
                    self.path.open(outside, name);
                }
                continue;
            }
            if !abbreviation.has_children() {
                continue;
            }
            match entry.sibling.filter(|next| *next > entries.next_offset()) {
                Some(next) => {
                    entries = unit.unit.entries_raw(Some(next))?;
                    shift = outside;
                }
                None => left = left.saturating_sub(skip_children(&mut entries, outside - shift, left)?),
            }
        }
        Ok(())
    }

    fn entry(&mut self, offset: UnitOffset, tag: gimli::DwTag, entry: &Entry<'a>) {
        let refers = matches!(tag, dw::DW_TAG_subprogram | dw::DW_TAG_variable);
        let kind = entry.kind(tag);
        if !refers && kind.is_none() {
            return;
        }
        let Some(name) = self.full_name(entry) else { return };
        if refers {
            self.named.insert(offset, name);
        }
        let Some(kind) = kind else { return };
        let own = Record { kind, is_alias: false, unit: self.number, entry: offset.0 as u32, name: name.place };
        self.share.records.push(RawRecord::new(name.last, own));
        if kind.is_function() {
            let alias = Record { is_alias: true, ..own };
            let hashes = [name.plain, name.linkage].into_iter().flatten();
            self.share.records.extend(hashes.map(|hash| RawRecord::new(hash, alias)));
        }
    }

    fn full_name(&mut self, entry: &Entry<'a>) -> Option<FullName> {
        let linkage = self.text(entry.linkage_name);
        if let Some(name) = self.text(entry.name) {
            let outside = self.path.text.len();
            let fits = self.path.append(name);
            let place = fits.then(|| self.share.names.place_of(&self.path.text)).flatten();
            self.path.text.truncate(outside);
            return Some(FullName::new(place?, name, linkage));
        }
        let origin = entry.origin?;
        if let gimli::AttributeValue::UnitRef(origin) = origin
            && let Some(known) = self.named.get(&origin)
        {
            return Some(FullName { linkage: linkage.map(hash).or(known.linkage), ..*known });
        }
        let origin = self.view.follow(self.unit, &origin)?;
        let path = self.view.full_path(origin);
        let place = self.share.names.place_of(path.join("::").as_bytes())?;
        let linkage =
            linkage.map(<[u8]>::to_vec).or_else(|| Some(self.view.function_entry(origin).linkage_name?.into()));
        Some(FullName::new(place, path.last()?.as_bytes(), linkage.as_deref()))
    }

    fn text(&self, value: Option<gimli::AttributeValue<Slice<'a>>>) -> Option<&'a [u8]> {
        Some(self.unit.dwarf.attr_string(&self.unit.unit, value?).ok()?.slice())
    }
}
