//! Any bytes for an ELF file with symbols and debug information.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The code of the seeds in analyzer/testdata/.
    dpdb_analyzer::exercise_debug_info(bytes, 0x40_00b0..0x40_0200);
});
