//! Functions that are known for why they end a process.

use super::Subject;
use super::finding::Finding;

/// How far up the stack they are looked for; what a runtime does between its entry and `abort` is less deep.
const FRAMES: usize = 40;

/// A function by the beginning of its name, and what it means that it is on the stack. The more telling come first.
const KNOWN: [(&str, &str); 21] = [
    ("__cxa_pure_virtual", "A pure virtual function was called, mostly from a constructor or a destructor."),
    ("__cxa_deleted_virtual", "A deleted virtual function was called."),
    ("std::__throw_bad_function_call", "An empty std::function was called."),
    ("std::__glibcxx_assert_fail", "An assertion of the C++ standard library failed."),
    ("__cxa_call_unexpected", "An exception left a function whose specification does not name it."),
    ("__gxx_personality_v0", "A C++ exception came to a function that lets none out (noexcept, or a destructor)."),
    ("std::sys::pal::unix::stack_overflow", "Rust's handler found that the stack had overflowed."),
    ("core::panicking::panic_cannot_unwind", "A Rust panic came to a function that must not unwind."),
    ("core::panicking::panic_in_cleanup", "A Rust destructor panicked during a panic."),
    ("core::panicking::panic_bounds_check", "A Rust index was out of bounds."),
    ("core::option::unwrap_failed", "Rust's unwrap met a None."),
    ("core::option::expect_failed", "Rust's expect met a None."),
    ("core::result::unwrap_failed", "Rust's unwrap or expect met an Err."),
    ("alloc::alloc::handle_alloc_error", "Rust ran out of memory."),
    ("std::panicking::", "A Rust panic ended it."),
    ("rust_panic", "A Rust panic ended it."),
    ("std::process::abort", "std::process::abort was called."),
    ("__stack_chk_fail", "The canary of a function's frame was overwritten: an array on the stack was overrun."),
    ("__chk_fail", "A buffer would have been overrun, which _FORTIFY_SOURCE noticed."),
    ("std::terminate", "C++ called std::terminate: nobody caught an exception, or one left a noexcept function."),
    ("__cxa_throw", "A C++ exception was thrown and not caught."),
];

/// The most telling of the known functions on the stack of a process that aborted.
pub(super) fn find(subject: &Subject<'_>) -> Option<Finding> {
    let frames = subject.backtrace(FRAMES)?.frames;
    let names: Vec<String> = frames
        .iter()
        .flat_map(|frame| subject.session.symbolize(frame))
        .filter_map(|function| Some(function.function?.name))
        .collect();
    let (_, meaning) = KNOWN.iter().find(|(known, _)| names.iter().any(|name| name.starts_with(known)))?;
    Some(Finding::Trap { what: meaning })
}
