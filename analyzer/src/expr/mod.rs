//! Expressions over a stopped process: parsed here, evaluated without running a line of the target.

mod ast;
mod error;
mod literal;
mod parse;
mod postfix;
mod precedence;
#[cfg(test)]
mod tests;
mod token;
mod type_name;

pub use ast::{BinaryOp, Derived, Expr, ExprKind, TypeName, UnaryOp};
pub use error::{ExprError, Span};
pub use parse::{Names, parse};
pub use token::Syntax;
