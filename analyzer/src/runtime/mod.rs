//! Language runtimes that keep stacks and objects of their own inside a process.

pub(crate) mod cpython;
