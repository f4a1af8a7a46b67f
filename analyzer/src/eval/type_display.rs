//! Types as their language writes them.

use super::evaluator::Evaluator;
use super::listing::Listed;
use super::number;
use super::value::ExprType;
use crate::dwarf::DieRef;
use crate::expr::Syntax;
use crate::types::{self, Count, Qualifier, Record, RecordKind, Type, TypeKind, TypeRef};
use crate::value::variable_type;

/// Types inside types that are spelled out.
const MOST_LEVELS: usize = 24;

impl Evaluator<'_, '_> {
    /// The name of a type.
    pub(super) fn type_name(&self, of: &ExprType) -> String {
        match (of, self.syntax) {
            (ExprType::Pointer(to), Syntax::Rust) => format!("*mut {}", self.type_name(to)),
            (ExprType::Array(element, _), Syntax::Rust) if is_text(element) => "&str".to_owned(),
            (ExprType::Array(element, count), Syntax::Rust) => format!("[{}; {count}]", self.type_name(element)),
            (ExprType::Tuple(types), _) => {
                let names: Vec<String> = types.iter().map(|of| self.type_name(of)).collect();
                format!("({}{})", names.join(", "), if names.len() == 1 { "," } else { "" })
            }
            (ExprType::Function(_), Syntax::Rust) => "fn ()".to_owned(),
            (ExprType::Void, Syntax::Rust) => "()".to_owned(),
            _ => self.declarator(of, ""),
        }
    }

    /// A declarator of `inner` with a type that an expression made; as [`Evaluator::spelled`] for those of the program.
    fn declarator(&self, of: &ExprType, inner: &str) -> String {
        match of {
            ExprType::Program(die) => self.spelled(Some(*die), inner, 0),
            ExprType::Void => joined("void", inner),
            ExprType::Number(number) => joined(number.name, inner),
            ExprType::Layout(layout) => joined(layout.name, inner),
            ExprType::Tuple(_) => joined(&self.type_name(of), inner),
            ExprType::Pointer(to) => {
                self.declarator(to, &wrapped("*", inner, self.is_array(to) || self.is_function(to)))
            }
            ExprType::Array(element, count) => self.declarator(element, &format!("{inner}[{count}]")),
            ExprType::Function(returns) => self.declarator(returns, &format!("{inner}()")),
        }
    }

    /// A declarator of `inner` with this type, as C writes it: what is declared stands in the middle.
    pub(super) fn spelled(&self, of: TypeRef, inner: &str, level: usize) -> String {
        let Some(found) = of.and_then(|die| types::read(self.context.view, die)) else { return joined("void", inner) };
        if level > MOST_LEVELS {
            return joined("...", inner);
        }
        let rust = self.syntax == Syntax::Rust;
        match &found.kind {
            TypeKind::Function(returns) if !rust => {
                // A method's definition leaves it to its declaration in the class to say what it returns.
                let declared = || variable_type(self.context, of?);
                self.spelled((*returns).or_else(declared), &format!("{inner}({})", self.parameters(of)), level + 1)
            }
            TypeKind::Function(returns) => self.rust_function(of, *returns, inner),
            // Rust's compiler names its pointers itself: `&mut u8`, `*const T`.
            _ if rust && found.name.is_some() => joined(&self.qualified(of, &found), inner),
            TypeKind::Pointer(to) => self.spelled(*to, &wrapped("*", inner, self.needs_parentheses(*to)), level + 1),
            TypeKind::Reference { to, rvalue } => {
                let sign = if *rvalue { "&&" } else { "&" };
                self.spelled(*to, &wrapped(sign, inner, self.needs_parentheses(*to)), level + 1)
            }
            TypeKind::Qualified(qualifier, to) => self.qualified_type(*qualifier, *to, inner, level),
            TypeKind::Array(array) if rust => {
                let counts = array.dimensions.iter().rev();
                counts.fold(self.spelled(array.element, "", level + 1), |inner, dimension| match dimension.count {
                    Count::Constant(count) => format!("[{inner}; {count}]"),
                    Count::Unknown | Count::Variable(..) => format!("[{inner}]"),
                })
            }
            TypeKind::Array(array) => self.spelled(array.element, &format!("{inner}{}", dimensions(array)), level + 1),
            TypeKind::MemberPointer { class, to } => {
                let star = format!("{}::*", self.spelled(*class, "", level + 1));
                self.spelled(*to, &wrapped(&star, inner, self.needs_parentheses(*to)), level + 1)
            }
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

    /// Whether it is a pointer, whatever else is said of it: what is said then stands behind the `*`.
    fn is_pointer(&self, of: TypeRef) -> bool {
        let mut next = of;
        for _ in 0..MOST_LEVELS {
            match next.and_then(|die| types::read(self.context.view, die)).map(|found| found.kind.clone()) {
                Some(TypeKind::Pointer(_)) => return true,
                Some(TypeKind::Qualified(_, to)) => next = to,
                _ => return false,
            }
        }
        false
    }

    fn needs_parentheses(&self, of: TypeRef) -> bool {
        let found = of.and_then(|die| types::read(self.context.view, die));
        matches!(found.map(|found| matches!(found.kind, TypeKind::Array(_) | TypeKind::Function(_))), Some(true))
    }

    /// The name with its namespaces; `struct` and the like in front in C; `struct {...}` where there is no name.
    pub(super) fn qualified(&self, of: TypeRef, found: &Type) -> String {
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
            // `long unsigned int` is gcc's name for what clang and gdb call `unsigned long`.
            (Some(name), _) if matches!(found.kind, TypeKind::Base(_)) && self.syntax != Syntax::Rust => {
                number::builtin(name, self.syntax).map_or_else(|| name.clone(), |of| of.name.to_owned())
            }
            (Some(name), _) if self.syntax == Syntax::C => format!("{word}{name}"),
            (Some(_), Some(die)) if matches!(found.kind, TypeKind::Alias(_)) && self.syntax == Syntax::Cpp => {
                self.context.view.full_path(die).join("::")
            }
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
                Some(TypeKind::Reference { to, .. }) if self.syntax != Syntax::Rust => {
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
                let named = named.collect::<Vec<_>>().join(", ");
                // C has the word in the name.
                let word = if self.syntax == Syntax::C { "" } else { "enum " };
                format!("{word}{} {{{named}}}", self.qualified(Some(die), &found))
            }
            _ => self.spelled(Some(die), "", 0),
        }
    }
}

/// Whether an array of it is a Rust string.
pub(super) fn is_text(element: &ExprType) -> bool {
    matches!(element, ExprType::Number(number) if number.name == "str")
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
