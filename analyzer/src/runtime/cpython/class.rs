//! What classes keep: looked up along the method resolution order, in their dictionaries, or in the tables of C of the
//! built-in types, whose dictionaries are kept elsewhere from 3.12 on.

use std::rc::Rc;

use dpdb_snapshot::Avma;
use num_bigint::BigInt;

use super::attributes::Attribute;
use super::heap::{Heap, TypeFacts};
use super::unreadable::Unreadable;
use super::value::PythonValue;

/// More classes than any has bases.
const MOST_BASES: u64 = 256;
/// Rows of a table of C.
const MOST_ROWS: u64 = 512;
const LONGEST_NAME: usize = 256;
/// Entries of a class.
const MOST_ENTRIES: u64 = 4096;

/// A name and its `PyMemberDef`.
pub(super) type Member = (String, Avma);

/// `PyMemberDef.type` (Include/descrobject.h, `Py_T_*`).
const OBJECT: i32 = 6;
const OBJECT_EX: i32 = 16;
/// `Py_RELATIVE_OFFSET`: the offset counts from the end of the base's structure.
const RELATIVE_OFFSET: i32 = 8;

/// What a class has under a name.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) entry: Entry,
    /// The class of those in the order that has it.
    pub(super) owner: Rc<TypeFacts>,
    /// The object in its dictionary; none where a table of C was read.
    pub(super) descriptor: Option<Avma>,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Any object.
    Object(Avma),
    /// A field of the instance's structure: a `PyMemberDef`.
    Member(Avma),
    /// A getter in C: a `PyGetSetDef`.
    GetSet(Avma),
    /// A method in C: a `PyMethodDef`.
    Method(Avma),
}

/// A table of C: where a type has it, the size of its rows, and what they are.
type Table = (&'static str, &'static str, fn(Avma) -> Entry);

const TABLES: [Table; 3] = [
    ("PyTypeObject.tp_methods", "PyMethodDef.sizeof", Entry::Method),
    ("PyTypeObject.tp_members", "PyMemberDef.sizeof", Entry::Member),
    ("PyTypeObject.tp_getset", "PyGetSetDef.sizeof", Entry::GetSet),
];

impl Heap<'_> {
    /// The classes that are searched for an attribute of an instance of `class`, itself first.
    pub(super) fn mro(&self, class: Avma) -> Result<Vec<Avma>, Unreadable> {
        match self.pointer(class, "PyTypeObject.tp_mro")? {
            Some(mro) => Ok(self.first_items(mro, MOST_BASES)?.items),
            None => Ok(vec![class]),
        }
    }

    /// Whether `class` is the built-in type `name`, or derived from it.
    pub(super) fn derives_from(&self, class: Avma, name: &str) -> bool {
        let is = |base: &Avma| self.class(*base).is_ok_and(|facts| facts.builtin.as_deref() == Some(name));
        self.mro(class).is_ok_and(|mro| mro.iter().any(is))
    }

    /// What `class` or the first of its bases has under a name.
    pub(super) fn class_entry(&self, class: Avma, name: &str) -> Result<Option<Found>, Unreadable> {
        for owner in self.mro(class)? {
            if let Some((entry, descriptor)) = self.own_entry(owner, name)? {
                return Ok(Some(Found { entry, owner: self.class(owner)?, descriptor }));
            }
        }
        Ok(None)
    }

    fn own_entry(&self, class: Avma, name: &str) -> Result<Option<(Entry, Option<Avma>)>, Unreadable> {
        if let Some(dict) = self.pointer(class, "PyTypeObject.tp_dict")? {
            return Ok(self.dict_get(dict, name).map(|object| (self.entry_of(object), Some(object))));
        }
        let mut found = None;
        self.rows(class, &mut |row, entry| {
            if found.is_none() && row == name {
                found = Some((entry, None));
            }
        })?;
        Ok(found)
    }

    /// A descriptor of a type that is written in C leads to the row that it was made of.
    fn entry_of(&self, object: Avma) -> Entry {
        let Ok(facts) = self.type_of(object) else { return Entry::Object(object) };
        let row = |field| self.object(object, field);
        let row = match facts.builtin.as_deref() {
            Some("member_descriptor") => row("PyMemberDescrObject.d_member").map(Entry::Member),
            Some("getset_descriptor") => row("PyGetSetDescrObject.d_getset").map(Entry::GetSet),
            Some("method_descriptor") => row("PyMethodDescrObject.d_method").map(Entry::Method),
            _ => return Entry::Object(object),
        };
        row.unwrap_or(Entry::Object(object))
    }

    /// The rows of the tables of a type.
    fn rows(&self, class: Avma, take: &mut dyn FnMut(String, Entry)) -> Result<(), Unreadable> {
        for (field, size, entry) in TABLES {
            let Some(table) = self.pointer(class, field)? else { continue };
            let size = self.layout.offset(size)?;
            for index in 0..MOST_ROWS {
                let row = table.wrapping_add(index * size);
                let name = self.memory.read_u64(row)?;
                if name == 0 {
                    break;
                }
                let (name, _) = self.memory.read_c_string(Avma(name), LONGEST_NAME)?;
                take(String::from_utf8_lossy(&name).into_owned(), entry(row));
            }
        }
        Ok(())
    }

    /// What a class itself keeps, in its dictionary or its tables.
    fn own_entries(&self, class: Avma, limit: u64) -> Result<Vec<(String, Entry)>, Unreadable> {
        let mut found = Vec::new();
        match self.pointer(class, "PyTypeObject.tp_dict")? {
            Some(dict) => {
                for (name, object) in self.dict(dict, limit)?.pairs {
                    found.extend(self.name(name).map(|name| (name, self.entry_of(object))));
                }
            }
            None => self.rows(class, &mut |name, entry| found.push((name, entry)))?,
        }
        Ok(found)
    }

    /// The names that a class and its bases have.
    pub(super) fn class_names(&self, class: Avma, limit: u64) -> Result<Vec<String>, Unreadable> {
        let mut names = Vec::new();
        for owner in self.mro(class)? {
            names.extend(self.own_entries(owner, limit)?.into_iter().map(|(name, _)| name));
        }
        Ok(names)
    }

    /// The members of the structures of a class's instances, those of the bases first: slots and fields of C.
    pub(super) fn members_of_class(&self, class: Avma) -> Result<Rc<[Member]>, Unreadable> {
        if let Some(known) = self.members.borrow().get(&class) {
            return Ok(known.clone());
        }
        let mut members = Vec::new();
        for owner in self.mro(class)?.into_iter().rev() {
            // A slot of a class stands in its table, too; its dictionary has the name as the program knows it.
            for (name, entry) in self.own_entries(owner, MOST_ENTRIES)? {
                if let Entry::Member(row) = entry {
                    members.push((name, row));
                }
            }
        }
        let members: Rc<[Member]> = members.into();
        self.members.borrow_mut().insert(class, members.clone());
        Ok(members)
    }

    /// The value of a member of an object; `None` for a slot that is not set.
    pub(super) fn member(&self, object: Avma, row: Avma) -> Result<Option<Attribute>, Unreadable> {
        let kind = self.int(row, "PyMemberDef.type")?;
        let mut at = object.wrapping_add(self.word(row, "PyMemberDef.offset")?);
        if self.int(row, "PyMemberDef.flags")? & RELATIVE_OFFSET != 0 {
            let base = self.pointer(self.type_of(object)?.at, "PyTypeObject.tp_base")?;
            let base = base.ok_or(Unreadable::Null("PyTypeObject.tp_base"))?;
            at = at.wrapping_add(self.word(base, "PyTypeObject.tp_basicsize")?);
        }
        let int = |value: i128| PythonValue::Int(BigInt::from(value));
        Ok(Some(Attribute::Plain(match kind {
            OBJECT | OBJECT_EX => {
                let value = Avma(self.memory.read_u64(at)?);
                match (value.0, kind) {
                    (0, OBJECT_EX) => return Ok(None),
                    (0, _) => PythonValue::Constant("None"),
                    _ => return Ok(Some(Attribute::Object(value))),
                }
            }
            0 => int(i16::from_le_bytes(self.bytes(at)?).into()),
            1 => int(i32::from_le_bytes(self.bytes(at)?).into()),
            2 | 17 | 19 => int(i64::from_le_bytes(self.bytes(at)?).into()),
            3 => PythonValue::Float(f32::from_le_bytes(self.bytes(at)?).into()),
            4 => PythonValue::Float(f64::from_le_bytes(self.bytes(at)?)),
            5 => self.c_text(Avma(self.memory.read_u64(at)?))?,
            7 => PythonValue::Str { points: vec![self.bytes::<1>(at)?[0].into()], length: 1 },
            8 => int(i8::from_le_bytes(self.bytes(at)?).into()),
            9 => int(self.bytes::<1>(at)?[0].into()),
            10 => int(u16::from_le_bytes(self.bytes(at)?).into()),
            11 => int(u32::from_le_bytes(self.bytes(at)?).into()),
            12 | 18 => int(u64::from_le_bytes(self.bytes(at)?).into()),
            13 => self.c_text(at)?,
            14 => PythonValue::Bool(self.bytes::<1>(at)?[0] != 0),
            20 => PythonValue::Constant("None"),
            _ => return Err(Unreadable::Damaged { what: "table of members", at: row }),
        })))
    }

    fn c_text(&self, at: Avma) -> Result<PythonValue, Unreadable> {
        if at.0 == 0 {
            return Ok(PythonValue::Constant("None"));
        }
        let (text, _) = self.memory.read_c_string(at, LONGEST_NAME)?;
        Ok(PythonValue::text(&String::from_utf8_lossy(&text)))
    }
}
