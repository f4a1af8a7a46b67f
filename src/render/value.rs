//! Values as text, in the syntax of their language and with gdb's words where it has some.

use dpdb_analyzer::{Literal, Missing, ValueTree};
use dpdb_snapshot::Absent;

use super::style::clean_str;
use super::value_number::{float, formatted, single};
use super::value_string::{byte_string, character, quoted, wide_string};

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub struct Spelling {
    /// As Rust writes them, not C.
    pub rust: bool,
    /// gdb's letter for numbers (`x`, `d`, `t`, …).
    pub format: Option<char>,
    /// Members on lines of their own.
    pub tree: bool,
    /// Text is cut after so many characters.
    pub longest: usize,
}

impl Spelling {
    /// On one line, as its language writes it.
    pub fn of(language: Option<&str>) -> Spelling {
        Spelling { rust: language == Some("rust"), format: None, tree: false, longest: 100_000 }
    }
}

/// This many equal elements and more are written once.
const REPEATS: usize = 10;

/// A value that was asked for by itself, which tells the type of a pointer in front as gdb does.
pub fn whole(value: &ValueTree, type_name: &str, spelling: Spelling) -> String {
    let text = self::value(value, spelling);
    let element = type_name.strip_suffix(" *").map(|name| name.strip_prefix("const ").unwrap_or(name));
    let is_text = matches!(element, Some("char" | "wchar_t" | "char16_t" | "char32_t"));
    let unremarked = match value {
        ValueTree::Remarked { value, .. } => value,
        value => value,
    };
    let prefix = match unremarked {
        _ if spelling.format.is_some() || spelling.rust => None,
        ValueTree::MemberPointer(name) if name != "NULL" => Some(format!("({}) ", clean_str(type_name))),
        ValueTree::Pointer { .. } if !is_text => Some(format!("({}) ", clean_str(type_name))),
        ValueTree::Reference { .. } => Some(format!("({}) ", clean_str(type_name))),
        ValueTree::Function { .. } => Some(format!("{{{}}} ", clean_str(type_name))),
        _ => None,
    };
    prefix.unwrap_or_default() + &text
}

/// A value inside another, or behind its name.
pub fn value(value: &ValueTree, spelling: Spelling) -> String {
    let text = Writer { spelling }.value(value, 0);
    match text.char_indices().nth(spelling.longest) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Writes one value.
pub(super) struct Writer {
    spelling: Spelling,
}

impl Writer {
    pub(super) fn is_rust(&self) -> bool {
        self.spelling.rust
    }

    /// A value that stands `level` braces deep.
    pub(super) fn value(&self, value: &ValueTree, level: usize) -> String {
        let rust = self.spelling.rust;
        if let Some(missing) = value.missing() {
            return absence(missing);
        }
        match value {
            ValueTree::Integer(value) => value.to_string(),
            ValueTree::Large(value) => value.to_string(),
            ValueTree::Character { code, size, prefix } => character(*code, *size, if rust { "" } else { prefix }),
            ValueTree::Word { bits, width, kind } => {
                formatted(*bits, *width, *kind, self.spelling.format.unwrap_or('x'), rust)
            }
            ValueTree::Bool(value) => value.to_string(),
            ValueTree::Single(value) => single(*value, rust),
            ValueTree::Float(value) => float(*value, rust),
            ValueTree::Complex(re, im) => format!("{} + {}i", float(*re, rust), float(*im, rust)),
            ValueTree::Pointer { to, text, symbol } => pointer(&format!("{to}"), text.as_ref(), symbol.as_deref()),
            ValueTree::Function { at, symbol } => pointer(&format!("{at}"), None, symbol.as_deref()),
            ValueTree::Reference { to: Some(to), value } => format!("@{to}: {}", self.value(value, level)),
            ValueTree::Reference { to: None, value } => format!("<synthetic pointer>: {}", self.value(value, level)),
            ValueTree::Enumerator { name: None, value } => value.to_string(),
            ValueTree::Enumerator { name: Some(name), .. } if name.contains('|') => {
                format!("({})", clean_str(&name.replace('|', " | ")))
            }
            ValueTree::Enumerator { name: Some(name), .. } => clean_str(name),
            ValueTree::Named { type_name, value } => self.named(&without_arguments(type_name), value, level),
            ValueTree::Struct(fields) => self.record("", fields, level),
            ValueTree::Union(fields) => self.record("", fields, level),
            ValueTree::Incomplete => "<incomplete type>".to_owned(),
            ValueTree::Array { items, length } => {
                self.wide_text(items, *length).unwrap_or_else(|| self.array(items, *length, level))
            }
            ValueTree::Bytes { bytes, length } => self.bytes(bytes, *length),
            ValueTree::Variant { name, value: None } => clean_str(name),
            ValueTree::Variant { name, value: Some(value) } => self.named(name, value, level),
            ValueTree::Logical(logical) => self.logical(logical, level),
            ValueTree::Remarked { value, remark } => self.remarked(value, remark, level),
            ValueTree::Void if rust => "()".to_owned(),
            ValueTree::Void => "void".to_owned(),
            ValueTree::MemberPointer(text) => clean_str(text),
            ValueTree::Truncated(_) => "...".to_owned(),
            ValueTree::TimedOut(limit) => format!("<cut after {} ms>", limit.as_millis()),
            // What the analyzer learns to tell before it is written here is shown as its data.
            other => clean_str(&serde_json::to_string(other).unwrap_or_default()),
        }
    }

    /// Rust's structures and variants: `Point {x: 1}`, `Some(1)`, `(1, 2)`, `Unit`.
    fn named(&self, name: &str, value: &ValueTree, level: usize) -> String {
        let name = if name.starts_with('(') { String::new() } else { clean_str(name) };
        match value {
            ValueTree::Struct(fields) if fields.is_empty() => {
                if name.is_empty() {
                    "()".to_owned()
                } else {
                    name
                }
            }
            ValueTree::Struct(fields) if is_tuple(fields) => {
                let items: Vec<String> = fields.iter().map(|(_, value)| self.value(value, level + 1)).collect();
                let lone = if name.is_empty() && items.len() == 1 { "," } else { "" };
                format!("{name}({}{lone})", items.join(", "))
            }
            ValueTree::Struct(fields) => self.record(&format!("{name} "), fields, level),
            other => format!("{name}({})", self.value(other, level)),
        }
    }

    pub(super) fn record(&self, name: &str, fields: &[(String, ValueTree)], level: usize) -> String {
        let items = fields.iter().map(|(name, value)| self.field(name, value, level + 1)).collect();
        let whole = self.braced("{", items, "}", level, true);
        format!("{name}{whole}")
    }

    fn field(&self, name: &str, value: &ValueTree, level: usize) -> String {
        let value = self.value(value, level);
        if let Some(base) = name.strip_prefix("<base:").and_then(|rest| rest.strip_suffix('>')) {
            return format!("<{}> = {value}", clean_str(base));
        }
        match name {
            "<anon>" | "" => value,
            "<vptr>" => format!("_vptr = {value}"),
            "<truncated>" => "...".to_owned(),
            name if self.spelling.rust => format!("{}: {value}", clean_str(name)),
            name => format!("{} = {value}", clean_str(name)),
        }
    }

    pub(super) fn array(&self, items: &[ValueTree], length: u64, level: usize) -> String {
        let mut parts = Vec::new();
        let mut rest = items;
        while let Some(first) = rest.first() {
            let equal = rest.iter().take_while(|item| *item == first).count();
            let text = self.value(first, level + 1);
            if equal >= REPEATS {
                parts.push(format!("{text} <repeats {equal} times>"));
            } else {
                parts.extend(std::iter::repeat_n(text, equal));
            }
            rest = &rest[equal..];
        }
        self.list(parts, length.saturating_sub(items.len() as u64), level)
    }

    /// An array of wide characters, in a language that writes such as text.
    fn wide_text(&self, items: &[ValueTree], length: u64) -> Option<String> {
        let unit = |item: &ValueTree| match item {
            ValueTree::Character { code, size, prefix } if !prefix.is_empty() => Some((*code as u32, *size, *prefix)),
            _ => None,
        };
        let (_, size, prefix) = unit(items.first()?).filter(|_| !self.spelling.rust)?;
        let units: Vec<u32> = items.iter().map(|item| unit(item).map(|(code, ..)| code)).collect::<Option<_>>()?;
        Some(wide_string(prefix, &units, size, length))
    }

    fn bytes(&self, bytes: &[u8], length: u64) -> String {
        match self.spelling.format {
            None | Some('s') if !self.spelling.rust => byte_string(bytes, length),
            None | Some('s') => {
                let items: Vec<ValueTree> = bytes.iter().map(|byte| ValueTree::Integer((*byte).into())).collect();
                self.array(&items, length, 0)
            }
            Some(_) => {
                let word = |byte: &u8| ValueTree::Word {
                    bits: (*byte).into(),
                    width: 8,
                    kind: dpdb_analyzer::WordKind::Signed,
                };
                let items: Vec<ValueTree> = bytes.iter().map(word).collect();
                self.array(&items, length, 0)
            }
        }
    }

    /// Elements in their order, and how many more there are.
    pub(super) fn list(&self, mut parts: Vec<String>, more: u64, level: usize) -> String {
        let (open, close) = if self.spelling.rust { ("[", "]") } else { ("{", "}") };
        let spread = parts.iter().any(|part| part.contains('\n') || part.starts_with('{'));
        parts.extend((more > 0).then(|| left_out(more)));
        self.braced(open, parts, close, level, spread)
    }

    /// The parts between braces: in a line, or each on a line of its own where a tree is asked for.
    pub(super) fn braced(&self, open: &str, parts: Vec<String>, close: &str, level: usize, spread: bool) -> String {
        if !self.spelling.tree || !spread || parts.is_empty() {
            return format!("{open}{}{close}", parts.join(", "));
        }
        let (inner, outer) = ("  ".repeat(level + 1), "  ".repeat(level));
        format!("{open}\n{inner}{}\n{outer}{close}", parts.join(&format!(",\n{inner}")))
    }
}

/// What stands for elements that a limit cut: `… 1,900 more`.
pub(super) fn left_out(more: u64) -> String {
    format!("… {} more", grouped(more))
}

/// A number with a comma after every three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn pointer(address: &str, text: Option<&Literal>, symbol: Option<&str>) -> String {
    let text = text.map(|Literal { prefix, text }| format!(" {}", quoted(prefix, text))).unwrap_or_default();
    let symbol = symbol.map(|symbol| format!(" <{}>", clean_str(symbol))).unwrap_or_default();
    format!("{address}{text}{symbol}")
}

fn absence(missing: &Missing) -> String {
    match missing {
        Missing::Memory(Absent::NotCaptured { reason, .. }) => format!("<not captured: {}>", clean_str(reason)),
        missing => format!("<{}>", clean_str(&missing.to_string())),
    }
}

fn is_tuple(fields: &[(String, ValueTree)]) -> bool {
    fields.iter().enumerate().all(|(index, (name, _))| name.strip_prefix("__") == Some(index.to_string().as_str()))
}

/// `Pair` of `Pair<i32>`; tuples stay as they are.
fn without_arguments(name: &str) -> String {
    let end = if name.starts_with(['(', '&', '*', '[']) { None } else { name.find('<').filter(|&at| at > 0) };
    name[..end.unwrap_or(name.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Spelling, value, whole};
    use dpdb_analyzer::{Literal, Missing, ValueTree, WordKind};
    use dpdb_snapshot::Avma;

    fn field(name: &str, value: ValueTree) -> (String, ValueTree) {
        (name.to_owned(), value)
    }

    const C: Spelling = Spelling { rust: false, format: None, tree: false, longest: 1000 };
    const RUST: Spelling = Spelling { rust: true, ..C };

    #[test]
    fn values_of_c_are_written_as_gdb_writes_them() {
        let point = ValueTree::Struct(vec![field("x", ValueTree::Integer(3)), field("y", ValueTree::Integer(-4))]);
        assert_eq!(value(&point, C), "{x = 3, y = -4}");
        let derived = ValueTree::Struct(vec![field("<base:Base>", point.clone()), field("<anon>", point.clone())]);
        assert_eq!(value(&derived, C), "{<Base> = {x = 3, y = -4}, {x = 3, y = -4}}");
        assert_eq!(value(&point, Spelling { tree: true, ..C }), "{\n  x = 3,\n  y = -4\n}");
        let flags = ValueTree::Enumerator { name: Some("FLAG_A|FLAG_C".to_owned()), value: 5 };
        assert_eq!(value(&flags, C), "(FLAG_A | FLAG_C)");
        let pointer = ValueTree::Pointer { to: Avma(0x1000), text: None, symbol: Some("add".to_owned()) };
        assert_eq!(whole(&pointer, "int (*)(int)", C), "(int (*)(int)) 0x1000 <add>");
        let text = ValueTree::Pointer {
            to: Avma(0x1000),
            text: Some(Literal { prefix: "", text: "a\u{1b}\"\n".to_owned() }),
            symbol: None,
        };
        assert_eq!(whole(&text, "const char *", C), "0x1000 \"a\\033\\\"\\n\"");
        assert_eq!(value(&ValueTree::Missing(Missing::OptimizedOut), C), "<optimized out>");
        assert_eq!(value(&ValueTree::Missing(Missing::NotSaved("rax")), C), "<rax was not saved>");
    }

    #[test]
    fn equal_elements_are_counted_and_cut_arrays_say_so() {
        let mut items = vec![ValueTree::Integer(7); 12];
        items.push(ValueTree::Integer(8));
        assert_eq!(value(&ValueTree::Array { items: items.clone(), length: 13 }, C), "{7 <repeats 12 times>, 8}");
        assert_eq!(
            value(&ValueTree::Array { items: items.clone(), length: 99 }, C),
            "{7 <repeats 12 times>, 8, … 86 more}"
        );
        assert_eq!(value(&ValueTree::Array { items: items[10..].to_vec(), length: 3 }, RUST), "[7, 7, 8]");
    }

    #[test]
    fn values_of_rust_are_written_as_rust_writes_them() {
        let named = |name: &str, fields| ValueTree::Named {
            type_name: name.to_owned(),
            value: Box::new(ValueTree::Struct(fields)),
        };
        let one = || ValueTree::Integer(1);
        assert_eq!(value(&named("Pair<i32>", vec![field("x", one())]), RUST), "Pair {x: 1}");
        assert_eq!(value(&named("(i32, u8)", vec![field("__0", one()), field("__1", one())]), RUST), "(1, 1)");
        assert_eq!(value(&named("Meters", vec![field("__0", one())]), RUST), "Meters(1)");
        assert_eq!(value(&named("Unit", vec![]), RUST), "Unit");
        let some = ValueTree::Struct(vec![field("__0", one())]);
        let some = ValueTree::Variant { name: "Some".to_owned(), value: Some(Box::new(some)) };
        assert_eq!(value(&some, RUST), "Some(1)");
        assert_eq!(value(&ValueTree::Variant { name: "None".to_owned(), value: None }, RUST), "None");
    }

    #[test]
    fn formats_change_every_number_and_hostile_names_are_escaped() {
        let word = |bits, width| ValueTree::Word { bits, width, kind: WordKind::Signed };
        let hex = Spelling { format: Some('x'), ..C };
        let both = ValueTree::Array { items: vec![word(0xffff_ffff, 32), word(0x41, 8)], length: 2 };
        assert_eq!(value(&both, hex), "{0xffffffff, 0x41}");
        assert_eq!(value(&both, Spelling { format: Some('d'), ..C }), "{-1, 65}");
        let hostile = ValueTree::Struct(vec![field("a\u{1b}[2J", ValueTree::Integer(1))]);
        assert!(!value(&hostile, C).contains('\u{1b}'));
        let long = ValueTree::Bytes { bytes: vec![b'x'; 9], length: 9 };
        assert_eq!(value(&long, Spelling { longest: 4, ..C }), "\"xxx...");
    }
}
