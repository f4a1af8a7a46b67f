//! `find` and `strings`: through the memory that was captured, a piece at a time.

use dpdb_analyzer::ValueTree;
use dpdb_snapshot::{Absent, AddressRange, Avma, Text};
use serde::Serialize;

use super::value_limits::Show;
use super::values::pattern;
use super::{CommandError, Engine, Hex, Reply};

/// Where something was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The places, ascending.
    pub hits: Vec<Hit>,
    /// Bytes that were looked through.
    pub searched: u64,
    /// There are more than are shown.
    pub more: bool,
    /// The user did not wait for the rest.
    pub given_up: bool,
}

/// One place.
#[derive(Debug, Serialize)]
pub struct Hit {
    /// Where it begins.
    pub address: Hex,
    /// The symbol it lies in, or the path of its mapping.
    pub place: Option<Text>,
    /// The text there, for `strings`.
    pub text: Option<Text>,
}

/// Places that one answer lists.
const MOST: usize = 1000;
/// Bytes that are read at once.
const PIECE: usize = 1 << 16;
/// A string is cut here.
const LONGEST: usize = 400;

/// Takes the pieces of ranges in turn, `None` for a gap; says whether it wants more.
type Each<'e> = &'e mut dyn FnMut(Option<(Avma, &[u8])>) -> bool;

/// How far memory was looked through.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    bytes: u64,
    given_up: bool,
}

/// What `find` looks for.
struct Needle {
    bytes: Vec<u8>,
    /// Places are multiples of it.
    step: u64,
}

impl Engine {
    /// Looks for a value: `[-type T] [RANGE] VALUE`. A string in quotes is looked for as its bytes, a number as one of
    /// the type, and a pointer only where it is aligned.
    ///
    /// # Errors
    /// The type, the range or the value makes no sense.
    pub fn find(&mut self, arguments: &str) -> Result<Reply, CommandError> {
        let (kind, rest) = option(arguments, "-type");
        let (ranges, value) = self.ranges(rest)?;
        let Needle { bytes: needle, step } = self.needle(kind, value)?;
        let mut hits = Vec::new();
        // The end of a piece is looked at again with the next one, for what lies across the border.
        let mut tail: Vec<u8> = Vec::new();
        let looked = self.look_through(&ranges, &mut |piece| {
            let Some((at, bytes)) = piece else {
                tail.clear();
                return true;
            };
            let start = at.wrapping_sub(tail.len() as u64);
            tail.extend_from_slice(bytes);
            let places = tail.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
            let places = places.map(|(offset, _)| start.wrapping_add(offset as u64)).filter(|at| at.0 % step == 0);
            hits.extend(places.map(|at| Hit { address: at.into(), place: None, text: None }));
            tail.drain(..tail.len().saturating_sub(needle.len() - 1));
            hits.len() <= MOST
        });
        Ok(Reply::Found(self.found(hits, looked)))
    }

    /// Lists the texts in memory: `[-min N] [-match RE] [RANGE]`, at least N printable ASCII characters each, of which a
    /// part matches.
    ///
    /// # Errors
    /// The number, the pattern or the range makes no sense.
    pub fn printable_strings(&mut self, arguments: &str) -> Result<Reply, CommandError> {
        let (least, rest) = option(arguments, "-min");
        let least: usize = match least.map(str::parse) {
            None => 4,
            Some(Ok(least @ 1..)) => least,
            Some(_) => return Err(CommandError::refused("-min takes a number of characters")),
        };
        let (wanted, rest) = option(rest, "-match");
        let wanted = wanted.map(pattern).transpose()?;
        let is_wanted = |text: &[u8]| wanted.as_ref().is_none_or(|wanted| std::str::from_utf8(text).is_ok_and(wanted));
        let (ranges, rest) = self.ranges(rest)?;
        if !rest.is_empty() {
            return Err(CommandError::refused(format!("'{rest}' is no range: give A,B or a part of a mapping's path")));
        }
        let mut hits = Vec::new();
        let mut run: (Avma, Vec<u8>) = Default::default();
        let mut end = |run: &mut (Avma, Vec<u8>)| {
            if run.1.len() >= least && is_wanted(&run.1) {
                let text = Text(run.1.clone());
                hits.push(Hit { address: run.0.into(), place: None, text: Some(text) });
            }
            run.1.clear();
            hits.len() <= MOST
        };
        let looked = self.look_through(&ranges, &mut |piece| {
            let Some((at, bytes)) = piece else { return end(&mut run) };
            bytes.iter().enumerate().all(|(offset, byte)| match byte {
                b' '..=b'~' | b'\t' => {
                    if run.1.is_empty() {
                        run.0 = at.wrapping_add(offset as u64);
                    }
                    run.1.push(*byte);
                    run.1.len() < LONGEST || end(&mut run)
                }
                _ => end(&mut run),
            })
        });
        Ok(Reply::Found(self.found(hits, looked)))
    }

    /// Reads all of the ranges that the file holds, a piece at a time; a `None` stands between pieces that do not touch
    /// and behind each range. It ends early when `each` says so, or the user, who waits.
    fn look_through(&self, ranges: &[AddressRange], each: Each<'_>) -> Looked {
        let all = ranges.iter().map(|range| range.end.0.saturating_sub(range.start.0)).sum();
        let (mut looked, mut passed) = (Looked::default(), 0);
        let mut piece = vec![0; PIECE];
        'ranges: for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let done = passed + (at.0 - range.start.0);
                if self.waiting.goes_on(|| "looking through memory".to_owned(), done, all).is_break() {
                    looked.given_up = true;
                    break 'ranges;
                }
                let want = usize::try_from(range.end.0 - at.0).unwrap_or(PIECE).min(PIECE);
                let (goes_on, next) = match self.session.memory().read_some(at, &mut piece[..want]) {
                    Ok(got) => {
                        looked.bytes += got as u64;
                        (each(Some((at, &piece[..got]))), at.0.saturating_add(got.max(1) as u64))
                    }
                    Err(Absent::NotCaptured { range, .. } | Absent::Unreadable { range, .. }) if range.end > at => {
                        (each(None), range.end.0)
                    }
                    Err(_) => (each(None), (at.0 | 0xfff).saturating_add(1)),
                };
                if !goes_on {
                    break 'ranges;
                }
                at = Avma(next);
            }
            passed += range.end.0.saturating_sub(range.start.0);
            if !each(None) {
                break;
            }
        }
        self.waiting.has_ended();
        looked
    }

    /// The range at the start of the arguments, `A,B` or a part of a mapping's path (`heap`, `libc`), and the rest;
    /// without a range all that is mapped.
    fn ranges<'a>(&mut self, text: &'a str) -> Result<(Vec<AddressRange>, &'a str), CommandError> {
        let text = text.trim();
        let mappings: Vec<(AddressRange, String)> =
            self.process().mappings.iter().map(|mapping| (mapping.range, mapping.path.to_string())).collect();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = (&text[..end], text[end..].trim());
        if let Some((first, last)) = word.split_once(',').filter(|_| !word.starts_with(['"', '\''])) {
            let (start, end) = (self.address(first)?, self.address(last)?);
            let inside = mappings.iter().filter(|(range, _)| range.start < end && start < range.end);
            let cut = inside.map(|(range, _)| AddressRange { start: range.start.max(start), end: range.end.min(end) });
            return Ok((cut.collect(), rest));
        }
        let is_name = word.starts_with(|c: char| c.is_alphabetic() || c == '[' || c == '/');
        let named: Vec<AddressRange> =
            mappings.iter().filter(|(_, path)| is_name && path.contains(word)).map(|(range, _)| *range).collect();
        match named.is_empty() {
            true => Ok((mappings.into_iter().map(|(range, _)| range).collect(), text)),
            false => Ok((named, rest)),
        }
    }

    fn needle(&mut self, kind: Option<&str>, value: &str) -> Result<Needle, CommandError> {
        if value.is_empty() {
            return Err(CommandError::refused("what to look for is missing"));
        }
        let show = Show::parse("x")?;
        let (bits, width) = match self.peek(value, show)?.value.into_bits() {
            ValueTree::Bytes { bytes, .. } if matches!(kind, None | Some("str")) => {
                let bytes = bytes.strip_suffix(&[0]).map(<[u8]>::to_vec).unwrap_or(bytes);
                if bytes.is_empty() {
                    return Err(CommandError::refused("an empty string is everywhere"));
                }
                return Ok(Needle { bytes, step: 1 });
            }
            ValueTree::Word { bits, width, .. } => (bits, width),
            _ => return Err(CommandError::refused(format!("'{value}' is neither a number nor a string"))),
        };
        let (size, step) = match kind {
            None => (width as usize / 8, 1),
            Some("u8") => (1, 1),
            Some("u16") => (2, 1),
            Some("u32") => (4, 1),
            Some("u64") => (8, 1),
            Some("ptr") => (8, 8),
            Some(other) => {
                return Err(CommandError::refused(format!("'{other}' is no type; types are u8 u16 u32 u64 str ptr")));
            }
        };
        Ok(Needle { bytes: bits.to_le_bytes()[..size.clamp(1, 16)].to_vec(), step })
    }

    /// The places with their names, and not too many of them.
    fn found(&self, mut hits: Vec<Hit>, looked: Looked) -> Found {
        let more = hits.len() > MOST;
        hits.truncate(MOST);
        for hit in &mut hits {
            let at = Avma(hit.address.0);
            let mapping = || {
                let mapping = self.process().mappings.iter().find(|mapping| mapping.range.contains(at))?;
                Some(mapping.path.clone()).filter(|path| !path.as_bytes().is_empty())
            };
            let symbol = self.symbol_text(at).map(|symbol| Text::from(symbol.as_str()));
            hit.place = symbol.or_else(mapping);
        }
        Found { hits, searched: looked.bytes, more, given_up: looked.given_up }
    }
}

/// The value of an option at the start of the arguments, and the rest.
fn option<'a>(arguments: &'a str, name: &str) -> (Option<&'a str>, &'a str) {
    let arguments = arguments.trim();
    match arguments.strip_prefix(name).filter(|rest| rest.starts_with(char::is_whitespace)) {
        Some(rest) => {
            let rest = rest.trim_start();
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (Some(&rest[..end]), rest[end..].trim())
        }
        None => (None, arguments),
    }
}
