//! When the processes of a run lived and died, as a drawing.

use std::fmt::Write as _;

use super::html::escape;
use super::style::clean;
use super::{crash, units};
use crate::crash_groups::CrashGroups;
use crate::engine::SnapshotLine;

/// Rows drawn; a page with more would be a page of bars.
const ROWS: usize = 100;
/// The drawing's width, what of it the names take, and a row's height, in the drawing's own units.
const WIDTH: f64 = 1000.0;
const NAMES: f64 = 190.0;
const ROW: f64 = 18.0;

/// A bar for each process that died, from its start to its death, earliest death first; links to its group. Nothing
/// where fewer than two are known.
pub fn timeline(all: &CrashGroups) -> String {
    let mut rows: Vec<(u64, u64, usize, &SnapshotLine)> = Vec::new();
    for (group, crashes) in all.groups.iter().enumerate() {
        rows.extend(crashes.crashes.iter().filter_map(|line| {
            let died = line.crash.time?;
            Some((died, line.started.unwrap_or(died).min(died), group, line))
        }));
    }
    if rows.len() < 2 {
        return String::new();
    }
    rows.sort_by_key(|(died, _, _, line)| (*died, line.crash.pid));
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    let begin = rows.iter().map(|(_, started, ..)| *started).min().unwrap_or(0);
    let end = rows.iter().map(|(died, ..)| *died).max().unwrap_or(0);
    let scale = (WIDTH - NAMES - 12.0) / (end - begin).max(1) as f64;
    let x = |time: u64| NAMES + (time - begin) as f64 * scale;
    let height = (rows.len() as f64 + 0.5) * ROW;
    let mut out = format!("<h2>Timeline</h2>\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n");
    for (row, (died, started, group, line)) in rows.iter().enumerate() {
        let y = row as f64 * ROW;
        let rank = line.crash.rank.map(|rank| format!(" rank {rank}")).unwrap_or_default();
        let name: String = format!("{}{rank} {}", line.crash.pid, clean(&line.crash.comm)).chars().take(26).collect();
        let what = format!("{}, {}", crash::what_happened(&line.crash), units::utc(*died));
        let first = if row == 0 { " first" } else { "" };
        let (from, to) = (x(*started), x(*died));
        let _ = writeln!(
            out,
            "<a href=\"#group-{}\"><title>{}</title><text x=\"0\" y=\"{:.1}\">{}</text>\
             <rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"8\"/>\
             <circle class=\"death{first}\" cx=\"{to:.1}\" cy=\"{:.1}\" r=\"5\"/></a>",
            group + 1,
            escape(&what),
            y + 13.0,
            escape(&name),
            y + 5.0,
            (to - from).max(1.0),
            y + 9.0,
        );
    }
    out.push_str("</svg>\n");
    let took = units::duration(end - begin);
    let more = if more > 0 { format!("; {more} more are not drawn") } else { String::new() };
    let _ = writeln!(
        out,
        "<div class=\"faint\">{took} from {} on{more}. The first failure has a ring.</div>",
        units::utc(begin)
    );
    out
}
