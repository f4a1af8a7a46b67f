//! Mappings, modules, files, environment, limits and processes as text.

use std::fmt::Write as _;

use dpdb_snapshot::Text;

use super::style::{Role, Style, clean, clean_str};
use super::table::{Table, cell, number, plain};
use super::{frames, units};
use crate::engine::{
    AuxiliaryVector, Environment, FileDescriptors, Hex, HexRange, Limits, Mappings, Modules, Tree, WhatAt,
};

fn start(range: &HexRange) -> super::table::Cell {
    cell(Role::Address, format!("{:#018x}", range.start.0))
}

fn end(range: &HexRange) -> super::table::Cell {
    cell(Role::Address, format!("{:#018x}", range.end.0))
}

fn size(range: &HexRange) -> super::table::Cell {
    number(units::bytes(range.end.0.saturating_sub(range.start.0)))
}

/// The memory mappings.
pub fn mappings(mappings: &Mappings, style: &Style) -> String {
    let mut table = Table::new(&["start", "end", "size", "perm", "offset", "path", "left out"]);
    for mapping in &mappings.mappings {
        table.row(vec![
            start(&mapping.range),
            end(&mapping.range),
            size(&mapping.range),
            plain(&mapping.permissions),
            plain(mapping.offset),
            cell(Role::File, clean(&mapping.path)),
            cell(Role::Doubt, mapping.left_out.as_deref().map(clean_str).unwrap_or_default()),
        ]);
    }
    table.render(style)
}

/// The path in the process, and the file that is used in its place.
fn path_and_file(path: &Text, file: Option<&Text>) -> String {
    match file.filter(|file| *file != path) {
        Some(file) => format!("{} (read from {})", clean(path), clean(file)),
        None => clean(path),
    }
}

/// The executable and libraries.
pub fn modules(modules: &Modules, style: &Style) -> String {
    let mut table = Table::new(&["start", "end", "symbols", "build-id", "path"]);
    let mut warnings = String::new();
    for module in &modules.modules {
        let role = if module.symbols == "none" { Role::Doubt } else { Role::Plain };
        let build_id = module.build_id.as_deref().unwrap_or("-");
        let short: String = build_id.chars().take(16).collect();
        table.row(vec![
            start(&module.range),
            end(&module.range),
            cell(role, module.symbols),
            cell(Role::Faint, short),
            cell(Role::File, path_and_file(&module.path, module.file.as_ref())),
        ]);
        for warning in &module.warnings {
            let _ = writeln!(warnings, "{} {}", style.paint(Role::Doubt, "warning:"), clean_str(warning));
        }
    }
    table.render(style) + &warnings
}

/// The open files.
pub fn file_descriptors(fds: &FileDescriptors, style: &Style) -> String {
    let mut table = Table::new(&["fd", "mode", "position", "target", ""]);
    for fd in &fds.fds {
        // O_ACCMODE of open(2).
        let mode = match fd.flags.map(|flags| flags & 3) {
            Some(0) => "r",
            Some(1) => "w",
            Some(2) => "rw",
            _ => "-",
        };
        table.row(vec![
            number(fd.fd),
            plain(mode),
            number(fd.position.map(|position| position.to_string()).unwrap_or_default()),
            cell(Role::File, clean(&fd.target)),
            plain(fd.socket.as_deref().map(clean_str).unwrap_or_default()),
        ]);
    }
    table.render(style)
}

/// The environment, a variable on each line.
pub fn environment(environment: &Environment) -> String {
    environment.variables.iter().map(|variable| clean(variable) + "\n").collect()
}

/// The resource limits.
pub fn limits(limits: &Limits, style: &Style) -> String {
    let amount = |limit: Option<u64>| number(limit.map_or("unlimited".to_owned(), |limit| limit.to_string()));
    let mut table = Table::new(&["limit", "soft", "hard", "unit"]);
    for limit in &limits.limits {
        table.row(vec![
            plain(clean_str(&limit.name)),
            amount(limit.soft),
            amount(limit.hard),
            plain(clean_str(&limit.unit)),
        ]);
    }
    table.render(style)
}

/// The processes of the tree, children under their parents' lines as the file has them.
pub fn tree(tree: &Tree, style: &Style) -> String {
    let mut table = Table::new(&["", "pid", "parent", "state", "threads", "name"]);
    for process in &tree.processes {
        table.row(vec![
            plain(if process.pid == tree.pid { ">" } else { "" }),
            number(process.pid),
            number(process.ppid),
            plain(process.state),
            number(process.threads),
            plain(clean(&process.comm)),
        ]);
    }
    table.render(style)
}

/// The auxiliary vector.
pub fn auxiliary_vector(vector: &AuxiliaryVector, style: &Style) -> String {
    let mut table = Table::bare();
    for entry in &vector.entries {
        let name = entry.name.map_or_else(|| format!("type {}", entry.number), str::to_owned);
        table.row(vec![plain(name), cell(Role::Address, entry.value), plain(entry.value.0)]);
    }
    table.render(style)
}

/// What an address is in, a line for each thing it is.
pub fn what_at(what: &WhatAt, style: &Style) -> String {
    let mut out = format!("{}", style.paint(Role::Address, what.address));
    if let Some(symbol) = &what.symbol {
        let offset = if symbol.offset == 0 { String::new() } else { format!("+{}", symbol.offset) };
        let size = if symbol.size == 0 { String::new() } else { format!(" ({} bytes long)", symbol.size) };
        let _ = write!(out, " is {}{offset}{size}", style.paint(Role::Function, clean_str(&symbol.name)));
    }
    out.push('\n');
    let mut fact = |text: String| out.push_str(&format!("  {text}\n"));
    if let Some(source) = &what.source {
        fact(format!("line {}:{}", style.path(&source.file), source.line));
    }
    if let Some(module) = &what.module {
        fact(format!("module {}, at {} in the file", clean(&module.path), module.address_in_file));
    }
    if let Some(stack) = &what.stack {
        fact(match &stack.frame {
            Some(frame) => {
                format!("stack of thread {}, frame #{} {}", stack.tid, frame.number, frames::place(frame, style))
            }
            None => format!("stack of thread {}, in no frame", stack.tid),
        });
    }
    if let Some(mapping) = &what.mapping {
        let path = if mapping.path.as_bytes().is_empty() { "anonymous".to_owned() } else { clean(&mapping.path) };
        fact(format!("mapping {} {} {path}", span(&mapping.range), mapping.permissions));
    }
    for neighbour in &what.neighbours {
        let side = if neighbour.above { "below" } else { "behind" };
        let path = clean(&neighbour.mapping.path);
        fact(format!(
            "not mapped: {} {side} {} {} {path}",
            distance(neighbour.distance),
            span(&neighbour.mapping.range),
            neighbour.mapping.permissions
        ));
    }
    if !what.registers.is_empty() {
        fact(format!("held by {}", what.registers.join(", ")));
    }
    if let Some(absent) = what.absent.as_ref().filter(|_| what.mapping.is_some()) {
        fact(clean_str(absent));
    }
    out
}

fn span(range: &HexRange) -> String {
    format!("{}-{}", range.start, range.end)
}

fn distance(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} bytes", Hex(bytes)) } else { units::bytes(bytes) }
}
