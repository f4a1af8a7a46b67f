//! A value of an expression: a type and a place, both without a reference into a file.

use std::sync::Arc;

use crate::dwarf::DieRef;
use crate::value::ValuePlace;

/// A value that an expression gave. It stays valid for the whole session: its place is an address, or the bytes
/// themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub(crate) of: ExprType,
    pub(crate) place: ValuePlace,
    /// The module whose debugging information describes the type.
    pub(crate) module: usize,
}

impl Value {
    /// No value: what takes a number of the history that is not a native value's.
    pub fn nothing() -> Value {
        Value { of: ExprType::Void, place: ValuePlace::bytes([]), module: 0 }
    }
}

/// The type of a value: one of the program's, or one that an expression made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExprType {
    /// An entry of the program's debugging information.
    Program(DieRef),
    Void,
    Number(NumberType),
    Pointer(Arc<ExprType>),
    Array(Arc<ExprType>, u64),
    Function(Arc<ExprType>),
    /// Values of Rust side by side, without gaps between them.
    Tuple(Arc<[ExprType]>),
    /// A structure of the kernel that no program need describe.
    Layout(&'static Layout),
}

/// Where the members of a structure or union are.
#[derive(Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    /// In bytes.
    pub(crate) size: u64,
    /// Names, offsets in bytes and types.
    pub(crate) fields: &'static [(&'static str, u64, LayoutField)],
}

/// The type of a member of a [`Layout`].
#[derive(Debug, PartialEq)]
pub(crate) enum LayoutField {
    Number(NumberType),
    /// A pointer to whatever.
    Pointer,
    Layout(Layout),
}

impl LayoutField {
    pub(crate) fn of(&'static self) -> ExprType {
        match self {
            LayoutField::Number(number) => ExprType::Number(*number),
            LayoutField::Pointer => ExprType::pointer_to(ExprType::Void),
            LayoutField::Layout(layout) => ExprType::Layout(layout),
        }
    }
}

impl ExprType {
    pub(crate) fn pointer_to(of: ExprType) -> ExprType {
        ExprType::Pointer(Arc::new(of))
    }

    /// Whether it is, or is made of, one of the program's types.
    pub(crate) fn is_described(&self) -> bool {
        match self {
            ExprType::Program(_) => true,
            ExprType::Pointer(of) | ExprType::Array(of, _) | ExprType::Function(of) => of.is_described(),
            ExprType::Tuple(types) => types.iter().any(ExprType::is_described),
            ExprType::Void | ExprType::Number(_) | ExprType::Layout(_) => false,
        }
    }

    pub(crate) fn of_entry(entry: Option<DieRef>) -> ExprType {
        entry.map_or(ExprType::Void, ExprType::Program)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    Signed,
    Unsigned,
    Float,
    Bool,
    /// A character of a language that keeps them apart from numbers, or C's `char`.
    Character,
}

/// A type of numbers that needs no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumberType {
    pub(crate) kind: NumberKind,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) name: &'static str,
}

impl NumberType {
    pub(crate) const fn new(kind: NumberKind, size: u64, name: &'static str) -> NumberType {
        NumberType { kind, size, name }
    }

    pub(crate) fn is_signed(&self) -> bool {
        matches!(self.kind, NumberKind::Signed) || (self.kind == NumberKind::Character && self.size == 1)
    }

    /// What C writes before a literal of it.
    pub(crate) fn literal_prefix(&self) -> &'static str {
        match self.name {
            "wchar_t" => "L",
            "char16_t" => "u",
            "char32_t" => "U",
            _ => "",
        }
    }

    /// `signed char` and `unsigned char` compute as numbers and are shown as characters.
    pub(crate) fn is_c_char(&self) -> bool {
        self.size == 1 && self.name.ends_with("char")
    }
}
