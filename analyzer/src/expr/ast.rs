//! The tree of a parsed expression.

use super::error::Span;

/// An expression, with the place in the text that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer as written; the suffix (`ul`, `u8`) and whether it was decimal choose its type.
    Integer {
        /// The value.
        value: u128,
        /// The suffix in lower case; empty where there is none.
        suffix: String,
        /// Written in decimal: C then never gives it an unsigned type by itself.
        decimal: bool,
    },
    /// A floating-point number; the suffix is `f`, `l`, `f32`, `f64` or empty.
    Float {
        /// The value.
        value: f64,
        /// The suffix in lower case.
        suffix: String,
    },
    /// A character: its code point, and the prefix (`L`, `u8`, `u`, `U`, `b`) or nothing.
    Character {
        /// The code point or byte.
        value: u32,
        /// The prefix.
        prefix: String,
    },
    /// A string literal.
    String {
        /// Its bytes, UTF-8 where it is text.
        bytes: Vec<u8>,
        /// The prefix: `b`, `L`, or nothing.
        prefix: String,
    },
    /// `true` or `false`.
    Bool(bool),
    /// A name with all its qualifiers and template arguments, as written: `ns::Class<int>::member`, `'file.c'::name`
    /// or `crate::module::NAME`.
    Name(String),
    /// `$rip`, `$count`: a register, or else a convenience variable.
    Dollar(String),
    /// `$`, `$$`, `$7`, `$$2`: a value of the history, counted from its end where the flag says so.
    History {
        /// Which.
        number: usize,
        /// Counted back from the last one, which is 0.
        from_end: bool,
    },
    /// An operator before its operand.
    Unary(UnaryOp, Box<Expr>),
    /// An operator between its operands.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a ? b : c`.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `base.name` and `base->name`, which mean the same: members are found through pointers too.
    Member {
        /// What has the member.
        base: Box<Expr>,
        /// Its name; a number for tuples.
        name: String,
    },
    /// `base[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `base[from:to]`, and `base[from..to]` as Rust writes it; without the end.
    Slice {
        /// What is sliced.
        base: Box<Expr>,
        /// The first index; 0 where there is none.
        from: Option<Box<Expr>>,
        /// The index behind the last; the length where there is none.
        to: Option<Box<Expr>>,
    },
    /// `first@count`: `count` objects that lie side by side from `first` on.
    Repeat(Box<Expr>, Box<Expr>),
    /// Rust's `[1, 2]`.
    Array(Vec<Expr>),
    /// Rust's `[value; count]`.
    ArrayOf(Box<Expr>, Box<Expr>),
    /// Rust's `(1, 2)`, `(1,)` and `()`.
    Tuple(Vec<Expr>),
    /// `(type) operand`, `operand as type`, `static_cast<type>(operand)`.
    Cast(TypeName, Box<Expr>),
    /// `sizeof operand`, without evaluating it.
    SizeOf(Box<Expr>),
    /// `sizeof (type)`.
    SizeOfType(TypeName),
    /// `function(arguments…)`. Nothing of the target can be run; the evaluator knows a few methods by name.
    Call(Box<Expr>, Vec<Expr>),
    /// `target = value`; only convenience variables can be assigned to.
    Assign(Box<Expr>, Box<Expr>),
    /// A type where a value is expected: `whatis struct point`.
    Type(TypeName),
}

/// The name of a type as an expression writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// The named type, with its words in the order written, without `const`, `volatile` and the like:
    /// `unsigned long`, `struct point`, `std::vector<int>`, `u8`.
    pub base: String,
    /// What is wrapped around it, the innermost first.
    pub derived: Vec<Derived>,
    /// Where it stands.
    pub span: Span,
}

/// One step from a type to another made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// A pointer to it.
    Pointer,
    /// A reference to it.
    Reference,
    /// An array of so many of it.
    Array(u64),
    /// A function that returns it.
    Function,
}

/// The operators with one operand.
#[allow(missing_docs, reason = "they are what C calls them")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Plus,
    Negate,
    Not,
    Complement,
    Dereference,
    AddressOf,
}

/// The operators with two operands.
#[allow(missing_docs, reason = "they are what C calls them")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Multiply,
    Divide,
    Remainder,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
    Comma,
    /// `object.*pointer` and `object->*pointer`, which mean the same.
    ToMember,
}
