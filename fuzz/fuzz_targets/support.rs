//! What the targets share with each other and with snapshot/tests.

#![allow(dead_code, clippy::unwrap_used, reason = "each target uses its part, and may end when it cannot go on")]

#[path = "../../snapshot/tests/support/exercise.rs"]
pub mod exercise;
#[path = "../../snapshot/tests/support/synthetic.rs"]
pub mod synthetic;

use std::cell::RefCell;
use std::io::{Seek, Write};

thread_local! {
    static FILE: RefCell<tempfile::NamedTempFile> = RefCell::new(tempfile::NamedTempFile::new().unwrap());
}

/// Puts the bytes into a file and uses all of it.
pub fn exercise_bytes(bytes: &[u8]) {
    FILE.with_borrow_mut(|file| {
        file.as_file().set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(bytes).unwrap();
        exercise::exercise(file.path());
    });
}
