//! The line table of one unit, by address.
//!
//! What a row means is decided as gdb decides it (buildsym.c and dwarf2/read.c, `lnp_state_machine::record_line`), so
//! that both show the same line: rows of line 0 ("no line") are left out, so that the row before them goes on; among
//! rows at one address the last one stands, but a row that begins a statement (`is_stmt`) is not overruled by one
//! that does not.

use std::path::PathBuf;

use super::ranges::text;
use super::unit::Unit;

/// Rows that one unit may have. Programs that are linked with fat LTO come to some ten million.
const MOST_ROWS: usize = 1 << 26;

/// The rows of a unit, by sequence.
#[derive(Debug, Default)]
pub(super) struct LineTable {
    rows: Vec<Row>,
    sequences: Vec<Sequence>,
}

/// A run of ascending addresses. Behind its end nothing is known.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    low: u64,
    high: u64,
    first: usize,
    last: usize,
}

/// Where the source of the code from one address on is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) address: u64,
    pub(super) file: u64,
    pub(super) line: u32,
    pub(super) column: u32,
    is_statement: bool,
}

impl LineTable {
    /// Runs the line program of `unit`. Sequences that start at zero or below the unit's `DW_AT_low_pc` are what the
    /// linker left of functions it discarded.
    pub(super) fn read(unit: &Unit<'_>) -> LineTable {
        let mut table = LineTable::default();
        let Some(program) = unit.unit.line_program.clone() else { return table };
        let mut rows = program.rows();
        let mut sequence = SequenceReader::default();
        let mut left = MOST_ROWS;
        while let (Ok(Some((_, row))), true) = (rows.next_row(), left > 0) {
            left -= 1;
            if row.end_sequence() {
                table.push(std::mem::take(&mut sequence), row.address(), unit.unit.low_pc);
            } else {
                sequence.take(row);
            }
        }
        table.sequences.sort_by_key(|sequence| sequence.low);
        table
    }

    fn push(&mut self, sequence: SequenceReader, high: u64, lowest: u64) {
        let Some(low) = sequence.rows.first().map(|row| row.address) else { return };
        if low == 0 || low < lowest || low >= high {
            return;
        }
        let first = self.rows.len();
        self.rows.extend(sequence.rows);
        self.sequences.push(Sequence { low, high, first, last: self.rows.len() });
    }

    /// The row whose code `address` lies in.
    pub(super) fn at(&self, address: u64) -> Option<&Row> {
        let after = self.sequences.partition_point(|sequence| sequence.low <= address);
        let sequence = self.sequences[..after].last().filter(|sequence| address < sequence.high)?;
        let rows = &self.rows[sequence.first..sequence.last];
        rows[..rows.partition_point(|row| row.address <= address)].last()
    }

    /// The rows of which some code lies in `low..high`.
    pub(super) fn within(&self, low: u64, high: u64) -> impl Iterator<Item = &Row> {
        let sequences = self.sequences.iter().filter(move |sequence| sequence.low < high && low < sequence.high);
        sequences.flat_map(move |sequence| {
            let rows = &self.rows[sequence.first..sequence.last];
            let start = rows.partition_point(|row| row.address <= low).saturating_sub(1);
            rows[start..].iter().take_while(move |row| row.address < high)
        })
    }
}

/// Gathers the rows of one sequence, one for each address.
#[derive(Default)]
struct SequenceReader {
    rows: Vec<Row>,
    address: u64,
    statement_here: bool,
}

impl SequenceReader {
    fn take(&mut self, row: &gimli::LineRow) {
        if self.address != row.address() {
            self.address = row.address();
            self.statement_here = false;
        }
        if let Some(line) = row.line() {
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 0,
                gimli::ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
            };
            self.record(Row {
                address: row.address(),
                file: row.file_index(),
                line: u32::try_from(line.get()).unwrap_or(0),
                column,
                is_statement: row.is_stmt(),
            });
        }
        self.statement_here |= row.is_stmt();
    }

    fn record(&mut self, row: Row) {
        match self.rows.last_mut() {
            Some(last) if last.address > row.address => {}
            Some(last) if last.address == row.address => {
                let statement_stands = if last.file == row.file { last.is_statement } else { self.statement_here };
                if row.is_statement || !statement_stands {
                    *last = row;
                }
            }
            _ => self.rows.push(row),
        }
    }
}

/// The path of a file of the unit's line table, joined with the directory it was compiled in and with `.` and `..`
/// taken out; it stays relative where that directory is.
pub(super) fn file_path(unit: &Unit<'_>, file: u64) -> Option<PathBuf> {
    let header = unit.unit.line_program.as_ref()?.header();
    let entry = header.file(file)?;
    let name = unit.string(entry.path_name())?;
    let mut path = PathBuf::new();
    if let Some(compiled_in) = unit.unit.comp_dir {
        path.push(text(compiled_in));
    }
    // Directory 0 is the one it was compiled in, said once more since DWARF 5.
    if entry.directory_index() != 0
        && let Some(directory) = entry.directory(header).and_then(|directory| unit.string(directory))
    {
        path.push(directory);
    }
    path.push(name);
    Some(normalised(&path))
}

/// As Python's `os.path.normpath`: by text alone, links or not.
fn normalised(path: &std::path::Path) -> PathBuf {
    use std::path::Component;
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.components().next_back(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            Component::ParentDir if parts.has_root() => {}
            part => parts.push(part),
        }
    }
    parts
}

/// Numbers of the files of the unit's line table whose path ends in `suffix`.
pub(super) fn files_ending_in(unit: &Unit<'_>, suffix: &std::path::Path) -> Vec<u64> {
    let Some(program) = unit.unit.line_program.as_ref() else { return Vec::new() };
    let count = program.header().file_names().len() as u64;
    (0..=count).filter(|file| file_path(unit, *file).is_some_and(|path| path.ends_with(suffix))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Row, SequenceReader, normalised};

    fn record(rows: &[(u64, u64, u32, bool)]) -> Vec<(u64, u32)> {
        let mut sequence = SequenceReader::default();
        for (address, file, line, is_statement) in rows.iter().copied() {
            if sequence.address != address {
                sequence.address = address;
                sequence.statement_here = false;
            }
            sequence.record(Row { address, file, line, column: 0, is_statement });
            sequence.statement_here |= is_statement;
        }
        sequence.rows.iter().map(|row| (row.address, row.line)).collect()
    }

    #[test]
    fn the_last_statement_at_an_address_stands() {
        assert_eq!(record(&[(8, 1, 10, true), (8, 1, 11, true)]), [(8, 11)]);
        assert_eq!(record(&[(8, 1, 10, true), (8, 1, 11, false)]), [(8, 10)]);
        assert_eq!(record(&[(8, 1, 10, false), (8, 1, 11, false)]), [(8, 11)]);
        assert_eq!(record(&[(8, 1, 10, true), (8, 2, 11, false)]), [(8, 10)]);
        assert_eq!(record(&[(8, 1, 10, true), (8, 2, 11, true)]), [(8, 11)]);
        assert_eq!(record(&[(8, 1, 10, true), (9, 1, 11, false), (4, 1, 12, true)]), [(8, 10), (9, 11)]);
    }

    #[test]
    fn paths_lose_their_dots() {
        for (path, expected) in [
            ("./csu/../sysdeps/x.h", "sysdeps/x.h"),
            ("/a/./b/../c.c", "/a/c.c"),
            ("/../a", "/a"),
            ("../../a", "../../a"),
            ("a//b/", "a/b"),
        ] {
            assert_eq!(normalised(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
