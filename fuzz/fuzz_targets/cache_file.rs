//! Any bytes for a file of the cache directory: an index of names, or a decompressed section.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dpdb_analyzer::exercise_cache_file(bytes));
