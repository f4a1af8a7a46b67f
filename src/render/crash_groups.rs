//! The crashes of a run: as text for a terminal, and as Markdown for an issue or a job's summary.

use std::fmt::Write as _;

use super::style::{Role, Style, clean, clean_str};
use super::{crash, frames, units};
use crate::crash_groups::{CrashGroup, CrashGroups};
use crate::engine::{Signature, SnapshotLine};

/// Crashes named under a group; the others are counted.
pub(super) const CRASHES_NAMED: usize = 10;

/// As text.
pub fn text(all: &CrashGroups, style: &Style) -> String {
    let mut out = summary(all);
    if let Some(first) = all.first_failure.as_ref().filter(|_| all.snapshots > 1) {
        let _ = writeln!(out, "first failure: {}", sentence(first, style));
    }
    for (index, group) in all.groups.iter().enumerate() {
        let title = format!("{}. {}", index + 1, title(group));
        let _ = writeln!(out, "\n{}{}", style.paint(Role::Strong, title), signature(group));
        let _ = writeln!(out, "   {}", when(group));
        out += &stack(group, style);
        let _ = writeln!(out, "   {}", style.paint(Role::File, files(group, style)));
    }
    out
}

/// As Markdown; what targets say stands in code, where it means nothing to a reader of Markdown.
pub fn markdown(all: &CrashGroups) -> String {
    let plain = Style::default();
    let mut out = format!("## {}", summary(all));
    if let Some(first) = all.first_failure.as_ref().filter(|_| all.snapshots > 1) {
        let _ = writeln!(out, "\nFirst failure: {}", code(&sentence(first, &plain)));
    }
    for (index, group) in all.groups.iter().enumerate() {
        let _ = writeln!(out, "\n### {}. {}\n", index + 1, code(&title(group)));
        let _ = writeln!(out, "{}; signature {}\n", when(group), code(&group.signature.hash));
        out.extend(stack(group, &plain).lines().map(|line| format!("    {line}\n")));
        let _ = writeln!(out, "\nFiles: {}", code(&files(group, &plain)));
    }
    out
}

/// What a crash has in common with others, for `sig`.
pub fn own_signature(signature: &Signature, style: &Style) -> String {
    let mut out = format!("{}  {}\n", style.paint(Role::Strong, &signature.hash), clean_str(&signature.kind));
    for function in &signature.functions {
        let _ = writeln!(out, "  {}", style.paint(Role::Function, clean(function)));
    }
    out
}

/// A span of code that nothing inside can end: the fence is longer than any run of backticks in it (CommonMark 6.1).
fn code(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

pub(super) fn summary(all: &CrashGroups) -> String {
    let unread = match all.unreadable.len() {
        0 => String::new(),
        count => format!(", {count} unreadable"),
    };
    let (snapshots, groups) = (all.snapshots, all.groups.len());
    let kinds = if groups == 1 { "1 kind" } else { &format!("{groups} kinds") };
    let count = if snapshots == 1 { "1 crash".to_owned() } else { format!("{snapshots} crashes") };
    format!("{count} of {kinds}{unread}\n")
}

/// `SIGSEGV in Queue::pop: 12 crashes`.
pub(super) fn title(group: &CrashGroup) -> String {
    let first = &group.first().crash;
    let kind = if group.signature.kind.is_empty() { crash::what_happened(first) } else { group.signature.kind.clone() };
    let place = group.signature.functions.first().map(|function| format!(" in {}", super::clean(function)));
    let count = match group.crashes.len() {
        1 => String::new(),
        count => format!(": {count} times"),
    };
    format!("{}{}{count}", clean_str(&kind), place.unwrap_or_default())
}

fn signature(group: &CrashGroup) -> String {
    format!("  (signature {})", group.signature.hash)
}

/// When, and which processes.
pub(super) fn when(group: &CrashGroup) -> String {
    let times: Vec<String> = group.crashes.iter().filter_map(|line| line.crash.time).map(units::utc).collect();
    let mut text = match (times.first(), times.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(first), _) => first.clone(),
        _ => "at an unknown time".to_owned(),
    };
    let who = |line: &SnapshotLine| match line.crash.rank {
        Some(rank) => format!("{} (rank {rank})", line.crash.pid),
        None => line.crash.pid.to_string(),
    };
    let named: Vec<String> = group.crashes.iter().take(CRASHES_NAMED).map(who).collect();
    let plural = if group.crashes.len() == 1 { "pid" } else { "pids" };
    let _ = write!(text, ", {plural} {}{}", named.join(", "), and_more(group));
    text
}

fn and_more(group: &CrashGroup) -> String {
    match group.crashes.len().saturating_sub(CRASHES_NAMED) {
        0 => String::new(),
        more => format!(", … {more} more"),
    }
}

fn stack(group: &CrashGroup, style: &Style) -> String {
    let Some(stack) = &group.stack else { return "   the stack could not be read again\n".to_owned() };
    frames::backtrace(stack, style).lines().map(|line| format!("   {line}\n")).collect()
}

fn files(group: &CrashGroup, style: &Style) -> String {
    let named = group.crashes.iter().take(CRASHES_NAMED).map(|line| style.path(&line.file.as_path().into()));
    named.collect::<Vec<_>>().join("  ") + &and_more(group)
}

/// `pid 7 (worker) died of SIGSEGV in Queue::pop at queue.cpp:41, 2026-11-20 17:05:59 UTC`.
pub(super) fn sentence(line: &SnapshotLine, style: &Style) -> String {
    let place = line
        .crash
        .frame
        .as_ref()
        .map(|frame| format!(" in {}", frames::place_with_caller(frame, line.crash.python.as_ref(), style)));
    let time = line.crash.time.map(|time| format!(", {}", units::utc(time)));
    crash::headline(&line.crash, style) + &place.unwrap_or_default() + &time.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn code_cannot_be_ended_by_what_is_in_it() {
        assert_eq!(super::code("a`b"), "``a`b``");
        assert_eq!(super::code("```"), "```` ``` ````");
        assert_eq!(super::code("plain"), "`plain`");
    }
}
