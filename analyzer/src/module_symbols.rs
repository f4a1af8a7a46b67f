//! What the file of one module and its debug files say about its addresses.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::debug_file::DebugFileFinder;
use crate::dwarf::{self, DebugInfo};
use crate::symbols::{SymbolTable, read_mini_debug_info};
use crate::watch::{Unwatched, Watch};
use crate::{Module, ObjectFile, Options};

/// The symbol tables and the debugging information of one module, each read when it is first asked for.
#[derive(Debug)]
pub(crate) struct ModuleSymbols {
    object: Arc<ObjectFile>,
    separate: Option<Arc<ObjectFile>>,
    alt: Option<Arc<ObjectFile>>,
    warnings: Vec<String>,
    watch: Arc<dyn Watch>,
    symbols: OnceLock<SymbolTable>,
    debug_info: OnceLock<Option<DebugInfo>>,
    /// Why its `.gnu_debugdata` is of no use.
    mini_damage: OnceLock<String>,
}

impl ModuleSymbols {
    /// Finds the debug files of `module`; `None` where the module has no file itself.
    pub(crate) fn find(module: &Module, options: &Options) -> Option<ModuleSymbols> {
        let (object, finder) = (module.object()?.clone(), DebugFileFinder::new(options));
        let mut warnings = Vec::new();
        let has_all = dwarf::has_debug_info(&object) && object.section(".symtab").is_some();
        let separate = if has_all {
            None
        } else {
            let mut found = finder.separate_file(&object, module.path().as_path());
            warnings.append(&mut found.warnings);
            found.file
        };
        let with_debug_info = separate.iter().chain([&object]).find(|file| dwarf::has_debug_info(file));
        let mut alt = with_debug_info.map(|file| finder.alt_file(file)).unwrap_or_default();
        warnings.append(&mut alt.warnings);
        let (symbols, debug_info, mini_damage) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let watch = options.watch.clone().unwrap_or_else(|| Arc::new(Unwatched));
        Some(ModuleSymbols { object, separate, alt: alt.file, warnings, watch, symbols, debug_info, mini_damage })
    }

    /// The separate debug file, where one was needed and found.
    pub(crate) fn separate(&self) -> Option<&Arc<ObjectFile>> {
        self.separate.as_ref()
    }

    /// The symbols of the file, of its separate debug file, and of its `.gnu_debugdata`.
    pub(crate) fn symbols(&self) -> &SymbolTable {
        self.symbols.get_or_init(|| {
            let mini = read_mini_debug_info(&self.object).unwrap_or_else(|why| {
                self.mini_damage.get_or_init(|| why);
                None
            });
            let mini = mini.map(Arc::new);
            let files: Vec<_> =
                [Some(&self.object), self.separate.as_ref(), mini.as_ref()].into_iter().flatten().collect();
            SymbolTable::read(&files.into_iter().cloned().collect::<Vec<_>>())
        })
    }

    /// The debugging information, where there is some.
    pub(crate) fn debug_info(&self) -> Option<&DebugInfo> {
        let open = || {
            let file = self.separate.iter().chain([&self.object]).find(|file| dwarf::has_debug_info(file))?;
            let linked = [Some(&self.object), self.separate.as_ref()].into_iter().flatten();
            let linked = linked.map(|file| Path::to_owned(file.path())).collect();
            DebugInfo::of(file.clone(), self.alt.clone(), linked, Arc::clone(&self.watch))
        };
        self.debug_info.get_or_init(open).as_ref()
    }

    /// As [`ObjectFile::give_pages_back`], of all its files.
    pub(crate) fn give_pages_back(&self) {
        let files = [Some(&self.object), self.separate.as_ref(), self.alt.as_ref()].into_iter().flatten();
        files.for_each(|file| file.give_pages_back());
    }

    /// What was refused, not found, or turned out to be damaged so far, a sentence each.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let files = [Some(&self.object), self.separate.as_ref(), self.alt.as_ref()].into_iter().flatten();
        let mut warnings = self.warnings.clone();
        warnings.extend(files.flat_map(|file| file.damage()));
        warnings.extend(self.mini_damage.get().cloned());
        warnings.extend(self.debug_info.get().into_iter().flatten().flat_map(DebugInfo::damage));
        // A section that cannot be decompressed fails its readers one by one.
        let mut told = std::collections::HashSet::new();
        warnings.retain(|warning| told.insert(warning.clone()));
        warnings
    }
}
