//! What is particular to one processor architecture.

pub(crate) mod x86_64;
