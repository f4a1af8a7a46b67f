//! The processes of a whole run as text.

use std::fmt::Write as _;

use super::style::{Role, Style, clean, clean_str};
use super::table::{Table, cell, number, plain};
use super::{crash, frames, text, units};
use crate::engine::{
    AppliedToProcesses, EqualStack, EqualStacks, PlaceInRun, ProcessAnswer, ProcessTree, Processes, RunProcess,
};

/// Threads of a group that are named.
const MEMBERS_SHOWN: usize = 8;

/// A table of processes, the first failure last.
pub fn processes(all: &Processes, style: &Style) -> String {
    let ranked = all.processes.iter().any(|process| process.line.crash.rank.is_some());
    let rank = ranked.then_some("rank");
    let headings = ["", "number", "time"].into_iter().chain(rank).chain(["pid", "parent", "process", "what", ""]);
    let mut table = Table::new(&headings.collect::<Vec<_>>());
    for process in &all.processes {
        let crash = &process.line.crash;
        let mut row = vec![
            cell(Role::Strong, if process.selected { ">" } else { "" }),
            number(process.number),
            plain(crash.time.map(units::utc).unwrap_or_default()),
        ];
        if ranked {
            row.push(number(crash.rank.map(|rank| rank.to_string()).unwrap_or_default()));
        }
        row.extend([number(crash.pid), number(process.ppid), plain(clean(&crash.comm))]);
        row.push(cell(Role::Error, crash::what_happened(crash)));
        row.push(cell(Role::Strong, notes(process).join(", ")));
        table.row(row);
    }
    table.render(style)
}

fn notes(process: &RunProcess) -> Vec<&'static str> {
    let notes = [(process.first_failure, "first"), (process.line.damaged, "damaged")];
    notes.into_iter().filter_map(|(is_so, note)| is_so.then_some(note)).collect()
}

/// The tree, each process below its parent.
pub fn tree(tree: &ProcessTree, style: &Style) -> String {
    let mut out = String::new();
    for node in &tree.nodes {
        let selected = node.snapshots.iter().any(|process| process.selected);
        let marker = if selected { style.paint(Role::Strong, ">").to_string() } else { " ".to_owned() };
        // A chain of a thousand shells is no wider than a terminal.
        let indent = "  ".repeat(node.depth.min(30));
        let _ = write!(out, "{marker} {indent}{} {}", node.pid, clean(&node.comm));
        for process in &node.snapshots {
            let crash = &process.line.crash;
            let rank = crash.rank.map(|rank| format!(" rank {rank}")).unwrap_or_default();
            let what = style.paint(Role::Error, crash::what_happened(crash));
            let first =
                if process.first_failure { style.paint(Role::Strong, " (first)").to_string() } else { String::new() };
            let _ = write!(out, "  number {}{rank}: {what}{first}", process.number);
        }
        out.push('\n');
    }
    out
}

/// `process 2 of 5, the first to fail; 'processes' lists them`.
pub fn place(place: PlaceInRun) -> String {
    let first = if place.first_failure { ", the first to fail" } else { "" };
    format!("process {} of {}{first}; 'processes' lists them", place.number, place.count)
}

/// What a command said of each process.
pub fn applied(applied: &AppliedToProcesses, style: &Style) -> String {
    let mut out = String::new();
    for (index, answer) in applied.answers.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let _ = writeln!(out, "{gap}{}", style.paint(Role::Strong, format!("{}:", head(&answer.process))));
        out += &said(answer, style);
    }
    out + given_up(applied.given_up)
}

fn given_up(given_up: bool) -> &'static str {
    if given_up { "interrupted: the other processes were not looked at\n" } else { "" }
}

/// `process 1: pid 1234 (worker) rank 3`.
pub fn head(process: &RunProcess) -> String {
    let crash = &process.line.crash;
    let rank = crash.rank.map(|rank| format!(" rank {rank}")).unwrap_or_default();
    format!("process {}: pid {} ({}){rank}", process.number, crash.pid, clean(&crash.comm))
}

/// The reply to a command or its error.
pub fn said(answer: &ProcessAnswer, style: &Style) -> String {
    let reply = answer.reply.as_ref().map(|reply| text(reply, style)).unwrap_or_default();
    match &answer.error {
        Some(error) => format!("{reply}{}\n", style.paint(Role::Error, clean_str(error))),
        None => reply,
    }
}

/// Equal stacks with their threads, the most frequent first.
pub fn equal_stacks(all: &EqualStacks, style: &Style) -> String {
    let threads = units::counted(all.threads, "thread");
    let processes = units::counted_as(all.processes, "process", "processes");
    let mut out = format!("{threads} of {processes}, {}\n", units::counted(all.groups.len(), "different stack"));
    for group in &all.groups {
        let title = format!("{}: {}", units::counted(group.members.len(), "thread"), members(group));
        let _ = writeln!(out, "\n{}", style.paint(Role::Strong, title));
        match group.frames.as_slice() {
            [] => out += "  no frames\n",
            found => out += &frames::lines(found, style),
        }
    }
    for sentence in &all.unreadable {
        let _ = writeln!(out, "{}", style.paint(Role::Error, clean_str(sentence)));
    }
    out + given_up(all.given_up)
}

/// `rank 0 (pid 12), pid 13, thread 15 of pid 13 and 40 more`.
fn members(group: &EqualStack) -> String {
    let named: Vec<String> = group
        .members
        .iter()
        .take(MEMBERS_SHOWN)
        .map(|member| {
            let process = match member.rank {
                Some(rank) => format!("rank {rank} (pid {})", member.pid),
                None => format!("pid {}", member.pid),
            };
            if member.tid == member.pid { process } else { format!("thread {} of {process}", member.tid) }
        })
        .collect();
    let more = group.members.len() - named.len();
    named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}
