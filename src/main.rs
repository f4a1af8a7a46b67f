//! The command line of dpdb-trace.

use std::process::ExitCode;

fn main() -> ExitCode {
    dpdb_trace::main(std::env::args_os().collect())
}
