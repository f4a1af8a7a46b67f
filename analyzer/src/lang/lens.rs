//! Looking into a value of a library: its members by name, the memory that it points to, and what of it is to be
//! shown.
//!
//! A formatter reads a container's own fields through a [`Lens`], checks that they agree with each other, and has
//! the lens show the first elements. Whatever does not agree is a [`Doubt`].

use std::sync::Arc;

use dpdb_snapshot::{Absent, Avma, Memory};

use crate::dwarf::{DieRef, View};
use crate::types::{self, Field, FieldKind, FieldPlace, Record, TemplateArgument, Type, TypeKind, TypeRef};
use crate::value::{Builder, Context, Missing, ValueLimits, ValuePlace as Place, ValueTree, integer};

/// Bases inside bases, and anonymous members, that a member is looked for in.
const MOST_LEVELS: usize = 16;

/// A value that is looked into: its type without aliases and qualifiers, and where it is.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) die: DieRef,
    pub(super) of: Arc<Type>,
    pub(super) place: Place,
    /// Only for bit-fields: how many bits it has.
    pub(super) bits: Option<u64>,
}

impl Object {
    pub(super) fn record(&self) -> Option<&Record> {
        match &self.of.kind {
            TypeKind::Record(record) => Some(record),
            _ => None,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.of.name.as_deref().unwrap_or_default()
    }

    pub(super) fn type_ref(&self) -> TypeRef {
        Some(self.die)
    }
}

/// A pointer that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer {
    pub(super) target: TypeRef,
    pub(super) to: Avma,
}

/// Why a value is not shown by its meaning.
#[derive(Debug)]
pub(super) enum Doubt {
    /// It is laid out in a way that is not known here.
    OtherShape,
    /// Its fields contradict each other; the sentence says how.
    Broken(String),
    /// A field of it is not to be had.
    Missing(Missing),
}

impl From<Missing> for Doubt {
    fn from(missing: Missing) -> Doubt {
        Doubt::Missing(missing)
    }
}

impl From<Absent> for Doubt {
    fn from(absent: Absent) -> Doubt {
        Doubt::Missing(absent.into())
    }
}

pub(super) type Looked<T> = Result<T, Doubt>;

pub(super) fn broken<T>(why: impl Into<String>) -> Looked<T> {
    Err(Doubt::Broken(why.into()))
}

/// What one value is looked at through.
pub(super) struct Lens<'b, 'c, 'a> {
    pub(super) builder: &'b mut Builder<'c, 'a>,
    /// How many values are around it.
    pub(super) depth: usize,
}

impl<'c, 'a> Lens<'_, 'c, 'a> {
    pub(super) fn context(&self) -> Context<'c, 'a> {
        self.builder.context
    }

    pub(super) fn view(&self) -> &'c View<'a> {
        self.builder.context.view
    }

    pub(super) fn memory(&self) -> &'c dyn Memory {
        self.builder.context.memory()
    }

    pub(super) fn limits(&self) -> ValueLimits {
        self.builder.limits
    }

    /// The value of type `of` at `place`.
    pub(super) fn object(&self, of: TypeRef, place: Place) -> Looked<Object> {
        let (die, found) = types::strip(self.view(), of).ok_or(Doubt::OtherShape)?;
        let declared = matches!(&found.kind, TypeKind::Record(record) if record.declaration);
        if !declared {
            return Ok(Object { die, of: found, place, bits: None });
        }
        let definition = self.view().definition_at(die);
        let whole = definition.and_then(|die| Some((die, types::read(self.view(), die)?)));
        let (die, of) = whole.unwrap_or((die, found));
        Ok(Object { die, of, place, bits: None })
    }

    pub(super) fn object_at(&self, of: TypeRef, at: Avma) -> Looked<Object> {
        self.object(of, Place::memory(at))
    }

    /// The member at the end of a path of names with dots in between. Each is looked for among a record's own
    /// members, then in its anonymous members and bases.
    pub(super) fn member(&self, object: &Object, path: &str) -> Looked<Object> {
        let mut current = object.clone();
        for name in path.split('.') {
            current = self.own_member(&current, name, 0)?;
        }
        Ok(current)
    }

    /// The member at the first of several paths that there is: versions of a library name their members differently.
    pub(super) fn any_member(&self, object: &Object, paths: &[&str]) -> Looked<Object> {
        paths.iter().find_map(|path| self.member(object, path).ok()).ok_or(Doubt::OtherShape)
    }

    pub(super) fn has(&self, object: &Object, path: &str) -> bool {
        self.member(object, path).is_ok()
    }

    fn own_member(&self, object: &Object, name: &str, level: usize) -> Looked<Object> {
        let record = object.record().filter(|_| level < MOST_LEVELS).ok_or(Doubt::OtherShape)?;
        let named = |field: &&Field| field.kind == FieldKind::Member && field.name.as_deref() == Some(name);
        if let Some(field) = record.fields.iter().find(named) {
            return self.field(object, field);
        }
        let inside = record.fields.iter().filter(|field| match field.kind {
            FieldKind::Member => field.name.as_deref().unwrap_or_default().is_empty(),
            FieldKind::Base => true,
            FieldKind::VirtualBase | FieldKind::VtablePointer => false,
        });
        let mut found =
            inside.filter_map(|field| self.own_member(&self.field(object, field).ok()?, name, level + 1).ok());
        found.next().ok_or(Doubt::OtherShape)
    }

    /// A member or base as a value by itself.
    pub(super) fn field(&self, object: &Object, field: &Field) -> Looked<Object> {
        match field.place {
            FieldPlace::Bits(bits) => {
                let found = self.object(field.of, object.place.skip_bits(bits))?;
                Ok(Object { bits: field.bits, ..found })
            }
            FieldPlace::Expression(_) => Err(Doubt::OtherShape),
        }
    }

    /// The direct bases that have a place of their own.
    pub(super) fn bases(&self, object: &Object) -> Vec<Object> {
        let fields = object.record().map(|record| record.fields.as_slice()).unwrap_or_default();
        let bases = fields.iter().filter(|field| field.kind == FieldKind::Base);
        bases.filter_map(|field| self.field(object, field).ok()).collect()
    }

    /// What a variant of a Rust enum carries, whether or not it is that variant that is alive.
    pub(super) fn payload(&self, object: &Object, variant: &str) -> Looked<Object> {
        let part = object.record().and_then(|record| record.variants.as_ref()).ok_or(Doubt::OtherShape)?;
        let named = part.variants.iter().find(|known| known.field.name.as_deref() == Some(variant));
        self.field(object, &named.ok_or(Doubt::OtherShape)?.field)
    }

    /// An integer, enumerator or pointer of at most eight bytes, without a sign.
    pub(super) fn number(&self, object: &Object) -> Looked<u64> {
        self.in_time()?;
        let size = self.size(object.type_ref())?;
        if let Some(bits @ 1..=64) = object.bits {
            return Ok(integer(&object.place.read_bits(self.memory(), bits)?, false) as u64);
        }
        match object.of.kind {
            TypeKind::Base(_) | TypeKind::Enumeration(_) | TypeKind::Pointer(_) if (1..=8).contains(&size) => {
                Ok(integer(&object.place.read(self.memory(), size)?, false) as u64)
            }
            _ => Err(Doubt::OtherShape),
        }
    }

    /// The number at a path of members.
    pub(super) fn number_in(&self, object: &Object, path: &str) -> Looked<u64> {
        self.number(&self.member(object, path)?)
    }

    /// A number that is only looked at to check others: none where the compiler did not keep it.
    pub(super) fn check_number_in(&self, object: &Object, path: &str) -> Looked<Option<u64>> {
        match self.number_in(object, path) {
            Err(Doubt::Missing(Missing::OptimizedOut | Missing::NoAddress | Missing::NotSaved(_))) => Ok(None),
            found => found.map(Some),
        }
    }

    pub(super) fn pointer(&self, object: &Object) -> Looked<Pointer> {
        match object.of.kind {
            TypeKind::Pointer(target) | TypeKind::Reference { to: target, .. } => {
                let word = object.place.read(self.memory(), 8)?;
                Ok(Pointer { target, to: Avma(integer(&word, false) as u64) })
            }
            _ => Err(Doubt::OtherShape),
        }
    }

    pub(super) fn pointer_in(&self, object: &Object, path: &str) -> Looked<Pointer> {
        self.pointer(&self.member(object, path)?)
    }

    /// Doubts a value whose links take too long to follow.
    fn in_time(&self) -> Looked<()> {
        if self.builder.is_late() {
            return broken(format!("cut after {} ms", self.limits().time.as_millis()));
        }
        Ok(())
    }

    /// The word at an address.
    pub(super) fn word(&self, at: Avma) -> Looked<u64> {
        self.in_time()?;
        Ok(self.memory().read_u64(at)?)
    }

    /// The size of a type in bytes.
    pub(super) fn size(&self, of: TypeRef) -> Looked<u64> {
        let size = types::size(self.view(), of, 0);
        size.or_else(|| self.object_at(of, Avma(0)).ok()?.of.size).ok_or(Doubt::OtherShape)
    }

    pub(super) fn alignment(&self, of: TypeRef) -> u64 {
        types::alignment(self.view(), of)
    }

    /// What the template or generic type was made with.
    pub(super) fn arguments(&self, object: &Object) -> Vec<TemplateArgument> {
        types::template_arguments(self.view(), object.die)
    }

    /// The type that is the argument with this number.
    pub(super) fn argument(&self, object: &Object, number: usize) -> Looked<TypeRef> {
        let of = self.arguments(object).get(number).and_then(|argument| argument.of);
        of.map(Some).ok_or(Doubt::OtherShape)
    }

    /// Doubts a pointer to where the process had nothing.
    pub(super) fn expect_mapped(&self, at: Avma, what: &str) -> Looked<()> {
        match self.memory().read_some(at, &mut [0]) {
            Err(Absent::NotMapped(_)) => broken(format!("{what} is at {at}, where nothing was mapped")),
            _ => Ok(()),
        }
    }

    /// The value of type `of` at `place`, inside the one that is looked at.
    pub(super) fn show(&mut self, of: TypeRef, place: &Place) -> ValueTree {
        self.keep(of, place).unwrap_or_else(|| self.builder.value(of, place, self.depth + 1))
    }

    pub(super) fn show_at(&mut self, of: TypeRef, at: Avma) -> ValueTree {
        self.show(of, &Place::memory(at))
    }

    pub(super) fn show_object(&mut self, object: &Object) -> ValueTree {
        self.show(object.type_ref(), &object.place)
    }

    /// Whether so many values were built that the rest is left out.
    pub(super) fn is_spent(&self) -> bool {
        self.builder.is_spent()
    }
}
