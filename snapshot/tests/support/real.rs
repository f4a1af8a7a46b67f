//! A real process: compiled, run under gdb until it crashes, and dumped by gdb's gcore.

use std::path::{Path, PathBuf};
use std::process::Command;

use dpdb_snapshot::{AddressRange, Avma, Content, Memory, PlannedRange, Snapshot};

/// Runs a command and returns what it printed; a missing program is a failure with a clear sentence.
pub fn run(command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().unwrap_or_else(|error| panic!("this test needs {name}, which cannot be run: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// What gdb prints for some commands on a core; its own start-up files and the network are kept out.
pub fn gdb(executable: &Path, core: &Path, commands: &[&str]) -> String {
    let mut gdb = Command::new("gdb");
    gdb.args([
        "-nx",
        "-batch",
        "-iex",
        "set auto-load safe-path /",
        "-ex",
        "set debuginfod enabled off",
        "-ex",
        "set width 0",
    ]);
    gdb.arg("-ex").arg(format!("file {}", executable.display()));
    gdb.arg("-ex").arg(format!("core-file {}", core.display()));
    for command in commands {
        gdb.args(["-ex", command]);
    }
    run(&mut gdb)
}

/// A program with two threads, sparse memory and a `.data` that has become zeros; it dies of SIGSEGV in `crash`.
const PROGRAM: &str = r#"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static pthread_barrier_t ready;
char sparse_bss[1 << 20];
char was_not_zero[1 << 16] = {1, 2, 3, [5000] = 9, [40000] = 8};
char *sparse;
static void *other(void *argument) {
    pthread_barrier_wait(&ready);
    for (;;) pause();
    return argument;
}
static void crash(int *where) { *where = 1; }
int main(void) {
    pthread_t thread;
    pthread_barrier_init(&ready, 0, 2);
    pthread_create(&thread, 0, other, 0);
    sparse = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(sparse, "begin");
    strcpy(sparse + (1 << 19), "middle");
    strcpy(sparse_bss + 300000, "bss");
    memset(was_not_zero, 0, sizeof was_not_zero);
    strcpy(was_not_zero + 65000, "end of data");
    pthread_barrier_wait(&ready);
    crash((int *)0x10);
    return 0;
}
"#;

/// A program and its core, in a directory of their own.
pub struct Crash {
    pub directory: tempfile::TempDir,
    pub executable: PathBuf,
    pub core: PathBuf,
}

/// Compiles the program, and has gdb run it up to its crash and dump it.
pub fn crash() -> Crash {
    let directory = tempfile::tempdir().unwrap();
    let (source, executable) = (directory.path().join("program.c"), directory.path().join("program"));
    let core = directory.path().join("gcore");
    std::fs::write(&source, PROGRAM).unwrap();
    run(Command::new("cc").args(["-g", "-O0", "-pthread", "-o"]).arg(&executable).arg(&source));
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "run", "-ex"]);
    gdb.arg(format!("generate-core-file {}", core.display())).arg(&executable);
    let text = run(&mut gdb);
    assert!(core.exists(), "gdb made no core:\n{text}");
    Crash { directory, executable, core }
}

/// A plan for the process of a plain core, as a capture would make it: zero runs of four pages and more are no bytes,
/// and what is only in the mapped file is left out.
pub fn plan(core: &Snapshot) -> Vec<PlannedRange> {
    let mut plan: Vec<PlannedRange> = Vec::new();
    for mapping in &core.process().mappings {
        let read_only_file = mapping.path.as_bytes().starts_with(b"/") && !mapping.permissions.write;
        for page in (mapping.range.start.0..mapping.range.end.0).step_by(4096) {
            let mut bytes = [0; 4096];
            let content = match core.read(Avma(page), &mut bytes) {
                Ok(()) if read_only_file && page != mapping.range.start.0 => Content::LeftOut("file".to_owned()),
                Ok(()) if bytes.iter().all(|&byte| byte == 0) => Content::Zero,
                Ok(()) => Content::Captured,
                Err(_) => Content::LeftOut("not in the core".to_owned()),
            };
            let range = AddressRange::new(page, page + 4096);
            match plan.last_mut() {
                Some(last) if last.range.end == range.start && last.content == content => last.range.end = range.end,
                _ => plan.push(PlannedRange { range, content }),
            }
        }
    }
    for planned in &mut plan {
        if planned.content == Content::Zero && planned.range.len() < 4 * 4096 {
            planned.content = Content::Captured;
        }
    }
    plan
}
