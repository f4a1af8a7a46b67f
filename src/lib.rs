//! The program dpdb-trace: supervise a command, or inspect what a crash left.
//!
//! `main.rs` only calls [`main`]. Everything else is a library, so that tests and benchmarks can ask the engine and the
//! table of commands without a process and a pipe in between; it is no interface for others.

mod attach;
mod base_directories;
pub mod cli;
mod crash_groups;
mod deaths;
mod doctor;
pub mod engine;
mod exec_on_snapshot;
mod export;
mod failure;
mod info;
mod inspect;
mod interact;
mod ls;
mod pack;
mod python_callers;
mod python_consequences;
mod python_judge;
mod python_raises;
mod python_sources;
pub mod render;
mod report;
mod run;
pub mod shell;
mod signature_reader;
mod snap;
mod snapshot_files;
mod waiting;
mod watchers;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::Request;

/// Does what the command line asks for; its mistakes end the process here, with status 2.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    match cli::parse(arguments) {
        Request::Run(arguments) => run::run(&arguments),
        Request::Inspect(arguments) => inspect::inspect(&arguments),
        Request::Export(arguments) => export::export(&arguments),
        Request::Pack(arguments) => pack::pack(&arguments),
        Request::Info(arguments) => info::info(&arguments),
        Request::Ls(arguments) => ls::ls(&arguments),
        Request::Attach(arguments) => attach::attach(&arguments),
        Request::Snap(arguments) => snap::snap(&arguments),
        Request::Doctor(arguments) => doctor::doctor(&arguments),
        Request::Report(arguments) => report::report(&arguments),
    }
}
