//! Variables, printed values, types and lists of names.

use std::fmt::Write as _;

use super::python_value;
use super::style::{Role, Style, clean, clean_str};
use super::value::{Spelling, value, whole};
use crate::engine::{
    Class, ClassName, Displayed, Found, NamedEntries, Printed, PrintedValue, TypeText, VariableLine, Variables,
};

/// An argument in a line of `bt` is cut here.
const LONGEST_ARGUMENT: usize = 64;

/// `name = value`, a line each.
pub fn variables(all: &Variables, style: &Style) -> String {
    let mut out = String::new();
    let mut file = None;
    for variable in &all.variables {
        if variable.file.is_some() && variable.file != file {
            file = variable.file.clone();
            let path = file.as_ref().map(|file| style.path(file)).unwrap_or_default();
            let _ = writeln!(out, "{}", style.paint(Role::File, format!("{path}:")));
        }
        out += &line(variable, all.language, style);
    }
    if let Some(note) = &all.note {
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, clean_str(note)));
    }
    out
}

/// `name = value`, and what it was at the function's entry.
pub fn line(variable: &VariableLine, language: Option<&str>, style: &Style) -> String {
    let text = value(&variable.value, Spelling::of(language));
    let mut out = format!("{} = {text}\n", style.paint(Role::Strong, clean_str(&variable.name)));
    if let Some(entry) = variable.entry_value.as_ref().filter(|entry| **entry != variable.value) {
        let text = value(entry, Spelling::of(language));
        let _ = writeln!(out, "{} = {text}", style.paint(Role::Strong, clean_str(&variable.name) + "@entry"));
    }
    out
}

/// `(this=0x0, n=3)`.
pub fn arguments(arguments: &[VariableLine], language: Option<&str>) -> String {
    let spelling = Spelling { longest: LONGEST_ARGUMENT, ..Spelling::of(language) };
    let text = |variable: &VariableLine| {
        let name = clean_str(&variable.name);
        match &variable.entry_value {
            Some(entry) if variable.value.is_optimized_out() => format!("{name}@entry={}", value(entry, spelling)),
            _ => format!("{name}={}", value(&variable.value, spelling)),
        }
    };
    format!("({})", arguments.iter().map(text).collect::<Vec<_>>().join(", "))
}

/// `$1 = value`.
pub fn printed(printed: &Printed) -> String {
    let text = shown(printed);
    match printed.history {
        Some(number) => format!("${number} = {text}\n"),
        None => format!("{text}\n"),
    }
}

fn shown(printed: &Printed) -> String {
    match &printed.value {
        PrintedValue::Native(value) => {
            let spelling = Spelling { format: printed.format, tree: printed.tree, ..Spelling::of(printed.language) };
            whole(value, &printed.type_name, spelling)
        }
        PrintedValue::Python(value) => python_value::printed(value, printed.format, printed.tree),
    }
}

/// `1: name = value`, a line each.
pub fn displays(all: &[Displayed], style: &Style) -> String {
    let mut out = String::new();
    for one in all {
        let format = one.value.as_ref().and_then(|value| value.format).map(|letter| format!("/{letter} "));
        let head = format!("{}: {}{}", one.number, format.unwrap_or_default(), clean_str(&one.expression));
        let text = match (&one.value, &one.error) {
            (Some(value), _) => shown(value),
            (None, Some(error)) => style.paint(Role::Doubt, format!("<{}>", clean_str(error))).to_string(),
            (None, None) => String::new(),
        };
        let _ = writeln!(out, "{head} = {text}");
    }
    out
}

/// `type = struct point {...}`.
pub fn type_text(found: &TypeText) -> String {
    let lines: Vec<String> = found.text.lines().map(clean_str).collect();
    let heading = if found.offsets && lines.len() > 1 { "/* offset      |    size */  " } else { "" };
    format!("{heading}type = {}\n", lines.join("\n"))
}

/// Names of a class, those of its bases further to the right.
pub fn class(class: &Class) -> String {
    let line = |name: &ClassName| format!("{}{}\n", "  ".repeat(name.depth), clean_str(&name.name));
    match class.names.is_empty() {
        true => format!("no {} are known\n", class.of),
        false => class.names.iter().map(line).collect(),
    }
}

/// Declarations under the files that they are in.
pub fn names(names: &NamedEntries, style: &Style) -> String {
    let mut out = String::new();
    let mut file = None;
    for name in &names.names {
        if name.file != file {
            file.clone_from(&name.file);
            let path = file.as_ref().map_or_else(|| "without a file".to_owned(), |file| style.path(file));
            let _ = writeln!(out, "{}", style.paint(Role::File, format!("{path}:")));
        }
        let line = name.line.map(|line| line.to_string()).unwrap_or_default();
        let address = name.address.map(|at| format!("  {}", style.paint(Role::Address, at))).unwrap_or_default();
        let _ = writeln!(out, "{line:>6}  {}{address}", clean_str(&name.declaration));
    }
    if names.more {
        let note = format!("only the first {} are shown: give a narrower pattern", names.names.len());
        let _ = writeln!(out, "{}", style.paint(Role::Doubt, note));
    }
    out
}

/// Places in memory, a line each.
pub fn found(found: &Found, style: &Style) -> String {
    let mut out = String::new();
    for hit in &found.hits {
        let address = style.paint(Role::Address, format!("{:#018x}", hit.address.0)).to_string();
        let place =
            hit.place.as_ref().map(|place| format!("  {}", style.paint(Role::Faint, format!("<{}>", clean(place)))));
        let text = hit.text.as_ref().map(|text| format!("  {}", clean(text))).unwrap_or_default();
        let _ = writeln!(out, "{address}{text}{}", place.unwrap_or_default());
    }
    let size = super::units::bytes(found.searched);
    let count = found.hits.len();
    let note = match found.more {
        true => format!("the first {count} in {size}; there are more"),
        false if found.given_up => format!("{count} found in the first {size}; given up"),
        false => format!("{count} found in {size}"),
    };
    let _ = writeln!(out, "{}", style.paint(Role::Faint, note));
    out
}
