//! From names to entries, for all of a file at once: which functions, types, variables and enumerators it names, and
//! where each stands.
//!
//! The index is made when a name is first looked for outside of the unit at hand ([`build`]), and kept by build-id in
//! the user's cache directory, so that the next session maps it. What it says is a hint: every answer is confirmed by
//! the entry itself, so that a stale or hostile file can hide names, but make none up.

mod build;
mod interner;
mod layout;
mod unit_names;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gimli::{Section, UnitOffset};

use super::named_entries::{NameKind, Tag};
use super::unit::DieRef;
use super::view::View;
use super::{DebugInfo, lock};
use crate::cache::sums::Damaged;
use crate::image::Image;

pub(super) use layout::NameIndex;
pub(crate) use layout::exercise;
use layout::{Record, Shape};

/// What kind of entry has a name, as far as looking it up needs to tell: less than [`NameKind`] asks for, which the
/// entry itself confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Struct,
    Union,
    Enum,
    OtherType,
    Variable,
    /// It has code of its own.
    Function,
    /// It was inlined everywhere, or is only described.
    FunctionWithoutCode,
    Enumerator,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Struct,
        Kind::Union,
        Kind::Enum,
        Kind::OtherType,
        Kind::Variable,
        Kind::Function,
        Kind::FunctionWithoutCode,
        Kind::Enumerator,
    ];

    fn answers(self, wanted: NameKind) -> bool {
        match wanted {
            NameKind::Type(None) => matches!(self, Kind::Struct | Kind::Union | Kind::Enum | Kind::OtherType),
            NameKind::Type(Some(Tag::Struct)) => self == Kind::Struct,
            NameKind::Type(Some(Tag::Union)) => self == Kind::Union,
            NameKind::Type(Some(Tag::Enum)) => self == Kind::Enum,
            NameKind::Variable => self == Kind::Variable,
            NameKind::Function => self == Kind::Function,
            NameKind::Enumerator => self == Kind::Enumerator,
        }
    }

    fn is_function(self) -> bool {
        matches!(self, Kind::Function | Kind::FunctionWithoutCode)
    }
}

impl<'a> View<'a> {
    /// The entries of this kind whose last name hashes to `hash`, in the file's order, none of them confirmed.
    pub(super) fn indexed(&self, hash: u32, kind: NameKind) -> impl Iterator<Item = DieRef> {
        self.records_with(hash, move |record| record.kind.answers(kind))
    }

    /// As [`View::indexed`], for functions with or without code.
    pub(super) fn indexed_functions(&self, hash: u32) -> impl Iterator<Item = DieRef> {
        self.records_with(hash, |record| record.kind.is_function())
    }

    fn records_with(&self, hash: u32, wanted: impl Fn(&Record) -> bool) -> impl Iterator<Item = DieRef> {
        let found = self.ask_index(|index| index.with(hash)).unwrap_or_default();
        found.into_iter().filter(move |record| wanted(record)).filter_map(|record| self.die_of(&record))
    }

    /// All entries of this kind whose full name is `wanted`, in the file's order, none of them confirmed.
    pub(super) fn indexed_like(&self, kind: NameKind, wanted: &dyn Fn(&str) -> bool) -> impl Iterator<Item = DieRef> {
        let matching = |index: &NameIndex| {
            let (records, names) = index.all()?;
            let names: HashSet<u32> =
                names.filter(|(_, name)| wanted(&String::from_utf8_lossy(name))).map(|(at, _)| at).collect();
            let own = records.filter(|record| !record.is_alias && record.kind.answers(kind));
            let mut found: Vec<Record> = own.filter(|record| names.contains(&record.name)).collect();
            found.sort_unstable_by_key(|record| (record.unit, record.entry));
            Ok(found)
        };
        let found = self.ask_index(matching).unwrap_or_default();
        found.into_iter().filter_map(|record| self.die_of(&record))
    }

    /// Whether the index is there without making it.
    pub(super) fn has_index_at_hand(&self) -> bool {
        let mut slot = lock(&self.info.names);
        if slot.is_none() {
            *slot = self.info.cached_index(self).map(Arc::new);
        }
        slot.is_some()
    }

    /// Asks the index: the one at hand, the one in the cache directory, or a new one; another one where it turns out
    /// to be damaged. `None` where the user interrupted the making.
    fn ask_index<T>(&self, ask: impl Fn(&NameIndex) -> Result<T, Damaged>) -> Option<T> {
        let mut slot = lock(&self.info.names);
        let index = match &*slot {
            Some(index) => Arc::clone(index),
            None => Arc::new(self.info.cached_index(self).or_else(|| self.info.new_index(self))?),
        };
        *slot = Some(Arc::clone(&index));
        ask(&index).ok().or_else(|| {
            let index = slot.insert(Arc::new(self.info.new_index(self)?));
            ask(index).ok()
        })
    }

    fn die_of(&self, record: &Record) -> Option<DieRef> {
        let unit = self.full_unit(*self.main_units().get(record.unit as usize)?)?;
        let offset = UnitOffset(record.entry as usize);
        offset.is_in_bounds(&unit.unit.header).then(|| unit.die(offset))
    }

    /// What of this file an index of it must fit.
    fn shape(&self) -> Shape {
        Shape { info_bytes: self.main().debug_info.reader().len() as u64, units: self.main_units().len() as u64 }
    }
}

impl DebugInfo {
    fn cached_index(&self, view: &View<'_>) -> Option<NameIndex> {
        NameIndex::open(self.file.cache()?.0.load(&self.cache_name()?)?, view.shape())
    }

    fn new_index(&self, view: &View<'_>) -> Option<NameIndex> {
        let built = build::build(self, view.main_units());
        self.names_given_up.store(built.is_none(), Ordering::Relaxed);
        let built = built?;
        let bytes = layout::write(&built.records, &built.names, view.shape());
        // A cache that cannot be written is no cache; the answers are the same.
        if let (Some((cache, _)), Some(name), true) = (self.file.cache(), self.cache_name(), built.is_complete) {
            let _ = cache.store(&name, &[&bytes]);
        }
        NameIndex::open(Image::Owned(bytes), view.shape())
    }

    /// The name of this file's index in the cache directory; without a build-id it has none.
    fn cache_name(&self) -> Option<String> {
        let alt = match &self.alt {
            Some(alt) => format!("-{}", alt.build_id()?),
            None => String::new(),
        };
        Some(format!("{}{alt}.names", self.file.build_id()?))
    }
}

/// The number by which a name is found: that of its text without blanks, which compilers put into template arguments
/// as they like. It is FNV-1a (Fowler, Noll and Vo), folded, and must not change while [`layout`]'s version does not.
pub(super) fn hash(name: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.iter().filter(|byte| **byte != b' ') {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}

/// A function's name without its generic arguments, by which people ask for it.
pub(super) fn without_generics(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == b'<').next().unwrap_or(name)
}
