//! Kinds of objects whose `repr()` is told by their structure: a family of types a file.
//!
//! An object is shown so if its type is one of these or derived from one, and no class in between has a `__repr__` of
//! its own.

mod arrays;
mod callables;
mod collections;
mod ctypes;
mod datetime;
mod enums;
mod files;
mod generators;
mod numbers;
mod numpy;
mod pandas;
mod paths;
mod records;
mod references;
mod sequences;
mod tensors;
mod threading;

pub(super) use collections::ordered_pairs;
use std::rc::Rc;

use dpdb_snapshot::Avma;

use super::attributes::Attribute;
use super::class::Entry;
use super::heap::TypeFacts;
use super::objects::Reader;
use super::unreadable::Unreadable;
use super::value::PythonValue;

/// An object that a kind is to show.
pub(super) struct Subject<'s> {
    pub(super) at: Avma,
    pub(super) facts: &'s Rc<TypeFacts>,
    /// The objects that it is inside of.
    pub(super) path: &'s mut Vec<Avma>,
}

/// What is shown of an object of a kind.
pub(super) type Shown = Result<PythonValue, Unreadable>;

/// Shows an object of one kind.
pub(super) type Kind = fn(&Reader<'_, '_>, &mut Subject<'_>) -> Shown;

/// The kinds by the full names of their types.
const FAMILIES: [&[(&str, Kind)]; 17] = [
    arrays::KINDS,
    callables::KINDS,
    collections::KINDS,
    ctypes::KINDS,
    datetime::KINDS,
    enums::KINDS,
    files::KINDS,
    generators::KINDS,
    numbers::KINDS,
    numpy::KINDS,
    pandas::KINDS,
    paths::KINDS,
    records::KINDS,
    references::KINDS,
    sequences::KINDS,
    tensors::KINDS,
    threading::KINDS,
];

fn kind_named(name: &str) -> Option<Kind> {
    FAMILIES.into_iter().flatten().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

impl Reader<'_, '_> {
    /// The kind of the objects of a type, if one is known and speaks for them.
    pub(super) fn kind_of(&self, facts: &Rc<TypeFacts>) -> Option<Kind> {
        if let Some(known) = self.heap.kinds.borrow().get(&facts.at) {
            return *known;
        }
        let found = self.find_kind(facts);
        self.heap.kinds.borrow_mut().insert(facts.at, found);
        found
    }

    fn find_kind(&self, facts: &Rc<TypeFacts>) -> Option<Kind> {
        if let Some(kind) = kind_named(&facts.full_name()) {
            return Some(kind);
        }
        let mro = self.heap.mro(facts.at).ok()?;
        let mut kinds = mro.iter().filter_map(|base| {
            let base = self.heap.class(*base).ok()?;
            Some((kind_named(&base.full_name())?, base))
        });
        match kinds.next() {
            Some((kind, base)) => (!self.has_own_repr(facts, Some(&base))).then_some(kind),
            None => records::kind_of(self, facts),
        }
    }

    /// Whether a class before `base` in the order, or any but `object` without one, has a `__repr__` that is not from
    /// the module of `base`.
    fn has_own_repr(&self, facts: &TypeFacts, base: Option<&TypeFacts>) -> bool {
        let Ok(Some(found)) = self.heap.class_entry(facts.at, "__repr__") else { return false };
        match base {
            Some(base) => found.owner.module != base.module && !self.comes_after(facts, base, &found.owner),
            None => found.owner.full_name() != "object",
        }
    }

    /// Whether `other` follows `base` in the order of a class.
    fn comes_after(&self, facts: &TypeFacts, base: &TypeFacts, other: &TypeFacts) -> bool {
        let mro = self.heap.mro(facts.at).unwrap_or_default();
        mro.iter().skip_while(|class| **class != base.at).any(|class| *class == other.at)
    }

    /// The function that a class has as a special method, with the file and the name of its code.
    fn method_source(&self, facts: &TypeFacts, name: &str) -> Option<(String, String)> {
        let Entry::Object(function) = self.heap.class_entry(facts.at, name).ok()??.entry else { return None };
        self.heap.expect(function, "function").ok()?;
        let code = self.heap.object(function, "PyFunctionObject.func_code").ok()?;
        let text = |field| self.heap.name(self.heap.object(code, field).ok()?).ok();
        Some((text("PyCodeObject.co_filename")?, text("PyCodeObject.co_name")?))
    }

    /// An attribute that an object keeps.
    fn kept(&self, at: Avma, name: &str) -> Option<Avma> {
        match self.heap.attribute(at, name) {
            Ok(Some(Attribute::Object(value))) => Some(value),
            _ => None,
        }
    }

    /// What an object calls itself: `__name__`.
    fn name_of(&self, at: Avma) -> Option<String> {
        match self.heap.attribute(at, "__name__").ok()?? {
            Attribute::Object(name) => self.heap.name(name).ok(),
            Attribute::Plain(PythonValue::Str { points, .. }) => {
                Some(points.into_iter().filter_map(char::from_u32).collect())
            }
            _ => None,
        }
    }

    /// The address of the object in one of the words behind an object's header, for structures of which nothing else
    /// stands in the tables.
    fn behind_header(&self, at: Avma, word: u64) -> Result<Avma, Unreadable> {
        let header = self.heap.field(at, "PyObject.sizeof")?;
        Ok(Avma(self.heap.memory.read_u64(header.wrapping_add(word * 8))?))
    }

    /// The text of an object, and what it keeps.
    fn described(&self, subject: &mut Subject<'_>, text: String) -> PythonValue {
        let attributes = self.attributes(subject.at, subject.path);
        PythonValue::Object { type_name: subject.facts.full_name(), at: subject.at, text: Some(text), attributes }
    }

    /// The same of one whose attributes tell nothing.
    fn plain(&self, subject: &Subject<'_>, text: String) -> PythonValue {
        let type_name = subject.facts.full_name();
        PythonValue::Object { type_name, at: subject.at, text: Some(text), attributes: Vec::new() }
    }
}

/// Something written as the call that makes it.
fn call(callee: impl Into<String>, args: Vec<PythonValue>) -> PythonValue {
    let args = args.into_iter().map(|value| (None, value)).collect();
    PythonValue::Call { callee: callee.into(), args }
}
