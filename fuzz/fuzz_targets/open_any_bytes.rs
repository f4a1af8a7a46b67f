//! A file of any bytes: a plain core, a compressed one, or neither.

#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::exercise_bytes(bytes));
