//! What sessions share: files that are mapped, and what their symbols and debugging information were found to say.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::module_symbols::ModuleSymbols;
use crate::{CacheDirectory, Module, ObjectFile};

/// The most files that are kept. One more, and all are forgotten: crashes that come one after another are mostly those
/// of a few programs with a few dozen libraries.
const MOST_FILES: usize = 128;

/// Files that several sessions look at, one after another or at once; a clone is the same cache.
///
/// Sessions that share one must be given the same [`crate::Options`], by which debug files are found. A file that was
/// replaced or changed is opened anew; that a debug file was installed meanwhile is not noticed. What is kept grows
/// with the functions that are asked for, so whoever runs for long drops it from time to time.
#[derive(Clone, Default)]
pub struct FileCache {
    files: Arc<Mutex<HashMap<PathBuf, Known>>>,
}

struct Known {
    version: Version,
    object: Arc<ObjectFile>,
    /// By the path that the process had it mapped from, where debug files are looked for, too.
    symbols: HashMap<PathBuf, Arc<ModuleSymbols>>,
}

/// What changes when a file does: device, inode, size, and the times of the last change, of contents and of inode.
type Version = (u64, u64, u64, (i64, i64), (i64, i64));

impl FileCache {
    /// The ELF file at `path`; `None` where there is none.
    pub(crate) fn open(&self, path: &Path, cache: Option<&CacheDirectory>) -> Option<Arc<ObjectFile>> {
        let version = version(path)?;
        if let Some(known) = self.files().get(path).filter(|known| known.version == version) {
            return Some(Arc::clone(&known.object));
        }
        let object = Arc::new(ObjectFile::open(path).ok()?.cached_in(cache));
        let mut files = self.files();
        if files.len() >= MOST_FILES {
            files.clear();
        }
        let known = Known { version, object: Arc::clone(&object), symbols: HashMap::new() };
        files.insert(path.to_owned(), known);
        Some(object)
    }

    /// What the file of `module` and its debug files say: what another session has found, or what `find` finds.
    pub(crate) fn symbols(
        &self,
        module: &Module,
        find: impl FnOnce() -> Option<ModuleSymbols>,
    ) -> Option<Arc<ModuleSymbols>> {
        let (object, path) = (module.object()?, module.path().as_path());
        if let Some(symbols) = known(&mut self.files(), object).and_then(|known| known.symbols.get(path)) {
            return Some(Arc::clone(symbols));
        }
        let found = Arc::new(find()?);
        if let Some(known) = known(&mut self.files(), object) {
            known.symbols.insert(path.to_owned(), Arc::clone(&found));
        }
        Some(found)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of this very file, which is not that of an older or newer one under the same path.
fn known<'a>(files: &'a mut HashMap<PathBuf, Known>, object: &Arc<ObjectFile>) -> Option<&'a mut Known> {
    files.get_mut(object.path()).filter(|known| Arc::ptr_eq(&known.object, object))
}

fn version(path: &Path) -> Option<Version> {
    let file = fs::metadata(path).ok()?;
    let times = ((file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec()));
    Some((file.dev(), file.ino(), file.size(), times.0, times.1))
}

impl fmt::Debug for FileCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileCache").field("files", &self.files().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy_of_us(path: &Path) {
        fs::copy(std::env::current_exe().unwrap(), path).unwrap();
    }

    #[test]
    fn a_file_is_opened_once_until_it_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        let files = FileCache::default();
        assert!(files.open(&path, None).is_none());
        copy_of_us(&path);
        let first = files.open(&path, None).unwrap();
        assert!(Arc::ptr_eq(&first, &files.clone().open(&path, None).unwrap()), "a clone is the same cache");
        fs::remove_file(&path).unwrap();
        copy_of_us(&path);
        assert!(!Arc::ptr_eq(&first, &files.open(&path, None).unwrap()));
    }

    #[test]
    fn no_more_files_are_kept_than_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("program");
        copy_of_us(&program);
        let files = FileCache::default();
        for number in 0..=MOST_FILES {
            let path = directory.path().join(number.to_string());
            fs::hard_link(&program, &path).unwrap();
            files.open(&path, None).unwrap();
            assert!(files.files().len() <= MOST_FILES);
        }
        assert_eq!(files.files().len(), 1);
    }
}
