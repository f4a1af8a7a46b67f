//! What the snapshots of a run are like, and how much room they may take.

use std::sync::Arc;
use std::time::Duration;

use super::{Dedupe, MemoryChoice, Pattern, SourceReader};
use crate::options::parse_size;

/// What a snapshot is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How much of the memory is wanted.
    pub memory: MemoryChoice,
    /// The zstd level.
    pub level: i32,
    /// Bytes that its file may have.
    pub max_size: Option<u64>,
    /// How long it may take, from the stop on.
    pub deadline: Option<Duration>,
    /// What looks secret in environment and command line is not written.
    pub scrub: bool,
    /// No value of the environment is written, nor what looks secret in it where memory has a copy.
    pub scrub_env_memory: bool,
    /// What is replaced in all memory.
    pub scrub_patterns: Vec<Pattern>,
    /// Pages that an earlier snapshot of the run has are not written again.
    pub deltas: bool,
    /// Of crashes like those that were kept already only the stacks are.
    pub dedupe: Option<Dedupe>,
    /// Who finds the source text that goes in; without one none does.
    pub sources: Option<Arc<dyn SourceReader>>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            memory: MemoryChoice::Full,
            level: 1,
            max_size: None,
            deadline: None,
            scrub: true,
            scrub_env_memory: false,
            scrub_patterns: Vec::new(),
            deltas: false,
            dedupe: None,
            sources: None,
        }
    }
}

/// How much room all snapshots of a run may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// How many to write at most.
    pub max_snapshots: Option<u64>,
    /// Bytes that their files may have together.
    pub max_total: Option<u64>,
    /// How many are kept: when one more is there, the oldest of this run is removed.
    pub keep: Option<u64>,
    /// Bytes of the disk that are left free.
    pub min_free: MinFree,
}

/// How much of a disk is left free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinFree {
    /// A tenth, at most 4 GiB.
    #[default]
    Tenth,
    /// So many bytes.
    Bytes(u64),
    /// So many percent.
    Percent(u8),
}

/// Where less is free than should be left, a snapshot may still take this part of it: the stacks of a small process are worth
/// more than the last megabyte of a disk.
const LAST_PART: u64 = 16;

impl MinFree {
    /// Reads a size such as `2G`, or a share such as `10%`.
    ///
    /// # Errors
    /// What was expected, as a sentence.
    pub fn parse(text: &str) -> Result<MinFree, String> {
        match text.strip_suffix('%') {
            Some(number) => match number.parse() {
                Ok(percent) if percent <= 100 => Ok(MinFree::Percent(percent)),
                _ => Err("write a share as 0% to 100%".to_owned()),
            },
            None => parse_size(text).map(MinFree::Bytes),
        }
    }

    /// Bytes that must stay free on a disk of `all` bytes, of which `free` are now.
    pub(super) fn floor(self, free: u64, all: u64) -> u64 {
        let wanted = match self {
            MinFree::Tenth => (all / 10).min(4 << 30),
            MinFree::Bytes(bytes) => bytes,
            MinFree::Percent(percent) => (u128::from(all) * u128::from(percent) / 100) as u64,
        };
        wanted.min(free - free / LAST_PART)
    }
}

#[cfg(test)]
mod tests {
    use super::MinFree;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_tenth_and_at_most_four_gibibytes_are_left_free() {
        assert_eq!(MinFree::default().floor(15 * GIB, 20 * GIB), 2 * GIB);
        assert_eq!(MinFree::default().floor(300 * GIB, 500 * GIB), 4 * GIB);
        assert_eq!(MinFree::parse("50%").unwrap().floor(15 * GIB, 20 * GIB), 10 * GIB);
        assert_eq!(MinFree::parse("1M").unwrap().floor(15 * GIB, 20 * GIB), 1 << 20);
        assert_eq!(MinFree::parse("0").unwrap().floor(15 * GIB, 20 * GIB), 0);
        for nonsense in ["", "%", "101%", "-1%", "x"] {
            assert!(MinFree::parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn of_a_disk_that_is_fuller_than_that_a_sixteenth_of_the_rest_may_be_taken() {
        assert_eq!(MinFree::default().floor(GIB, 500 * GIB), GIB - GIB / 16);
        assert_eq!(MinFree::default().floor(0, 500 * GIB), 0);
    }
}
