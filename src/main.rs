//! The command line of dpdb-trace: supervise a command, or inspect what a crash left.

fn main() {}
