//! The command line of dpdb-trace: supervise a command, or inspect what a crash left.

#![allow(dead_code, unused_imports, reason = "run and report land as soon as the supervisor and the report do")]

mod cli;
mod engine;
mod export;
mod failure;
mod info;
mod inspect;
mod render;
mod shell;

use std::process::ExitCode;

use cli::Request;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().collect()) {
        Request::Inspect(arguments) => inspect::inspect(&arguments),
        Request::Export(arguments) => export::export(&arguments),
        Request::Info(arguments) => info::info(&arguments),
        other => failure::failed(&std::io::Error::other(format!("not landed yet: {other:?}"))),
    }
}
