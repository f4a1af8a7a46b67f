//! Expressions over small programs of C, C++ and Rust: what each must give is what the program's source says.

#[path = "../common/mod.rs"]
mod common;

mod c;
mod containers;
mod cpp;
mod oracle;
mod rust;

use std::path::Path;
use std::sync::OnceLock;

pub(crate) use common::{Crash, Row, give, says, without_addresses};

use common::{fixture, fixture_with_libcxx};

fn c() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("expressions.c")])).snapshot
}

fn cpp() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("expressions.cpp")])).snapshot
}

fn rust() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("expressions.rs")])).snapshot
}

fn containers_of_cpp() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("containers.cpp")])).snapshot
}

fn containers_of_libcxx() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture_with_libcxx("containers.cpp")])).snapshot
}

fn containers_of_rust() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("containers.rs")])).snapshot
}
