//! Values that give away where they come from.

use serde::Serialize;

/// What a value that should have been an address looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "pattern", rename_all = "snake_case")]
pub enum Pattern {
    /// A number that somebody fills memory with.
    Poison {
        /// Who does so, and when.
        meaning: &'static str,
    },
    /// One byte over and over, as `memset` leaves it.
    Repeated {
        /// The byte.
        byte: u8,
    },
    /// Characters.
    Text {
        /// The characters in the order in which they stand in memory.
        text: String,
    },
}

const WORDS: [(u32, &str); 9] = [
    (0xdead_beef, "the usual mark of memory that is not to be used"),
    (0xdead_c0de, "a mark of memory that is not to be used"),
    (0xdead_dead, "a mark of memory that is not to be used"),
    (0xbaad_f00d, "a mark of memory that was never written"),
    (0x8bad_f00d, "a mark of memory that was never written"),
    (0xfeed_face, "a magic number"),
    (0xfeed_f00d, "a magic number"),
    (0xcafe_babe, "a magic number"),
    (0xcafe_f00d, "a magic number"),
];

const BYTES: [(u8, &str); 10] = [
    (0x5a, "what jemalloc fills freed memory with"),
    (0xa5, "what jemalloc fills fresh memory with"),
    (0x6b, "what slab allocators fill freed memory with"),
    (0xcd, "what debug heaps fill fresh memory with"),
    (0xdd, "what debug heaps fill freed memory with"),
    (0xcc, "what debug builds fill fresh stack memory with"),
    (0xfd, "what debug heaps put around memory"),
    (0xbe, "what AddressSanitizer fills fresh memory with"),
    (0xaa, "what compilers fill uninitialised variables with, if asked"),
    (0xfe, "what compilers fill uninitialised variables with, if asked"),
];

/// What `value` looks like, if it looks like anything.
pub(crate) fn pattern_of(value: u64) -> Option<Pattern> {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // A 32-bit mark comes alone, sign-extended, or twice.
    let is_word = high == 0 || high == u32::MAX || high == low;
    let word = WORDS.iter().find(|(word, _)| is_word && *word == low);
    if let Some((_, meaning)) = word {
        return Some(Pattern::Poison { meaning });
    }
    let byte = value as u8;
    let is_repeated = value == u64::from(byte) * 0x0101_0101_0101_0101 || value == u64::from(byte) * 0x0101_0101;
    if is_repeated && byte != 0 && byte != 0xff {
        let known = BYTES.iter().find(|(known, _)| *known == byte);
        return match known {
            Some((_, meaning)) => Some(Pattern::Poison { meaning }),
            None => text_of(value).or(Some(Pattern::Repeated { byte })),
        };
    }
    text_of(value)
}

/// Eight printable characters, or six or seven with zeros behind them. Fewer happen by chance.
fn text_of(value: u64) -> Option<Pattern> {
    let bytes = value.to_le_bytes();
    let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(length);
    let printable = text.iter().all(|byte| (0x20..0x7f).contains(byte)) && rest.iter().all(|&byte| byte == 0);
    // 0x0000_5555_5555_… is where position-independent executables are loaded without address randomisation.
    let is_usual_address = value >> 32 == 0x5555;
    (length >= 6 && printable && !is_usual_address)
        .then(|| Pattern::Text { text: String::from_utf8_lossy(text).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Pattern, pattern_of};

    #[test]
    fn poison_is_known_and_pointers_are_not() {
        for value in [0xdead_beef, 0xffff_ffff_dead_beef, 0xdead_beef_dead_beef, 0x5a5a_5a5a_5a5a_5a5a, 0xcdcd_cdcd] {
            assert!(matches!(pattern_of(value), Some(Pattern::Poison { .. })), "{value:#x}");
        }
        for value in [0, 1, u64::MAX, 0x7fff_1234_5678, 0x5555_5555_5040, 0x10, 0x0041_4141] {
            assert_eq!(pattern_of(value), None, "{value:#x}");
        }
        assert_eq!(pattern_of(0x4141_4141_4141_4141), Some(Pattern::Text { text: "AAAAAAAA".to_owned() }));
        assert_eq!(pattern_of(u64::from_le_bytes(*b"/bin/sh\0")), Some(Pattern::Text { text: "/bin/sh".to_owned() }));
        assert_eq!(pattern_of(0x0707_0707_0707_0707), Some(Pattern::Repeated { byte: 7 }));
    }
}
