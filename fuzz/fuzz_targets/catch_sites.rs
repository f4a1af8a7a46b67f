//! Any bytes for an interpreter whose catchpoints are looked for.

#![no_main]

use dpdb_supervisor::catch::{ElfImage, python_sites};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(image) = ElfImage::parse(bytes, |_| true) {
        let _ = python_sites(&image);
    }
});
