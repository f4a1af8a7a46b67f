//! Many snapshots, a line each.

use super::style::{Role, Style, clean};
use super::table::{Table, cell, number, plain};
use super::{crash, units};
use crate::engine::SnapshotLine;

/// A table of snapshots in the order given. Ranks have a column where any process has one.
pub fn snapshot_lines(lines: &[SnapshotLine], style: &Style) -> String {
    if lines.is_empty() {
        return "no snapshots\n".to_owned();
    }
    let ranked = lines.iter().any(|line| line.crash.rank.is_some());
    let rank = ranked.then_some("rank");
    let headings = ["time", "pid"].into_iter().chain(rank).chain(["process", "what", "size", "file"]);
    let mut table = Table::new(&headings.collect::<Vec<_>>());
    for line in lines {
        let crash = &line.crash;
        let mut row = vec![plain(crash.time.map(units::utc).unwrap_or_default()), number(crash.pid)];
        if ranked {
            row.push(number(crash.rank.map(|rank| rank.to_string()).unwrap_or_default()));
        }
        row.push(plain(clean(&crash.comm)));
        row.push(cell(Role::Error, crash::what_happened(crash)));
        row.push(number(units::bytes(line.bytes)));
        let damaged = if line.damaged { " (damaged)" } else { "" };
        row.push(cell(Role::File, style.path(&line.file.as_path().into()) + damaged));
        table.row(row);
    }
    table.render(style)
}
