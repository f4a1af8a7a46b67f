//! Names, each kept once.

use std::collections::HashMap;

/// The bytes that names may have in all: an index has 32 bits for a name's place.
const MOST_BYTES: usize = u32::MAX as usize;

/// Texts that end with a NUL each, and where each begins.
#[derive(Debug, Default)]
pub(super) struct Interner {
    bytes: Vec<u8>,
    places: HashMap<Box<[u8]>, u32>,
}

impl Interner {
    /// The place of `name`; `None` where there is no room left, or it has a NUL in it.
    pub(super) fn place_of(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(known) = self.places.get(name) {
            return Some(*known);
        }
        if self.bytes.len() + name.len() >= MOST_BYTES || name.contains(&0) {
            return None;
        }
        let place = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
        self.places.insert(name.into(), place);
        Some(place)
    }

    /// All names, in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        texts(&self.bytes)
    }

    /// All of the text.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The texts in `bytes`, each with its place.
pub(super) fn texts(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        let place = at as u32;
        at += length + 1;
        Some((place, &rest[..length]))
    })
}
