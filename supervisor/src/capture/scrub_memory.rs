//! What matches a pattern of the user's (`--scrub-pattern`) is replaced wherever it stands in memory, and so are copies of secrets of the
//! environment (`--scrub-env-memory`). Lengths stay.

use std::sync::atomic::{AtomicU64, Ordering};

use dpdb_snapshot::{Absent, AddressRange, Avma, Content, Memory, PlannedRange, Text};
use regex::bytes::{Regex, RegexBuilder};

/// A match is found whole where it is no longer than this, however the memory is read.
const LONGEST_MATCH: u64 = 4096;

/// A shorter secret is a word that stands in many places for other reasons.
const SHORTEST_SECRET: usize = 6;

/// What is to be replaced in all memory: a regular expression over bytes.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a regular expression in the syntax of the regex crate; `\w`, `\d`, `\s` and `(?i)` are ASCII, and `.` is any byte but a newline.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence; that it matches nothing at all is wrong, too.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let regex = RegexBuilder::new(text).unicode(false).build().map_err(|error| error.to_string())?;
        if regex.is_match(b"") {
            return Err("it matches the empty text, so everything".to_owned());
        }
        Ok(Pattern(regex))
    }

    /// One for each of these secrets that is long enough.
    pub(super) fn of_secrets(secrets: &[Vec<u8>]) -> Vec<Pattern> {
        let long = secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET);
        let escaped = long.map(|secret| secret.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>());
        escaped.filter_map(|text| Pattern::parse(&text).ok()).collect()
    }
}

/// Memory in which what matches is replaced.
#[derive(Debug)]
pub(super) struct SearchedMemory<M> {
    memory: M,
    patterns: Vec<Pattern>,
    /// What is captured, ascending, neighbours as one. Nothing else is read: it might come into being by that.
    captured: Vec<AddressRange>,
    replaced: AtomicU64,
}

impl<M> SearchedMemory<M> {
    pub(super) fn new(memory: M, patterns: Vec<Pattern>, plan: &[PlannedRange]) -> SearchedMemory<M> {
        let mut captured: Vec<AddressRange> = Vec::new();
        for planned in plan.iter().filter(|planned| planned.content == Content::Captured) {
            match captured.last_mut() {
                Some(last) if last.end == planned.range.start => last.end = planned.range.end,
                _ => captured.push(planned.range),
            }
        }
        SearchedMemory { memory, patterns, captured, replaced: AtomicU64::new(0) }
    }

    /// How many matches were replaced so far.
    pub(super) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Replaces what matches in texts that stand for memory.
    pub(super) fn replace_in(&self, texts: &mut [Text]) {
        for text in texts {
            let length = text.0.len();
            let copy = text.0.clone();
            self.replace(&copy, 0..length, &mut text.0);
        }
    }

    /// Replaces in `part` of `window`, which `out` is a copy of, what matches in `window`; matches that begin there are counted.
    fn replace(&self, window: &[u8], part: std::ops::Range<usize>, out: &mut [u8]) {
        for found in self.patterns.iter().flat_map(|pattern| pattern.0.find_iter(window)) {
            let (start, end) = (found.start().max(part.start), found.end().min(part.end));
            if start < end {
                out[start - part.start..end - part.start].fill(b'*');
            }
            self.replaced.fetch_add(u64::from(part.contains(&found.start())), Ordering::Relaxed);
        }
    }
}

impl<M: Memory> Memory for SearchedMemory<M> {
    fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
        let got = self.memory.read_some(at, buf)?;
        if self.patterns.is_empty() {
            return Ok(got);
        }
        let read = AddressRange { start: at, end: at.wrapping_add(got as u64) };
        let here = self.captured.partition_point(|range| range.end <= at);
        let around = self.captured.get(here).filter(|range| range.contains(at)).copied().unwrap_or(read);
        let neighbour = |start: u64, end: u64| {
            let mut bytes = vec![0; end.saturating_sub(start) as usize];
            self.memory.read(Avma(start), &mut bytes).map(|()| bytes).unwrap_or_default()
        };
        let before = neighbour(at.0.saturating_sub(LONGEST_MATCH).max(around.start.0), at.0);
        let after = neighbour(read.end.0, read.end.0.saturating_add(LONGEST_MATCH).min(around.end.0));
        let window = [&before, &buf[..got], &after].concat();
        self.replace(&window, before.len()..before.len() + got, &mut buf[..got]);
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` at address 4096 and nothing else.
    struct At(Vec<u8>);

    impl Memory for At {
        fn read_some(&self, at: Avma, buf: &mut [u8]) -> Result<usize, Absent> {
            let rest = at.0.checked_sub(4096).and_then(|at| self.0.get(at as usize..)).filter(|rest| !rest.is_empty());
            let rest = rest.ok_or(Absent::NotMapped(at))?;
            let count = rest.len().min(buf.len());
            buf[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn searched(text: &[u8], patterns: &[&str]) -> SearchedMemory<At> {
        let range = AddressRange::new(4096, 4096 + text.len() as u64);
        let plan = [PlannedRange { range, content: Content::Captured }];
        let patterns = patterns.iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect();
        SearchedMemory::new(At(text.to_vec()), patterns, &plan)
    }

    #[test]
    fn a_match_is_replaced_wherever_a_read_begins_and_counted_once() {
        let text = b"card 4111-1111-1111-1111, \xff and 5500-0000-0000-0004.";
        let expected = b"card *******************, \xff and *******************.";
        for piece in 1..text.len() {
            let memory = searched(text, &[r"\d{4}(-\d{4}){3}"]);
            let mut shown = vec![0; text.len()];
            for (chunk, at) in shown.chunks_mut(piece).zip((4096..).step_by(piece)) {
                memory.read(Avma(at), chunk).unwrap();
            }
            assert_eq!((shown.as_slice(), memory.replaced()), (expected.as_slice(), 2), "{piece}");
        }
    }

    #[test]
    fn secrets_are_taken_as_they_are_and_short_ones_are_left() {
        let secrets = [b"a.c(d\xffe".to_vec(), b"abc".to_vec()];
        let memory = SearchedMemory::new(At(Vec::new()), Pattern::of_secrets(&secrets), &[]);
        let mut texts = [Text(b"x a.c(d\xffe abc aXc(d\xffe".to_vec())];
        memory.replace_in(&mut texts);
        assert_eq!(texts[0].0, b"x ******* abc aXc(d\xffe");
    }

    #[test]
    fn what_matches_everything_is_refused() {
        assert!(Pattern::parse("a*").unwrap_err().contains("empty text"));
        assert!(Pattern::parse("(").is_err());
        assert!(Pattern::parse(r"key=\w+").is_ok());
    }
}
