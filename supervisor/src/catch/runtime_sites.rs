//! Where the runtimes of C++ and Rust report exceptions, and the dynamic linker what it has loaded.

use iced_x86::Instruction;

use super::python_sites::branches;
use super::{Catchpoint, ElfImage, Site};

/// The symbols that are looked for here.
pub(crate) fn is_wanted(name: &str) -> bool {
    matches!(name, "_ZSt9terminatev" | "__cxa_throw" | "_dl_debug_state" | "_r_debug") || is_rust_panic(name)
}

/// `rust_panic` is there to be stopped at (library/std/src/panicking.rs); since Rust 1.87 its name is mangled.
fn is_rust_panic(name: &str) -> bool {
    name == "rust_panic" || name.ends_with("___rustc10rust_panic")
}

/// The catchpoints of a C++ runtime, with the first chance or without.
pub(crate) fn cxx_sites(image: &ElfImage, first_chance: bool) -> Vec<Site> {
    let terminate = terminate(image).map(|at| Site { catchpoint: Catchpoint::CxxTerminate, at });
    let throw = image.symbol("__cxa_throw").filter(|_| first_chance);
    terminate.into_iter().chain(throw.map(|throw| Site { catchpoint: Catchpoint::CxxThrow, at: throw.at })).collect()
}

/// `__cxxabiv1::__terminate`: `std::terminate` ends by calling it, and what breaks a `noexcept` comes to it straight from
/// the personality routine (libstdc++, eh_terminate.cc and eh_call.cc).
fn terminate(image: &ElfImage) -> Option<u64> {
    let exported = image.symbol("_ZSt9terminatev")?;
    let called = branches(image, exported.at, exported.size, Instruction::is_call_near).pop();
    Some(called.filter(|at| image.is_code(*at)).unwrap_or(exported.at))
}

/// The catchpoint of a Rust runtime.
pub(crate) fn rust_sites(image: &ElfImage) -> Vec<Site> {
    let panic = image.symbol_that(is_rust_panic);
    panic.map(|panic| Site { catchpoint: Catchpoint::RustPanic, at: panic.at }).into_iter().collect()
}

/// Where the dynamic linker tells a debugger of libraries, and where its `r_debug` is (glibc, elf/dl-debug.c).
pub(crate) fn loader_sites(image: &ElfImage) -> Option<(Site, u64)> {
    let state = image.symbol("_dl_debug_state")?.at;
    Some((Site { catchpoint: Catchpoint::Loader, at: state }, image.symbol("_r_debug")?.at))
}
