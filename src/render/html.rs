//! The crashes of a run as one page of HTML, which needs neither a network nor any other file.
//!
//! Everything that a target said is escaped on its way in, and the page forbids itself to load anything.

use std::fmt::Write as _;

use super::crash_groups::{CRASHES_NAMED, sentence, summary, title, when};
use super::style::{Style, clean};
use super::timeline::timeline;
use super::{frames, source, units, variables};
use crate::crash_groups::{CrashGroup, CrashGroups, FrameDetail};
use crate::engine::{FrameLine, SnapshotLine};

/// The page around its body; its script only searches.
const PAGE: &str = include_str!("report.html");
const BODY: &str = "<!-- body -->\n";

/// Crashes listed in a group's table; the others are counted.
const LISTED: usize = 200;

/// The page.
pub fn page(all: &CrashGroups) -> String {
    let (head, tail) = PAGE.split_once(BODY).expect("the template has a place for its body");
    let mut out = head.to_owned();
    let _ = writeln!(out, "<h1>{}</h1>", escape(summary(all).trim_end()));
    if let Some(first) = all.first_failure.as_ref().filter(|_| all.snapshots > 1) {
        let _ = writeln!(out, "<div>First failure: <b>{}</b></div>", escape(&sentence(first, &Style::default())));
    }
    out += &timeline(all);
    out += "<input id=\"search\" type=\"search\" placeholder=\"Search functions, files, variables, messages\">\n";
    for (index, group) in all.groups.iter().enumerate() {
        group_to(&mut out, index, group);
    }
    if !all.unreadable.is_empty() {
        out += "<h2>Files that could not be read</h2>\n<table>\n";
        for lost in &all.unreadable {
            let file = clean(&lost.file.as_path().into());
            let _ =
                writeln!(out, "<tr><td><code>{}</code><td>{}", escape(&file), escape(&super::clean_str(&lost.error)));
        }
        out += "</table>\n";
    }
    out + tail
}

fn group_to(out: &mut String, index: usize, group: &CrashGroup) {
    let open = if index == 0 { " open" } else { "" };
    let _ = writeln!(out, "<details class=\"group\"{open} id=\"group-{}\">", index + 1);
    let _ = writeln!(out, "<summary>{}. {}</summary>", index + 1, escape(&title(group)));
    let hash = escape(&group.signature.hash);
    let _ = writeln!(out, "<div class=\"faint\">{}; signature <code>{hash}</code></div>", escape(&when(group)));
    for detail in &group.frames {
        frame_to(out, detail);
    }
    let more = if group.crashes.len() > CRASHES_NAMED { "" } else { " open" };
    let _ = writeln!(out, "<details{more}><summary class=\"faint\">Snapshots</summary>\n<table>");
    for line in group.crashes.iter().take(LISTED) {
        snapshot_to(out, line);
    }
    out.push_str("</table>\n");
    if group.crashes.len() > LISTED {
        let _ = writeln!(out, "<div class=\"faint\">… {} more</div>", group.crashes.len() - LISTED);
    }
    out.push_str("</details>\n</details>\n");
}

fn snapshot_to(out: &mut String, line: &SnapshotLine) {
    let time = line.crash.time.map(units::utc).unwrap_or_default();
    let rank = line.crash.rank.map(|rank| format!(" (rank {rank})")).unwrap_or_default();
    let who = format!("pid {}{rank} {}", line.crash.pid, clean(&line.crash.comm));
    let what = super::crash::what_happened(&line.crash);
    let file = clean(&line.file.as_path().into());
    let cells = [time, who, what, file].map(|cell| format!("<td>{}", escape(&cell)));
    let _ = writeln!(out, "<tr>{}", cells.concat());
}

/// A frame that can be opened: its source and its variables. The user's own is open.
fn frame_to(out: &mut String, detail: &FrameDetail) {
    let plain = Style::default();
    let frame = &detail.frame;
    let head = format!(
        "<span class=\"faint\">#{}</span> <span class=\"mono\">{}</span>",
        frame.number,
        escape(&frames::place(frame, &plain))
    );
    let own = if frame.selected { " own\" open" } else { "\"" };
    let _ = writeln!(out, "<details class=\"frame{own}><summary>{head}</summary>");
    if let Some(listing) = &detail.source {
        out.push_str("<pre>");
        for line in source::listing(listing, &plain).lines() {
            // The current line is marked by its first character.
            let _ = match line.starts_with('>') {
                true => write!(out, "<mark>{}</mark>", escape(line)),
                false => writeln!(out, "{}", escape(line)),
            };
        }
        out.push_str("</pre>\n");
    }
    variables_to(out, frame);
    out.push_str("</details>\n");
}

fn variables_to(out: &mut String, frame: &FrameLine) {
    let all = frame.arguments.iter().flatten().chain(frame.locals.iter().flatten());
    let text: String = all.map(|variable| variables::line(variable, frame.language, &Style::default())).collect();
    if !text.is_empty() {
        let _ = writeln!(out, "<pre>{}</pre>", escape(text.trim_end()));
    }
}

/// Text as HTML that says just that, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_that_html_gives_a_meaning_is_left() {
        assert_eq!(super::escape("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
    }
}
