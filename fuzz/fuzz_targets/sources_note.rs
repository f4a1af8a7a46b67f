//! A core in good frames, with any bytes for the notes beside it: as they are, and as the compressed JSON of a note with
//! source text.

#![no_main]

mod support;

/// A skippable frame with these notes, between the frames and the end of the file.
fn beside(notes: &[u8]) -> Vec<u8> {
    let core = support::synthetic::small_core();
    let mut file = support::synthetic::seekable(&core, 4096);
    file.truncate(file.len() - 8 - core.len().div_ceil(4096) * 12 - 9);
    file.extend(0x184d_2a53_u32.to_le_bytes());
    file.extend((notes.len() as u32).to_le_bytes());
    file.extend(notes);
    file
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::exercise_bytes(&beside(bytes));
    let json = zstd::bulk::compress(bytes, 1).unwrap();
    for desc in [bytes, &json] {
        support::exercise_bytes(&beside(&support::synthetic::note("DPDB", 0x4450_4404, desc)));
    }
});
