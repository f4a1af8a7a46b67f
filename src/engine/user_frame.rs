//! Which frame is the user's own: the first that neither raises, panics nor belongs to a runtime library.
//!
//! A crash in `memcpy` or an abort under `assert` is looked at from where the program called it. That is what
//! somebody wants to see first, so it is the frame a shell selects and a report names.

use dpdb_snapshot::Text;

/// What the choice is made by.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The function's name without parameters, if it has one.
    pub function: Option<&'a str>,
    /// The source file, if known.
    pub file: Option<&'a Text>,
    /// The module's path, if the frame lies in one.
    pub module: Option<&'a Text>,
    /// Whether it is the kernel's signal trampoline.
    pub trampoline: bool,
}

/// Libraries that are never the program's own code, by the beginning of their file names.
const RUNTIME_LIBRARIES: [&str; 16] = [
    "libc.so",
    "libc-",
    "libpthread",
    "ld-linux",
    "ld-2.",
    "libstdc++",
    "libc++",
    "libgcc_s",
    "libm.so",
    "libm-",
    "libdl",
    "librt",
    "libasan",
    "libubsan",
    "libffi",
    "[vdso]",
];

/// Functions by which a program dies rather than where it went wrong; they may be linked statically or be inlined.
const DEATH: [&str; 26] = [
    "raise",
    "gsignal",
    "abort",
    "kill",
    "tgkill",
    "pthread_kill",
    "__pthread_kill",
    "__pthread_kill_implementation",
    "__pthread_kill_internal",
    "__GI_raise",
    "__GI_abort",
    "__assert_fail",
    "__assert_fail_base",
    "__assert_perror_fail",
    "__fortify_fail",
    "__chk_fail",
    "__stack_chk_fail",
    "__libc_message",
    "__libc_fatal",
    "malloc_printerr",
    "__cxa_throw",
    "__cxa_rethrow",
    "__cxa_pure_virtual",
    "__cxa_call_terminate",
    "rust_panic",
    "rust_begin_unwind",
];

/// Beginnings of qualified names that belong to the C++ and Rust runtimes.
const RUNTIME_NAMESPACES: [&str; 14] = [
    "std::",
    "core::",
    "alloc::",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "_Unwind_",
    "__rust_",
    "__rustc",
    "<core::",
    "<alloc::",
    "<std::",
    "__libc_start",
    "__GI_",
    "__pthread_kill",
];

/// Where toolchains keep the sources of their libraries.
const RUNTIME_SOURCES: [&str; 4] = ["/rustc/", "/usr/include/", "/usr/lib/gcc/", "/usr/lib/rustlib/"];

/// Whether a module is a library that is never the program's own code.
pub fn is_runtime_library(module: &Text) -> bool {
    let name = module.as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    RUNTIME_LIBRARIES.iter().any(|library| name.starts_with(library.as_bytes()))
}

/// Whether a frame is the program's own code.
pub fn is_users(frame: Candidate<'_>) -> bool {
    if frame.trampoline {
        return false;
    }
    let Some(function) = frame.function else { return false };
    let in_library = frame.module.is_some_and(is_runtime_library);
    let in_runtime_source = frame
        .file
        .is_some_and(|file| RUNTIME_SOURCES.iter().any(|folder| file.as_bytes().starts_with(folder.as_bytes())));
    !(in_library
        || in_runtime_source
        || DEATH.contains(&function)
        || RUNTIME_NAMESPACES.iter().any(|namespace| function.starts_with(namespace)))
}

#[cfg(test)]
mod tests {
    use super::{Candidate, is_users};
    use dpdb_snapshot::Text;

    #[test]
    fn runtimes_and_the_ways_to_die_are_not_the_users_own_code() {
        let cases = [
            ("Queue::pop", Some("/src/queue.cpp"), "/opt/worker", true),
            ("abort", None, "/opt/static-worker", false),
            ("memcpy", Some("./string/memcpy.S"), "/usr/lib/x86_64-linux-gnu/libc.so.6", false),
            ("core::panicking::panic_fmt", Some("/rustc/abc/library/core/src/panicking.rs"), "/opt/worker", false),
            ("std::vector<int>::at", Some("/usr/include/c++/12/bits/stl_vector.h"), "/opt/worker", false),
            ("worker::run::{closure#0}", Some("/src/main.rs"), "/opt/worker", true),
            ("aborted_jobs", None, "/opt/worker", true),
        ];
        for (function, file, module, expected) in cases {
            let (file, module) = (file.map(Text::from), Text::from(module));
            let candidate =
                Candidate { function: Some(function), file: file.as_ref(), module: Some(&module), trampoline: false };
            assert_eq!(is_users(candidate), expected, "{function}");
        }
        let nothing = Candidate { function: None, file: None, module: None, trampoline: false };
        assert!(!is_users(nothing), "a pc that no code explains");
    }
}
