//! Any bytes for `.gdb_index`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dpdb_analyzer::exercise_gdb_index(bytes));
