//! Where separate debug files are: the file that a stripped one points to, the file that `dwz` moved shared parts to,
//! and the `.dwo` and `.dwp` files of split DWARF.
//!
//! The places and their order are gdb's ("Debugging Information in Separate Files"). A candidate that is not the one
//! (its build-id or its checksum is another's) is refused, and the refusal is told.

mod crc32;
mod split;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use split::SplitFiles;

use crate::{BuildId, CacheDirectory, ObjectFile, Options};

/// Where distributions install debug files.
const SYSTEM_DIRECTORY: &str = "/usr/lib/debug";

/// The places where a separate debug file is looked for, in this order.
const SEARCH_ORDER: [Place; 4] =
    [Place::BuildIdDirectories, Place::BesideTheFile, Place::DotDebug, Place::DebugDirectories];

#[derive(Clone, Copy, Debug)]
enum Place {
    /// `DEBUGDIR/.build-id/xx/yyyy.debug`.
    BuildIdDirectories,
    /// `.gnu_debuglink`'s name, in the file's own directory.
    BesideTheFile,
    /// That name, in `.debug/` there.
    DotDebug,
    /// That name, in the file's own path below each debug directory.
    DebugDirectories,
}

/// Finds debug files.
#[derive(Clone, Debug)]
pub(crate) struct DebugFileFinder {
    sysroot: Option<PathBuf>,
    directories: Vec<PathBuf>,
    cache: Option<CacheDirectory>,
}

/// What a search gave.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The file, where one fits.
    pub(crate) file: Option<Arc<ObjectFile>>,
    /// What was refused and why, a sentence each.
    pub(crate) warnings: Vec<String>,
}

impl DebugFileFinder {
    pub(crate) fn new(options: &Options) -> DebugFileFinder {
        let system = Path::new(SYSTEM_DIRECTORY);
        let in_sysroot = options.sysroot.as_ref().map(|root| root.join(&SYSTEM_DIRECTORY[1..]));
        let directories =
            options.debug_dirs.iter().cloned().chain(in_sysroot).chain([system.to_owned()]).collect::<Vec<_>>();
        DebugFileFinder { sysroot: options.sysroot.clone(), directories, cache: options.cache.clone() }
    }

    /// The separate debug file of `object`, which the process had mapped from `path`.
    pub(crate) fn separate_file(&self, object: &ObjectFile, path: &Path) -> Found {
        let mut found = Found::default();
        for candidate in SEARCH_ORDER.iter().flat_map(|place| self.candidates(*place, object, path)) {
            if candidate == object.path() || !candidate.is_file() {
                continue;
            }
            match open_matching(&candidate, object) {
                Ok(file) => {
                    found.file = Some(Arc::new(file.cached_in(self.cache.as_ref())));
                    return found;
                }
                Err(why) => found.warnings.push(why),
            }
        }
        found
    }

    fn candidates(&self, place: Place, object: &ObjectFile, path: &Path) -> Vec<PathBuf> {
        let link = object.debug_link().map(|(name, _)| name);
        // Distributions resolve links before they name debug files: /lib is /usr/lib.
        let real = std::fs::canonicalize(object.path()).unwrap_or_else(|_| object.path().to_owned());
        let homes = || [object.path().parent(), real.parent()].into_iter().flatten();
        match (place, link) {
            (Place::BuildIdDirectories, _) => {
                object.build_id().map(|id| self.by_build_id(id, ".debug")).unwrap_or_default()
            }
            (_, None) => Vec::new(),
            (Place::BesideTheFile, Some(link)) => unique(homes().map(|home| home.join(link))),
            (Place::DotDebug, Some(link)) => unique(homes().map(|home| home.join(".debug").join(link))),
            (Place::DebugDirectories, Some(link)) => self.mirrored(link, &[path, &real]),
        }
    }

    /// `DEBUGDIR/.build-id/xx/yyyy` with `suffix` in every debug directory.
    fn by_build_id(&self, id: &BuildId, suffix: &str) -> Vec<PathBuf> {
        let digits = id.to_string();
        let Some((head, tail)) = digits.split_at_checked(2) else { return Vec::new() };
        let name = format!("{tail}{suffix}");
        self.directories.iter().map(|directory| directory.join(".build-id").join(head).join(&name)).collect()
    }

    /// `link` in the directory of each of `paths` below each debug directory.
    fn mirrored(&self, link: &OsStr, paths: &[&Path]) -> Vec<PathBuf> {
        let below = |directory: &PathBuf, path: &Path| {
            let home = path.parent()?.strip_prefix("/").ok()?.to_owned();
            Some(directory.join(home).join(link))
        };
        unique(self.directories.iter().flat_map(|directory| paths.iter().filter_map(|path| below(directory, path))))
    }

    /// The file that `dwz -m` moved what several files share to (`.gnu_debugaltlink`): by the path in the link, seen
    /// from the directory of the linking file, or by its build-id.
    pub(crate) fn alt_file(&self, object: &ObjectFile) -> Found {
        let mut found = Found::default();
        let Some((path, id)) = object.debug_alt_link() else { return found };
        let path = Path::new(path);
        let home = object.path().parent().unwrap_or(Path::new("/"));
        let in_sysroot = self.sysroot.as_ref().and_then(|root| Some(root.join(path.strip_prefix("/").ok()?)));
        let candidates = in_sysroot.into_iter().chain([home.join(path)]).chain(self.by_build_id(&id, ".debug"));
        for candidate in candidates.filter(|candidate| candidate.is_file()) {
            match ObjectFile::open(&candidate) {
                Ok(file) if file.build_id() == Some(&id) => {
                    found.file = Some(Arc::new(file.cached_in(self.cache.as_ref())));
                    return found;
                }
                Ok(_) => found.warnings.push(format!(
                    "{}: not used: it is not the file that {} shares debug information with, whose build-id is {id}",
                    candidate.display(),
                    object.path().display()
                )),
                Err(error) => found.warnings.push(error.to_string()),
            }
        }
        found.warnings.push(format!(
            "{}: the file with its shared debug information was not found: {}",
            object.path().display(),
            dpdb_snapshot::Text::from(path)
        ));
        found
    }
}

/// Opens a candidate and makes sure that it is `object`'s debug file: by the build-id, or where one of them has none,
/// by the checksum in `.gnu_debuglink`.
fn open_matching(candidate: &Path, object: &ObjectFile) -> Result<ObjectFile, String> {
    let file = ObjectFile::open(candidate).map_err(|error| error.to_string())?;
    let refuse = |why: String| Err(format!("{}: not used: {why}", candidate.display()));
    match (file.build_id(), object.build_id()) {
        (Some(found), Some(wanted)) if found == wanted => Ok(file),
        (Some(found), Some(wanted)) => refuse(format!("its build-id is {found}, and {wanted} was asked for")),
        _ => match object.debug_link() {
            Some((_, wanted)) if crc32::of(file.data()) == wanted => Ok(file),
            Some((_, wanted)) => refuse(format!("its checksum is not {wanted:#010x}, the one in .gnu_debuglink")),
            None => refuse("nothing shows that it belongs to the file".to_owned()),
        },
    }
}

fn unique(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    for path in paths {
        if !kept.contains(&path) {
            kept.push(path);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{DebugFileFinder, crc32};
    use crate::testing::{TestSection, build_id_section, elf};
    use crate::{ObjectFile, Options};

    const PROGBITS: u32 = object::elf::SHT_PROGBITS.0;

    fn put(path: PathBuf, bytes: &[u8]) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn debug_link(name: &str, crc: u32) -> TestSection {
        let mut link = name.as_bytes().to_vec();
        link.resize((name.len() + 1).next_multiple_of(4), 0);
        link.extend_from_slice(&crc.to_le_bytes());
        TestSection::new(".gnu_debuglink", PROGBITS, link)
    }

    fn debug_file(id: Option<&[u8]>, mark: &str) -> Vec<u8> {
        let mark = TestSection::new(".debug_info", PROGBITS, mark);
        elf(&id.map(build_id_section).into_iter().chain([mark]).collect::<Vec<_>>())
    }

    fn finder(directory: &Path) -> DebugFileFinder {
        DebugFileFinder::new(&Options { debug_dirs: vec![directory.join("debug")], ..Options::default() })
    }

    #[test]
    fn a_debug_file_is_found_by_build_id_before_any_other() {
        let dir = tempfile::tempdir().unwrap();
        let program = elf(&[build_id_section(&[0xab, 0xcd, 0xef]), debug_link("prog.debug", 0)]);
        let program = ObjectFile::open(&put(dir.path().join("bin/prog"), &program)).unwrap();
        let right = debug_file(Some(&[0xab, 0xcd, 0xef]), "right");
        let expected = put(dir.path().join("debug/.build-id/ab/cdef.debug"), &right);
        put(dir.path().join("bin/prog.debug"), &right);
        let found = finder(dir.path()).separate_file(&program, program.path());
        assert_eq!((found.file.unwrap().path(), found.warnings.len()), (&*expected, 0));
    }

    #[test]
    fn a_link_is_followed_beside_the_file_in_dot_debug_and_below_debug_directories() {
        let dir = tempfile::tempdir().unwrap();
        let debug = debug_file(None, "by checksum");
        let program = elf(&[debug_link("prog.debug", crc32::of(&debug))]);
        let program = put(fs::canonicalize(dir.path()).unwrap().join("bin/prog"), &program);
        let program = ObjectFile::open(&program).unwrap();
        let mirrored = dir.path().join("debug").join(program.path().parent().unwrap().strip_prefix("/").unwrap());
        for place in [mirrored, dir.path().join("bin/.debug"), dir.path().join("bin")] {
            put(place.join("prog.debug"), &debug);
            let found = finder(dir.path()).separate_file(&program, program.path()).file.unwrap();
            assert_eq!(fs::canonicalize(found.path()).unwrap(), fs::canonicalize(place.join("prog.debug")).unwrap());
        }
    }

    #[test]
    fn a_debug_file_of_another_build_is_refused_with_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let (stale, other) = (debug_file(Some(&[1, 2, 3]), "stale"), debug_file(None, "other"));
        for (wrong, complaint) in [(stale, "its build-id is 010203"), (other, "its checksum is not")] {
            let program = elf(&[build_id_section(&[9, 9, 9]), debug_link("prog.debug", 1)]);
            let program = ObjectFile::open(&put(dir.path().join("prog"), &program)).unwrap();
            put(dir.path().join("prog.debug"), &wrong);
            let found = finder(dir.path()).separate_file(&program, program.path());
            assert!(found.file.is_none());
            assert!(found.warnings[0].contains(complaint), "{:?}", found.warnings);
        }
    }

    #[test]
    fn what_dwz_shared_is_found_by_its_path_and_must_have_its_build_id() {
        let dir = tempfile::tempdir().unwrap();
        let link = [b"shared.debug\0".as_slice(), &[7, 7, 7]].concat();
        let program = elf(&[TestSection::new(".gnu_debugaltlink", PROGBITS, link)]);
        let program = ObjectFile::open(&put(dir.path().join("prog"), &program)).unwrap();
        let shared = put(dir.path().join("shared.debug"), &debug_file(Some(&[7, 7, 7]), ""));
        assert_eq!(finder(dir.path()).alt_file(&program).file.unwrap().path(), shared);
        put(shared, &debug_file(Some(&[7, 7, 8]), ""));
        let found = finder(dir.path()).alt_file(&program);
        assert!(found.file.is_none() && found.warnings[0].contains("070707"), "{:?}", found.warnings);
    }
}
