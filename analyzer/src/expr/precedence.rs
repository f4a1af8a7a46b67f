//! How strongly operators between operands bind, and the trees that they make.

use super::ast::{BinaryOp, Expr, ExprKind};
use super::error::Span;
use super::token::Syntax;

/// Operators between operands: text, strength, meaning. The stronger binds first; `@` stands where gdb has it, between
/// shifts and sums.
const BINARY: [(&str, u8, BinaryOp); 20] = [
    ("||", 1, BinaryOp::Or),
    ("&&", 2, BinaryOp::And),
    ("|", 3, BinaryOp::BitOr),
    ("^", 4, BinaryOp::BitXor),
    ("&", 5, BinaryOp::BitAnd),
    ("==", 6, BinaryOp::Equal),
    ("!=", 6, BinaryOp::NotEqual),
    ("<", 7, BinaryOp::Less),
    ("<=", 7, BinaryOp::LessEqual),
    (">", 7, BinaryOp::Greater),
    (">=", 7, BinaryOp::GreaterEqual),
    ("<<", 8, BinaryOp::ShiftLeft),
    (">>", 8, BinaryOp::ShiftRight),
    ("+", 10, BinaryOp::Add),
    ("-", 10, BinaryOp::Subtract),
    ("*", 11, BinaryOp::Multiply),
    ("/", 11, BinaryOp::Divide),
    ("%", 11, BinaryOp::Remainder),
    (".*", 12, BinaryOp::ToMember),
    ("->*", 12, BinaryOp::ToMember),
];

/// In Rust the bit operators bind more strongly than comparisons.
pub(super) fn strength(text: &str, syntax: Syntax) -> Option<(u8, BinaryOp)> {
    let (_, strength, op) = BINARY.iter().find(|(known, ..)| *known == text)?;
    let rust = match op {
        BinaryOp::Equal | BinaryOp::NotEqual => 3,
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => 3,
        BinaryOp::BitOr => 5,
        BinaryOp::BitXor => 6,
        BinaryOp::BitAnd => 7,
        _ => *strength,
    };
    Some((if syntax == Syntax::Rust { rust } else { *strength }, *op))
}

/// The strength of `@`.
pub(super) const REPEAT_STRENGTH: u8 = 9;

/// The number behind `last`.
pub(super) fn behind(last: Expr) -> Expr {
    let one = one(last.span);
    binary(BinaryOp::Add, last, one)
}

/// A one that nobody wrote.
pub(super) fn one(span: Span) -> Expr {
    Expr { kind: ExprKind::Integer { value: 1, suffix: String::new(), decimal: true }, span }
}

/// `target = target op by`. Only session variables are assigned to; whatever else is refused before its new value is
/// looked at, so that nothing larger is written twice: `----x` would have four copies of `x`, and so on.
pub(super) fn changed(op: BinaryOp, target: Expr, by: Expr) -> ExprKind {
    let new = match &target.kind {
        ExprKind::Dollar(_) => binary(op, target.clone(), by),
        _ => by,
    };
    ExprKind::Assign(Box::new(target), Box::new(new))
}

pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span }
}
