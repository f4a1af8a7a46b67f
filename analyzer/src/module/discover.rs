//! Which ELF files a process had mapped, found from its mappings alone, so that it works on any core.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dpdb_snapshot::{AddressRange, Avma, Mapping, Memory, Process, Text};

use super::Module;
use super::file::{Files, Wanted};
use super::headers::Headers;
use crate::build_id::BuildId;
use crate::file_cache::FileCache;
use crate::object_file::ObjectFile;
use crate::session::Options;

/// Auxiliary vector (getauxval(3)): the executable's entry point.
const AT_ENTRY: u64 = 9;
/// Auxiliary vector: where the vdso is.
const AT_SYSINFO_EHDR: u64 = 33;

/// The kernel's vdso is two pages; this bounds what a mapping may claim.
const LARGEST_VDSO: u64 = 1 << 20;

/// The modules of a process, ascending by address, each with its file where that was found.
pub(crate) fn discover(process: &Process, memory: &dyn Memory, options: &Options, files: &FileCache) -> Vec<Module> {
    let mut discovery = Discovery { process, memory, options, files: Files::new(files), modules: Vec::new() };
    let mut claimed = Avma(0);
    for (at, mapping) in process.mappings.iter().enumerate() {
        if mapping.range.start < claimed || mapping.range.is_empty() {
            continue;
        }
        if let Some(module) = discovery.module_from(at) {
            claimed = module.range.end;
            discovery.modules.push(module);
        }
    }
    discovery.modules.extend(vdso(process, memory));
    let mut modules = discovery.modules;
    modules.sort_by_key(|module| module.range);
    modules.iter_mut().enumerate().for_each(|(index, module)| module.index = index);
    modules
}

struct Discovery<'a> {
    process: &'a Process,
    memory: &'a dyn Memory,
    options: &'a Options,
    files: Files<'a>,
    modules: Vec<Module>,
}

impl Discovery<'_> {
    /// The module whose first mapping is number `first`, if it is one.
    fn module_from(&mut self, first: usize) -> Option<Module> {
        let mapping = &self.process.mappings[first];
        let path = file_path(mapping)?;
        // A file that is nowhere executable is data, be it ELF or not: a debugger's or a linker's input, say.
        self.scattered_run(first).find(|mapping| mapping.permissions.execute)?;

        let in_memory = (mapping.offset == 0).then(|| Headers::in_memory(self.memory, mapping.range.start)).flatten();
        let bias = in_memory.as_ref().and_then(|headers| headers.bias(mapping.range.start, 0));
        let build_id = self.build_id(mapping, in_memory.as_ref().zip(bias));
        let is_executable = self.is_executable(mapping, &path, in_memory.as_ref().zip(bias));
        let wanted =
            Wanted { path: &path, is_executable, build_id, headers: in_memory.as_ref(), offset: mapping.offset };
        let mut warnings = Vec::new();
        let object = self.files.find(&wanted, self.options, &mut warnings);
        let build_id = wanted.build_id.ok().flatten();
        if object.is_none() && warnings.is_empty() {
            warnings.push(missing(&path, build_id.as_ref()));
        }
        let headers = in_memory.or_else(|| object.as_deref().map(Headers::of_file));
        self.assemble(first, headers, build_id, object, warnings)
    }

    fn assemble(
        &self,
        first: usize,
        headers: Option<Headers>,
        build_id: Option<BuildId>,
        object: Option<Arc<ObjectFile>>,
        warnings: Vec<String>,
    ) -> Option<Module> {
        let mapping = &self.process.mappings[first];
        let start = mapping.range.start;
        // Without any headers a file at its usual place: linked to zero, and mapped from its first byte on.
        let bias = match &headers {
            Some(headers) => headers.bias(start, mapping.offset)?,
            None => start.0.wrapping_sub(mapping.offset),
        };
        let end = match &headers {
            Some(headers) => self.end_within(first, Avma(headers.extent()?.1.0.wrapping_add(bias))),
            // What follows without a name may be its .bss or anything else.
            None => self.scattered_run(first).filter(|other| other.path == mapping.path).last()?.range.end,
        };
        let build_id = build_id.or_else(|| object.as_deref().and_then(ObjectFile::build_id).cloned());
        Some(Module {
            index: 0,
            path: Text::from(file_path(mapping)?.as_path()),
            range: AddressRange { start, end },
            bias,
            build_id,
            segments: headers.map(|headers| headers.segments).unwrap_or_default(),
            object,
            warnings,
        })
    }

    /// Where the module that begins with mapping number `first` ends, if its headers say `end`: no further than its
    /// own mappings and the nameless ones between them (`.bss`, and text that was moved to huge pages at start).
    fn end_within(&self, first: usize, end: Avma) -> Avma {
        let from = &self.process.mappings[first..];
        let belongs = |other: &&Mapping| other.range.start < end && (other.path == from[0].path || is_nameless(other));
        from.iter().take_while(belongs).last().map_or(end, |last| last.range.end.min(end))
    }

    /// The mappings that may be those of the file of number `first`, for want of headers that say how large it is:
    /// further parts of the same file, and nameless ones that touch them.
    fn scattered_run(&self, first: usize) -> impl Iterator<Item = &Mapping> {
        let from = &self.process.mappings[first..];
        let mut end = from[0].range.end;
        let belongs = move |other: &&Mapping| {
            let touches = other.range.start <= end;
            end = other.range.end;
            if is_nameless(other) {
                touches
            } else {
                other.path == from[0].path && (touches || other.offset > from[0].offset)
            }
        };
        from.iter().take_while(belongs)
    }

    fn build_id(&self, mapping: &Mapping, loaded: Option<(&Headers, u64)>) -> Result<Option<BuildId>, ()> {
        let in_memory = loaded.map_or(Err(()), |(headers, bias)| headers.build_id_in_memory(self.memory, bias));
        if let Ok(Some(_)) = in_memory {
            return in_memory;
        }
        let captured = self.process.modules.iter().find(|module| module.range.contains(mapping.range.start));
        match captured.and_then(|module| BuildId::parse_hex(module.build_id.as_deref()?)) {
            Some(id) => Ok(Some(id)),
            None => in_memory,
        }
    }

    fn is_executable(&self, mapping: &Mapping, path: &Path, loaded: Option<(&Headers, u64)>) -> bool {
        match (self.process.auxv(AT_ENTRY), loaded) {
            (Some(entry), Some((headers, bias))) => headers.entry.0.wrapping_add(bias) == entry,
            (Some(entry), None) => {
                self.process.mapping_at(Avma(entry)).is_some_and(|of_entry| of_entry.path == mapping.path)
            }
            (None, _) => self.process.executable.as_ref().is_some_and(|executable| executable.as_path() == path),
        }
    }
}

fn is_nameless(mapping: &Mapping) -> bool {
    mapping.path.0.is_empty() || mapping.path.0.starts_with(b"[anon")
}

/// The path of the file behind a mapping, without what the kernel adds to that of a deleted one.
pub(crate) fn file_path(mapping: &Mapping) -> Option<PathBuf> {
    let path = &mapping.path.0;
    if !path.starts_with(b"/") || path.starts_with(b"/dev/") {
        return None;
    }
    Some(Text(path.strip_suffix(b" (deleted)").unwrap_or(path).to_vec()).as_path().to_owned())
}

fn missing(path: &Path, build_id: Option<&BuildId>) -> String {
    let id = build_id.map_or(String::new(), |id| format!(" (build-id {id})"));
    format!("{}: not found here{id}: its names, and what memory was not captured, are missing", path.display())
}

/// The vdso is no file: the kernel maps it out of itself, so its own memory is the only place to read it from. A
/// kernel's core does not name it, but its address is in the auxiliary vector (vdso(7)).
fn vdso(process: &Process, memory: &dyn Memory) -> Option<Module> {
    let named = process.mappings.iter().find(|mapping| mapping.path.0 == b"[vdso]");
    let mapping = match process.auxv(AT_SYSINFO_EHDR) {
        Some(start) => process.mapping_at(Avma(start)).filter(|mapping| mapping.range.start.0 == start).or(named)?,
        None => named?,
    };
    let mut bytes = vec![0; mapping.range.len().min(LARGEST_VDSO) as usize];
    memory.read(mapping.range.start, &mut bytes).ok()?;
    let object = ObjectFile::from_bytes(PathBuf::from("[vdso]"), bytes).ok()?;
    let headers = Headers::of_file(&object);
    Some(Module {
        index: 0,
        path: Text::from("[vdso]"),
        range: mapping.range,
        bias: headers.bias(mapping.range.start, 0)?,
        build_id: object.build_id().cloned(),
        segments: headers.segments,
        object: Some(Arc::new(object)),
        warnings: Vec::new(),
    })
}
