//! What gdb and we say of a capture, as documents of the schema `frames/1`. Each is made once per test run, however many
//! tests look at it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use serde_json::Value;

use crate::comparison::{Style, write_gdbs, write_ours};
use crate::programs::Capture;

/// gdb's document.
pub fn of_gdb(capture: &Capture, style: Style) -> PathBuf {
    let path = capture.dir.join(format!("gdb.{}.json", style.name()));
    once(path, |path| write_gdbs(&capture.subject(), style, path))
}

/// Our document, where check_sanity.py looks for it below [`directory`].
pub fn of_ours(capture: &Capture, style: Style) -> PathBuf {
    let dir = directory(&capture.variant).join(&capture.variant);
    once(dir.join(format!("{}.{}.json", capture.program, style.name())), |path| {
        fs::create_dir_all(&dir).expect("target/tmp is ours");
        write_ours(&capture.subject(), style, path);
    })
}

/// A directory with our documents about one variant.
pub fn directory(variant: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs/values").join(variant)
}

fn once(path: PathBuf, write: impl FnOnce(&Path)) -> PathBuf {
    type Slot = Arc<OnceLock<()>>;
    static WRITTEN: LazyLock<Mutex<HashMap<PathBuf, Slot>>> = LazyLock::new(Mutex::default);
    let mut all = WRITTEN.lock().expect("no test panics while it holds the list");
    let slot = all.entry(path.clone()).or_default().clone();
    drop(all);
    slot.get_or_init(|| write(&path));
    path
}

/// A document, read.
pub fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("it was written");
    serde_json::from_str(&text).expect("documents are JSON")
}
