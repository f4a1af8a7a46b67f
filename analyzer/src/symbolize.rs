//! From addresses to names and lines.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dpdb_snapshot::Avma;

use crate::dwarf::{Function, Place};
use crate::frame::{Frame, FrameKind};
use crate::module_symbols::ModuleSymbols;
use crate::parallel;
use crate::session::Session;
use crate::source_frame::{FunctionName, NameSource, SourceFrame, SymbolHit};
use crate::symbols::SymbolRef;
use crate::{Module, Svma};

/// Places that are remembered. A deep recursion asks for the same few again and again.
const MOST_REMEMBERED: usize = 50_000;

/// Frames between two times that the pages read for them are given back.
const FRAMES_AT_ONCE: usize = 16;

/// What the files of a module say, once that was asked for; `None` where it has no file.
type Slot = OnceLock<Option<Arc<ModuleSymbols>>>;

/// What symbolizing keeps from one question to the next.
#[derive(Default)]
pub(crate) struct Symbolizer {
    /// For each module, once it was asked for, what its files say.
    modules: OnceLock<Box<[Slot]>>,
    places: Remembered<Avma, Option<Arc<Place>>>,
    /// The jumps that led from the call returning to the first address to the function at the second.
    pub(crate) jumps: Remembered<(Avma, Avma), Arc<[Avma]>>,
    /// Functions by their linkage names.
    functions: Remembered<String, Option<Avma>>,
    /// Frames that debugging information was read for.
    frames: AtomicUsize,
}

/// Answers that are kept, so many of them.
pub(crate) struct Remembered<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Remembered(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// What is kept for `key`, or else what `find` says, which may ask for other answers meanwhile.
    pub(crate) fn get_or_find(&self, key: K, find: impl FnOnce() -> V) -> V {
        if let Some(known) = self.lock().get(&key) {
            return known.clone();
        }
        let found = find();
        let mut kept = self.lock();
        if kept.len() < MOST_REMEMBERED {
            kept.insert(key, found.clone());
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Symbolizer {
    /// What the files of `module` say.
    pub(crate) fn of<'a>(&'a self, session: &'a Session, module: &Module) -> Option<&'a ModuleSymbols> {
        let slots = self.modules.get_or_init(|| session.modules().iter().map(|_| OnceLock::new()).collect());
        let find = || ModuleSymbols::find(module, session.options());
        slots.get(module.index())?.get_or_init(|| session.files.symbols(module, find)).as_deref()
    }

    /// What debugging information says about an address.
    pub(crate) fn place(&self, session: &Session, at: Avma) -> Option<Arc<Place>> {
        self.places.get_or_find(at, || self.find_place(session, at).map(Arc::new))
    }

    /// Looks up where all `frames` are, on all processors: nobody shows a stack without asking that of each.
    pub(crate) fn prepare(&self, session: &Session, frames: &[Frame]) {
        let mut places: Vec<Avma> = frames.iter().map(Frame::lookup_address).collect();
        places.sort_unstable();
        places.dedup();
        parallel::map(&places, || (), |(), at| self.place(session, *at).is_some());
    }

    /// One more frame was looked at. Now and then the memory of the pages that its like were read from is given back: the
    /// kernel maps sixteen for one that is touched, and a hundred frames in as many units touch thousands.
    pub(crate) fn count_frame(&self) {
        if self.frames.fetch_add(1, Ordering::Relaxed) % FRAMES_AT_ONCE == FRAMES_AT_ONCE - 1 {
            self.asked().for_each(ModuleSymbols::give_pages_back);
        }
    }

    /// The modules that somebody asked about.
    fn asked(&self) -> impl Iterator<Item = &ModuleSymbols> {
        let slots = self.modules.get().map(|slots| &slots[..]).unwrap_or_default();
        slots.iter().filter_map(|slot| slot.get()?.as_deref())
    }

    fn find_place(&self, session: &Session, at: Avma) -> Option<Place> {
        self.count_frame();
        let module = session.module_at(at)?;
        self.of(session, module)?.debug_info()?.view().place(module.to_svma(at)?)
    }

    pub(crate) fn symbolize(&self, session: &Session, frame: &Frame) -> Vec<SourceFrame> {
        let mut functions = self.source_frames(session, frame.pc, frame.lookup_address());
        if frame.kind == FrameKind::TailCall {
            // What jumped away is one function, inlined or not; whom it was inlined into did not go on.
            functions.truncate(1);
            functions[0].inline = false;
        }
        functions
    }

    /// The functions at `lookup`, where control is at (or returns to) `pc`.
    pub(crate) fn source_frames(&self, session: &Session, pc: Avma, lookup: Avma) -> Vec<SourceFrame> {
        let Some(module) = session.module_at(lookup) else { return vec![SourceFrame::default()] };
        let bare = SourceFrame { module: Some(module.index()), ..SourceFrame::default() };
        let place = self.place(session, lookup);
        let functions = place.as_ref().map(|place| &place.functions[..]).unwrap_or_default();
        if functions.is_empty() {
            let function = self.elf_name(session, module, pc, lookup);
            let (location, language) = place.map(|place| (place.location.clone(), place.language)).unwrap_or_default();
            return vec![SourceFrame { function, location, language, ..bare }];
        }
        functions
            .iter()
            .map(|function| SourceFrame {
                inline: function.inline,
                function: debug_name(function, module, pc)
                    .or_else(|| self.elf_name(session, module, pc, lookup).filter(|_| !function.inline)),
                location: function.location.clone(),
                language: function.language,
                module: bare.module,
            })
            .collect()
    }

    fn elf_name(&self, session: &Session, module: &Module, pc: Avma, lookup: Avma) -> Option<FunctionName> {
        let symbol = self.of(session, module)?.symbols().function_at(module.to_svma(lookup)?)?;
        let (name, linkage_name) = (symbol.display_name(), symbol.linkage_name());
        Some(FunctionName {
            linkage_name: (linkage_name != name).then_some(linkage_name),
            name,
            source: NameSource::Elf,
            offset: pc.offset_from(module.to_avma(symbol.address)).unwrap_or(0),
        })
    }

    pub(crate) fn symbol_at(&self, session: &Session, at: Avma) -> Option<SymbolHit> {
        let module = session.module_at(at)?;
        let (symbols, svma) = (self.of(session, module)?.symbols(), module.to_svma(at)?);
        let candidates = [symbols.function_at(svma), symbols.data_at(svma)];
        // The nearer one, where a label without a size and a real object both reach the address.
        let hit = candidates.into_iter().flatten().max_by_key(|symbol| (symbol.size != 0, symbol.address))?;
        Some(SymbolHit {
            name: hit.display_name(),
            linkage_name: hit.linkage_name(),
            offset: svma.0.saturating_sub(hit.address.0),
            size: hit.size,
            module: module.index(),
        })
    }

    /// The first address of the function that `at` lies in.
    pub(crate) fn function_start(&self, session: &Session, at: Avma) -> Option<Avma> {
        let module = session.module_at(at)?;
        let (symbols, svma) = (self.of(session, module)?, module.to_svma(at)?);
        let debug = || symbols.debug_info()?.view().function_start(svma);
        let elf = || symbols.symbols().function_at(svma).map(|symbol| symbol.address);
        debug().or_else(elf).map(|start: Svma| module.to_avma(start))
    }

    /// The function or data with this linkage name, in the first module that has it.
    pub(crate) fn by_linkage_name(&self, session: &Session, name: &str) -> Option<Avma> {
        self.functions.get_or_find(name.to_owned(), || {
            session.modules().iter().find_map(|module| {
                let symbol: SymbolRef<'_> = self.of(session, module)?.symbols().by_linkage_name(name)?;
                Some(module.to_avma(symbol.address))
            })
        })
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.asked().flat_map(|symbols| symbols.warnings()).collect()
    }
}

impl fmt::Debug for Symbolizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbolizer").finish_non_exhaustive()
    }
}

fn debug_name(function: &Function, module: &Module, pc: Avma) -> Option<FunctionName> {
    Some(FunctionName {
        name: function.name.clone()?,
        linkage_name: function.linkage_name.clone(),
        source: NameSource::Debug,
        offset: pc.offset_from(module.to_avma(function.low)).unwrap_or(0),
    })
}
