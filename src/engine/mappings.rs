//! `maps` and `modules`.

use dpdb_analyzer::NameSource;
use dpdb_snapshot::Text;
use dpdb_snapshot::process::Mapping;
use serde::Serialize;

use super::{CommandError, Engine, Hex, HexRange, Reply};

/// The memory mappings.
#[derive(Debug, Serialize)]
pub struct Mappings {
    /// Ascending.
    pub mappings: Vec<MappingLine>,
}

/// One mapping.
#[derive(Clone, Debug, Serialize)]
pub struct MappingLine {
    /// Where it is.
    #[serde(flatten)]
    pub range: HexRange,
    /// The `rwxp` letters.
    pub permissions: String,
    /// The position of its first byte in the file, in bytes.
    pub offset: Hex,
    /// The file's path, or `[heap]` and the like.
    pub path: Text,
    /// Why its memory, or most of it, is not in the snapshot.
    pub left_out: Option<String>,
}

impl From<&Mapping> for MappingLine {
    fn from(mapping: &Mapping) -> MappingLine {
        MappingLine {
            range: mapping.range.into(),
            permissions: mapping.permissions.to_string(),
            offset: Hex(mapping.offset),
            path: mapping.path.clone(),
            left_out: mapping.left_out.clone(),
        }
    }
}

/// The ELF files in the process.
#[derive(Debug, Serialize)]
pub struct Modules {
    /// Ascending by address.
    pub modules: Vec<ModuleLine>,
}

/// One ELF file.
#[derive(Debug, Serialize)]
pub struct ModuleLine {
    /// From its first to its last address.
    #[serde(flatten)]
    pub range: HexRange,
    /// How far it is loaded from the addresses in its file.
    pub bias: Hex,
    /// The path it was mapped from.
    pub path: Text,
    /// The file on disk that is used for it.
    pub file: Option<Text>,
    /// Its build-id in the process.
    pub build_id: Option<String>,
    /// `debug`, `symbols` or `none`: what names come from.
    pub symbols: &'static str,
    /// What went wrong in finding its file.
    pub warnings: Vec<String>,
}

impl Engine {
    /// The mappings; given an address or a word, those that hold it or have it in their path.
    ///
    /// # Errors
    /// Nothing matches.
    pub fn mappings(&mut self, filter: &str) -> Result<Reply, CommandError> {
        let at = if filter.is_empty() { None } else { self.address(filter).ok() };
        let wanted = |mapping: &&Mapping| {
            filter.is_empty()
                || at.is_some_and(|at| mapping.range.contains(at))
                || contains(mapping.path.as_bytes(), filter.as_bytes())
        };
        let mappings: Vec<MappingLine> = self.process().mappings.iter().filter(wanted).map(Into::into).collect();
        if mappings.is_empty() && !filter.is_empty() {
            return Err(CommandError::refused(format!("no mapping holds or is called '{filter}'")));
        }
        Ok(Reply::Mappings(Mappings { mappings }))
    }

    /// The modules; given a word, those that have it in their path.
    pub fn modules(&self, filter: &str) -> Reply {
        let modules = self.session.modules().iter();
        let wanted = modules.filter(|module| contains(module.path().as_bytes(), filter.as_bytes()));
        let modules = wanted.map(|module| ModuleLine {
            range: module.range().into(),
            bias: Hex(module.bias()),
            path: module.path().clone(),
            file: module.file().map(Text::from),
            build_id: module.build_id().map(ToString::to_string),
            symbols: match self.session.names_of(module) {
                Some(NameSource::Debug) => "debug",
                Some(NameSource::Elf) => "symbols",
                None => "none",
            },
            warnings: module.warnings().to_vec(),
        });
        Reply::Modules(Modules { modules: modules.collect() })
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    word.is_empty() || text.windows(word.len()).any(|window| window == word)
}
