//! What containers of every library have in common: text, and elements one after the other in memory.

use dpdb_snapshot::Avma;

use super::lens::{Lens, Looked, Object, Pointer, broken};
use super::parts::{TextPlace, TextUnit};
use crate::types::{self, TypeRef};
use crate::value::{Logical, ValuePlace as Place, ValueTree, integer, wide_characters};

/// A string may have so many units for each byte that an array of bytes may: text is worth more than numbers.
const TEXT_FACTOR: u64 = 16;

impl Lens<'_, '_, '_> {
    /// What a text of elements of this type is made of.
    pub(super) fn text_unit(&self, of: TypeRef) -> Looked<TextUnit> {
        let element = self.object_at(of, Avma(0))?;
        let prefix = types::literal_prefix(self.view(), of, &element.of).unwrap_or_default();
        Ok(TextUnit { width: self.size(of)?, prefix })
    }

    /// The text of `units` such units at `at`.
    pub(super) fn text(&mut self, at: Avma, units: u64, unit: TextUnit) -> Looked<Logical> {
        let TextUnit { width, prefix } = unit;
        if self.keep_text(TextPlace { at, units, unit }) {
            return Ok(Logical::Text { text: String::new(), length: units, prefix });
        }
        let shown = units.min(self.limits().bytes.saturating_mul(TEXT_FACTOR));
        let mut bytes = vec![0; shown.saturating_mul(width) as usize];
        self.memory().read(at, &mut bytes)?;
        let text = decode(&bytes, width);
        let length = if shown < units { units } else { text.chars().count() as u64 };
        Ok(Logical::Text { text, length, prefix })
    }

    /// The elements from `first` up to `end`, in storage up to `limit`.
    pub(super) fn extent(&mut self, first: Pointer, end: Avma, limit: Option<Avma>) -> Looked<Logical> {
        let size = self.size(first.target)?.max(1);
        if first.to > end || limit.is_some_and(|limit| end > limit) {
            let limit = limit.map(|limit| format!(", capacity up to {limit}")).unwrap_or_default();
            return broken(format!("its elements would be from {} to {end}{limit}", first.to));
        }
        let bytes = end.0 - first.to.0;
        if !bytes.is_multiple_of(size) {
            return broken(format!("its {bytes} bytes are no whole number of elements of {size} bytes"));
        }
        self.elements(first, bytes / size)
    }

    /// `count` elements, one after the other.
    pub(super) fn elements(&mut self, first: Pointer, count: u64) -> Looked<Logical> {
        let size = self.size(first.target)?;
        let Some(last) = count.checked_sub(1).and_then(|last| last.checked_mul(size)) else {
            let length = if count == 0 { Some(0) } else { return broken(format!("it would have {count} elements")) };
            return Ok(Logical::Sequence { items: Vec::new(), length });
        };
        let Some(last) = first.to.checked_add(last).filter(|_| count <= i64::MAX as u64) else {
            return broken(format!("its {count} elements would go beyond all addresses"));
        };
        if size > 0 {
            self.expect_mapped(first.to, "its first element")?;
            self.expect_mapped(last, "its last element")?;
        }
        let items = self.take(count, |lens, index| lens.show_at(first.target, first.to.wrapping_add(index * size)));
        Ok(Logical::Sequence { items, length: Some(count) })
    }

    /// Those of `count` values that are looked at.
    pub(super) fn take(&mut self, count: u64, mut each: impl FnMut(&mut Self, u64) -> ValueTree) -> Vec<ValueTree> {
        let mut items = Vec::new();
        let (from, to) = self.window(count);
        for index in from..to {
            if self.is_spent() {
                break;
            }
            items.push(each(self, index));
        }
        items
    }

    /// Those of `count` bits that are looked at, at `at`, counted from the least significant one of each byte on.
    pub(super) fn bits(&self, at: Avma, skip: u64, count: u64) -> Looked<Vec<ValueTree>> {
        let (from, to) = self.window(count);
        let bytes = Place::memory(at).skip_bits(skip + from).read_bits(self.memory(), to - from)?;
        let bit = |index: u64| ValueTree::Bool(bytes[(index / 8) as usize] >> (index % 8) & 1 == 1);
        Ok((0..to - from).map(bit).collect())
    }

    /// The pairs of type `of` that are `offset` bytes into each node.
    pub(super) fn pairs(&mut self, nodes: &[Avma], of: TypeRef, offset: u64) -> Looked<Vec<(ValueTree, ValueTree)>> {
        let mut pairs = Vec::new();
        for node in nodes {
            if self.is_spent() {
                break;
            }
            pairs.push(self.show_pair(of, node.wrapping_add(offset), ["first", "second"])?);
        }
        Ok(pairs)
    }

    /// A pair's halves, as a map shows them.
    pub(super) fn show_pair(&mut self, of: TypeRef, at: Avma, names: [&str; 2]) -> Looked<(ValueTree, ValueTree)> {
        let pair = self.object_at(of, at)?;
        let (key, value) = (self.member(&pair, names[0])?, self.member(&pair, names[1])?);
        Ok(self.show_entry(&key, &value))
    }

    /// A key and its value, as a map shows them.
    pub(super) fn show_entry(&mut self, key: &Object, value: &Object) -> (ValueTree, ValueTree) {
        self.keep_entry(key, value).unwrap_or_else(|| (self.show_object(key), self.show_object(value)))
    }
}

fn decode(bytes: &[u8], width: u64) -> String {
    let units = bytes.chunks_exact(width.max(1) as usize).map(|unit| integer(unit, false) as u32);
    match width {
        1 => String::from_utf8_lossy(bytes).into_owned(),
        _ => {
            wide_characters(units, width as u8).into_iter().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
    }
}
