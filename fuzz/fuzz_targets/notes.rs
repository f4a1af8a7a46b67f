//! A core whose notes are any bytes; and one whose notes of ours hold any JSON.

#![no_main]

use support::synthetic::{Load, core, note, prstatus};

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let page = support::synthetic::program_header_page();
    let loads = [Load { vaddr: 0x40_0000, memsz: 0x4000, bytes: page, flags: 5 }];
    support::exercise_bytes(&core(bytes, &loads, false));
    if let Some((&which, json)) = bytes.split_first() {
        let ours = note("DPDB", 0x4450_4401 + u32::from(which % 3), json);
        let notes = [note("CORE", 1, &prstatus(1, 11)), ours].concat();
        support::exercise_bytes(&core(&notes, &loads, false));
    }
});
