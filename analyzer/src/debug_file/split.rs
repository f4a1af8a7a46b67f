//! Split DWARF: the `.dwo` file of a unit, or the `.dwp` file that packs those of a whole program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::ObjectFile;

/// The places where the split files of one linked file may be.
#[derive(Debug)]
pub(crate) struct SplitFiles {
    /// The linked files by whose side they may lie: the one that ran, and its separate debug file.
    linked: Vec<PathBuf>,
    package: OnceLock<Option<ObjectFile>>,
}

impl SplitFiles {
    pub(crate) fn of(linked: Vec<PathBuf>) -> SplitFiles {
        SplitFiles { linked, package: OnceLock::new() }
    }

    /// The `.dwp` file: `prog.dwp` beside `prog`. It has no build-id; the identifiers of its units say what they
    /// belong to.
    pub(crate) fn package(&self) -> Option<&ObjectFile> {
        let open = || {
            let real = self.linked.iter().filter_map(|linked| std::fs::canonicalize(linked).ok());
            self.linked.iter().cloned().chain(real).find_map(|linked| {
                let mut name = linked.into_os_string();
                name.push(".dwp");
                ObjectFile::open(Path::new(&name)).ok()
            })
        };
        self.package.get_or_init(open).as_ref()
    }

    /// That file, if it was found already.
    pub(crate) fn opened_package(&self) -> Option<&ObjectFile> {
        self.package.get()?.as_ref()
    }

    /// The `.dwo` files that a unit's `DW_AT_dwo_name` may mean: at that path seen from the directory it was compiled
    /// in, from that of the linked file, or of this name beside the linked file (where a build tree was moved). Which
    /// of them it is shows in the identifier inside.
    pub(crate) fn candidates(&self, compiled_in: Option<&Path>, name: &Path) -> impl Iterator<Item = ObjectFile> {
        let homes: Vec<&Path> = self.linked.iter().filter_map(|linked| linked.parent()).collect();
        let mut paths: Vec<PathBuf> = compiled_in.iter().map(|home| home.join(name)).collect();
        paths.extend(homes.iter().map(|home| home.join(name)));
        paths.extend(homes.iter().filter_map(|home| Some(home.join(name.file_name()?))));
        paths.dedup();
        paths.into_iter().filter_map(|path| ObjectFile::open(&path).ok())
    }
}
