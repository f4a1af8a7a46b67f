//! The ELF files of a process.

mod discover;
mod file;
mod headers;

use std::path::Path;
use std::sync::Arc;

use dpdb_snapshot::{AddressRange, Avma, Text};

use crate::build_id::BuildId;
use crate::object_file::{ObjectFile, Segment};
use crate::svma::Svma;

pub(crate) use discover::{discover, file_path};

/// The one of `modules`, which ascend by address, that `at` lies in.
pub(crate) fn at(modules: &[Module], at: Avma) -> Option<&Module> {
    let after = modules.partition_point(|module| module.range.start <= at);
    modules[..after].last().filter(|module| module.range.contains(at))
}

/// An ELF file as the process had it mapped.
#[derive(Clone, Debug)]
pub struct Module {
    index: usize,
    path: Text,
    range: AddressRange,
    bias: u64,
    build_id: Option<BuildId>,
    segments: Vec<Segment>,
    object: Option<Arc<ObjectFile>>,
    warnings: Vec<String>,
}

impl Module {
    /// Its position among the session's modules.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The path by which the process mapped it; `[vdso]` for the vdso.
    pub fn path(&self) -> &Text {
        &self.path
    }

    /// The file on disk that was found to be the process's, or the image of the vdso.
    pub fn object(&self) -> Option<&Arc<ObjectFile>> {
        self.object.as_ref()
    }

    /// Where that file is.
    pub fn file(&self) -> Option<&Path> {
        self.object.as_deref().map(ObjectFile::path)
    }

    /// From the first to the last address that its segments take in the process.
    pub fn range(&self) -> AddressRange {
        self.range
    }

    /// How far up in the process it is loaded from where its file says; addition wraps, so that a prelinked file
    /// which was loaded further down has one too.
    pub fn bias(&self) -> u64 {
        self.bias
    }

    /// The build-id that the process had in memory; the file's, where the process's is unknown.
    pub fn build_id(&self) -> Option<&BuildId> {
        self.build_id.as_ref()
    }

    /// Its program headers, out of the process's memory if they are there, else out of the file.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What went wrong in finding its file, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The file's address of an address in the process, where that lies in this module.
    pub fn to_svma(&self, at: Avma) -> Option<Svma> {
        self.range.contains(at).then(|| Svma(at.0.wrapping_sub(self.bias)))
    }

    /// Where in the process an address of the file is.
    pub fn to_avma(&self, at: Svma) -> Avma {
        Avma(at.0.wrapping_add(self.bias))
    }
}
