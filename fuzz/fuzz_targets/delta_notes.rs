//! A core in good frames that says it is a delta: any bytes for the JSON that names its base, and for the note of the pages that
//! stand there.

#![no_main]

mod support;

use support::synthetic::{Load, beside, core, note, prstatus};

/// A core of one page whose process note is this JSON.
fn delta(json: &[u8]) -> Vec<u8> {
    let notes = [note("CORE", 1, &prstatus(11, 11)), note("DPDB", 0x4450_4401, json)].concat();
    let load = Load { vaddr: 0x1000, memsz: 0x3000, bytes: vec![0; 0x2000], flags: 6 };
    core(&notes, &[load], false)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let named = format!("{{\"process\": {{\"base\": {}}}}}", String::from_utf8_lossy(bytes));
    let valid = br#"{"process": {"base": {"name": "x.snap", "bytes": 1, "hash": 2}}}"#;
    let json = zstd::bulk::compress(bytes, 1).unwrap();
    for process in [named.as_bytes(), valid] {
        support::exercise_bytes(&beside(&delta(process), &note("DPDB", 0x4450_4405, &json)));
    }
    support::exercise_bytes(&beside(&delta(valid), &note("DPDB", 0x4450_4405, bytes)));
});
