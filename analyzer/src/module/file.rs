//! Finding the file of a module on disk, and making sure that it is the one the process ran.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::headers::Headers;
use crate::build_id::BuildId;
use crate::file_cache::FileCache;
use crate::object_file::ObjectFile;
use crate::session::Options;

/// What is known of the file that a module was mapped from.
pub(super) struct Wanted<'a> {
    /// The path by which the process mapped it.
    pub(super) path: &'a Path,
    /// It is the executable, so that the user's `--exe` is meant for it.
    pub(super) is_executable: bool,
    /// Its build-id: `Ok(None)` if it is known to have none, `Err` if nobody knows.
    pub(super) build_id: Result<Option<BuildId>, ()>,
    /// Its headers, if they are in the process's memory.
    pub(super) headers: Option<&'a Headers>,
    /// The mapping's position in the file, for want of headers.
    pub(super) offset: u64,
}

/// Opens files, each once.
pub(super) struct Files<'a> {
    shared: &'a FileCache,
    opened: HashMap<PathBuf, Option<Arc<ObjectFile>>>,
}

impl<'a> Files<'a> {
    pub(super) fn new(shared: &'a FileCache) -> Files<'a> {
        Files { shared, opened: HashMap::new() }
    }

    /// The file that `wanted` describes, if it is on this machine. What was refused or is doubtful goes to
    /// `warnings`.
    pub(super) fn find(
        &mut self,
        wanted: &Wanted<'_>,
        options: &Options,
        warnings: &mut Vec<String>,
    ) -> Option<Arc<ObjectFile>> {
        for path in candidates(wanted, options) {
            let Some(object) = self.open(&path, options) else { continue };
            match check(&object, wanted) {
                Ok(doubt) => {
                    warnings.extend(doubt);
                    return Some(object);
                }
                Err(reason) => warnings.push(format!("{}: not used: {reason}", path.display())),
            }
        }
        None
    }

    fn open(&mut self, path: &Path, options: &Options) -> Option<Arc<ObjectFile>> {
        let opened = self.opened.entry(path.to_owned());
        opened.or_insert_with(|| self.shared.open(path, options.cache.as_ref())).clone()
    }
}

/// Where the file may be, the likeliest first. Paths under `/proc/PID` are none of them: by now the pid may be
/// another process's.
fn candidates(wanted: &Wanted<'_>, options: &Options) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if wanted.is_executable {
        paths.extend(options.executable.clone());
    }
    if let (Some(sysroot), Ok(inside)) = (&options.sysroot, wanted.path.strip_prefix("/")) {
        paths.push(sysroot.join(inside));
    }
    paths.push(wanted.path.to_owned());
    if let Ok(Some(id)) = &wanted.build_id {
        // Fedora and its kin link every executable and library from /usr/lib/.build-id, without `.debug` behind it.
        let (first, rest) =
            id.to_string().split_at_checked(2).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap_or_default();
        let dirs = options.debug_dirs.iter().map(PathBuf::as_path).chain([Path::new("/usr/lib")]);
        paths.extend(dirs.map(|dir| dir.join(".build-id").join(&first).join(&rest)));
    }
    paths
}

/// Whether the file is the process's: `Ok` with a sentence of doubt where the build-id cannot say, `Err` with the
/// reason where it is not.
fn check(object: &ObjectFile, wanted: &Wanted<'_>) -> Result<Option<String>, String> {
    let spell = |id: Option<&BuildId>| id.map_or("no build-id".to_owned(), |id| format!("build-id {id}"));
    let shown = object.path().display();
    match (&wanted.build_id, object.build_id()) {
        (Ok(Some(ran)), Some(found)) if ran == found => Ok(None),
        (Ok(None), None) | (Err(()), _) if is_plausible(object, wanted) => {
            let reason =
                if wanted.build_id.is_ok() { "neither has a build-id" } else { "the process's build-id is not known" };
            Ok(Some(format!("{shown}: taken for the process's file by its layout alone: {reason}")))
        }
        (Ok(None), None) | (Err(()), _) => Err("its segments are not those that the process had mapped".to_owned()),
        (Ok(ran), found) => {
            Err(format!("it has {}, but the process ran one with {}", spell(found), spell(ran.as_ref())))
        }
    }
}

/// Without build-ids, the next best: the same program headers, byte for byte; or at least a segment for the mapping.
fn is_plausible(object: &ObjectFile, wanted: &Wanted<'_>) -> bool {
    match wanted.headers {
        Some(headers) => headers.segments == object.segments() && headers.entry == object.entry(),
        None => Headers::of_file(object).bias(dpdb_snapshot::Avma(0), wanted.offset).is_some(),
    }
}
