//! The parts of a value of a library, for expressions: elements by their number, values by their key, and what a
//! pointer owns.
//!
//! The formatters find them: one does not know whether its lens shows what it finds or keeps it. So whatever can be
//! shown can be indexed, and is believed for the same reasons.

use dpdb_snapshot::Avma;

use super::lens::{Doubt, Lens, Object};
use super::{formatter, sentence};
use crate::types::TypeRef;
use crate::value::{
    Builder, Context, Logical, Remark, ValueLimits, ValuePlace as Place, ValueStyle, ValueTree, wide_characters,
};

/// Nodes of a list, tree or table that are walked through to find one.
pub(crate) const MOST_WALKED: u64 = 1 << 20;
/// Equal keys of a multimap that are kept.
const MOST_EQUAL: usize = 1000;

/// Which parts are wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// So many elements from this one on; of a pointer or optional the value.
    Elements { from: u64, count: u64 },
    /// The values of a map that have this key, or the elements of a set that are it.
    Key(Key),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    Number(i128),
    Text(String),
}

/// A value inside another.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) of: TypeRef,
    pub(crate) place: Place,
}

/// Where the text of a string is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextPlace {
    pub(crate) at: Avma,
    /// Its length in units of its encoding.
    pub(crate) units: u64,
    pub(crate) unit: TextUnit,
}

/// What a text is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextUnit {
    /// Its size in bytes: the text is UTF-8, UTF-16 or UTF-32 by that.
    pub(crate) width: u64,
    /// What C writes before a literal of it.
    pub(crate) prefix: &'static str,
}

impl TextUnit {
    pub(crate) const BYTE: TextUnit = TextUnit { width: 1, prefix: "" };
}

/// What a value means, with the wanted parts beside it and not in it.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Its lengths and addresses are right, its items are not.
    pub(crate) meaning: ValueTree,
    pub(crate) kept: Vec<Part>,
    /// Where the text is, if it is text.
    pub(crate) text: Option<TextPlace>,
}

/// What a lens keeps in place of showing it.
pub(crate) struct Collector {
    wanted: Wanted,
    kept: Vec<Part>,
    text: Option<TextPlace>,
}

/// The wanted parts of a value; `None` where no formatter knows its type.
///
/// # Errors
/// Why the value is not believed, as a sentence.
pub(crate) fn parts(
    context: Context<'_, '_>,
    of: TypeRef,
    place: &Place,
    wanted: Wanted,
    limits: ValueLimits,
) -> Option<Result<Parts, String>> {
    let elements = match wanted {
        Wanted::Elements { from, count } => from.saturating_add(count).min(MOST_WALKED),
        Wanted::Key(_) => MOST_WALKED,
    };
    let mut builder = Builder::new(context, ValueLimits { elements, style: ValueStyle::Pretty, ..limits });
    let object = Lens { builder: &mut builder, depth: 0 }.object(of, place.clone()).ok()?;
    let formatter = object.record().and_then(|_| formatter(&builder, &object))?;
    builder.collector = Some(Collector { wanted, kept: Vec::new(), text: None });
    let shown = formatter(&mut Lens { builder: &mut builder, depth: 0 }, &object);
    let Collector { kept, text, .. } = builder.collector.take()?;
    if builder.is_late() {
        return Some(Err(format!("cut after {} ms", limits.time.as_millis())));
    }
    Some(match shown {
        Ok(shown) => Ok(Parts { meaning: shown.meaning(), kept, text }),
        Err(Doubt::OtherShape) => return None,
        Err(doubt) => Err(sentence(doubt).unwrap_or_else(|| "it is optimized out".to_owned())),
    })
}

impl super::Shown {
    fn meaning(self) -> ValueTree {
        match self {
            super::Shown::Instead(value) | super::Shown::Beside(value) => value,
        }
    }
}

/// What stands for a part that is kept and not shown.
const KEPT: ValueTree = ValueTree::Truncated("kept");

impl Lens<'_, '_, '_> {
    /// Which of `count` elements are looked at: the first one, and the one behind the last.
    pub(super) fn window(&self, count: u64) -> (u64, u64) {
        match self.builder.collector.as_ref().map(|collector| &collector.wanted) {
            None => (0, count.min(self.limits().elements)),
            Some(Wanted::Elements { from, count: wanted }) => {
                let from = (*from).min(count);
                (from, from.saturating_add(*wanted).min(count))
            }
            Some(Wanted::Key(_)) => (0, count.min(self.limits().elements)),
        }
    }

    /// Keeps a value where values are kept; `None` where they are shown.
    pub(super) fn keep(&mut self, of: TypeRef, place: &Place) -> Option<ValueTree> {
        let key = match &self.builder.collector.as_ref()?.wanted {
            Wanted::Elements { .. } => None,
            Wanted::Key(key) => Some(key.clone()),
        };
        if key.is_none_or(|key| self.is_key(of, place, &key)) {
            self.push(of, place);
        }
        Some(KEPT)
    }

    /// As [`Lens::keep`] for the entry of a map, of which only the value is kept, and only under the wanted key.
    pub(super) fn keep_entry(&mut self, key: &Object, value: &Object) -> Option<(ValueTree, ValueTree)> {
        if let Wanted::Key(wanted) = &self.builder.collector.as_ref()?.wanted {
            let wanted = wanted.clone();
            if self.is_key(key.type_ref(), &key.place, &wanted) {
                self.push(value.type_ref(), &value.place);
            }
        }
        Some((KEPT, KEPT))
    }

    /// Notes where a text is, where values are kept; whether they are.
    pub(super) fn keep_text(&mut self, text: TextPlace) -> bool {
        self.builder.collector.as_mut().map(|collector| collector.text = Some(text)).is_some()
    }

    fn push(&mut self, of: TypeRef, place: &Place) {
        let collector = self.builder.collector.as_mut();
        let kept = collector.map(|collector| &mut collector.kept).filter(|kept| kept.len() < MOST_EQUAL);
        kept.into_iter().for_each(|kept| kept.push(Part { of, place: place.clone() }));
    }

    /// Whether the value is the wanted key, told by what it would be shown as.
    fn is_key(&mut self, of: TypeRef, place: &Place, key: &Key) -> bool {
        let collector = self.builder.collector.take();
        let limits = self.builder.limits;
        let bytes = match key {
            // One more than it has shows that a longer text is another one.
            Key::Text(text) => text.len() as u64 + 1,
            Key::Number(_) => 16,
        };
        self.builder.limits = ValueLimits { bytes, depth: KEY_DEPTH, symbols: false, words: false, ..limits };
        let left = self.builder.left;
        let shown = self.builder.value(of, place, 0);
        self.builder.left = left;
        self.builder.limits = limits;
        self.builder.collector = collector;
        shown.is_key(key)
    }
}

/// Wrappers around a key that is a number or text at heart.
const KEY_DEPTH: usize = 6;

/// The text of an array of wide characters, without the NUL at its end.
fn wide_text(items: &[ValueTree]) -> Option<String> {
    let unit = |item: &ValueTree| match item {
        ValueTree::Character { code, size: size @ (2 | 4), .. } => Some((*code as u32, *size)),
        _ => None,
    };
    let units: Vec<(u32, u8)> = items.iter().map(unit).collect::<Option<_>>()?;
    let size = units.first()?.1;
    let end = units.len() - usize::from(units.last()?.0 == 0);
    wide_characters(units[..end].iter().map(|(unit, _)| *unit), size).into_iter().collect::<Result<_, _>>().ok()
}

impl ValueTree {
    fn is_key(&self, key: &Key) -> bool {
        match self {
            ValueTree::Remarked { value, remark } => match &**remark {
                Remark::Meaning(meaning) => meaning.is_key(key) || value.is_key(key),
                Remark::Doubt(_) => false,
            },
            ValueTree::Reference { value, .. } | ValueTree::Named { value, .. } => value.is_key(key),
            // A type of its own around a number or a text.
            ValueTree::Struct(fields) if fields.len() == 1 => fields[0].1.is_key(key),
            value => value.as_key().is_some_and(|own| own == *key),
        }
    }

    /// The value as the key of a map, if it can be one.
    pub(crate) fn as_key(&self) -> Option<Key> {
        Some(match self {
            ValueTree::Integer(value) | ValueTree::Enumerator { value, .. } => Key::Number(*value),
            ValueTree::Character { code, .. } => Key::Number(*code),
            ValueTree::Bool(value) => Key::Number((*value).into()),
            ValueTree::Pointer { text: Some(literal), .. } => Key::Text(literal.text.clone()),
            ValueTree::Array { items, length } if items.len() as u64 == *length => Key::Text(wide_text(items)?),
            ValueTree::Pointer { to, .. } => Key::Number(to.0.into()),
            ValueTree::Bytes { bytes, length } if bytes.len() as u64 == *length => {
                Key::Text(crate::value::text(bytes.strip_suffix(&[0]).unwrap_or(bytes)))
            }
            ValueTree::Reference { value, .. } => value.as_key()?,
            ValueTree::Remarked { remark, value } => match &**remark {
                Remark::Meaning(meaning) => meaning.as_key().or_else(|| value.as_key())?,
                Remark::Doubt(_) => return None,
            },
            ValueTree::Logical(logical) => match &**logical {
                Logical::Text { text, length, .. } if text.chars().count() as u64 >= *length => Key::Text(text.clone()),
                Logical::SmartPointer(pointer) => pointer.value.as_ref()?.as_key()?,
                _ => return None,
            },
            _ => return None,
        })
    }
}
