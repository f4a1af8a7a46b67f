//! Where files of ours belong in a user's home (XDG base directory specification).

use std::ffi::OsStr;
use std::path::PathBuf;

/// Names another directory for what is found out about programs, or `off`.
const CACHE: &str = "DPDB_TRACE_CACHE";

/// The file with the lines that were typed.
pub fn history_file() -> Option<PathBuf> {
    below("XDG_STATE_HOME", ".local/state").map(|ours| ours.join("history"))
}

/// The file with the commands that the user wants to run in every session.
pub fn rc_file() -> Option<PathBuf> {
    below("XDG_CONFIG_HOME", ".config").map(|ours| ours.join("rc"))
}

/// The directory in which the projects are remembered whose commands the user trusts.
pub fn trusted_directory() -> Option<PathBuf> {
    below("XDG_STATE_HOME", ".local/state").map(|ours| ours.join("trusted"))
}

/// The directory for what is found out about programs and can be found out again; `None` where nothing is to be kept.
pub fn cache_directory() -> Option<PathBuf> {
    match std::env::var_os(CACHE) {
        Some(off) if off == OsStr::new("off") => None,
        Some(other) if !other.is_empty() => Some(PathBuf::from(other)).filter(|path| path.is_absolute()),
        _ => below("XDG_CACHE_HOME", ".cache"),
    }
}

fn below(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)))?;
    Some(base.join("dpdb-trace"))
}
