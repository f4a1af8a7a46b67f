//! Any text for an expression in Python's syntax.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = dpdb_analyzer::parse_python(text);
});
