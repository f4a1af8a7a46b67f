//! What a value of a standard library means, as against how it is laid out.

use dpdb_snapshot::Avma;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::tree::ValueTree;

/// A value of the C++ or Rust standard library as its user thinks of it. Its `Serialize` is the pretty form of the
/// `frames/1` schema.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Logical {
    /// Text, or its beginning.
    Text {
        /// The text; what was no valid encoding became U+FFFD.
        text: String,
        /// How many code points it has; where it was cut, how many units of its encoding.
        length: u64,
        /// What C writes before a literal of its type: `L`, `u`, `U` or nothing.
        prefix: &'static str,
    },
    /// Elements in an order: a vector, a list, a slice. `items` are the first of them.
    Sequence {
        /// The elements.
        items: Vec<ValueTree>,
        /// How many there are; unknown for a list without a count that was not walked to its end.
        length: Option<u64>,
    },
    /// Elements that are their own keys.
    Set {
        /// The elements.
        items: Vec<ValueTree>,
        /// How many there are.
        length: u64,
        /// Their order means nothing: it is a hash table's.
        unordered: bool,
    },
    /// Keys with a value each.
    Map {
        /// The pairs.
        entries: Vec<(ValueTree, ValueTree)>,
        /// How many there are.
        length: u64,
        /// Their order means nothing: it is a hash table's.
        unordered: bool,
    },
    /// `std::tuple`, `std::pair`.
    Tuple(Vec<ValueTree>),
    /// `std::optional`.
    Optional(Option<ValueTree>),
    /// `std::variant`: which alternative it holds, and that; neither when it lost its value by an exception.
    Alternative(Option<(u64, ValueTree)>),
    /// A pointer that owns what it points to, or shares it.
    SmartPointer(SmartPointer),
    /// A value that can change behind a shared reference.
    Cell {
        /// What is inside.
        value: ValueTree,
        /// `RefCell`: how often it is borrowed; -1 while it is borrowed to be changed.
        borrow: Option<i64>,
    },
    /// Anything else: a few words, and what is inside.
    Object {
        /// The words.
        summary: String,
        /// What is inside.
        fields: Vec<(String, ValueTree)>,
    },
}

/// A pointer that owns what it points to, or shares it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SmartPointer {
    /// Its type's name: `unique_ptr`, `Rc`.
    pub kind: &'static str,
    /// Where to; zero for none.
    pub to: Avma,
    /// Owners.
    pub use_count: Option<u64>,
    /// Observers.
    pub weak_count: Option<u64>,
    /// What is there.
    pub value: Option<ValueTree>,
}

/// What is said of a value besides the value itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// What it means.
    Meaning(ValueTree),
    /// Why it is not shown by its meaning, as a sentence.
    Doubt(String),
}

impl Serialize for Logical {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_entries(&mut map)?;
        map.end()
    }
}

impl Logical {
    pub(super) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Logical::Text { text, length, .. } => {
                map.serialize_entry("$string", text)?;
                map.serialize_entry("length", length)?;
            }
            Logical::Sequence { items, length } => {
                map.serialize_entry("$seq", items)?;
                map.serialize_entry("length", length)?;
            }
            Logical::Set { items, length, unordered } => {
                map.serialize_entry("$set", items)?;
                serialize_extent(map, *length, *unordered)?;
            }
            Logical::Map { entries, length, unordered } => {
                map.serialize_entry("$map", entries)?;
                serialize_extent(map, *length, *unordered)?;
            }
            Logical::Tuple(items) => map.serialize_entry("$tuple", items)?,
            Logical::Optional(value) => map.serialize_entry("$option", &value.as_ref().map(|value| [value]))?,
            Logical::Alternative(held) => {
                map.serialize_entry("$variant", &held.as_ref().map(|(index, _)| index))?;
                map.serialize_entry("value", &held.as_ref().map(|(_, value)| value))?;
            }
            Logical::SmartPointer(pointer) => pointer.serialize_entries(map)?,
            Logical::Cell { value, borrow } => {
                map.serialize_entry("$cell", value)?;
                present(map, "borrow", borrow.as_ref())?;
            }
            Logical::Object { summary, fields } => {
                map.serialize_entry("$object", summary)?;
                let fields = (!fields.is_empty()).then_some(super::tree::Fields(fields));
                present(map, "fields", fields.as_ref())?;
            }
        }
        Ok(())
    }
}

impl SmartPointer {
    fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("$smartptr", &self.to.to_string())?;
        map.serialize_entry("kind", self.kind)?;
        present(map, "use_count", self.use_count.as_ref())?;
        present(map, "weak_count", self.weak_count.as_ref())?;
        present(map, "value", self.value.as_ref())
    }
}

impl Remark {
    /// Adds the remark to the entries of the value that it is about.
    pub(super) fn serialize_entry<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Remark::Meaning(meaning) => map.serialize_entry("meaning", meaning),
            Remark::Doubt(doubt) => map.serialize_entry("doubt", doubt),
        }
    }
}

fn serialize_extent<M: SerializeMap>(map: &mut M, length: u64, unordered: bool) -> Result<(), M::Error> {
    map.serialize_entry("length", &length)?;
    present(map, "unordered", unordered.then_some(&true))
}

fn present<M: SerializeMap, T: Serialize>(map: &mut M, key: &str, value: Option<&T>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}
