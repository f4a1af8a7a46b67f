//! Where `_PyRuntime` is: by its symbol, by its section, or by looking through the data of what looks like an
//! interpreter for something that holds together as one.

use dpdb_snapshot::{Avma, Memory};

use super::find::confirmed;
use super::layout::{Layout, Minor};
use crate::module::Module;
use crate::session::Session;

/// What `_Py_DebugOffsets`, and so `_PyRuntime`, begins with (Include/internal/pycore_debug_offsets.h, since 3.13).
pub(super) const COOKIE: &[u8; 8] = b"xdebugpy";

/// The runtime is aligned to more than this in every build.
const STEP: usize = 8;
/// Memory is there by pages.
const PAGE: u64 = 4096;
/// Most data that is looked through in a module.
const MOST: u64 = 1 << 26;
/// `PF_W`.
const WRITABLE: u32 = 2;

/// A runtime in a module.
pub(super) struct Located<'m> {
    pub(super) module: &'m Module,
    pub(super) runtime: Avma,
    /// Its version, where only that version's layout made sense of it.
    pub(super) minor: Option<Minor>,
}

/// The interpreter of a process. Every build exports `_PyRuntime`; the section of that name, which there is since
/// 3.10, is left where a file was stripped of its dynamic symbols; and memory where its section
/// headers are gone, too.
pub(super) fn locate(session: &Session) -> Option<Located<'_>> {
    let modules = session.modules();
    let by_symbol = || {
        let mut exporting = modules.iter().filter(|module| exports_runtime(module));
        exporting.find_map(|module| Some((module, session.address_of(module, "_PyRuntime")?)))
    };
    let by_section = || {
        modules.iter().find_map(|module| {
            let section = module.object()?.section(".PyRuntime")?;
            Some((module, module.to_avma(section.address)))
        })
    };
    if let Some((module, runtime)) = by_symbol().or_else(by_section) {
        return Some(Located { module, runtime, minor: None });
    }
    modules.iter().filter(|module| is_named_python(module)).find_map(|module| scan(session.memory(), module))
}

/// A module exports it if its dynamic string table has the name. Looking there needs no symbol table to be read, which
/// would be that of every library of every process.
fn exports_runtime(module: &Module) -> bool {
    const NAME: &[u8] = b"\0_PyRuntime\0";
    let names = module.object().and_then(|object| object.section_data(".dynstr").ok().flatten());
    names.is_some_and(|names| names.windows(NAME.len()).any(|window| window == NAME))
}

/// Whether the name of a module's file is that of an interpreter.
pub(super) fn is_named_python(module: &Module) -> bool {
    let name = module.path().as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    name.starts_with(b"python") || name.starts_with(b"libpython3")
}

/// Looks through a module's data, that which is zero in the file, too.
fn scan<'m>(memory: &dyn Memory, module: &'m Module) -> Option<Located<'m>> {
    let named = super::find::minor_of_name(module);
    let versions: Vec<Minor> = Minor::ALL.into_iter().filter(|minor| *minor < Minor(13)).collect();
    let ordered = versions.iter().filter(|minor| named == Some(**minor));
    let ordered = ordered.chain(versions.iter().filter(|minor| named != Some(**minor)));
    let layouts: Vec<Layout> = ordered.filter_map(|minor| Layout::of(*minor, false)).collect();
    let writable = module.segments().iter().filter(|segment| segment.is_load() && segment.flags & WRITABLE != 0);
    let placed = writable.map(|segment| (module.to_avma(segment.address), segment.memory_size.min(MOST)));
    let data: Vec<(Avma, Vec<u8>)> = placed.map(|(at, size)| (at, read(memory, at, size))).collect();
    let words = || data.iter().flat_map(|(start, bytes)| aligned(*start, bytes));
    if let Some((runtime, _)) = words().find(|(_, word)| word.to_le_bytes() == *COOKIE) {
        return Some(Located { module, runtime, minor: None });
    }
    for layout in &layouts {
        let head = layout.offset("_PyRuntimeState.interpreters.head").ok()?;
        // The list's head is an interpreter, and so is the word behind it, the main one: mostly the same.
        let holds = |at: Avma, word: u64| {
            word != 0
                && word.is_multiple_of(STEP as u64)
                && memory.read_u64(at.wrapping_add(8)).is_ok_and(|main| main != 0 && main.is_multiple_of(STEP as u64))
                && confirmed(memory, layout, at.wrapping_sub(head))
                    .is_some_and(|hex| hex >> 16 == 0x300 | u64::from(layout.minor.0))
        };
        if let Some((at, _)) = words().find(|(at, word)| holds(*at, *word)) {
            return Some(Located { module, runtime: at.wrapping_sub(head), minor: Some(layout.minor) });
        }
    }
    None
}

/// What there is of so many bytes; what is absent reads as zeros. Of a module whose file is gone only some pages may be
/// there.
fn read(memory: &dyn Memory, start: Avma, size: u64) -> Vec<u8> {
    let mut bytes = vec![0; size as usize];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = start.wrapping_add(done as u64);
        // An absent page is left out.
        let absent = || (PAGE - at.0 % PAGE) as usize;
        done += memory.read_some(at, rest).unwrap_or_else(|_| absent());
    }
    bytes
}

fn aligned(start: Avma, bytes: &[u8]) -> impl Iterator<Item = (Avma, u64)> + '_ {
    let skipped = start.0.wrapping_neg() as usize % STEP;
    let words = bytes.get(skipped..).unwrap_or_default().chunks_exact(STEP);
    let word = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
    words.zip(0..).map(move |(chunk, index)| (start.wrapping_add((skipped + index * STEP) as u64), word(chunk)))
}
