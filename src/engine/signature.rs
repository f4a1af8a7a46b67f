//! What equal crashes have in common: the hash by which they are grouped.
//!
//! A rebuild moves addresses and lines, and an allocator or interpreter of another version has other frames of its own.
//! So a signature is made of what was raised and of the names of the program's own functions, and of nothing else.

use std::path::Path;

use dpdb_snapshot::Text;
use dpdb_snapshot::process::{CaughtException, Cause, ExceptionLanguage};
use serde::Serialize;

use super::{Engine, Extent, FrameLine, View, python, user_frame};

/// So many of the user's functions, innermost first, tell one crash from another.
const FUNCTIONS: usize = 8;
/// They are looked for among so many frames.
const FRAMES: usize = 256;

/// What a crash has in common with others of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// 16 hexadecimal digits, the same for equal crashes of all versions of the program and of dpdb-trace.
    pub hash: String,
    /// The signal, or the type of the exception.
    pub kind: String,
    /// The user's own functions on the stack, innermost first; a recursion counts once.
    pub functions: Vec<Text>,
}

impl Signature {
    fn new(kind: String, functions: Vec<Text>) -> Signature {
        let mut hash = Fnv::new();
        hash.part(kind.as_bytes());
        functions.iter().for_each(|function| hash.part(function.as_bytes()));
        Signature { hash: format!("{:016x}", hash.0), kind, functions }
    }
}

impl Engine {
    /// The signature of the crash. Of a stack without a single name that could be trusted it has the module of the
    /// frame that is taken for the user's own.
    pub fn signature(&mut self) -> Signature {
        let process = self.process();
        let kind = process.cause.as_ref().map(kind).unwrap_or_default();
        let tid = process.threads.first().map_or(0, |thread| thread.tid);
        let frames = self.backtrace(tid, Extent::Innermost(FRAMES), View::Merged);
        let frames = frames.map(|backtrace| backtrace.frames).unwrap_or_default();
        let mut functions: Vec<Text> = frames.iter().filter_map(users_function).collect();
        functions.dedup();
        functions.truncate(FUNCTIONS);
        if functions.is_empty() {
            let own = frames.iter().find(|frame| frame.selected).or(frames.first());
            let module = own.and_then(|frame| frame.module.as_ref()?.as_path().file_name());
            functions.extend(module.map(|name| Text::from(Path::new(name))));
        }
        Signature::new(kind, functions)
    }
}

/// `SIGSEGV`, `ValueError`, `Rust panic`. The message of an exception is not part of it: it often has numbers in it.
fn kind(cause: &Cause) -> String {
    match cause.exception() {
        Some(CaughtException { summary: Some(summary), language: ExceptionLanguage::Python, .. }) => {
            summary.split([':', '\n']).next().unwrap_or_default().trim().to_owned()
        }
        Some(exception) => CaughtException { summary: None, ..exception.clone() }.what().to_owned(),
        None => cause.signal().map(|signal| signal.to_string()).unwrap_or_default(),
    }
}

/// The function of a frame that is the user's own and no guess, without what a compiler adds to its name.
fn users_function(frame: &FrameLine) -> Option<Text> {
    if frame.language == Some("python") {
        let is_users = frame.file.as_ref().is_some_and(|file| python::is_users_file(file.as_bytes()));
        return frame.function.clone().filter(|_| is_users);
    }
    let function = frame.function.as_ref()?.to_string();
    let candidate = user_frame::Candidate {
        function: Some(&function),
        file: frame.file.as_ref(),
        module: frame.module.as_ref(),
        trampoline: frame.signal_trampoline,
    };
    let is_users = !frame.doubtful && user_frame::is_users(candidate) && function != "_start";
    is_users.then(|| Text::from(without_clone_suffix(&function)))
}

/// GCC and LLVM name the parts and copies that they make of a function `f.cold`, `f.constprop.0`, `f.llvm.1234`; the
/// demanglers write them as `f[cold]` or ` [clone .cold]`.
fn without_clone_suffix(function: &str) -> &str {
    const MADE: [&str; 9] =
        [".cold", ".constprop.", ".isra.", ".part.", ".lto_priv.", ".llvm.", "[cold]", "[clone ", ".specialized"];
    let end = MADE.iter().filter_map(|made| function.find(made)).min().unwrap_or(function.len());
    function[..end].trim_end()
}

/// FNV-1a, 64 bits: no secret is kept by it, and it is the same everywhere.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// Takes a part in, and where it ends.
    fn part(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().chain(b"\0") {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Signature, kind, without_clone_suffix};
    use dpdb_snapshot::process::{CaughtException, Cause, ExceptionLanguage, Fate};

    #[test]
    fn what_compilers_add_to_a_name_is_left_out() {
        for name in ["show", "show.cold", "show[cold]", "show.isra.0.cold", "show [clone .part.2]", "show.llvm.77"] {
            assert_eq!(without_clone_suffix(name), "show");
        }
        assert_eq!(without_clone_suffix("<a.b as c>::partly"), "<a.b as c>::partly");
    }

    #[test]
    fn an_exceptions_kind_is_its_type_and_not_its_message() {
        let exception = |language, summary: &str| {
            let summary = Some(summary.to_owned());
            let (catchpoint, fate) = (String::new(), Fate::Death);
            kind(&Cause::Exception(CaughtException { language, fate, catchpoint, tid: 1, object: None, summary }))
        };
        assert_eq!(exception(ExceptionLanguage::Python, "ValueError: 7 of 9: bad"), "ValueError");
        assert_eq!(exception(ExceptionLanguage::Python, "app.Lost"), "app.Lost");
        assert_eq!(exception(ExceptionLanguage::Rust, "index 7 of 3"), "a Rust panic");
    }

    #[test]
    fn the_hash_is_written_down_so_that_it_stays() {
        let signature = Signature::new("SIGSEGV".to_owned(), vec!["Queue::pop".into(), "main".into()]);
        assert_eq!(signature.hash, "8d4256a5404058b0");
        let other = Signature::new("SIGSEGV".to_owned(), vec!["Queue".into(), "::pop".into(), "main".into()]);
        assert_ne!(signature.hash, other.hash);
    }
}
