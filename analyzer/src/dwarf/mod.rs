//! Debugging information: from a file address to functions, inlined calls and lines.
//!
//! Only what an address touches is read. `.debug_aranges` leads to the unit where it is there; otherwise the units'
//! root entries are visited until one covers the address, and what was seen is kept. Of that unit the line table and
//! the list of functions are read once and kept, and of one function the branch of its tree that the address is in.
//! Nothing keeps a reference into a mapped file: [`DebugInfo`] owns plain tables, and a [`View`], made for one
//! question, borrows the sections.
//!
//! Whatever a file claims, it cannot make us recurse, loop, or allocate beyond its own size times a small constant.

mod accelerated;
mod address_index;
mod call_sites;
mod debug_names;
mod exercise;
mod functions;
mod gdb_index;
mod lines;
mod listed_ranges;
mod lookup;
mod name_index;
mod named_entries;
mod names;
mod outline;
mod ranges;
mod root_entry;
mod scopes;
mod search;
mod sections;
pub(crate) mod tail_calls;
mod type_search;
mod type_units;
mod unit;
mod view;
mod vtables;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use gimli::Abbreviations;

use address_index::AddressIndex;
pub(crate) use call_sites::{CallSite, CallTarget, Calls};
pub use exercise::exercise;
use functions::FunctionTable;
pub use gdb_index::exercise as exercise_gdb_index;
use lines::LineTable;
pub(crate) use lookup::{Function, Place};
use name_index::NameIndex;
pub(crate) use name_index::exercise as exercise_name_index;
use named_entries::NameTable;
pub(crate) use named_entries::{NameKind, Tag, components as path_components, same as same_name};
use outline::Outline;
pub(crate) use scopes::around;
pub(crate) use sections::Slice;
use sections::Wanted;
use type_units::Signatures;
use unit::Part;
pub(crate) use unit::{DieRef, Unit, UnitId};
pub(crate) use view::View;
use vtables::VtableOwners;

use crate::ObjectFile;
use crate::debug_file::SplitFiles;
use crate::types::Type;
use crate::watch::Watch;

/// The debugging information of one ELF file, with what was read of it so far.
#[derive(Debug)]
pub(crate) struct DebugInfo {
    file: Arc<ObjectFile>,
    alt: Option<Arc<ObjectFile>>,
    split: SplitFiles,
    watch: Arc<dyn Watch>,
    /// Offsets of all units, for references between units: of the main file, and of the alternative one.
    main_units: OnceLock<Box<[usize]>>,
    alt_units: OnceLock<Box<[usize]>>,
    /// For each of `main_units`, its `.dwo` file.
    split_files: OnceLock<Box<[OnceLock<Option<ObjectFile>>]>>,
    index: Mutex<AddressIndex>,
    tables: Mutex<HashMap<UnitId, Arc<UnitTables>>>,
    abbreviations: Mutex<HashMap<(Part, usize), Arc<Abbreviations>>>,
    /// Types that were read, and those that were found for a declaration.
    types: Mutex<HashMap<DieRef, Option<Arc<Type>>>>,
    definitions: Mutex<HashMap<String, Option<DieRef>>>,
    signatures: OnceLock<Signatures>,
    /// The index of names, once it was asked for.
    names: Mutex<Option<Arc<NameIndex>>>,
    /// The user gave up waiting for it.
    names_given_up: AtomicBool,
    /// Where the units end before their section does.
    broken_at: OnceLock<usize>,
}

/// What is kept of a unit that was touched.
#[derive(Debug, Default)]
struct UnitTables {
    lines: OnceLock<LineTable>,
    functions: OnceLock<FunctionTable>,
    /// As `functions`, of functions inside functions and classes too; read where the first one has no answer.
    all_functions: OnceLock<FunctionTable>,
    outline: OnceLock<Outline>,
    names: OnceLock<NameTable>,
    vtables: OnceLock<VtableOwners>,
}

impl DebugInfo {
    /// The debugging information in `file`, which belongs to the linked files at `linked`; `None` where it has none.
    pub(crate) fn of(
        file: Arc<ObjectFile>,
        alt: Option<Arc<ObjectFile>>,
        linked: Vec<PathBuf>,
        watch: Arc<dyn Watch>,
    ) -> Option<DebugInfo> {
        has_debug_info(&file).then(|| DebugInfo {
            file,
            alt,
            split: SplitFiles::of(linked),
            watch,
            main_units: OnceLock::new(),
            alt_units: OnceLock::new(),
            split_files: OnceLock::new(),
            index: Mutex::default(),
            tables: Mutex::default(),
            abbreviations: Mutex::default(),
            types: Mutex::default(),
            definitions: Mutex::default(),
            broken_at: OnceLock::new(),
            signatures: OnceLock::new(),
            names: Mutex::default(),
            names_given_up: AtomicBool::new(false),
        })
    }

    /// What of it turned out to be damaged so far, a sentence each. The linked files and the alternative one are not
    /// among it.
    pub(crate) fn damage(&self) -> Vec<String> {
        let of_unit = |at: &usize| {
            let path = self.file.path().display();
            format!("{path}: section .debug_info: it is damaged at {at:#x}: what follows is not known")
        };
        let split = self.split_files.get().into_iter().flatten().filter_map(|file| file.get()?.as_ref());
        let split = split.chain(self.split.opened_package()).flat_map(ObjectFile::damage);
        let names = self.names_given_up.load(Ordering::Relaxed).then(|| {
            let path = self.file.path().display();
            format!("{path}: reading its names was interrupted: those of other units than the frame's are not known")
        });
        self.broken_at.get().map(of_unit).into_iter().chain(split).chain(names).collect()
    }

    /// Opens the sections for one question.
    pub(crate) fn view(&self) -> View<'_> {
        View::of(self, Wanted::Names)
    }

    /// Opens the sections for a question about values too.
    pub(crate) fn values(&self) -> View<'_> {
        View::of(self, Wanted::Values)
    }
}

/// Whether `file` has debugging information (a separate debug file's stub `.debug_info` would have no bytes).
pub(crate) fn has_debug_info(file: &ObjectFile) -> bool {
    matches!(file.section_data(".debug_info"), Ok(Some(data)) if !data.is_empty())
}

/// A cache that a panicking thread left is still a cache.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
