//! Values of types that their own module only declares, as the program does with `FILE`: another one defines them.

use super::build::Builder;
use super::context::Context;
use super::place::Place;
use super::tree::ValueTree;
use crate::dwarf::DieRef;

impl Builder<'_, '_> {
    /// The value at `place` by the definition that another module has of the type that is declared at `die`; `None` where
    /// none has one. The first in the order of addresses is believed, as gdb believes the first that it loaded.
    pub(super) fn defined_elsewhere(&mut self, die: DieRef, place: &Place, depth: usize) -> Option<ValueTree> {
        let path = self.context.view.full_path(die);
        let session = self.context.session;
        let others = session.modules().iter().filter(|module| module.index() != self.context.module.index());
        for module in others {
            let Some(info) = session.debug_info(module.index()) else { continue };
            let view = info.values();
            let Some(found) = view.definition_named(&path, None) else { continue };
            let Some(unit) = view.unit(found.unit) else { continue };
            let context = Context { session, module, view: &view, unit: &unit, frame: None, depth: self.context.depth };
            let mut builder =
                Builder { left: self.left, deadline: self.deadline, ..Builder::new(context, self.limits) };
            let value = builder.value(Some(found), place, depth);
            self.left = builder.left;
            return Some(value);
        }
        None
    }
}
