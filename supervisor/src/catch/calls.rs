//! Calls of a function that are passed over: some functions are called so often that not each call can be judged, and
//! most calls are like one that was judged before.

use std::collections::HashSet;

/// How calls that a thread makes of a function are told apart: by words of its process's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Ways from the function's argument to words; calls that are alike have the same words.
    pub words: [Vec<u64>; 2],
    /// An address, and the way from there to a word which is zero in all calls that are alike, or in none.
    pub flag: (u64, Vec<u64>),
}

/// What calls that are alike have in common.
pub(crate) type Key = ([u64; 2], bool);

/// So many kinds of calls of a process are remembered. What is more is judged each time.
const MOST: usize = 1 << 16;

impl Likeness {
    /// What a call has in common with its like; `word` reads the memory of the process. `None` where a word is not there.
    pub(crate) fn key(&self, argument: u64, word: impl Fn(u64) -> Option<u64>) -> Option<Key> {
        let follow = |from: u64, way: &[u64]| {
            way.iter().try_fold((from, None), |(at, found), offset| {
                let at = found.unwrap_or(at);
                word(at.wrapping_add(*offset)).map(|found| (at, Some(found)))
            })
        };
        let [first, second] = &self.words;
        let of_argument = |way: &[u64]| follow(argument, way)?.1;
        let (from, way) = &self.flag;
        Some(([of_argument(first)?, of_argument(second)?], follow(*from, way)?.1 != Some(0)))
    }
}

/// The kinds of calls of a process that are passed over.
#[derive(Debug, Default)]
pub(crate) struct PassedOver(HashSet<Key>);

impl PassedOver {
    pub(crate) fn add(&mut self, key: Key) {
        if self.0.len() < MOST {
            self.0.insert(key);
        }
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.0.contains(key)
    }
}

#[cfg(test)]
mod tests {
    use super::Likeness;

    #[test]
    fn ways_are_followed_from_word_to_word() {
        let memory = |at: u64| match at {
            0x18 => Some(0x100),
            0x100 => Some(7),
            0x138 => Some(8),
            0x2040 => Some(0),
            _ => None,
        };
        let likeness = |flag: Vec<u64>| Likeness { words: [vec![8, 0], vec![8, 0x38]], flag: (0x2000, flag) };
        assert_eq!(likeness(vec![0x40]).key(0x10, memory), Some(([7, 8], false)));
        assert_eq!(likeness(vec![0x41]).key(0x10, memory), None);
        assert_eq!(likeness(vec![0x40]).key(0x20, memory), None);
    }
}
