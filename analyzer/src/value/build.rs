//! A type and a place into a [`ValueTree`].

use std::sync::Arc;
use std::time::Duration;

use dpdb_snapshot::Avma;

use super::context::Context;
use super::place::{Missing, Place};
use super::scalar;
use super::tree::{self, Literal, ValueTree, WordKind};
use super::{dimension, evaluate, member_pointer, variant};
use crate::Language;
use crate::dwarf::{DieRef, Slice};
use crate::lang;
use crate::types::{
    self, Array, Base, Enumeration, Field, FieldKind, FieldPlace, Record, RecordKind, Type, TypeKind, TypeRef,
};

/// How much of a value is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueLimits {
    /// Elements of an array.
    pub elements: u64,
    /// Bytes of an array of bytes, and of a string.
    pub bytes: u64,
    /// Values inside values.
    pub depth: usize,
    /// Values in all.
    pub nodes: usize,
    /// How long one value may take; the rest of it is then left out. `Duration::MAX` is for ever.
    pub time: Duration,
    /// Whether numbers, pointers and enumerations are given as their bits.
    pub words: bool,
    /// Whether pointers to data have the symbols there, as those to code always have.
    pub symbols: bool,
    /// How values of the standard libraries are shown.
    pub style: ValueStyle,
}

/// How values of the C++ and Rust standard libraries are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueStyle {
    /// As they are laid out.
    #[default]
    Raw,
    /// As what they mean, where that can be made out and holds together.
    Pretty,
}

impl Default for ValueLimits {
    fn default() -> ValueLimits {
        ValueLimits {
            elements: 64,
            bytes: 256,
            depth: 8,
            nodes: 4000,
            time: Duration::MAX,
            words: false,
            symbols: false,
            style: ValueStyle::Raw,
        }
    }
}

/// Builds one value.
pub(crate) struct Builder<'c, 'a> {
    pub(crate) context: Context<'c, 'a>,
    pub(crate) limits: ValueLimits,
    /// How many more values may be built.
    pub(crate) left: usize,
    /// When its time is up, on the session's clock.
    pub(super) deadline: Option<Duration>,
    /// Where parts of values of the libraries are kept, and not shown.
    pub(crate) collector: Option<lang::Collector>,
    /// Whether the variable has no location for any pc.
    pub(super) kept_nowhere: bool,
}

/// One of several values, in the order in which they stand.
pub(super) type Named = (String, ValueTree);

impl<'c, 'a> Builder<'c, 'a> {
    pub(crate) fn new(context: Context<'c, 'a>, limits: ValueLimits) -> Builder<'c, 'a> {
        let timed = limits.time < Duration::MAX;
        let deadline = timed.then(|| context.session.clock.now().saturating_add(limits.time));
        Builder { context, limits, left: limits.nodes, deadline, collector: None, kept_nowhere: false }
    }

    /// The value of type `of` at `place`.
    pub(crate) fn value(&mut self, of: TypeRef, place: &Place, depth: usize) -> ValueTree {
        if depth > self.limits.depth {
            return ValueTree::Truncated("depth");
        }
        if let Some(cut) = self.charge() {
            return cut;
        }
        let Some((die, found)) = types::strip(self.context.view, of) else { return ValueTree::Void };
        if let Some(wide) = self.wide_character(of, &found, place) {
            return wide;
        }
        self.described(die, &found, place, depth).unwrap_or_else(ValueTree::Missing)
    }

    /// Counts one more value, and says what stands in its place where there were too many or they took too long.
    pub(crate) fn charge(&mut self) -> Option<ValueTree> {
        if self.is_late() {
            return Some(ValueTree::TimedOut(self.limits.time));
        }
        let Some(left) = self.left.checked_sub(1) else { return Some(ValueTree::Truncated("nodes")) };
        self.left = left;
        None
    }

    /// Whether so many values were built, or for so long, that the rest is left out.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0 || self.is_late()
    }

    /// Whether the time for the value is up.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.context.session.clock.now() >= deadline)
    }

    fn described(&mut self, die: DieRef, of: &Arc<Type>, place: &Place, depth: usize) -> Result<ValueTree, Missing> {
        let size = types::size(self.context.view, Some(die), 0);
        match &of.kind {
            TypeKind::Record(record) if self.kept_nowhere && variant::is_in(self, record, 0) => {
                Err(Missing::VariantLost)
            }
            TypeKind::Record(record) => {
                let value = self.record(die, of, record, place, depth)?;
                Ok(self.with_name(die, of, value))
            }
            TypeKind::Array(array) => self.array(array, place, depth),
            TypeKind::Base(base) => self.number(of, *base, place),
            TypeKind::Enumeration(enumeration) => self.enumerator(enumeration, place, size.unwrap_or(4)),
            TypeKind::Pointer(to) => {
                if let Some(implicit) = self.implicit_target(*to, place, depth).filter(|_| !self.limits.words) {
                    return Ok(implicit);
                }
                let plain = self.pointer(*to, place)?;
                Ok(match self.limits.style {
                    ValueStyle::Raw => plain,
                    ValueStyle::Pretty => lang::pointer(self, of, *to, plain, depth),
                })
            }
            TypeKind::Reference { to, .. } => self.reference(*to, place, depth),
            TypeKind::MemberPointer { class, to } => member_pointer::value(self, *class, *to, place),
            TypeKind::Function(_) => {
                let at = place.address().ok_or(Missing::NoAddress)?;
                Ok(ValueTree::Function { at, symbol: self.symbol(at) })
            }
            // gdb and the schema take `decltype(nullptr)` for the only value it has.
            TypeKind::Unspecified if of.name.as_deref().is_some_and(|name| name.contains("nullptr")) => {
                Ok(ValueTree::Pointer { to: Avma(0), text: None, symbol: None })
            }
            TypeKind::Unspecified => Ok(ValueTree::Void),
            TypeKind::Alias(_) | TypeKind::Qualified(..) => Ok(ValueTree::Void),
            TypeKind::Unknown(tag) => Err(Missing::Unsupported(format!("a type of the kind {tag}"))),
        }
    }

    /// A Rust structure with the name that its language writes in front of it.
    fn with_name(&self, die: DieRef, of: &Type, value: ValueTree) -> ValueTree {
        let unit = self.context.view.unit(die.unit);
        let is_rust = unit.is_some_and(|unit| unit.language() == Some(Language::Rust));
        match (&of.name, value) {
            (Some(name), ValueTree::Struct(fields)) if is_rust => {
                ValueTree::Named { type_name: name.clone(), value: Box::new(ValueTree::Struct(fields)) }
            }
            (_, value) => value,
        }
    }

    fn number(&self, of: &Type, base: Base, place: &Place) -> Result<ValueTree, Missing> {
        match of.size {
            Some(size @ 1..=16) if self.limits.words && base.encoding != gimli::DW_ATE_complex_float => {
                Ok(scalar::word(&place.read(self.context.memory(), size)?, scalar::word_kind(base.encoding)))
            }
            Some(16)
                if of.name.as_deref().is_some_and(|name| name.contains("128"))
                    && base.encoding == gimli::DW_ATE_float =>
            {
                Ok(ValueTree::Float(scalar::quadruple(&place.read(self.context.memory(), 16)?)))
            }
            Some(size @ 1..=64) => {
                let used = scalar::used_bytes(base, size);
                scalar::decode(base, &place.read(self.context.memory(), used)?)
            }
            Some(0) | None => Ok(ValueTree::Void),
            Some(size) => Err(Missing::Unsupported(format!("a number of {size} bytes"))),
        }
    }

    fn enumerator(&self, of: &Enumeration, place: &Place, size: u64) -> Result<ValueTree, Missing> {
        let bytes = place.read(self.context.memory(), size.min(16))?;
        if self.limits.words {
            return Ok(scalar::word(&bytes, if of.signed { WordKind::Signed } else { WordKind::Unsigned }));
        }
        let value = scalar::integer(&bytes, of.signed);
        Ok(ValueTree::Enumerator { name: scalar::enumerators(of, value), value })
    }

    /// The limits in force.
    pub(crate) fn limits(&self) -> ValueLimits {
        self.limits
    }

    /// The first bytes of an array of `length` of them.
    pub(crate) fn byte_array(&self, place: &Place, length: u64) -> ValueTree {
        match place.read(self.context.memory(), length.min(self.limits.bytes)) {
            Ok(bytes) => ValueTree::Bytes { bytes, length },
            Err(missing) => missing.into(),
        }
    }

    /// The text at an address, up to a NUL.
    pub(crate) fn text_at(&self, at: Avma) -> Option<Literal> {
        let limit = usize::try_from(self.limits.bytes).unwrap_or(usize::MAX);
        let (bytes, _) = self.context.memory().read_c_string(at, limit).ok()?;
        Some(Literal { prefix: "", text: tree::text(&bytes) })
    }

    pub(crate) fn address_at(&self, place: &Place) -> Result<Avma, Missing> {
        Ok(Avma(scalar::integer(&place.read(self.context.memory(), 8)?, false) as u64))
    }

    pub(crate) fn pointer(&mut self, to: TypeRef, place: &Place) -> Result<ValueTree, Missing> {
        let address = self.address_at(place)?;
        if self.limits.words {
            return Ok(ValueTree::Word { bits: address.0.into(), width: 64, kind: WordKind::Unsigned });
        }
        let target = types::strip(self.context.view, to);
        let (mut text, mut symbol) = (None, None);
        match target.as_ref().map(|(_, target)| (&target.kind, target)) {
            Some((TypeKind::Function(_), _)) => symbol = self.symbol(address),
            Some((TypeKind::Base(base), target)) if scalar::is_text(*base, target) && address.0 != 0 => {
                text = self.text_at(address);
            }
            Some((TypeKind::Base(_), target)) if address.0 != 0 => {
                let prefix = types::literal_prefix(self.context.view, to, target);
                let size = target.size.unwrap_or_default() as u8;
                text = prefix.and_then(|prefix| self.wide_text_at(address, size, prefix));
                symbol = if self.limits.symbols { self.symbol(address) } else { None };
            }
            _ if self.limits.symbols => symbol = self.symbol(address),
            _ => {}
        }
        Ok(ValueTree::Pointer { to: address, text, symbol })
    }

    pub(crate) fn symbol(&self, at: Avma) -> Option<String> {
        let hit = self.context.session.symbol_at(at)?;
        Some(if hit.offset == 0 { hit.name } else { format!("{}+{}", hit.name, hit.offset) })
    }

    /// An object that is nowhere in memory, and what is known of its value, where a pointer to it is at `place`
    /// (DWARF 5, 2.6.1.1.4: implicit pointers).
    fn implicit_target(&mut self, to: TypeRef, place: &Place, depth: usize) -> Option<ValueTree> {
        let (target, offset) = place.implicit_pointer()?;
        let value = match super::variables::place_of(self.context, target) {
            Ok(inner) => {
                let inner = inner.skip(offset as u64);
                match self.implicit_text(to, &inner) {
                    Some(text) => text,
                    None => self.value(to, &inner, depth + 1),
                }
            }
            Err(missing) => self.value(to, &Place::missing(missing), depth + 1),
        };
        Some(ValueTree::Reference { to: None, value: Box::new(value) })
    }

    /// The text behind an implicit pointer to C's `char`: a string literal whose bytes only the location has.
    fn implicit_text(&self, to: TypeRef, place: &Place) -> Option<ValueTree> {
        let (_, of) = types::strip(self.context.view, to)?;
        let TypeKind::Base(base) = of.kind else { return None };
        if !scalar::is_text(base, &of) {
            return None;
        }
        let byte = |at| Some(place.skip(at).read(self.context.memory(), 1).ok()?[0]);
        let bytes: Vec<u8> = (0..self.limits.bytes).map_while(byte).take_while(|byte| *byte != 0).collect();
        let length = bytes.len() as u64;
        (!bytes.is_empty()).then_some(ValueTree::Bytes { bytes, length })
    }

    fn reference(&mut self, to: TypeRef, place: &Place, depth: usize) -> Result<ValueTree, Missing> {
        if let Some(implicit) = self.implicit_target(to, place, depth) {
            return Ok(implicit);
        }
        let address = self.address_at(place)?;
        let value = self.value(to, &Place::memory(address), depth + 1);
        Ok(ValueTree::Reference { to: Some(address), value: Box::new(value) })
    }

    fn record(
        &mut self,
        die: DieRef,
        of: &Arc<Type>,
        record: &Record,
        place: &Place,
        depth: usize,
    ) -> Result<ValueTree, Missing> {
        if !record.declaration {
            return self.complete(die, of, record, place, depth);
        }
        let found = self.context.view.definition_at(die);
        let full = found.and_then(|die| Some((die, types::read(self.context.view, die)?)));
        match full.as_ref().map(|(die, full)| (*die, full, &full.kind)) {
            Some((die, full, TypeKind::Record(record))) if !record.declaration => {
                self.complete(die, full, record, place, depth)
            }
            _ => Ok(self.defined_elsewhere(die, place, depth).unwrap_or(ValueTree::Incomplete)),
        }
    }

    /// A record whose members are known.
    fn complete(
        &mut self,
        die: DieRef,
        of: &Arc<Type>,
        record: &Record,
        place: &Place,
        depth: usize,
    ) -> Result<ValueTree, Missing> {
        if self.limits.style == ValueStyle::Pretty && record.variants.is_none() {
            let plain = &mut |builder: &mut Self| builder.as_laid_out(record, place, depth);
            if let Some(shown) = lang::record(self, die, of, place, depth, plain) {
                return Ok(shown);
            }
        }
        match &record.variants {
            Some(part) => variant::alive(self, record, part, place, depth),
            None => Ok(self.as_laid_out(record, place, depth)),
        }
    }

    fn as_laid_out(&mut self, record: &Record, place: &Place, depth: usize) -> ValueTree {
        let fields = self.fields(&record.fields, place, depth);
        if record.kind == RecordKind::Union { ValueTree::Union(fields) } else { ValueTree::Struct(fields) }
    }

    pub(super) fn fields(&mut self, fields: &[Field], place: &Place, depth: usize) -> Vec<Named> {
        let mut named = Vec::new();
        for field in fields {
            if self.is_spent() {
                named.push(("<truncated>".to_owned(), ValueTree::Truncated("nodes")));
                break;
            }
            let value = match self.field_place(field, place) {
                Ok(inner) => self.field(field, &inner, depth + 1),
                Err(missing) => missing.into(),
            };
            named.push((self.field_name(field), value));
        }
        named
    }

    fn field_name(&self, field: &Field) -> String {
        match (field.kind, &field.name) {
            (FieldKind::Base | FieldKind::VirtualBase, _) => {
                let base = field.of.and_then(|of| types::read(self.context.view, of));
                format!("<base:{}>", base.and_then(|base| base.name.clone()).unwrap_or_default())
            }
            (FieldKind::VtablePointer, _) => "<vptr>".to_owned(),
            (FieldKind::Member, Some(name)) if !name.is_empty() => name.clone(),
            (FieldKind::Member, _) => "<anon>".to_owned(),
        }
    }

    pub(crate) fn field_place(&self, field: &Field, place: &Place) -> Result<Place, Missing> {
        match &field.place {
            FieldPlace::Bits(bits) => Ok(place.skip_bits(*bits)),
            FieldPlace::Expression(expression) => {
                let base = place.address().ok_or(Missing::NoAddress)?;
                let slice = Slice::new(expression, gimli::LittleEndian);
                let at = evaluate::number(self.context, slice, Some(base.0))?;
                Ok(Place::memory(Avma(at)))
            }
        }
    }

    pub(super) fn field(&mut self, field: &Field, place: &Place, depth: usize) -> ValueTree {
        match field.bits {
            Some(bits) => self.bit_field(field, bits, place).unwrap_or_else(ValueTree::Missing),
            None => self.value(field.of, place, depth),
        }
    }

    fn bit_field(&mut self, field: &Field, bits: u64, place: &Place) -> Result<ValueTree, Missing> {
        self.left = self.left.saturating_sub(1);
        let bytes = place.read_bits(self.context.memory(), bits.min(128))?;
        if self.limits.words {
            let value = scalar::bits(&bytes, bits, false) as u128;
            return Ok(ValueTree::Word { bits: value, width: bits.min(128) as u32, kind: WordKind::Unsigned });
        }
        let Some((_, of)) = types::strip(self.context.view, field.of) else { return Ok(ValueTree::Void) };
        match &of.kind {
            TypeKind::Enumeration(enumeration) => {
                let value = scalar::bits(&bytes, bits, enumeration.signed);
                Ok(ValueTree::Enumerator { name: scalar::enumerators(enumeration, value), value })
            }
            TypeKind::Base(base) => {
                let value = scalar::bits(&bytes, bits, types::is_signed(base.encoding));
                Ok(match value {
                    0 | 1 if base.encoding == gimli::DW_ATE_boolean => ValueTree::Bool(value == 1),
                    _ => ValueTree::Integer(value),
                })
            }
            _ => Err(Missing::Unsupported("a bit-field of this type".to_owned())),
        }
    }

    fn array(&mut self, of: &Array, place: &Place, depth: usize) -> Result<ValueTree, Missing> {
        let counts = dimension::counts(self.context, of)?;
        let size = types::size(self.context.view, of.element, 0)
            .or_else(|| dimension::size_of(self.context, of.element))
            .ok_or_else(|| Missing::Unsupported("an array of elements whose size nothing tells".to_owned()))?;
        self.dimension(of, &counts, size, place, depth)
    }

    fn dimension(
        &mut self,
        of: &Array,
        counts: &[u64],
        element: u64,
        place: &Place,
        depth: usize,
    ) -> Result<ValueTree, Missing> {
        let Some((&length, inner)) = counts.split_first() else { return Ok(self.value(of.element, place, depth)) };
        let stride = inner.iter().fold(element, |size, count| size.saturating_mul(*count));
        if depth > self.limits.depth {
            return Ok(ValueTree::Truncated("depth"));
        }
        if inner.is_empty() && self.is_byte(of.element) {
            return Ok(self.byte_array(place, length));
        }
        let mut items = Vec::new();
        for index in 0..length.min(self.limits.elements) {
            if self.is_spent() {
                break;
            }
            let item = self.dimension(of, inner, element, &place.skip(index.saturating_mul(stride)), depth + 1);
            items.push(item.unwrap_or_else(ValueTree::Missing));
        }
        Ok(ValueTree::Array { items, length })
    }

    pub(crate) fn is_byte(&self, of: TypeRef) -> bool {
        matches!(types::strip(self.context.view, of), Some((_, of)) if scalar::is_byte(&of))
    }
}
