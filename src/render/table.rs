//! Columns that line up.

use std::fmt::Write as _;

use super::style::{Role, Style};

/// One cell: its text and what it is.
#[derive(Debug)]
pub struct Cell {
    text: String,
    role: Role,
    right: bool,
}

/// A cell that is nothing in particular.
pub fn plain(text: impl ToString) -> Cell {
    cell(Role::Plain, text)
}

/// A cell in the colour of a role.
pub fn cell(role: Role, text: impl ToString) -> Cell {
    Cell { text: text.to_string(), role, right: false }
}

/// A number, aligned at its right end.
pub fn number(text: impl ToString) -> Cell {
    Cell { text: text.to_string(), role: Role::Plain, right: true }
}

/// Rows of cells; columns are as wide as their widest cell, the last one is not padded.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table under a line of headings.
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|heading| cell(Role::Strong, heading)).collect()] }
    }

    /// An empty table without headings.
    pub fn bare() -> Table {
        Table::default()
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table as lines, two blanks between columns.
    pub fn render(&self, style: &Style) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let filled = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
            for (column, cell) in row[..filled].iter().enumerate() {
                let padding = " ".repeat(widths[column] - cell.text.chars().count());
                let text = style.paint(cell.role, &cell.text);
                let (before, after) = if cell.right { (padding.as_str(), "") } else { ("", padding.as_str()) };
                let after = if column + 1 == filled { "" } else { after };
                let gap = if column == 0 { "" } else { "  " };
                let _ = write!(out, "{gap}{before}{text}{after}");
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, Table, number, plain};

    #[test]
    fn columns_line_up_and_lines_have_no_blanks_at_their_end() {
        let mut table = Table::new(&["N", "name", "note"]);
        table.row(vec![number(1), plain("long name"), plain("")]);
        table.row(vec![number(10), plain("x"), plain("y")]);
        assert_eq!(table.render(&Style::default()), "N   name       note\n 1  long name\n10  x          y\n");
    }
}
