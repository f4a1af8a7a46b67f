//! One compilation unit, ready to be asked.

use std::sync::Arc;

use gimli::UnitOffset;

use super::ranges::text;
use super::sections::{Dwarf, Slice};
use crate::Language;

/// Which of the files that make up a program's debug information a unit is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The file with `.debug_info`.
    Main,
    /// `.debug_types` of the file with `.debug_info`.
    Types,
    /// The file that dwz moved shared units to.
    Alt,
    /// The `.dwo` file (or its share of the `.dwp` file) of the skeleton unit at the same offset in `Main`.
    Split,
}

/// A unit's place. For a split unit it is its skeleton's, since a `.dwo` file says nothing of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UnitId {
    pub(crate) part: Part,
    pub(crate) offset: usize,
}

/// A debugging information entry's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DieRef {
    pub(crate) unit: UnitId,
    pub(crate) offset: UnitOffset,
}

/// One unit with the sections it is in.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    pub(crate) id: UnitId,
    pub(crate) dwarf: Arc<Dwarf<'a>>,
    pub(crate) unit: gimli::Unit<Slice<'a>>,
    /// For a split unit, its skeleton, which has the line table.
    pub(crate) skeleton: Option<Arc<Unit<'a>>>,
}

impl<'a> Unit<'a> {
    /// The place of an entry of this unit.
    pub(crate) fn die(&self, offset: UnitOffset) -> DieRef {
        DieRef { unit: self.id, offset }
    }

    /// The unit whose line table is this one's.
    pub(crate) fn with_lines(&self) -> &Unit<'a> {
        self.skeleton.as_deref().unwrap_or(self)
    }

    /// `DW_AT_language`, as far as it makes a difference to us.
    pub(crate) fn language(&self) -> Option<Language> {
        let root = self.unit.entry(self.unit.header.root_offset()).ok()?;
        let gimli::AttributeValue::Language(language) = root.attr_value(gimli::DW_AT_language)? else { return None };
        language_of(language)
    }

    /// Whether this is the name of the unit's source file, or the end of its path.
    pub(super) fn is_of_file(&self, file: &str) -> bool {
        let Some(name) = &self.unit.name else { return false };
        let name = text(*name);
        // rustc names its parts of a crate behind the file's path: `src/main.rs/@/main.1234-cgu.0`.
        let name = name.split("/@/").next().unwrap_or_default();
        name.strip_suffix(file).is_some_and(|front| front.is_empty() || front.ends_with('/'))
    }

    /// The text of a string attribute.
    pub(crate) fn string(&self, value: gimli::AttributeValue<Slice<'a>>) -> Option<String> {
        self.dwarf.attr_string(&self.unit, value).ok().map(text)
    }
}

fn language_of(language: gimli::DwLang) -> Option<Language> {
    Some(match language {
        gimli::DW_LANG_C89 | gimli::DW_LANG_C | gimli::DW_LANG_C99 | gimli::DW_LANG_C11 | gimli::DW_LANG_C17 => {
            Language::C
        }
        gimli::DW_LANG_C_plus_plus
        | gimli::DW_LANG_C_plus_plus_03
        | gimli::DW_LANG_C_plus_plus_11
        | gimli::DW_LANG_C_plus_plus_14
        | gimli::DW_LANG_C_plus_plus_17
        | gimli::DW_LANG_C_plus_plus_20 => Language::Cpp,
        gimli::DW_LANG_Rust => Language::Rust,
        gimli::DW_LANG_Go => Language::Go,
        gimli::DW_LANG_Mips_Assembler => Language::Assembler,
        _ => return None,
    })
}
