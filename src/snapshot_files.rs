//! The snapshots and cores that a path names: itself, or those in a directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Whether a file begins as a zstd stream or an ELF core does.
pub fn is_snapshot_or_core(path: &Path) -> bool {
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    // Opening a FIFO would wait for its other end.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut head = [0; 18];
    let Ok(()) = File::open(path).and_then(|mut file| file.read_exact(&mut head)) else { return false };
    // e_type is the half word at offset 16; ET_CORE is 4 (gABI, ELF header).
    head.starts_with(&ZSTD) || (head.starts_with(b"\x7fELF") && head[16..18] == [4, 0])
}

/// The files that `paths` stand for, one after the other ([`named_by`]).
///
/// # Errors
/// A directory cannot be read; the error names it.
pub fn named_by_all(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let found = named_by(path);
        files.extend(found.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?);
    }
    Ok(files)
}

/// The files that `path` stands for, by name: itself unless it is a directory; of a directory those that are called
/// like snapshots or cores. A file that another process removes meanwhile is left out.
///
/// # Errors
/// The directory cannot be read.
fn named_by(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    // Those of the working directory are named as its user would, without a "./".
    let prefix = if path == Path::new(".") { Path::new("") } else { path };
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let file = prefix.join(&name);
        let name = name.to_string_lossy();
        if is_called_snapshot(&name) || (name.starts_with("core") && is_snapshot_or_core(&file)) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// `NAME.snap`, or `NAME.snap.2` where the name was taken. Those that are still written begin with a dot.
fn is_called_snapshot(name: &str) -> bool {
    let is_number = |rest: &str| rest.strip_prefix('.').is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
    let end = name.rsplit_once(".snap").map(|(_, rest)| rest);
    !name.starts_with('.') && end.is_some_and(|rest| rest.is_empty() || is_number(rest))
}

#[cfg(test)]
mod tests {
    use super::is_called_snapshot;

    #[test]
    fn names_of_snapshots_are_told_from_those_of_unfinished_and_other_files() {
        for (name, expected) in [
            ("pid_7.snap", true),
            ("pid_7.snap.12", true),
            (".pid_7.snap.partial", false),
            ("pid_7.snap.zst", false),
            ("notes.snapshot", false),
            ("snap", false),
        ] {
            assert_eq!(is_called_snapshot(name), expected, "{name}");
        }
    }
}
