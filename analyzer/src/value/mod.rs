//! The values of a stopped process: where they are, what they are, and why some of them are not to be had.

mod build;
mod context;
mod dimension;
mod entry_value;
mod evaluate;
mod place;
mod registers;
mod scalar;
mod tls;
mod tree;
mod variables;
mod variant;

pub use build::ValueLimits;
pub use place::Missing;
pub use tree::ValueTree;
pub use variables::Variable;
pub(crate) use variables::of_frame as variables_of_frame;
