//! Elements of containers by number and by key, and what smart pointers, optionals, cells and iterators hold: found by
//! the formatters that show them, and believed where those believe them.

use std::sync::Arc;

use dpdb_snapshot::Avma;

use super::error::refused;
use super::evaluator::{Evaluator, Found};
use super::number::{self, BOOL, Number};
use super::value::{ExprType, NumberType, Value};
use crate::expr::{ExprError, Span, Syntax};
use crate::lang::{self, Key, MOST_WALKED, Part, Parts, TextPlace, TextUnit, Wanted};
use crate::value::{Logical, ValueLimits, ValuePlace, ValueTree};

/// Pointers and cells inside each other that are looked through.
const MOST_HOLDERS: usize = 8;

/// What a value of a library has inside.
pub(super) enum Container {
    /// Elements by number; how many is not known of a list that is too long.
    Sequence(Option<u64>),
    Text(TextPlace),
    Set(u64),
    Map(u64),
    /// One value, such as that of a pointer or an optional; or nothing.
    Holder(Option<Part>),
    /// Values of different types.
    Tuple(Vec<Part>),
}

impl Evaluator<'_, '_> {
    /// What the value has inside; `None` where no formatter knows it.
    pub(super) fn container(&self, value: &Value, span: Span) -> Result<Option<Container>, ExprError> {
        let found = self.parts(value, Wanted::Elements { from: 0, count: 1 }, span)?;
        let Some(Parts { meaning, kept, text }) = found else { return Ok(None) };
        if let Some(text) = text {
            return Ok(Some(Container::Text(text)));
        }
        Ok(container_of(&meaning, kept, || {
            let all = Wanted::Elements { from: 0, count: MOST_WALKED };
            self.parts(value, all, span).ok().flatten().map(|parts| parts.kept).unwrap_or_default()
        }))
    }

    /// What the value means, without its elements.
    pub(super) fn meaning(&self, value: &Value, span: Span) -> Option<ValueTree> {
        self.parts(value, Wanted::Elements { from: 0, count: 0 }, span).ok()?.map(|parts| parts.meaning)
    }

    fn parts(&self, value: &Value, wanted: Wanted, span: Span) -> Result<Option<Parts>, ExprError> {
        let ExprType::Program(die) = value.of else { return Ok(None) };
        let limits = ValueLimits { words: false, symbols: false, ..self.limits };
        lang::parts(self.context, Some(die), &value.place, wanted, limits)
            .transpose()
            .map_err(|doubt| refused(span, doubt))
    }

    pub(super) fn part(&self, part: &Part) -> Value {
        self.value(ExprType::of_entry(part.of), part.place.clone())
    }

    /// What a smart pointer, optional, cell or iterator holds; `None` for any other value.
    pub(super) fn held(&self, value: &Value, span: Span) -> Result<Option<Value>, ExprError> {
        match self.container(value, span)? {
            Some(Container::Holder(Some(part))) => Ok(Some(self.part(&part))),
            Some(Container::Holder(None)) => Err(refused(span, "it holds nothing")),
            _ => Ok(None),
        }
    }

    /// The container that a value is, or refers to, or that a smart pointer or cell holds.
    pub(super) fn container_within(&self, value: &Value, span: Span) -> Result<Option<(Value, Container)>, ExprError> {
        let mut value = self.looked_through(value, span)?;
        for _ in 0..MOST_HOLDERS {
            match self.container(&value, span)? {
                Some(found @ Container::Holder(Some(_))) if self.is_array_owner(&value) => {
                    return Ok(Some((value, found)));
                }
                Some(Container::Holder(Some(part))) => value = self.looked_through(&self.part(&part), span)?,
                Some(Container::Holder(None)) => return Err(refused(span, "it holds nothing")),
                Some(found) => return Ok(Some((value, found))),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whether it is a `unique_ptr<T[]>`, which holds the first of nobody knows how many.
    fn is_array_owner(&self, value: &Value) -> bool {
        let name = self.type_name(&value.of);
        name.contains("_ptr<") && name.split([',', '>']).next().is_some_and(|first| first.trim_end().ends_with(']'))
    }

    /// What references refer to, and in Rust what its own pointers point to: `&&Vec` is indexed as the vector is.
    pub(super) fn looked_through(&self, value: &Value, span: Span) -> Found {
        let mut value = self.referent(value, span)?;
        for _ in 0..MOST_HOLDERS {
            let is_pointer = !self.is_array(&value.of) && self.pointer_target(&value.of).is_some();
            if self.syntax != Syntax::Rust || !is_pointer {
                break;
            }
            value = self.dereference(&value, span)?;
        }
        Ok(value)
    }

    /// The element of a container that `index` says, by number or key; `None` where it is no container.
    pub(super) fn element_of_container(
        &self,
        value: &Value,
        index: &Value,
        span: Span,
    ) -> Result<Option<Value>, ExprError> {
        let Some((value, container)) = self.container_within(value, span)? else { return Ok(None) };
        match container {
            Container::Map(length) => self.entry(&value, index, ("map", "entries", length), span).map(Some),
            Container::Set(_) => Err(refused(span, "a set has no values to look up; .contains(KEY) asks for a key")),
            Container::Holder(Some(part)) if self.is_array_owner(&value) => {
                let first = self.part(&part);
                self.element(&self.address_of(&first, span)?, self.integer(index, span)?, span).map(Some)
            }
            container => self.numbered(&value, &container, self.integer(index, span)?, span).map(Some),
        }
    }

    /// The element with this number.
    pub(super) fn numbered(&self, value: &Value, container: &Container, number: i128, span: Span) -> Found {
        let known = match container {
            Container::Sequence(length) => *length,
            Container::Text(text) => Some(text.units),
            Container::Tuple(parts) => Some(parts.len() as u64),
            Container::Set(length) | Container::Map(length) => Some(*length),
            Container::Holder(_) => Some(1),
        };
        let outside = || {
            let length = known.map_or_else(|| "no end that is known".to_owned(), |length| format!("{length} elements"));
            refused(span, format!("there is no element {number}: it has {length}"))
        };
        let index = u64::try_from(number).ok().filter(|index| known.is_none_or(|known| *index < known));
        let index = index.ok_or_else(outside)?;
        match container {
            Container::Text(text) => Ok(self.value(
                ExprType::Number(self.unit_type(text.unit)),
                ValuePlace::memory(text.at.wrapping_add(index.wrapping_mul(text.unit.width))),
            )),
            Container::Tuple(parts) => parts.get(index as usize).map(|part| self.part(part)).ok_or_else(outside),
            _ => {
                let found = self.parts(value, Wanted::Elements { from: index, count: 1 }, span)?;
                let Some(Parts { meaning, kept, .. }) = found else { return Err(outside()) };
                if let Some(part) = kept.first() {
                    return Ok(self.part(part));
                }
                match meaning {
                    ValueTree::Logical(logical) => match &*logical {
                        Logical::Sequence { items, .. } => match items.first() {
                            Some(ValueTree::Bool(bit)) => Ok(self.number(Number::Integer((*bit).into()), BOOL)),
                            Some(ValueTree::Missing(missing)) => Err(refused(span, missing.to_string())),
                            _ => Err(self.too_far(index, span)),
                        },
                        _ => Err(outside()),
                    },
                    _ => Err(outside()),
                }
            }
        }
    }

    fn too_far(&self, index: u64, span: Span) -> ExprError {
        refused(
            span,
            format!("element {index} is behind the first {MOST_WALKED}, which are all that is walked through"),
        )
    }

    /// The type of the units of a text.
    fn unit_type(&self, unit: TextUnit) -> NumberType {
        match self.syntax {
            Syntax::Rust => number::character_literal("b", self.syntax),
            _ => number::character_literal(unit.prefix, self.syntax),
        }
    }

    /// The value of a map under a key.
    fn entry(&self, map: &Value, key: &Value, of: (&str, &str, u64), span: Span) -> Found {
        let wanted = self.key(key, span)?;
        let found = self.with_key(map, &wanted, span)?;
        found.first().map(|part| self.part(part)).ok_or_else(|| no_key(&wanted, of, span))
    }

    /// What a map has under a key, or the equal elements of a set.
    pub(super) fn with_key(&self, value: &Value, key: &Key, span: Span) -> Result<Vec<Part>, ExprError> {
        let found = self.parts(value, Wanted::Key(key.clone()), span)?;
        Ok(found.map(|parts| parts.kept).unwrap_or_default())
    }

    /// A value as the key of a map.
    pub(super) fn key(&self, value: &Value, span: Span) -> Result<Key, ExprError> {
        let limits =
            ValueLimits { bytes: LONGEST_KEY, words: false, style: crate::value::ValueStyle::Pretty, ..self.limits };
        self.tree(value, limits).as_key().ok_or_else(|| {
            let of = self.type_name(&value.of);
            refused(span, format!("{of} is no key that can be looked up: give a number, a character or a text"))
        })
    }

    /// The elements from `from` to before `to` as an array, where they lie side by side; `None` where it is no
    /// container.
    pub(super) fn slice_of_container(
        &self,
        value: &Value,
        from: i128,
        to: Option<i128>,
        span: Span,
    ) -> Result<Option<Value>, ExprError> {
        let Some((value, container)) = self.container_within(value, span)? else { return Ok(None) };
        let length = match &container {
            Container::Sequence(length) => *length,
            Container::Text(text) => Some(text.units),
            _ => return Err(refused(span, "only what has its elements in an order can be sliced")),
        };
        let to = to.or(length.map(i128::from)).ok_or_else(|| refused(span, "give the end of the slice"))?;
        if from > to || length.is_some_and(|length| to > length.into()) {
            let length = length.map_or_else(String::new, |length| format!(": it has {length} elements"));
            return Err(refused(span, format!("there is no slice from {from} to {to}{length}")));
        }
        if from == to {
            let first = self.numbered(&value, &container, 0, span)?;
            let of = ExprType::Array(Arc::new(first.of), 0);
            return Ok(Some(self.value(of, first.place)));
        }
        let first = self.numbered(&value, &container, from, span)?;
        let last = self.numbered(&value, &container, to - 1, span)?;
        let size = self.size(&first.of).unwrap_or(0);
        let reach = u64::try_from(to - 1 - from).ok().and_then(|count| count.checked_mul(size));
        let distance = |a: Avma, b: Avma| Some(b.0.wrapping_sub(a.0)) == reach;
        if !first.place.address().zip(last.place.address()).is_some_and(|(a, b)| distance(a, b)) {
            return Err(refused(span, "its elements do not lie side by side: ask for them one by one"));
        }
        self.side_by_side(&first, to - from, span).map(Some)
    }
}

/// The longest text that is looked up.
const LONGEST_KEY: u64 = 4096;

fn no_key(key: &Key, (what, entries, length): (&str, &str, u64), span: Span) -> ExprError {
    let key = match key {
        Key::Number(number) => number.to_string(),
        Key::Text(text) => format!("{text:?}"),
    };
    let among = if length > MOST_WALKED { format!("first {MOST_WALKED} of {length} ") } else { String::new() };
    let count = if length > MOST_WALKED { String::new() } else { format!(" of {length} {entries}") };
    let message = match length > MOST_WALKED {
        true => format!("no key {key} in the {among}{entries} of the {what}, which are all that is walked through"),
        false => format!("no key {key} in the {what}{count}"),
    };
    refused(span, message)
}

/// The container that a meaning speaks of; `all` gives all parts in place of the first.
fn container_of(meaning: &ValueTree, kept: Vec<Part>, all: impl FnOnce() -> Vec<Part>) -> Option<Container> {
    let first = kept.into_iter().next();
    let ValueTree::Logical(logical) = meaning else { return first.map(|part| Container::Holder(Some(part))) };
    match &**logical {
        Logical::Sequence { length, .. } => Some(Container::Sequence(*length)),
        Logical::Set { length, .. } => Some(Container::Set(*length)),
        Logical::Map { length, .. } => Some(Container::Map(*length)),
        Logical::Tuple(_) => Some(Container::Tuple(all())),
        Logical::Optional(None) => Some(Container::Holder(None)),
        Logical::SmartPointer(pointer) => match &pointer.value {
            // `Rc<[T]>` holds elements and no value of a type of its own.
            Some(value @ ValueTree::Logical(_)) => container_of(value, first.into_iter().collect(), all),
            _ => Some(Container::Holder(first)),
        },
        Logical::Object { fields, .. } if fields.is_empty() && first.is_none() => None,
        _ => first.map(|part| Container::Holder(Some(part))),
    }
}
