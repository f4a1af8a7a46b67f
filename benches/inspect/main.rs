//! How fast a dead process is shown, with gdb and lldb beside us: `cargo bench --bench inspect`. Nothing fails here.
//!
//! It makes a program of 2,600 units with some 500 MB of DWARF, lets it crash, and asks for the stack with all
//! variables and for names; the same of a small C program. `DPDB_BENCH_UNITS=100` makes a smaller one.
//! `DPDB_BENCH_EXE` and `DPDB_BENCH_CORE` measure a program of your own (a snapshot or a core of it) as well.

mod contest;
mod program;

use std::path::{Path, PathBuf};

use contest::{Contest, DPDB_TRACE};

/// The units of the large program, unless the environment says otherwise.
const UNITS: usize = 2600;

fn main() {
    if contest::was_asked_to_measure() {
        return contest::measure_our_arguments();
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-inspect");
    let units = std::env::var("DPDB_BENCH_UNITS").ok().and_then(|units| units.parse().ok()).unwrap_or(UNITS);
    println!("{DPDB_TRACE}");
    for crashed in [program::small(&home), program::large(&home, units)] {
        println!("\n{}: {} MB of DWARF", crashed.name, program::dwarf_megabytes(&crashed.executable));
        compare(&crashed.executable, &crashed.snapshot, &crashed.core, "^only_here_");
    }
    if let (Some(executable), Some(core)) = (std::env::var_os("DPDB_BENCH_EXE"), std::env::var_os("DPDB_BENCH_CORE")) {
        let (executable, given) = (PathBuf::from(executable), PathBuf::from(core));
        println!("\n{}: {} MB of DWARF", executable.display(), program::dwarf_megabytes(&executable));
        let core = program::plain_core(&given, &home.join("given.core"));
        compare(&executable, &given, &core, "Config$");
    }
}

fn compare(executable: &Path, snapshot: &Path, core: &Path, pattern: &str) {
    let contest = Contest::new(executable, snapshot, core);
    contest.heading();
    contest.backtrace();
    contest.names(pattern);
}
