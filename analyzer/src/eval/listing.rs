//! Lists of what the debugging information names.

use std::path::PathBuf;
use std::sync::Arc;

use dpdb_snapshot::Avma;

use super::evaluator::Evaluator;
use super::{Memo, Place, syntax_of};
use crate::dwarf::{DieRef, NameKind, Unit, View};
use crate::frame::Frame;
use crate::module::Module;
use crate::session::Session;
use crate::value::{Context, FrameContext, ValueLimits, Variable, variable};

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Functions with code.
    Functions,
    /// Types that are described.
    Types,
    /// Variables outside of functions.
    Variables,
}

/// Something with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEntry {
    /// With its namespaces.
    pub name: String,
    /// Its declaration, as its language writes it.
    pub declaration: String,
    /// The file it was declared in.
    pub file: Option<PathBuf>,
    /// The line there.
    pub line: Option<u32>,
    /// Where it is, for functions.
    pub address: Option<Avma>,
    /// The number of its module.
    pub module: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The entries, without repetitions, in the order of modules and units.
    pub entries: Vec<NamedEntry>,
    /// The limit cut the list.
    pub more: bool,
}

impl Session {
    /// What is named so that `wanted` says yes, at most `limit` of it.
    pub fn named_entries(&self, kind: Listed, wanted: &dyn Fn(&str) -> bool, limit: usize) -> Listing {
        let mut listing = Listing::default();
        let mut seen = std::collections::HashSet::new();
        for module in self.modules() {
            let Some(info) = self.debug_info(module.index()) else { continue };
            let view = info.values();
            for (die, name) in view.named_like(name_kind(kind), wanted) {
                let Some(unit) = view.unit(die.unit).filter(|_| !name.is_empty()) else { continue };
                let entry = self.named_entry(module, &view, &unit, die, name, kind);
                if !seen.insert((entry.declaration.clone(), entry.file.clone(), entry.line)) {
                    continue;
                }
                if listing.entries.len() == limit {
                    listing.more = true;
                    return listing;
                }
                listing.entries.push(entry);
            }
        }
        listing
    }

    fn named_entry<'a>(
        &self,
        module: &Module,
        view: &View<'a>,
        unit: &Arc<Unit<'a>>,
        die: DieRef,
        name: String,
        kind: Listed,
    ) -> NamedEntry {
        let context = Context { session: self, module, view, unit, frame: None, depth: 0 };
        let mut memo = Memo::default();
        let evaluator = Evaluator::new(context, 0, syntax_of(unit.language()), &mut memo);
        let (file, line) = view.declared_at(die).unzip();
        let address = (kind == Listed::Functions).then(|| view.entry_address(die)).flatten();
        let address = address.map(|at| context.to_avma(at));
        NamedEntry {
            declaration: evaluator.declared(die, &name, kind),
            name,
            file,
            line,
            address,
            module: module.index(),
        }
    }

    /// The variables outside of functions, at most `limit` of them: those of the unit whose code the frame runs, and
    /// with `everywhere` those of its module's other units; thread-local ones are those of the frame's thread.
    pub fn globals(
        &self,
        place: Place<'_>,
        everywhere: bool,
        wanted: &dyn Fn(&str) -> bool,
        limits: ValueLimits,
        limit: usize,
    ) -> Vec<(Variable, Option<PathBuf>)> {
        let at = place.frames.get(place.index).map(Frame::lookup_address).unwrap_or_default();
        let thread = self.process().thread(place.tid);
        let frame =
            thread.map(|thread| FrameContext { thread, frames: place.frames, index: place.index, function: None });
        let Some(module) = self.module_at(at).or(self.modules().first()) else { return Vec::new() };
        let Some(info) = self.debug_info(module.index()) else { return Vec::new() };
        let view = info.values();
        let here = module.to_svma(at).and_then(|pc| view.physical_function(pc.0)).map(|(unit, _)| unit);
        let own = here.iter().flat_map(|unit| view.named_of_unit(unit, NameKind::Variable));
        let own = own.map(|die| (die, view.full_path(die).join("::")));
        let own = own.filter(|(_, name)| wanted(name));
        let others = everywhere.then(|| view.named_like(NameKind::Variable, wanted)).into_iter().flatten();
        let others = others.filter(|(die, _)| here.as_ref().is_none_or(|unit| unit.id != die.unit));
        let read = |(die, name): (DieRef, String)| {
            let unit = view.unit(die.unit)?;
            let context = Context { session: self, module, view: &view, unit: &unit, frame, depth: 0 };
            let read = variable(context, die, 0, limits)?;
            Some((Variable { name, ..read }, view.declared_at(die).map(|(file, _)| file)))
        };
        own.chain(others).filter_map(read).take(limit).collect()
    }
}

fn name_kind(kind: Listed) -> NameKind {
    match kind {
        Listed::Functions => NameKind::Function,
        Listed::Types => NameKind::Type(None),
        Listed::Variables => NameKind::Variable,
    }
}
