//! A value in a few words, as gdb prints it inside those of an iterator or an atomic.

use gimli::constants as dw;

use super::lens::{Lens, Looked, Object};
use crate::types::{self, Base, FieldKind, Qualifier, Record, TypeKind, TypeRef};
use crate::value::{Literal, Logical, Remark, ValueTree};

/// Elements and characters that are told.
const MOST: usize = 4;

/// The value in one line; what is inside what is inside it is `{...}`.
pub(super) fn text(lens: &mut Lens<'_, '_, '_>, object: &Object, level: usize) -> Looked<String> {
    let object = &lens.object(object.type_ref(), object.place.clone())?;
    Ok(match &object.of.kind {
        TypeKind::Base(base) => number(&scalar(lens, object), object, *base),
        TypeKind::Record(record) => match library(lens, object, level) {
            Some(text) => text,
            None if level > 0 => "{...}".to_owned(),
            None => members(lens, object, record)?,
        },
        TypeKind::Enumeration(_) => match scalar(lens, object) {
            ValueTree::Enumerator { name: Some(name), .. } => format!("{}{name}", scope_of_enumerators(lens, object)),
            value => value_text(&value),
        },
        _ => value_text(&scalar(lens, object)),
    })
}

/// A value that has none inside it. It stands in the words of the one around it, so it is as deep as that.
fn scalar(lens: &mut Lens<'_, '_, '_>, object: &Object) -> ValueTree {
    let (of, depth) = (object.type_ref(), lens.depth.min(lens.limits().depth));
    lens.keep(of, &object.place).unwrap_or_else(|| lens.builder.value(of, &object.place, depth))
}

/// A value whose type no longer matters.
fn value_text(value: &ValueTree) -> String {
    match value {
        ValueTree::Pointer { to, text: Some(Literal { prefix, text }), .. } => format!("{to} {prefix}{}", quoted(text)),
        ValueTree::Pointer { to, symbol: Some(symbol), .. } => format!("{to} <{symbol}>"),
        ValueTree::Pointer { to, .. } => to.to_string(),
        ValueTree::Enumerator { name: Some(name), .. } => name.clone(),
        ValueTree::Enumerator { value, .. } | ValueTree::Integer(value) => value.to_string(),
        ValueTree::Character { code, size: 1, .. } => character(*code),
        ValueTree::Bytes { bytes, .. } => {
            // The NUL at the end of a literal's array is none of its characters.
            quoted(&String::from_utf8_lossy(bytes.strip_suffix(&[0]).unwrap_or(bytes)))
        }
        ValueTree::Large(value) => value.to_string(),
        ValueTree::Bool(value) => value.to_string(),
        ValueTree::Single(value) => general((*value).into(), 9),
        ValueTree::Float(value) => general(*value, 17),
        ValueTree::Missing(missing) => format!("<{missing}>"),
        ValueTree::Logical(logical) => match &**logical {
            Logical::Text { text, prefix, .. } => format!("{prefix}{}", quoted(text)),
            _ => "{...}".to_owned(),
        },
        // clang only declares the class of its strings.
        ValueTree::Remarked { remark, .. } => match &**remark {
            Remark::Meaning(meaning @ ValueTree::Logical(_)) => value_text(meaning),
            _ => "{...}".to_owned(),
        },
        _ => "{...}".to_owned(),
    }
}

/// The members of a class, its bases first. Those of an anonymous one stand as deep as it does.
fn members(lens: &mut Lens<'_, '_, '_>, object: &Object, record: &Record) -> Looked<String> {
    // gdb has a printer for pairs, which tells of no base.
    let is_pair = super::bare(object.name()) == "pair";
    let mut parts = Vec::new();
    for field in record.fields.iter().filter(|field| !is_pair || field.kind == FieldKind::Member) {
        let inner = lens.field(object, field)?;
        let name = field.name.as_deref().unwrap_or_default();
        parts.push(match (field.kind, inner.record()) {
            (FieldKind::Base | FieldKind::VirtualBase, _) => format!("<{}> = {{...}}", lens.type_name(field.of)),
            (FieldKind::Member, Some(record)) if name.is_empty() => members(lens, &inner, record)?,
            (FieldKind::Member, _) if field.bits.is_some() => format!("{name} = {}", lens.number(&inner)?),
            _ => format!("{name} = {}", text(lens, &inner, 1)?),
        });
    }
    Ok(if parts.is_empty() { "{<No data fields>}".to_owned() } else { format!("{{{}}}", parts.join(", ")) })
}

/// Where an enumeration's enumerators are declared: in it, if it is scoped, else around it.
fn scope_of_enumerators(lens: &Lens<'_, '_, '_>, object: &Object) -> String {
    let unit = lens.view().unit(object.die.unit);
    let entry = unit.as_ref().and_then(|unit| unit.unit.entry(object.die.offset).ok());
    let is_scoped = entry.is_some_and(|entry| entry.has_attr(dw::DW_AT_enum_class));
    let own = is_scoped.then(|| object.name().to_owned());
    lens.view().path_of(object.die).into_iter().chain(own).map(|name| name + "::").collect()
}

/// What gdb's printers say of a value of the library, and what is in it.
fn library(lens: &mut Lens<'_, '_, '_>, object: &Object, level: usize) -> Option<String> {
    let logical = match lens.show_object(object) {
        ValueTree::Logical(logical) => logical,
        value @ ValueTree::Remarked { .. } => return Some(value_text(&value)).filter(|text| text != "{...}"),
        _ => return None,
    };
    if let Logical::Text { text, prefix, .. } = &*logical {
        return Some(format!("{prefix}{}", quoted(text)));
    }
    let name = super::bare(object.name());
    let header = header(lens, object, name, &logical)?;
    let children = if name == "vector" { elements(lens, object, &logical) } else { children(&logical, name) };
    Some(match &children[..] {
        [] => header,
        _ if level > 0 => format!("{header} = {{...}}"),
        children => format!("{header} = {{{}}}", listed(children, &logical)),
    })
}

fn header(lens: &mut Lens<'_, '_, '_>, object: &Object, name: &str, logical: &Logical) -> Option<String> {
    let argument = |lens: &Lens<'_, '_, '_>| lens.argument(object, 0).ok();
    // Namespaces inside of std are told too: those of `_GLIBCXX_DEBUG`, and of the lists of the new ABI.
    let path = format!("{}::{name}", lens.view().path_of(object.die).join("::"));
    Some(match (name, logical) {
        ("vector", Logical::Sequence { length, .. }) => {
            let (bits, capacity) = capacity(lens, object)?;
            format!("{path}{} of length {}, capacity {capacity}", if bits { "<bool>" } else { "" }, (*length)?)
        }
        ("deque", Logical::Sequence { length, .. }) => format!("{path} with {}", counted((*length)?)),
        ("list" | "forward_list", Logical::Sequence { items, .. }) => {
            format!("{}{path}", if items.is_empty() { "empty " } else { "" })
        }
        (_, Logical::Map { length, .. } | Logical::Set { length, .. }) => {
            format!("{path} with {}", counted(*length))
        }
        ("tuple", Logical::Tuple(items)) if !items.is_empty() => "std::tuple containing".to_owned(),
        ("optional", Logical::Optional(held)) => {
            let none = if held.is_none() { " [no contained value]" } else { "" };
            format!("std::optional<{}>{none}", recognised(lens, argument(lens)?))
        }
        ("variant", Logical::Alternative(held)) => {
            let arguments = lens.arguments(object);
            let arguments: Vec<_> = arguments.iter().map(|argument| recognised(lens, argument.of)).collect();
            let index = held.as_ref().map_or("no contained value".to_owned(), |(index, _)| format!("index {index}"));
            format!("std::variant<{}> [{index}]", arguments.join(", "))
        }
        (_, Logical::SmartPointer(pointer)) => {
            let of = format!("std::{name}<{}>", qualified(lens, argument(lens)?));
            match (name, pointer.use_count, pointer.weak_count) {
                ("unique_ptr", ..) => of,
                ("weak_ptr", Some(0), Some(weak)) => format!("{of} (expired, weak count {weak})"),
                (_, Some(uses), weak) => format!("{of} (use count {uses}, weak count {})", weak.unwrap_or_default()),
                _ => format!("{of} (empty)"),
            }
        }
        (_, Logical::Object { summary, .. }) => summary.clone(),
        _ => return None,
    })
}

/// Whether a vector is one of bits, and how many elements it has room for.
fn capacity(lens: &Lens<'_, '_, '_>, object: &Object) -> Option<(bool, u64)> {
    let end = lens.number_in(object, "_M_impl._M_end_of_storage").ok()?;
    if let Ok(start) = lens.pointer_in(object, "_M_impl._M_start._M_p") {
        return Some((true, end.saturating_sub(start.to.0).saturating_mul(8)));
    }
    let start = lens.pointer_in(object, "_M_impl._M_start").ok()?;
    Some((false, end.checked_sub(start.to.0)? / lens.size(start.target).ok()?.max(1)))
}

fn counted(elements: u64) -> String {
    format!("{elements} element{}", if elements == 1 { "" } else { "s" })
}

/// The first elements of a vector, whose types tell more of them than their values.
fn elements(lens: &mut Lens<'_, '_, '_>, object: &Object, logical: &Logical) -> Vec<String> {
    let Ok(start) = lens.pointer_in(object, "_M_impl._M_start") else { return children(logical, "vector") };
    let Logical::Sequence { length: Some(length), .. } = logical else { return Vec::new() };
    let size = lens.size(start.target).unwrap_or(1);
    let element = |index: u64| {
        let at = start.to.wrapping_add(index.saturating_mul(size));
        let element = lens.object_at(start.target, at);
        element.and_then(|element| text(lens, &element, 1)).unwrap_or_else(|_| "{...}".to_owned())
    };
    (0..*length).take(MOST + 1).map(element).collect()
}

/// What is in a value of the library, as its printer names it.
fn children(logical: &Logical, name: &str) -> Vec<String> {
    let numbered = |items: &[ValueTree], first: usize| {
        items.iter().enumerate().map(|(index, item)| format!("[{}] = {}", index + first, value_text(item))).collect()
    };
    match logical {
        Logical::Sequence { items, .. } if name.ends_with("list") => numbered(items, 0),
        Logical::Sequence { items, .. } => items.iter().map(value_text).collect(),
        Logical::Set { items, .. } => numbered(items, 0),
        Logical::Tuple(items) => numbered(items, 1),
        Logical::Map { entries, .. } => {
            entries.iter().map(|(key, value)| format!("[{}] = {}", value_text(key), value_text(value))).collect()
        }
        Logical::Optional(held) => {
            held.iter().map(|held| format!("[contained value] = {}", value_text(held))).collect()
        }
        Logical::Alternative(held) => held.iter().map(|(_, held)| value_text(held)).collect(),
        Logical::SmartPointer(pointer) => vec![format!("get() = {}", pointer.to)],
        Logical::Object { fields, .. } => {
            fields.iter().map(|(name, value)| format!("{name} = {}", value_text(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// The first children; keys and values count for themselves.
fn listed(children: &[String], logical: &Logical) -> String {
    let most = if matches!(logical, Logical::Map { .. }) { MOST / 2 } else { MOST };
    let shown = children[..children.len().min(most)].join(", ");
    if children.len() > most { shown + "..." } else { shown }
}

/// A type as an argument, with the short name that the library's recognisers give it.
fn recognised(lens: &Lens<'_, '_, '_>, of: TypeRef) -> String {
    let name = qualified(lens, of);
    for (class, short) in
        [("std::__cxx11::basic_string<char,", "std::string"), ("std::basic_string_view<char,", "std::string_view")]
    {
        if name.starts_with(class) {
            return short.to_owned();
        }
    }
    name
}

fn qualified(lens: &Lens<'_, '_, '_>, of: TypeRef) -> String {
    match of.and_then(|die| types::read(lens.view(), die)).map(|found| found.kind.clone()) {
        Some(TypeKind::Qualified(Qualifier::Const, to)) => format!("const {}", lens.type_name(to)),
        _ => lens.type_name(of),
    }
}

fn number(value: &ValueTree, object: &Object, base: Base) -> String {
    let single = object.of.size == Some(4);
    let is_character = matches!(base.encoding, dw::DW_ATE_signed_char | dw::DW_ATE_unsigned_char);
    match value.clone().plain() {
        ValueTree::Integer(code) if is_character => character(code),
        ValueTree::Integer(value) => value.to_string(),
        ValueTree::Large(value) => value.to_string(),
        ValueTree::Bool(value) => value.to_string(),
        ValueTree::Float(value) => general(value, if single { 9 } else { 17 }),
        ValueTree::Missing(missing) => format!("<{missing}>"),
        _ => "?".to_owned(),
    }
}

/// C's `%.*g`.
fn general(value: f64, digits: usize) -> String {
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent: i32 = scientific.rsplit('e').next().and_then(|exponent| exponent.parse().ok()).unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let mantissa = scientific.split('e').next().unwrap_or_default();
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    without_zeros(&format!("{value:.*}", (digits as i32 - 1 - exponent) as usize)).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A character of one byte: `97 'a'`.
fn character(code: i128) -> String {
    format!("{code} '{}'", escaped(char::from(code as u8), '\''))
}

fn escaped(c: char, quote: char) -> String {
    match c {
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0b' => "\\v".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\\' => "\\\\".to_owned(),
        c if c == quote => format!("\\{c}"),
        c if c.is_control() || (quote == '\'' && !c.is_ascii()) => format!("\\{:03o}", u32::from(c)),
        c => c.to_string(),
    }
}

/// The first characters of a text; a run of one character is never cut.
fn quoted(text: &str) -> String {
    let mut end = 0;
    let mut last = None;
    for (count, (at, c)) in text.char_indices().enumerate() {
        if count >= MOST && last != Some(c) {
            break;
        }
        (end, last) = (at + c.len_utf8(), Some(c));
    }
    let shown: String = text[..end].chars().map(|c| escaped(c, '"')).collect();
    format!("\"{shown}\"{}", if end < text.len() { "..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::{character, general, quoted};

    #[test]
    fn floats_are_written_as_printf_does() {
        assert_eq!(general(0.1, 17), "0.10000000000000001");
        assert_eq!(general(2.5, 17), "2.5");
        assert_eq!(general(1e20, 17), "1e+20");
        assert_eq!(general(-1.5e-7, 9), "-1.5e-07");
    }

    #[test]
    fn characters_are_written_as_gdb_does() {
        assert_eq!(character(97), "97 'a'");
        assert_eq!(character(39), "39 '\\''");
        assert_eq!(character(7), "7 '\\a'");
        assert_eq!(character(-1), "-1 '\\377'");
        assert_eq!(quoted("abcde"), "\"abcd\"...");
        assert_eq!(quoted("abc\0\0\0"), "\"abc\\000\\000\\000\"");
        assert_eq!(quoted("a\"b"), "\"a\\\"b\"");
    }
}
