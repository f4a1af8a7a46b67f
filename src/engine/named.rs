//! `functions`, `types` and `vars`: what the debugging information names.

use dpdb_analyzer::Listed;
use dpdb_snapshot::Text;
use serde::Serialize;

use super::values::pattern;
use super::{CommandError, Engine, Hex, Reply};

/// What was found.
#[derive(Debug, Serialize)]
pub struct Names {
    /// `functions`, `types` or `variables`.
    pub of: &'static str,
    /// In the order of modules and their units.
    pub names: Vec<NameLine>,
    /// There are more than are shown.
    pub more: bool,
}

/// Something with a name.
#[derive(Debug, Serialize)]
pub struct NameLine {
    /// With its namespaces.
    pub name: String,
    /// As its language declares it.
    pub declaration: String,
    /// The file of its declaration.
    pub file: Option<Text>,
    /// The line there.
    pub line: Option<u32>,
    /// Where a function begins.
    pub address: Option<Hex>,
}

/// Names that one answer lists.
const MOST: usize = 500;

impl Engine {
    /// The functions, types or variables whose names match.
    ///
    /// # Errors
    /// The pattern makes no sense, or nothing matches.
    pub fn names(&mut self, kind: Listed, filter: &str) -> Result<Reply, CommandError> {
        let wanted = pattern(filter)?;
        let of = match kind {
            Listed::Functions => "functions",
            Listed::Types => "types",
            Listed::Variables => "variables",
        };
        let found = self.session.named_entries(kind, &wanted, MOST);
        if found.entries.is_empty() {
            return Err(CommandError::refused(format!("no {of} match '{filter}'")));
        }
        let names = found.entries.into_iter().map(|entry| NameLine {
            name: entry.name,
            declaration: entry.declaration,
            file: entry.file.as_deref().map(Text::from),
            line: entry.line,
            address: entry.address.map(Hex::from),
        });
        Ok(Reply::Names(Names { of, names: names.collect(), more: found.more }))
    }
}
