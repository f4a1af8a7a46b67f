//! A core in good frames, with any bytes for the notes beside it: as they are, and as the compressed JSON of a note with
//! source text.

#![no_main]

mod support;

use support::synthetic::{beside, note, small_core};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::exercise_bytes(&beside(&small_core(), bytes));
    let json = zstd::bulk::compress(bytes, 1).unwrap();
    for desc in [bytes, &json] {
        support::exercise_bytes(&beside(&small_core(), &note("DPDB", 0x4450_4404, desc)));
    }
});
