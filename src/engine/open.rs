//! Opening a file for the shell.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dpdb_analyzer::{CacheDirectory, FileCache, Options, Session};
use dpdb_snapshot::{CaptureReport, Format, OpenError, Snapshot};
use dpdb_supervisor::sys;
use serde::Serialize;

use super::{Engine, Names};
use crate::base_directories::cache_directory;
use crate::cli::FileArgs;
use crate::waiting::Waiting;

/// What is known of the file itself.
#[derive(Clone, Debug, Serialize)]
pub struct FileFacts {
    /// Its path, as it was given.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// `snap`, `compressed_core` or `core`.
    pub format: &'static str,
    /// What is cut off or corrupt, a sentence each.
    pub damage: Vec<String>,
    /// How the capture went, where the file tells.
    pub capture: Option<CaptureReport>,
}

impl FileFacts {
    /// What is known of the file that `info` was read from.
    pub fn new(path: &Path, info: &dpdb_snapshot::Info) -> FileFacts {
        FileFacts {
            path: path.to_owned(),
            bytes: info.file_bytes,
            format: format_name(info.format),
            damage: info.damage.iter().map(ToString::to_string).collect(),
            capture: info.capture.clone(),
        }
    }

    fn of(path: &Path, snapshot: &Snapshot) -> FileFacts {
        FileFacts {
            path: path.to_owned(),
            bytes: path.metadata().map_or(0, |metadata| metadata.len()),
            format: format_name(snapshot.format()),
            damage: snapshot.damage().iter().map(ToString::to_string).collect(),
            capture: snapshot.capture().cloned(),
        }
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Snap => "snap",
        Format::CompressedCore => "compressed_core",
        Format::Core => "core",
    }
}

/// Opens a file for analysis.
///
/// # Errors
/// It is neither a snapshot nor a core, or cannot be read.
pub fn open_session(path: &Path, files: &FileArgs) -> Result<(Session, FileFacts), OpenError> {
    open_sharing(path, files, FileCache::default())
}

fn open_sharing(path: &Path, files: &FileArgs, shared: FileCache) -> Result<(Session, FileFacts), OpenError> {
    let snapshot = Snapshot::open(path)?;
    let facts = FileFacts::of(path, &snapshot);
    let options = Options {
        executable: files.exe.clone(),
        sysroot: files.sysroot.clone(),
        debug_dirs: files.debug_dir.clone(),
        source_map: files.source_map.clone(),
        cache: cache_directory().map(|path| CacheDirectory::new(path, sys::effective_user())),
        watch: Some(Arc::new(Waiting::default())),
    };
    Ok((Session::with_files(Box::new(snapshot), options, shared), facts))
}

impl Engine {
    /// Opens a snapshot or core, and selects the thread that met the cause and in it the user's own frame.
    ///
    /// # Errors
    /// As [`open_session`].
    pub fn open(path: &Path, files: &FileArgs) -> Result<Engine, OpenError> {
        Engine::open_sharing(path, files, FileCache::default())
    }

    /// As [`Engine::open`], with what was found out about files for others; all of them are opened with the same
    /// `files`.
    ///
    /// # Errors
    /// As [`open_session`].
    pub fn open_sharing(path: &Path, files: &FileArgs, shared: FileCache) -> Result<Engine, OpenError> {
        let (session, file) = open_sharing(path, files, shared)?;
        Ok(Engine::new(session, file))
    }

    /// An engine over a session, which selects the thread that met the cause and in it the user's own frame.
    pub fn new(session: Session, file: FileFacts) -> Engine {
        let tid = session.process().threads.first().map_or(0, |thread| thread.tid);
        let mut engine = Engine {
            session,
            file,
            tid,
            selected: HashMap::new(),
            stacks: HashMap::new(),
            raised: HashMap::new(),
            names: Names::default(),
            examine: Default::default(),
            list: Default::default(),
            memo: Default::default(),
            preferences: Default::default(),
            python_memo: Default::default(),
            python_names: Default::default(),
            displays: Vec::new(),
            stale: Vec::new(),
            warned: Default::default(),
            waiting: Waiting::default(),
        };
        let number = engine.reported_exception(tid);
        engine.show_traceback_of(tid, number);
        engine
    }
}
