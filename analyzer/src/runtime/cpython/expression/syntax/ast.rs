//! The tree of an expression, in the words of Python's own `ast` module.

use num_bigint::BigInt;

use crate::expr::Span;

/// An expression and its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub(in super::super) kind: Kind,
    pub(in super::super) span: Span,
    /// How many expressions are nested in it: the parser bounds it, so that whoever walks the tree may recurse.
    pub(super) height: usize,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Kind {
    Constant(Constant),
    Name(String),
    /// `$1`, `$`, `$$`, `$name`: the history and the variables of the session, which are no Python.
    Convenience(String),
    /// `$name = value`.
    SetConvenience(String, Box<Expr>),
    Attribute(Box<Expr>, String),
    Subscript(Box<Expr>, Box<Expr>),
    /// Only within a subscript.
    Slice([Option<Box<Expr>>; 3]),
    Call(Box<Expr>, Vec<Expr>, Vec<(String, Expr)>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    Logical(Logical, Vec<Expr>),
    /// `body if test else otherwise`, in the order test, body, otherwise.
    Conditional(Box<[Expr; 3]>),
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    Set(Vec<Expr>),
    Dict(Vec<DictItem>),
    /// `*value`, in displays and calls.
    Starred(Box<Expr>),
    Comprehension(Box<Comprehension>),
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Constant {
    None,
    True,
    False,
    Ellipsis,
    Int(BigInt),
    Float(f64),
    Imaginary(f64),
    /// Code points; escapes can make lone surrogates.
    Str(Vec<u32>),
    Bytes(Vec<u8>),
}

/// An item of a dictionary display.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum DictItem {
    Pair(Expr, Expr),
    /// `**mapping`.
    Unpacked(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Comprehension {
    List(Expr, Vec<Clause>),
    Set(Expr, Vec<Clause>),
    Dict(Expr, Expr, Vec<Clause>),
    Generator(Expr, Vec<Clause>),
}

/// `for target in iterable if condition if condition`.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Clause {
    /// A name, or a tuple or list of targets, one of which may be starred.
    pub(in super::super) target: Expr,
    pub(in super::super) iterable: Expr,
    pub(in super::super) conditions: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum UnaryOp {
    Plus,
    Minus,
    Invert,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Logical {
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    MatrixMultiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    LeftShift,
    RightShift,
    BitOr,
    BitXor,
    BitAnd,
}

impl BinaryOp {
    /// As error messages name it.
    pub(in super::super) fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::MatrixMultiply => "@",
            BinaryOp::Divide => "/",
            BinaryOp::FloorDivide => "//",
            BinaryOp::Modulo => "%",
            BinaryOp::Power => "** or pow()",
            BinaryOp::LeftShift => "<<",
            BinaryOp::RightShift => ">>",
            BinaryOp::BitOr => "|",
            BinaryOp::BitXor => "^",
            BinaryOp::BitAnd => "&",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Is,
    IsNot,
    In,
    NotIn,
}

impl CompareOp {
    /// As error messages name it.
    pub(in super::super) fn symbol(self) -> &'static str {
        match self {
            CompareOp::Equal => "==",
            CompareOp::NotEqual => "!=",
            CompareOp::Less => "<",
            CompareOp::LessEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterEqual => ">=",
            CompareOp::Is => "is",
            CompareOp::IsNot => "is not",
            CompareOp::In => "in",
            CompareOp::NotIn => "not in",
        }
    }
}
