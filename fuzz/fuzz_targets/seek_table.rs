//! A core in good frames, with any bytes for the entries of its seek table.

#![no_main]

use std::sync::OnceLock;

mod support;

/// Frames without a table.
fn frames() -> &'static [u8] {
    static FRAMES: OnceLock<Vec<u8>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let chunk = 4096;
        let core = support::synthetic::small_core();
        let mut file = support::synthetic::seekable(&core, chunk);
        file.truncate(file.len() - 8 - core.len().div_ceil(chunk) * 12 - 9);
        file
    })
}

libfuzzer_sys::fuzz_target!(|entries: &[u8]| {
    let mut table = entries.to_vec();
    table.extend(((entries.len() / 12) as u32).to_le_bytes());
    table.push(0x80);
    table.extend(0x8f92_eab1u32.to_le_bytes());
    let head = [0x184d_2a5e_u32.to_le_bytes(), (table.len() as u32).to_le_bytes()].concat();
    support::exercise_bytes(&[frames(), &head, &table].concat());
});
