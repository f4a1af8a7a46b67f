//! The values of a stopped process: where they are, what they are, and why some of them are not to be had.

mod build;
mod context;
mod dimension;
mod entry_value;
mod evaluate;
mod logical;
mod member_pointer;
mod other_module;
mod place;
mod registers;
mod scalar;
mod tls;
mod tree;
mod variables;
mod variant;
mod wide_text;

pub(crate) use build::Builder;
pub use build::{ValueLimits, ValueStyle};
pub(crate) use context::{Context, FrameContext};
pub(crate) use dimension::{counts as array_counts, size_of as dynamic_size};
pub use logical::{Logical, Remark, SmartPointer};
pub use place::Missing;
pub(crate) use place::Place as ValuePlace;
pub use scalar::wide_characters;
pub(crate) use scalar::{bits as scalar_bits, float as decode_float, integer, word as scalar_word};
pub(crate) use tree::text;
pub use tree::{Literal, ValueTree, WordKind};
pub use variables::{Declared, Variable};
pub(crate) use variables::{
    Wanted as WantedVariables, locals as local_variables, of_frame as variables_of_frame, place_of as variable_place,
    statics as static_variables, type_of as variable_type, variable,
};
pub(crate) use variant::choose as alive_variant;
