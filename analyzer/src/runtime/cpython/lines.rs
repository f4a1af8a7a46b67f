//! From an instruction of a code object to its line, in the three formats there were.

use super::layout::Minor;

/// The line of the instruction at `offset` bytes, `co_lnotab` (up to 3.9, Objects/lnotab_notes.txt): pairs of an
/// advance in bytes and one, signed, in lines.
pub(super) fn by_lnotab(table: &[u8], first: i32, offset: i64) -> i32 {
    let (mut at, mut line) = (0, first);
    for pair in table.chunks_exact(2) {
        at += i64::from(pair[0]);
        if at > offset {
            break;
        }
        line = line.wrapping_add(i32::from(pair[1] as i8));
    }
    line
}

/// The same, `co_linetable` of 3.10 (PEP 626): pairs of a length in bytes and a signed advance in lines; −128 is a
/// range without a line.
pub(super) fn by_ranges(table: &[u8], first: i32, offset: i64) -> Option<i32> {
    const NO_LINE: i8 = -128;
    let (mut end, mut line) = (0, first);
    for pair in table.chunks_exact(2) {
        let delta = pair[1] as i8;
        end += i64::from(pair[0]);
        if delta != NO_LINE {
            line = line.wrapping_add(i32::from(delta));
        }
        if offset < end {
            return (delta != NO_LINE).then_some(line);
        }
    }
    None
}

/// The same, `co_linetable` from 3.11 on (Objects/locations.md): entries of a first byte with bit 7 set, a kind and a
/// length in instructions.
pub(super) fn by_locations(table: &[u8], first: i32, offset: i64) -> Option<i32> {
    entry_at(table, first, offset, |_| ()).filter(|entry| entry.kind != NO_LOCATION).map(|entry| entry.line)
}

/// A part of the source, without its last character's successor as usual for ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The line it begins in.
    pub line: u32,
    /// The column it begins at: bytes of UTF-8 before it.
    pub column: u32,
    /// The line it ends in.
    pub end_line: u32,
    /// The column it ends at.
    pub end_column: u32,
}

/// Lines and columns of the instruction at `offset` bytes, where `co_linetable` of 3.11 or later has columns.
pub(super) fn span(table: &[u8], first: i32, offset: i64) -> Option<Span> {
    let Entry { kind, line, mut at } = entry_at(table, first, offset, |_| ())?;
    let mut end_line = line;
    let mut byte = || {
        at += 1;
        table.get(at - 1).copied().map(u32::from)
    };
    let (column, end_column) = match kind {
        // Three bits of the column are in the kind, the rest and the width in one byte.
        0..=9 => {
            let second = byte()?;
            let column = u32::from(kind) << 3 | second >> 4 & 7;
            (column, column + (second & 15))
        }
        10..=12 => (byte()?, byte()?),
        LONG => {
            end_line = line.checked_add(i32::try_from(variable(table, &mut at)?).ok()?)?;
            let [column, end] = [variable(table, &mut at)?, variable(table, &mut at)?];
            // Zero stands for no column.
            (column.checked_sub(1)?, end.checked_sub(1)?)
        }
        _ => return None,
    };
    Some(Span { line: u32::try_from(line).ok()?, column, end_line: u32::try_from(end_line).ok()?, end_column })
}

/// Kinds of entries: line and columns at any length, line without columns, nothing.
const LONG: u8 = 14;
const LINE_ONLY: u8 = 13;
const NO_LOCATION: u8 = 15;

/// The entry of a table that covers an instruction.
struct Entry {
    kind: u8,
    line: i32,
    /// Where in the table what follows the line begins.
    at: usize,
}

/// The entry of the instruction at `offset`; `seen` is told each line up to it.
fn entry_at(table: &[u8], first: i32, offset: i64, mut seen: impl FnMut(i32)) -> Option<Entry> {
    let (mut end, mut line, mut at) = (0, first, 0);
    while let Some(&head) = table.get(at) {
        let (kind, length) = (head >> 3 & 15, i64::from(head & 7) + 1);
        at += 1;
        let delta = match kind {
            LINE_ONLY | LONG => signed(variable(table, &mut at)?),
            10..=12 => i32::from(kind) - 10,
            _ => 0,
        };
        line = line.wrapping_add(delta);
        end += length * 2;
        if kind != NO_LOCATION {
            seen(line);
        }
        if offset < end {
            return Some(Entry { kind, line, at });
        }
        // What is left of the entry are columns.
        while table.get(at).is_some_and(|byte| byte & 0x80 == 0) {
            at += 1;
        }
    }
    None
}

/// The last line that a table tells of, in the format of the version.
pub(super) fn last(table: &[u8], first: i32, minor: Minor) -> i32 {
    let end = table.len() as i64 * 512;
    match minor {
        Minor(..=9) => greatest(first, table.chunks_exact(2).map(|pair| i32::from(pair[1] as i8))),
        Minor(10) => {
            let deltas = table.chunks_exact(2).map(|pair| pair[1] as i8);
            greatest(first, deltas.filter(|delta| *delta != -128).map(i32::from))
        }
        _ => {
            let mut last = first;
            entry_at(table, first, end, |line| last = last.max(line));
            last
        }
    }
}

/// The greatest of the sums from `first` on.
fn greatest(first: i32, deltas: impl Iterator<Item = i32>) -> i32 {
    let sums = deltas.scan(first, |line, delta| {
        *line = line.wrapping_add(delta);
        Some(*line)
    });
    sums.fold(first, i32::max)
}

/// Six bits in each byte, the lowest first; bit 6 says that more follow.
fn variable(table: &[u8], at: &mut usize) -> Option<u32> {
    let mut value = 0;
    for shift in (0..32).step_by(6) {
        let byte = *table.get(*at)?;
        *at += 1;
        value |= u32::from(byte & 63) << shift;
        if byte & 64 == 0 {
            return Some(value);
        }
    }
    None
}

fn signed(value: u32) -> i32 {
    let half = (value >> 1) as i32;
    if value & 1 == 0 { half } else { half.wrapping_neg() }
}

#[cfg(test)]
mod tests {
    use super::{Minor, Span, by_lnotab, by_locations, by_ranges, last, span};

    #[test]
    fn lnotab_advances_backwards_too() {
        // 0: line 10; 6: 12; 8: 11.
        let table = [6, 2, 2, 0xff];
        let lines: Vec<i32> = [0, 4, 6, 8, 100].map(|at| by_lnotab(&table, 10, at)).to_vec();
        assert_eq!(lines, [10, 10, 12, 11, 11]);
    }

    #[test]
    fn ranges_without_a_line_keep_the_line_of_the_others() {
        let table = [4, 1, 2, 0x80, 2, 1];
        let lines: Vec<_> = [0, 4, 6, 8].map(|at| by_ranges(&table, 10, at)).to_vec();
        assert_eq!(lines, [Some(11), None, Some(12), None]);
    }

    #[test]
    fn locations_of_every_kind_are_told_apart() {
        // Short form of 1 instruction, one-line form +1 of 2, no line of 1, no columns −1 of 1, long form +2 of 1.
        let table =
            [0x80, 0x05, 0x80 | 11 << 3 | 1, 3, 4, 0x80 | 15 << 3, 0x80 | 13 << 3, 3, 0x80 | 14 << 3, 4, 0, 1, 1];
        let lines: Vec<_> = [0, 2, 4, 6, 8, 10, 12].map(|at| by_locations(&table, 10, at)).to_vec();
        assert_eq!(lines, [Some(10), Some(11), Some(11), None, Some(10), Some(12), None]);
    }

    #[test]
    fn columns_are_read_from_every_kind_that_has_them() {
        // Short form: column 2 << 3 | 5, 4 wide; one-line form +1: 9 to 12; long form: +1, one line more, 3 to 7.
        let table = [0x80 | 2 << 3, 5 << 4 | 4, 0x80 | 11 << 3, 9, 12, 0x80 | 14 << 3, 2, 1, 4, 8, 0x80 | 13 << 3, 0];
        let of = |line, column, end_line, end_column| Some(Span { line, column, end_line, end_column });
        let spans: Vec<_> = [0, 2, 4, 6, 8].map(|at| span(&table, 10, at)).to_vec();
        assert_eq!(spans, [of(10, 21, 10, 25), of(11, 9, 11, 12), of(12, 3, 13, 7), None, None]);
    }

    #[test]
    fn the_last_line_of_a_table_is_the_greatest() {
        assert_eq!(last(&[6, 2, 2, 0xff], 10, Minor(9)), 12);
        assert_eq!(last(&[4, 1, 2, 0x80, 2, 1], 10, Minor(10)), 12);
        assert_eq!(last(&[0x80, 0x05, 0x80 | 11 << 3 | 1, 3, 4, 0x80 | 13 << 3, 3], 10, Minor(11)), 11);
    }

    #[test]
    fn any_bytes_are_a_table() {
        for seed in 0..=255u8 {
            let table: Vec<u8> = (0..64u8).map(|at| at.wrapping_mul(seed).wrapping_add(seed)).collect();
            for offset in [-1, 0, 1, 60, i64::MAX] {
                by_lnotab(&table, i32::MAX, offset);
                by_ranges(&table, i32::MIN, offset);
                by_locations(&table, i32::MAX, offset);
                span(&table, i32::MAX, offset);
            }
            for minor in Minor::ALL {
                last(&table, i32::MAX, minor);
            }
        }
    }
}
