//! Characters of more than a byte, and the text of them: `wchar_t`, `char16_t`, `char32_t`.

use dpdb_snapshot::Avma;

use super::build::Builder;
use super::place::Place;
use super::scalar;
use super::tree::{Literal, ValueTree};
use crate::types::{self, Type, TypeKind, TypeRef};

impl Builder<'_, '_> {
    /// A character of more than a byte, where `of` is a type of such.
    pub(super) fn wide_character(&self, of: TypeRef, stripped: &Type, place: &Place) -> Option<ValueTree> {
        let prefix = types::literal_prefix(self.context.view, of, stripped).filter(|_| !self.limits.words)?;
        let (TypeKind::Base(base), Some(size)) = (&stripped.kind, stripped.size) else { return None };
        Some(match place.read(self.context.memory(), size) {
            Ok(bytes) => {
                let code = scalar::integer(&bytes, types::is_signed(base.encoding));
                ValueTree::Character { code, size: size as u8, prefix }
            }
            Err(missing) => missing.into(),
        })
    }

    /// The text of wide characters of `size` bytes each at an address, up to a NUL.
    pub(crate) fn wide_text_at(&self, at: Avma, size: u8, prefix: &'static str) -> Option<Literal> {
        let unit = |index: u64| {
            let bytes =
                Place::memory(at.wrapping_add(index * u64::from(size))).read(self.context.memory(), size.into());
            bytes.ok().map(|bytes| scalar::integer(&bytes, false) as u32)
        };
        unit(0)?;
        let units = (0..self.limits.bytes).map_while(unit).take_while(|unit| *unit != 0);
        let text = scalar::wide_characters(units, size).into_iter();
        Some(Literal { prefix, text: text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect() })
    }
}
