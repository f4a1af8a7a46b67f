//! Types as their language writes them.

use std::fmt::Write as _;

use super::evaluator::Evaluator;
use super::listing::Listed;
use super::value::ExprType;
use crate::dwarf::DieRef;
use crate::expr::Syntax;
use crate::types::{self, Count, Field, FieldKind, FieldPlace, Qualifier, Record, RecordKind, Type, TypeKind, TypeRef};
use crate::value::variable_type;

/// Types inside types that are spelled out.
const MOST_LEVELS: usize = 24;

impl Evaluator<'_, '_> {
    /// The name of a type.
    pub(super) fn type_name(&self, of: &ExprType) -> String {
        match of {
            ExprType::Program(die) => self.spelled(Some(*die), "", 0),
            ExprType::Void => "void".to_owned(),
            ExprType::Number(number) => number.name.to_owned(),
            ExprType::Pointer(to) => match (&**to, self.syntax) {
                (to, Syntax::Rust) => format!("*mut {}", self.type_name(to)),
                (ExprType::Function(returns), _) => format!("{} (*)()", self.type_name(returns)),
                (to, _) => joined(&self.type_name(to), "*"),
            },
            ExprType::Array(element, count) if self.syntax == Syntax::Rust => {
                format!("[{}; {count}]", self.type_name(element))
            }
            ExprType::Array(element, count) => {
                let inner = self.type_name(element);
                match inner.split_once('[') {
                    Some((base, rest)) => format!("{base}[{count}][{rest}"),
                    None => joined(&inner, &format!("[{count}]")),
                }
            }
            ExprType::Function(returns) => format!("{} ()", self.type_name(returns)),
        }
    }

    /// A declarator of `inner` with this type, as C writes it: what is declared stands in the middle.
    fn spelled(&self, of: TypeRef, inner: &str, level: usize) -> String {
        let Some(found) = of.and_then(|die| types::read(self.context.view, die)) else { return joined("void", inner) };
        if level > MOST_LEVELS {
            return joined("...", inner);
        }
        let rust = self.syntax == Syntax::Rust;
        match &found.kind {
            TypeKind::Function(returns) if !rust => {
                self.spelled(*returns, &format!("{inner}({})", self.parameters(of)), level + 1)
            }
            TypeKind::Function(returns) => self.rust_function(of, *returns, inner),
            // Rust's compiler names its pointers itself: `&mut u8`, `*const T`.
            _ if rust && found.name.is_some() => joined(&self.qualified(of, &found), inner),
            TypeKind::Pointer(to) => self.spelled(*to, &wrapped("*", inner, self.needs_parentheses(*to)), level + 1),
            TypeKind::Reference(to) => self.spelled(*to, &wrapped("&", inner, self.needs_parentheses(*to)), level + 1),
            TypeKind::Qualified(qualifier, to) => self.qualified_type(*qualifier, *to, inner, level),
            TypeKind::Array(array) => self.spelled(array.element, &format!("{inner}{}", dimensions(array)), level + 1),
            TypeKind::MemberPointer(to) => self.spelled(*to, &format!("::*{inner}"), level + 1),
            _ => joined(&self.qualified(of, &found), inner),
        }
    }

    /// The declaration of what is named `name` at `die`.
    pub(super) fn declared(&self, die: DieRef, name: &str, kind: Listed) -> String {
        match (kind, self.syntax) {
            (Listed::Types, _) => match types::read(self.context.view, die) {
                Some(found) => match &found.kind {
                    TypeKind::Alias(to) => format!("typedef {}", self.spelled(*to, name, 0)),
                    _ => self.qualified(Some(die), &found),
                },
                None => name.to_owned(),
            },
            (Listed::Variables, Syntax::Rust) => {
                format!("static {name}: {}", self.spelled(variable_type(self.context, die), "", 0))
            }
            (Listed::Variables, _) => self.spelled(variable_type(self.context, die), name, 0),
            (Listed::Functions, Syntax::Rust) => {
                let returns = variable_type(self.context, die);
                self.rust_function(Some(die), returns, "").replacen("fn", &format!("fn {name}"), 1)
            }
            (Listed::Functions, _) => {
                self.spelled(variable_type(self.context, die), &format!("{name}({})", self.parameters(Some(die))), 0)
            }
        }
    }

    /// The types of a function's parameters, as C lists them.
    fn parameters(&self, of: TypeRef) -> String {
        let Some((parameters, more)) = of.and_then(|die| types::parameters(self.context.view, die)) else {
            return String::new();
        };
        let mut names: Vec<String> = parameters.iter().map(|of| self.spelled(*of, "", MOST_LEVELS / 2)).collect();
        if more {
            names.push("...".to_owned());
        }
        let prototyped = self.syntax != Syntax::C || of.is_some_and(|die| types::is_prototyped(self.context.view, die));
        if names.is_empty() && prototyped { "void".to_owned() } else { names.join(", ") }
    }

    fn rust_function(&self, of: TypeRef, returns: TypeRef, inner: &str) -> String {
        let parameters = of.and_then(|die| types::parameters(self.context.view, die)).unwrap_or_default().0;
        let names: Vec<String> = parameters.iter().map(|of| self.spelled(*of, "", MOST_LEVELS / 2)).collect();
        let result = returns.map(|_| format!(" -> {}", self.spelled(returns, "", MOST_LEVELS / 2)));
        joined(&format!("fn({}){}", names.join(", "), result.unwrap_or_default()), inner)
    }

    fn qualified_type(&self, qualifier: Qualifier, to: TypeRef, inner: &str, level: usize) -> String {
        let word = match qualifier {
            Qualifier::Const => "const",
            Qualifier::Volatile => "volatile",
            Qualifier::Restrict => "restrict",
            Qualifier::Atomic => "_Atomic",
            Qualifier::Other => return self.spelled(to, inner, level + 1),
        };
        if self.is_pointer(to) {
            return self.spelled(to, &joined(word, inner), level + 1);
        }
        format!("{word} {}", self.spelled(to, inner, level + 1))
    }

    fn is_pointer(&self, of: TypeRef) -> bool {
        let found = of.and_then(|die| types::read(self.context.view, die));
        matches!(found.map(|found| matches!(found.kind, TypeKind::Pointer(_))), Some(true))
    }

    fn needs_parentheses(&self, of: TypeRef) -> bool {
        let found = of.and_then(|die| types::read(self.context.view, die));
        matches!(found.map(|found| matches!(found.kind, TypeKind::Array(_) | TypeKind::Function(_))), Some(true))
    }

    /// The name with its namespaces; `struct` and the like in front in C; `struct {...}` where there is no name.
    fn qualified(&self, of: TypeRef, found: &Type) -> String {
        let word = match &found.kind {
            TypeKind::Record(Record { kind: RecordKind::Struct, .. }) => "struct ",
            TypeKind::Record(Record { kind: RecordKind::Class, .. }) => "class ",
            TypeKind::Record(Record { kind: RecordKind::Union, .. }) => "union ",
            TypeKind::Enumeration(_) => "enum ",
            _ => "",
        };
        match (&found.name, of) {
            // Assembler says of its functions that nobody knows what they return.
            (None, _) if found.kind == TypeKind::Unspecified => "void".to_owned(),
            (None, _) => format!("{word}{{...}}"),
            (Some(name), _) if self.syntax == Syntax::C => format!("{word}{name}"),
            (Some(_), Some(die)) if !word.is_empty() => self.context.view.full_path(die).join("::"),
            (Some(name), _) => name.clone(),
        }
    }

    /// The declaration of a type; of what it points to or consists of, with `*` and the like behind it.
    pub(super) fn declaration(&self, of: &ExprType, offsets: bool) -> String {
        let (mut of, mut inner, mut word) = (of.clone(), String::new(), "");
        for _ in 0..MOST_LEVELS {
            let found = match &of {
                ExprType::Program(die) => types::read(self.context.view, *die),
                ExprType::Pointer(to) => {
                    (of, inner) = ((**to).clone(), format!("*{inner}"));
                    continue;
                }
                _ => None,
            };
            let to = match found.as_ref().map(|found| &found.kind) {
                Some(TypeKind::Pointer(to)) if self.syntax != Syntax::Rust => {
                    inner = wrapped("*", &inner, self.needs_parentheses(*to));
                    *to
                }
                Some(TypeKind::Reference(to)) if self.syntax != Syntax::Rust => {
                    inner = wrapped("&", &inner, self.needs_parentheses(*to));
                    *to
                }
                Some(TypeKind::Alias(to)) => *to,
                Some(TypeKind::Qualified(Qualifier::Const, to)) if !self.is_pointer(*to) => {
                    word = "const ";
                    *to
                }
                Some(TypeKind::Array(array)) if self.syntax != Syntax::Rust => {
                    inner.push_str(&dimensions(array));
                    array.element
                }
                _ => break,
            };
            of = ExprType::of_entry(to);
        }
        if let (ExprType::Program(die), true) = (&of, self.is_function(&of)) {
            return self.spelled(Some(*die), &inner, 0);
        }
        joined(&format!("{word}{}", self.own_declaration(&of, offsets)), &inner)
    }

    fn own_declaration(&self, of: &ExprType, offsets: bool) -> String {
        let stripped = self.stripped(of);
        let ExprType::Program(die) = stripped else { return self.type_name(of) };
        let Some(found) = self.described(&stripped) else { return self.type_name(of) };
        match &found.kind {
            TypeKind::Record(_) => match self.record(&stripped) {
                Some(record) => self.record_declaration(die, &found, &record, offsets),
                None => format!("{} {{<incomplete type>}}", self.qualified(Some(die), &found)),
            },
            TypeKind::Enumeration(enumeration) => {
                let mut next = 0;
                let named = enumeration.enumerators.iter().map(|(name, value)| {
                    let text = if *value == next { name.clone() } else { format!("{name} = {value}") };
                    next = value + 1;
                    text
                });
                format!("{} {{{}}}", self.qualified(Some(die), &found), named.collect::<Vec<_>>().join(", "))
            }
            _ => self.spelled(Some(die), "", 0),
        }
    }

    fn record_declaration(&self, die: DieRef, found: &Type, record: &Record, offsets: bool) -> String {
        let head = match (self.syntax, record.kind) {
            (Syntax::C, _) => self.qualified(Some(die), found),
            (Syntax::Rust, _) => format!("struct {}", self.qualified(Some(die), found)),
            (_, RecordKind::Union) => format!("union {}", self.qualified(Some(die), found)),
            (_, RecordKind::Class) => format!("class {}", self.qualified(Some(die), found)),
            (_, RecordKind::Struct) => format!("struct {}", self.qualified(Some(die), found)),
        };
        let bases: Vec<String> = record.fields.iter().filter_map(|field| self.base(field)).collect();
        let bases = if bases.is_empty() { String::new() } else { format!(" : {}", bases.join(", ")) };
        let mut text = format!("{head}{bases} {{\n");
        let mut end = 0;
        for field in record.fields.iter().filter(|field| field.kind == FieldKind::Member) {
            if offsets {
                self.note_hole(&mut text, field, &mut end);
            }
            let line = self.field_line(field);
            let margin = if offsets { self.offset_margin(field) } else { String::new() };
            writeln!(text, "{margin}    {line};").expect("a String takes all text");
        }
        for variant in record.variants.iter().flat_map(|part| &part.variants) {
            let line = self.field_line(&variant.field);
            let margin = if offsets { self.offset_margin(&variant.field) } else { String::new() };
            writeln!(text, "{margin}    {line};").expect("a String takes all text");
        }
        if let (true, Some(size)) = (offsets, found.size) {
            writeln!(text, "{:25}    /* total size: {size} bytes */", "").expect("a String takes all text");
        }
        text.push('}');
        text
    }

    fn base(&self, field: &Field) -> Option<String> {
        match field.kind {
            FieldKind::Base => Some(format!("public {}", self.spelled(field.of, "", 0))),
            FieldKind::VirtualBase => Some(format!("public virtual {}", self.spelled(field.of, "", 0))),
            _ => None,
        }
    }

    fn field_line(&self, field: &Field) -> String {
        let name = field.name.as_deref().unwrap_or("");
        let bits = field.bits.map(|bits| format!(" : {bits}")).unwrap_or_default();
        if self.syntax == Syntax::Rust {
            return format!("{name}: {}{bits}", self.spelled(field.of, "", 0));
        }
        format!("{}{bits}", self.spelled(field.of, name, 0))
    }

    fn offset_margin(&self, field: &Field) -> String {
        let size = types::size(self.context.view, field.of, 0).unwrap_or(0);
        match (&field.place, field.bits) {
            (FieldPlace::Bits(bit), Some(_)) => format!("/* {:6}:{:2} | {size:6} */", bit / 8, bit % 8),
            (FieldPlace::Bits(bit), None) => format!("/* {:6}    | {size:6} */", bit / 8),
            (FieldPlace::Expression(_), _) => format!("/* {:>6}    | {size:6} */", "vtable"),
        }
    }

    fn note_hole(&self, text: &mut String, field: &Field, end: &mut u64) {
        let FieldPlace::Bits(start) = field.place else { return };
        let bits = field.bits.or_else(|| Some(types::size(self.context.view, field.of, 0)? * 8)).unwrap_or(0);
        if start > *end && start - *end >= 8 {
            writeln!(text, "/* XXX {:3}-byte hole      */", (start - *end) / 8).expect("a String takes all text");
        }
        *end = (*end).max(start.saturating_add(bits));
    }
}

/// `[2][3]`, as C writes it.
fn dimensions(array: &types::Array) -> String {
    let count = |dimension: &types::Dimension| match dimension.count {
        Count::Constant(count) => format!("[{count}]"),
        Count::Unknown | Count::Variable(..) => "[]".to_owned(),
    };
    array.dimensions.iter().map(count).collect()
}

/// A name and what stands behind it, with a blank between them unless the latter is empty.
fn joined(name: &str, behind: &str) -> String {
    if behind.is_empty() { name.to_owned() } else { format!("{name} {behind}") }
}

fn wrapped(sign: &str, inner: &str, parentheses: bool) -> String {
    let blank =
        if inner.starts_with(|c: char| c.is_alphabetic() || c == '_') && inner.starts_with("const") { " " } else { "" };
    if parentheses { format!("({sign}{blank}{inner})") } else { format!("{sign}{blank}{inner}") }
}
