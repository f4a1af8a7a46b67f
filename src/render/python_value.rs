//! Python values that were asked for: in gdb's formats, or wrapped as Python's `pprint` wraps them.

use std::fmt::Write as _;

use dpdb_analyzer::{PythonItems, PythonValue};

use super::style::clean_str;

/// What `pprint` takes a line to be.
const WIDTH: usize = 80;

/// A value on one line, or as a tree.
pub fn printed(value: &PythonValue, format: Option<char>, tree: bool) -> String {
    let writer = Writer { format };
    if tree { writer.tree(value, 0, 0) } else { writer.line(value) }
}

struct Writer {
    format: Option<char>,
}

/// The brackets of a container, and how a lone item is written.
fn brackets(kind: PythonItems, length: usize) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        PythonItems::Tuple if length == 1 => ("(", ",)"),
        PythonItems::Tuple => ("(", ")"),
        PythonItems::List => ("[", "]"),
        PythonItems::Set if length > 0 => ("{", "}"),
        PythonItems::FrozenSet if length > 0 => ("frozenset({", "})"),
        _ => return None,
    })
}

impl Writer {
    /// A value on one line.
    fn line(&self, value: &PythonValue) -> String {
        if self.format.is_none() {
            return clean_str(&value.to_string());
        }
        match value {
            PythonValue::Int(_) | PythonValue::Bool(_) => self.number(value),
            PythonValue::Items { kind, items, length } => match brackets(*kind, items.len()) {
                Some((open, close)) => {
                    let items: Vec<String> = items.iter().map(|item| self.line(item)).collect();
                    format!("{open}{}{close}", with_rest(items, *length).join(", "))
                }
                None => clean_str(&value.to_string()),
            },
            PythonValue::Dict { entries, length } => {
                let entries = entries.iter().map(|(key, value)| format!("{}: {}", self.line(key), self.line(value)));
                format!("{{{}}}", with_rest(entries.collect(), *length).join(", "))
            }
            PythonValue::Derived { type_name, value } => format!("{}({})", clean_str(type_name), self.line(value)),
            other => clean_str(&other.to_string()),
        }
    }

    /// An integer in the format that was asked for.
    fn number(&self, value: &PythonValue) -> String {
        let PythonValue::Int(number) = value else { return clean_str(&value.to_string()) };
        match self.format {
            Some('x' | 'a') => format!("{number:#x}"),
            Some('z') => format!("{number:#018x}"),
            Some('o') => format!("{number:#o}"),
            Some('t') => format!("{number:#b}"),
            Some('c') => {
                let character = number.to_string().parse().ok().and_then(char::from_u32);
                character.map_or_else(|| number.to_string(), |c| format!("{number} {}", clean_str(&format!("{c:?}"))))
            }
            _ => number.to_string(),
        }
    }

    /// A value that begins `column` characters into its line, with `after` characters behind it: on that line if it
    /// fits, else its parts on lines of their own.
    fn tree(&self, value: &PythonValue, column: usize, after: usize) -> String {
        let whole = self.line(value);
        if column + whole.chars().count() + after <= WIDTH && !has_attributes(value) {
            return whole;
        }
        match value {
            PythonValue::Items { kind, items, length } if !items.is_empty() => {
                let Some((open, close)) = brackets(*kind, items.len()) else { return whole };
                let inner = column + open.len();
                let last = items.len() - 1;
                let parts = items.iter().enumerate();
                let parts =
                    parts.map(|(at, item)| self.tree(item, inner, if at == last { close.len() + after } else { 1 }));
                wrapped(open, with_rest(parts.collect(), *length), close, inner)
            }
            PythonValue::Dict { entries, length } if !entries.is_empty() => {
                let inner = column + 1;
                let parts = entries.iter().map(|(key, value)| {
                    let key = self.line(key);
                    let value = self.tree(value, inner + key.chars().count() + 2, 1 + after);
                    format!("{key}: {value}")
                });
                wrapped("{", with_rest(parts.collect(), *length), "}", inner)
            }
            PythonValue::Derived { type_name, value } => {
                let name = clean_str(type_name);
                let inner = self.tree(value, column + name.chars().count() + 1, 1 + after);
                format!("{name}({inner})")
            }
            PythonValue::Object { attributes, .. } => {
                let mut out = whole;
                let indent = " ".repeat(column + 2);
                for (name, value) in attributes {
                    let name = clean_str(name);
                    let value = self.tree(value, column + 2 + name.chars().count() + 3, 0);
                    let _ = write!(out, "\n{indent}{name} = {value}");
                }
                out
            }
            _ => whole,
        }
    }
}

fn has_attributes(value: &PythonValue) -> bool {
    matches!(value, PythonValue::Object { attributes, .. } if !attributes.is_empty())
}

/// The parts, and how many are not among them.
fn with_rest(mut parts: Vec<String>, length: u64) -> Vec<String> {
    let rest = length.saturating_sub(parts.len() as u64);
    if rest > 0 {
        parts.push(format!("… {rest} more"));
    }
    parts
}

fn wrapped(open: &str, parts: Vec<String>, close: &str, indent: usize) -> String {
    format!("{open}{}{close}", parts.join(&format!(",\n{}", " ".repeat(indent))))
}
