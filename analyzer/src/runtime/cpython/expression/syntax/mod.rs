//! Python's expression syntax (the language reference, chapter 6, "Expressions"): text to a tree.
//!
//! What can only be understood by running code (`lambda`, `await`, `yield`, f-strings, statements) is refused here.

mod ast;
mod display;
mod number;
mod parse;
mod string;
#[cfg(test)]
mod tests;
mod token;

pub(super) use ast::{BinaryOp, Clause, CompareOp, Comprehension, Constant, DictItem, Expr, Kind, Logical, UnaryOp};
pub(super) use number::{float_of, int_of};
pub use parse::parse;
