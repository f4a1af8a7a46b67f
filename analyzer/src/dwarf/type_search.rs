//! Types that were read, and the definitions of types that are only declared where they are used.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::lock;
use super::lookup::entry_point;
use super::named_entries::NameKind;
use super::unit::{DieRef, Unit};
use super::view::View;
use crate::types::{Type, TypeKind};

/// Types that are remembered.
const MOST_TYPES: usize = 200_000;

impl<'a> View<'a> {
    /// The type at `die`, read by `read` when it was not before.
    pub(crate) fn cached_type(&self, die: DieRef, read: impl FnOnce() -> Option<Type>) -> Option<Arc<Type>> {
        if let Some(known) = lock(&self.info.types).get(&die) {
            return known.clone();
        }
        let found = read().map(Arc::new);
        let mut types = lock(&self.info.types);
        if types.len() < MOST_TYPES {
            types.insert(die, found.clone());
        }
        found
    }

    /// The first address of the function at `die`.
    pub(crate) fn entry_address(&self, die: DieRef) -> Option<u64> {
        entry_point(&*self.unit(die.unit)?, die.offset)
    }

    /// The definition of the type that is only declared at `die`: one of the same name in the same namespaces and
    /// classes, in the unit itself or any other.
    pub(crate) fn definition_of(&self, die: DieRef) -> Option<Arc<Type>> {
        let found = crate::types::read(self, self.definition_at(die)?)?;
        matches!(&found.kind, TypeKind::Record(record) if !record.declaration).then_some(found)
    }

    /// Where that definition is.
    pub(crate) fn definition_at(&self, die: DieRef) -> Option<DieRef> {
        self.definition_named(&self.full_path(die), self.unit(die.unit).as_deref())
    }

    /// Where the type of this name in these namespaces and classes is defined.
    pub(crate) fn definition_named(&self, path: &[String], near: Option<&Unit<'a>>) -> Option<DieRef> {
        let key = path.join("::");
        let known = lock(&self.info.definitions).get(&key).copied();
        known.unwrap_or_else(|| {
            let found = self.find_named(near, &key, NameKind::Type(None));
            let found = found.filter(|found| self.full_path(*found) == path);
            // Whoever interrupted the search gets it another time.
            if found.is_some() || !self.info.names_given_up.load(Ordering::Relaxed) {
                lock(&self.info.definitions).insert(key, found);
            }
            found
        })
    }
}
