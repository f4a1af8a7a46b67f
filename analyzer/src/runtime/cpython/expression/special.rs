//! Special methods: who defines them, and so whether code of the process would have to run.

use dpdb_snapshot::Avma;

use super::fault::{Result, refused};
use super::objects::{Objects, short_name};
use super::value::Value;
use crate::runtime::cpython::class::Entry;
use crate::runtime::cpython::heap::TypeFacts;

/// Who defines a special method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// Only `object`, or nobody.
    Inherited,
    /// A type that is written in C.
    Native,
    /// A class of Python.
    Python,
}

/// A function in a type's structure that stands for special methods (Include/cpython/object.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// `__call__`.
    Call,
    /// `__iter__`.
    Iterate,
    /// `__len__`.
    Length,
    /// `__getitem__`.
    Item,
    /// Any operator.
    Number,
}

/// Offsets in `PySequenceMethods` and `PyMappingMethods` (Include/cpython/object.h), the same in all versions.
const LENGTH: u64 = 0;
const MAPPING_ITEM: u64 = 8;
const SEQUENCE_ITEM: u64 = 24;

impl Objects<'_> {
    /// Who defines a special method of a type. The dictionaries of the types of C are not always there, so only the
    /// answer that a class of Python does is certain.
    pub(super) fn special(&self, facts: &TypeFacts, name: &str) -> Result<Special> {
        let Some(found) = self.heap.class_entry(facts.at, name)? else { return Ok(Special::Inherited) };
        Ok(match found.entry {
            _ if found.owner.builtin.as_deref() == Some("object") => Special::Inherited,
            Entry::Object(at) if found.owner.builtin.is_none() => {
                let kind = self.heap.type_of(at)?;
                let wrapper = kind.builtin.as_deref() == Some("wrapper_descriptor");
                if wrapper { Special::Native } else { Special::Python }
            }
            _ => Special::Native,
        })
    }

    /// Whether a type has such a function.
    pub(super) fn has_slot(&self, facts: &TypeFacts, slot: Slot) -> Result<bool> {
        let has = |field: &'static str, offset: Option<u64>| -> Result<bool> {
            let Some(found) = self.heap.pointer(facts.at, field)? else { return Ok(false) };
            match offset {
                Some(offset) => Ok(self.heap.words(found.wrapping_add(offset), 1)? != [0]),
                None => Ok(true),
            }
        };
        let (sequence, mapping) = ("PyTypeObject.tp_as_sequence", "PyTypeObject.tp_as_mapping");
        match slot {
            Slot::Call => has("PyTypeObject.tp_call", None),
            Slot::Iterate => has("PyTypeObject.tp_iter", None),
            Slot::Length => Ok(has(sequence, Some(LENGTH))? || has(mapping, Some(LENGTH))?),
            Slot::Item => Ok(has(mapping, Some(MAPPING_ITEM))? || has(sequence, Some(SEQUENCE_ITEM))?),
            // A class of Python has room for all of them, whether it defines one or not.
            Slot::Number if facts.builtin.is_none() => {
                let methods =
                    ["__add__", "__radd__", "__sub__", "__mul__", "__truediv__", "__neg__", "__or__", "__and__"];
                Ok(methods.iter().any(|name| self.special(facts, name).is_ok_and(|found| found != Special::Inherited)))
            }
            Slot::Number => has("PyTypeObject.tp_as_number", None),
        }
    }

    /// Fails unless an object is equal to itself alone.
    pub(super) fn compares_by_identity(&self, at: Avma) -> Result<()> {
        let facts = self.heap.type_of(at)?;
        let compare = |class: Avma| self.heap.pointer(class, "PyTypeObject.tp_richcompare");
        let plain = self.builtin("object").map(compare).transpose()?.flatten();
        let own = compare(facts.at)?;
        if own.is_none() || own == plain {
            return Ok(());
        }
        if self.special(&facts, "__eq__")? == Special::Python {
            return refused(format_args!("comparing would call {}.__eq__", short_name(&facts)));
        }
        for base in self.heap.mro(facts.at)? {
            // A class of Python that defines an order only has a function of its own here, too.
            let native = self.heap.class(base)?.builtin.is_some();
            if native && compare(base)?.is_some_and(|found| Some(found) != plain) {
                return refused(format_args!("'{}' objects are compared by code in C", short_name(&facts)));
            }
        }
        Ok(())
    }

    /// Refuses what code of the process's own would do in place of the built-in type's.
    pub(super) fn not_overridden(&self, value: &Value, methods: &[&str]) -> Result<()> {
        let Value::Object(at) = value else { return Ok(()) };
        let facts = self.heap.type_of(*at)?;
        if facts.builtin.is_some() {
            return Ok(());
        }
        for method in methods {
            if self.special(&facts, method)? == Special::Python {
                return refused(format_args!("{}.{method} would be called", short_name(&facts)));
            }
        }
        Ok(())
    }
}
