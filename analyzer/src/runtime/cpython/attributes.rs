//! Attributes as `object.__getattribute__` and `type.__getattribute__` find them (Objects/object.c,
//! Objects/typeobject.c), as far as no code of the process has to run for it.

use std::collections::BTreeSet;
use std::fmt;

use dpdb_snapshot::Avma;

use super::class::{Entry, Found};
use super::heap::{Heap, TYPE, TypeFacts};
use super::unreadable::Unreadable;
use super::value::PythonValue;

/// What the name of an attribute leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Attribute {
    /// An object that is kept there.
    Object(Avma),
    /// A value that a structure of C keeps without an object.
    Plain(PythonValue),
    /// A function written in Python, bound to an object or a class.
    Method {
        /// The function.
        function: Avma,
        /// What it is bound to.
        receiver: Avma,
    },
    /// A function written in C, bound to an object: its `PyMethodDef`.
    BuiltinMethod {
        /// The row of the table of methods.
        row: Avma,
        /// What it is bound to.
        receiver: Avma,
    },
    /// Only the interpreter can tell, by running code.
    Computed(Computed),
}

/// Which code would tell the value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Computed {
    /// A `property`.
    Property,
    /// The `__get__` of an object of this type in the class.
    Descriptor(String),
    /// The `__getattr__` of the class or the module.
    Getattr,
}

impl fmt::Display for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Computed::Property => f.write_str("it is a property"),
            Computed::Descriptor(kind) => write!(f, "a descriptor of type {kind} computes it"),
            Computed::Getattr => f.write_str("__getattr__ computes it"),
        }
    }
}

/// Getters written in C that only hand out an object: the type that has them, the attribute, and the field it is in.
const HANDED_OUT: [(&str, &str, &str); 16] = [
    ("type", "__bases__", "PyTypeObject.tp_bases"),
    ("BaseException", "args", "PyBaseExceptionObject.args"),
    ("BaseException", "__traceback__", "PyBaseExceptionObject.traceback"),
    ("BaseException", "__context__", "PyBaseExceptionObject.context"),
    ("BaseException", "__cause__", "PyBaseExceptionObject.cause"),
    ("function", "__name__", "PyFunctionObject.func_name"),
    ("function", "__qualname__", "PyFunctionObject.func_qualname"),
    ("function", "__code__", "PyFunctionObject.func_code"),
    ("function", "__defaults__", "PyFunctionObject.func_defaults"),
    ("function", "__kwdefaults__", "PyFunctionObject.func_kwdefaults"),
    ("generator", "__name__", "PyGenObject.gi_name"),
    ("generator", "__qualname__", "PyGenObject.gi_qualname"),
    ("coroutine", "__name__", "PyGenObject.gi_name"),
    ("coroutine", "__qualname__", "PyGenObject.gi_qualname"),
    ("traceback", "tb_next", "PyTracebackObject.tb_next"),
    ("cell", "cell_contents", "PyCellObject.ob_ref"),
];

impl Heap<'_> {
    /// The attribute `name` of an object, a class or a module; `None` where it has none.
    pub(super) fn attribute(&self, object: Avma, name: &str) -> Result<Option<Attribute>, Unreadable> {
        let facts = self.type_of(object)?;
        if facts.has(TYPE) {
            return self.class_attribute(object, &facts, name);
        }
        let of_class = self.class_entry(facts.at, name)?;
        if let Some(found) = of_class.as_ref().filter(|found| self.is_data_descriptor(found)) {
            return match self.bound(found, object, &facts, name)? {
                None => self.by_getattr(object, &facts),
                bound => Ok(bound),
            };
        }
        if let Some(value) = self.instance_entry(object, &facts, name)? {
            return Ok(Some(Attribute::Object(value)));
        }
        match of_class {
            Some(found) => self.bound(&found, object, &facts, name),
            None => self.by_getattr(object, &facts),
        }
    }

    /// The attribute of a class: descriptors of its metaclass first, then what it or a base has, as it is kept.
    fn class_attribute(&self, class: Avma, meta: &TypeFacts, name: &str) -> Result<Option<Attribute>, Unreadable> {
        let of_meta = self.class_entry(meta.at, name)?;
        if let Some(found) = of_meta.as_ref().filter(|found| self.is_data_descriptor(found)) {
            return self.bound(found, class, meta, name);
        }
        if let Some(member) = self.enum_member(class, name) {
            return Ok(Some(Attribute::Object(member)));
        }
        if let Some(found) = self.class_entry(class, name)? {
            return self.bound_to_class(&found, class).map(Some);
        }
        match of_meta {
            Some(found) => self.bound(&found, class, meta, name),
            None => self.by_getattr(class, meta),
        }
    }

    /// What an enumeration's class calls so: up to 3.10 its metaclass computes it, in 3.11 a descriptor, and both look
    /// it up here (Lib/enum.py).
    fn enum_member(&self, class: Avma, name: &str) -> Option<Avma> {
        let Ok(Some(Found { entry: Entry::Object(members), .. })) = self.class_entry(class, "_member_map_") else {
            return None;
        };
        self.expect_subtype(members, "dict").ok()?;
        self.dict_get(members, name)
    }

    fn bound_to_class(&self, found: &Found, class: Avma) -> Result<Attribute, Unreadable> {
        let Entry::Object(object) = found.entry else {
            let kind = "type without a dictionary of its own".to_owned();
            return Ok(found.descriptor.map_or(Attribute::Computed(Computed::Descriptor(kind)), Attribute::Object));
        };
        Ok(match self.type_of(object)?.builtin.as_deref() {
            Some("staticmethod") => Attribute::Object(self.object(object, "staticmethod.sm_callable")?),
            Some("classmethod") => {
                Attribute::Method { function: self.object(object, "classmethod.cm_callable")?, receiver: class }
            }
            _ => Attribute::Object(object),
        })
    }

    fn is_class(&self, object: Avma) -> bool {
        self.type_of(object).is_ok_and(|meta| meta.has(TYPE))
    }

    /// Whether what a class keeps goes before what an instance keeps.
    fn is_data_descriptor(&self, found: &Found) -> bool {
        match found.entry {
            Entry::Member(_) | Entry::GetSet(_) => true,
            Entry::Method(_) => false,
            Entry::Object(object) => {
                let set = |facts: &TypeFacts| self.pointer(facts.at, "PyTypeObject.tp_descr_set");
                self.type_of(object).is_ok_and(|facts| set(&facts).is_ok_and(|set| set.is_some()))
            }
        }
    }

    /// What the class keeps, as it looks through an instance.
    fn bound(
        &self,
        found: &Found,
        object: Avma,
        facts: &TypeFacts,
        name: &str,
    ) -> Result<Option<Attribute>, Unreadable> {
        Ok(Some(match found.entry {
            Entry::Member(row) => return self.member(object, row),
            Entry::Method(row) => Attribute::BuiltinMethod { row, receiver: object },
            Entry::GetSet(_) if name == "__class__" => Attribute::Object(facts.at),
            Entry::GetSet(_) if name == "__name__" && self.is_class(object) => {
                Attribute::Plain(PythonValue::text(&self.class(object)?.simple_name()))
            }
            Entry::GetSet(_) => return self.handed_out(found, object, name),
            Entry::Object(kept) => self.bound_object(kept, object, facts)?,
        }))
    }

    fn bound_object(&self, kept: Avma, object: Avma, facts: &TypeFacts) -> Result<Attribute, Unreadable> {
        let kind = self.type_of(kept)?;
        Ok(match kind.builtin.as_deref() {
            Some("function") => Attribute::Method { function: kept, receiver: object },
            Some("staticmethod") => Attribute::Object(self.object(kept, "staticmethod.sm_callable")?),
            Some("classmethod") => {
                Attribute::Method { function: self.object(kept, "classmethod.cm_callable")?, receiver: facts.at }
            }
            Some("property") => Attribute::Computed(Computed::Property),
            // What named tuples have for their fields: an index stands behind the object's header.
            _ if kind.full_name() == "collections._tuplegetter" || kind.full_name() == "_collections._tuplegetter" => {
                let index = self.memory.read_u64(self.field(kept, "PyObject.sizeof")?)?;
                let item = self.sequence(object)?.map(|all| self.items(all, index, 1)).transpose()?;
                let item = item.and_then(|item| item.first().copied());
                Attribute::Object(item.ok_or(Unreadable::Damaged { what: "named tuple", at: object })?)
            }
            _ if self.pointer(kind.at, "PyTypeObject.tp_descr_get")?.is_none() => Attribute::Object(kept),
            _ if kind.full_name() == "property" || kind.full_name() == "enum.property" => {
                Attribute::Computed(Computed::Property)
            }
            _ => Attribute::Computed(Computed::Descriptor(kind.full_name())),
        })
    }

    fn handed_out(&self, found: &Found, object: Avma, name: &str) -> Result<Option<Attribute>, Unreadable> {
        let known = HANDED_OUT.iter().find(|(owner, known, _)| *known == name && *owner == found.owner.name);
        let Some((.., field)) = known else {
            let kind = "getset_descriptor".to_owned();
            return Ok(Some(Attribute::Computed(Computed::Descriptor(kind))));
        };
        Ok(match self.pointer(object, field)? {
            Some(value) => Some(Attribute::Object(value)),
            None if *field == "PyCellObject.ob_ref" => None,
            None => Some(Attribute::Plain(PythonValue::Constant("None"))),
        })
    }

    /// What is left is for a `__getattr__`, of the class or of the module.
    fn by_getattr(&self, object: Avma, facts: &TypeFacts) -> Result<Option<Attribute>, Unreadable> {
        let has = match facts.builtin.as_deref() {
            Some("module") => self.instance_entry(object, facts, "__getattr__")?.is_some(),
            _ => self.class_entry(facts.at, "__getattr__")?.is_some(),
        };
        Ok(has.then_some(Attribute::Computed(Computed::Getattr)))
    }

    /// What an object keeps itself: its `__dict__`, then its slots and the members of its structure. Names with two
    /// underscores are left out.
    pub(super) fn own_attributes(&self, object: Avma, limit: u64) -> Result<Vec<(String, Attribute)>, Unreadable> {
        let facts = self.type_of(object)?;
        let mut found = Vec::new();
        for (name, value) in self.instance_dict(object, &facts, limit)?.unwrap_or_default().pairs {
            if let Ok(name) = self.name(name) {
                found.push((name, Attribute::Object(value)));
            }
        }
        for (name, row) in self.members_of_class(facts.at)?.iter() {
            if !name.starts_with("__") && (found.len() as u64) < limit {
                found.extend(self.member(object, *row).ok().flatten().map(|value| (name.clone(), value)));
            }
        }
        Ok(found)
    }

    /// The names that `dir()` gives for an object without a `__dir__` of its own, sorted.
    pub(super) fn attribute_names(&self, object: Avma, limit: u64) -> Result<Vec<String>, Unreadable> {
        let facts = self.type_of(object)?;
        let mut names = BTreeSet::new();
        for (name, _) in self.instance_dict(object, &facts, limit)?.unwrap_or_default().pairs {
            names.extend(self.name(name));
        }
        let class = match facts.builtin.as_deref() {
            Some("module") => None,
            _ if facts.has(TYPE) => Some(object),
            _ => Some(facts.at),
        };
        if let Some(class) = class {
            names.extend(self.class_names(class, limit)?);
        }
        Ok(names.into_iter().take(limit as usize).collect())
    }
}
