//! Stock tools: those that build the debuggees, and those that our files are held against.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::outcome::{finish, finish_with_input};

/// The package, in Debian's and Ubuntu's words, that a tool comes with.
const PACKAGES: [(&str, &str); 17] = [
    ("cc", "gcc libc6-dev"),
    ("gcc", "gcc libc6-dev"),
    ("c++", "g++"),
    ("g++", "g++"),
    ("clang-19", "clang-19 (or clang)"),
    ("clang", "clang"),
    ("make", "make"),
    ("gdb", "gdb"),
    ("gcore", "gdb"),
    ("zstd", "zstd"),
    ("xz", "xz-utils"),
    ("python3", "python3"),
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("redis-benchmark", "redis-tools"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
];

/// Where a tool is, if it is installed.
pub fn have(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Where a tool is; a machine without it fails the test and is told what to install.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    have(name).unwrap_or_else(|| {
        let package = PACKAGES.iter().find(|(tool, _)| *tool == name).map_or(name, |(_, package)| package);
        panic!("this test needs {name}, which is not installed: apt-get install {package}")
    })
}

/// What gdb prints for `commands` on a core file.
#[track_caller]
pub fn gdb(executable: &Path, core: &Path, commands: &[&str]) -> String {
    let mut command = Command::new(tool("gdb"));
    command.args(["-nx", "-batch", "-q"]).env_remove("DEBUGINFOD_URLS");
    // A backtrace must not stop at a hundred frames nor at main, and no line may be folded.
    for setting in ["width 0", "height 0", "confirm off", "backtrace limit unlimited", "backtrace past-main on"] {
        command.args(["-iex", &format!("set {setting}")]);
    }
    for wanted in commands {
        command.args(["-ex", wanted]);
    }
    finish(command.arg(executable).arg(core)).stdout
}

/// The frames of gdb's `bt`: its lines from `#0` on.
#[track_caller]
pub fn gdb_backtrace(executable: &Path, core: &Path) -> Vec<String> {
    let all = gdb(executable, core, &["echo \\n---\\n", "bt"]);
    let (_, shown) = all.rsplit_once("---\n").unwrap_or_else(|| panic!("gdb shows nothing:\n{all}"));
    shown.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect()
}

/// `zstd -dc FILE > core`, by the stock tool.
#[track_caller]
pub fn decompress(snapshot: &Path, core: &Path) {
    let mut command = Command::new(tool("zstd"));
    finish(command.args(["-q", "-d", "-f", "-o"]).arg(core).arg(snapshot)).success();
}

/// `dpdb-trace export FILE -o core`.
#[track_caller]
pub fn export(snapshot: &Path, core: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    finish(command.arg("export").arg(snapshot).arg("-o").arg(core)).without_panic().success();
}

/// The core that gdb writes of a program which it ran to its fatal signal.
#[track_caller]
pub fn gcore(executable: &Path, arguments: &[&str], core: &Path) {
    let mut command = Command::new(tool("gdb"));
    command.args(["-nx", "-batch", "-q", "-ex", "run", "-ex"]).arg(format!("generate-core-file {}", core.display()));
    let outcome = finish_with_input(command.arg("--args").arg(executable).args(arguments), b"");
    assert!(core.exists(), "gdb wrote no core:\n{}\n{}", outcome.stdout, outcome.stderr);
}
