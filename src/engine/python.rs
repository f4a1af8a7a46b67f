//! What the engine knows of Python frames.

use std::path::PathBuf;

use dpdb_analyzer::{Frame, FunctionName, Language, NameSource, PythonFrame, Session, SourceFrame, SourceLocation};

use super::frames::FrameLine;
use super::{CommandError, Engine};

/// The functions of CPython that run byte code, by the beginnings of their names: one for all of it, or in builds that
/// tail-call one for each instruction.
const LOOPS: [&str; 2] = ["_PyEval_EvalFrameDefault", "_TAIL_CALL_"];

/// The directory of the library's modules in C (`sysconfig`, `DESTSHARED`).
const LIBRARY: &[u8] = b"/lib-dynload/";

/// The user's Python frame is looked for among so many.
const SEARCHED: usize = 256;

/// Whether a function is the interpreter's evaluation loop.
pub fn is_loop(function: &SourceFrame) -> bool {
    function.function.as_ref().is_some_and(|name| LOOPS.iter().any(|lead| name.name.starts_with(lead)))
}

/// Whether a native frame is the interpreter's own code: that of its module, or of the executable that only calls it.
pub fn is_internal(session: &Session, interpreter: usize, frame: &Frame) -> bool {
    let Some(module) = frame.module.and_then(|index| session.modules().get(index)) else { return false };
    let name = module.path().as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    module.index() == interpreter || name == b"python" || name.starts_with(b"python3")
}

/// Whether a native frame is of the library's part in C, such as `_ctypes`.
pub fn is_library(session: &Session, frame: &Frame) -> bool {
    let module = frame.module.and_then(|index| session.modules().get(index));
    module.is_some_and(|module| module.path().as_bytes().windows(LIBRARY.len()).any(|part| part == LIBRARY))
}

/// Whether a Python frame is the user's own code and not of Python's library.
pub fn is_users(frame: &PythonFrame) -> bool {
    is_users_file(frame.file.as_bytes())
}

/// Whether Python code in a file of this name is the user's own.
pub fn is_users_file(file: &[u8]) -> bool {
    let file = String::from_utf8_lossy(file);
    let Some((_, library)) = file.rsplit_once("/lib/python3") else { return !file.starts_with('<') };
    library.contains("/site-packages/") || library.contains("/dist-packages/")
}

/// Whether a Python frame is of code that was installed, or only starts such code, as the scripts that pip writes do.
/// It is the user's own only where there is no other.
pub fn is_installed(frame: &PythonFrame) -> bool {
    let file = String::from_utf8_lossy(frame.file.as_bytes());
    let starts_another = frame.name.as_bytes() == b"<module>" && file.rsplit('/').nth(1) == Some("bin");
    starts_another || file.contains("/site-packages/") || file.contains("/dist-packages/")
}

/// A Python frame as a frame of the source.
pub fn source_frame(frame: &PythonFrame) -> SourceFrame {
    let name = frame.function.to_string();
    let file = PathBuf::from(frame.file.as_path());
    SourceFrame {
        inline: false,
        function: Some(FunctionName { name, linkage_name: None, source: NameSource::Debug, offset: 0 }),
        location: frame.line.map(|line| SourceLocation { file, line, column: 0 }),
        language: Some(Language::Python),
        module: None,
    }
}

impl Engine {
    /// The user's Python frame that called the native frame with this number; none where that is a Python frame itself.
    pub fn python_caller(&mut self, tid: i32, number: usize) -> Option<FrameLine> {
        let stack = self.stack(tid, 0).ok()?;
        if stack.python_frame(number).is_some() {
            return None;
        }
        let caller = (number..stack.numbered.len().min(number + SEARCHED))
            .find(|&at| stack.python_frame(at).is_some_and(is_users))?;
        self.frame_line(tid, caller).ok()
    }

    /// Fails, saying why, where a thread has no Python frames.
    pub fn has_python(&mut self, tid: i32) -> Result<(), CommandError> {
        if !self.stack(tid, 0)?.python.frames.is_empty() {
            return Ok(());
        }
        Err(CommandError::refused(match self.session.python() {
            Err(why) => why.to_string(),
            Ok(_) => format!("thread {tid} runs no Python code"),
        }))
    }
}
