//! What the black-box tests share: debuggees built on demand, a fresh directory to run dpdb-trace in, and stock tools
//! to hold its files against.
//!
//! A tool that a test needs and the machine lacks is a failure that names the package, never a silent pass.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this module")]

mod damage;
mod fixture;
mod frozen;
mod live;
mod mirror;
mod outcome;
mod proc;
mod pythons;
mod rows;
mod scene;
mod terminal;
mod tools;

pub use damage::Damaged;
pub use fixture::{Build, fixture, fixture_dir, fixture_with, fixture_with_libcxx};
pub use frozen::{freeze, frozen, frozen_dir};
pub use live::Live;
pub use mirror::{Mirrored, mirrored, mirrored_through, scenario};
pub use outcome::{Outcome, finish, finish_with_input};
pub use proc::{state_of, status_field, until_childless, until_stopped, until_traced};
pub use pythons::{PythonVersion, attributes, crash, interpreters, list, reply, text};
pub use rows::{Crash, Row, give, give_at, says, says_at, without_addresses};
pub use scene::{Scene, inspect, pid_of, read_lines};
pub use terminal::Terminal;
pub use tools::{decompress, export, gcore, gdb, gdb_backtrace, gdb_threads, have, install, tool};
