//! What the tests of this crate share.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should end")]

pub mod exercise;
pub mod process;
pub mod real;
pub mod synthetic;
