//! The command line of dpdb-trace: supervise a command, or inspect what a crash left.

mod cli;
mod deaths;
mod doctor;
mod engine;
mod export;
mod failure;
mod info;
mod inspect;
mod render;
mod report;
mod run;
mod shell;

use std::process::ExitCode;

use cli::Request;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().collect()) {
        Request::Run(arguments) => run::run(arguments),
        Request::Inspect(arguments) => inspect::inspect(&arguments),
        Request::Export(arguments) => export::export(&arguments),
        Request::Info(arguments) => info::info(&arguments),
        Request::Doctor(arguments) => doctor::doctor(&arguments),
        Request::Report(arguments) => report::report(&arguments),
    }
}
