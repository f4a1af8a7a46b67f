//! Stock tools: those that build the debuggees, and those that our files are held against.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::outcome::{finish, finish_with_input};

/// `tool package` per line; see its head.
const PACKAGES: &str = include_str!("../../fixtures/packages.txt");

/// Where a tool is, if it is installed.
pub fn have(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Where a tool is. One that is missing is installed when we are root; else the test fails and says what to install.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    have(name).or_else(|| install_missing().then(|| have(name)).flatten()).unwrap_or_else(|| {
        let missing = missing_packages();
        let wanted = if missing.is_empty() { name.to_owned() } else { Vec::from_iter(missing).join(" ") };
        panic!("this test needs {name}: apt-get install {wanted}")
    })
}

/// All packages of which a tool is missing.
fn missing_packages() -> BTreeSet<&'static str> {
    let lines = PACKAGES.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' ')).map(|(tool, package)| (tool, package.trim()));
    pairs.filter(|(tool, _)| have(tool).is_none()).map(|(_, package)| package).collect()
}

/// Installs every missing package at once, where that can be done: as root, with apt. Once per test process; apt's
/// own lock holds other processes back.
fn install_missing() -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    *DONE.get_or_init(|| {
        let packages = missing_packages();
        if packages.is_empty() || !nix::unistd::geteuid().is_root() || have("apt-get").is_none() {
            return false;
        }
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            command.args(["-q", "-o", "DPkg::Lock::Timeout=600"]).args(arguments);
            command.env("DEBIAN_FRONTEND", "noninteractive").output().is_ok_and(|output| output.status.success())
        };
        let mut install = vec!["install", "-y", "--no-install-recommends"];
        install.extend(packages);
        apt(&install) || apt(&["update"]) && apt(&install)
    })
}

/// Copies a program that is to be executed. Another process does it: a descriptor of ours that is open for writing
/// would live on in the child that another test forks just then, and until its exec the program were "busy" (ETXTBSY).
#[track_caller]
pub fn install(program: &Path, to: &Path, mode: u32) {
    finish(Command::new(tool("install")).arg(format!("--mode={mode:o}")).arg(program).arg(to)).success();
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

/// The innermost frames by gdb's `bt`: its lines from `#0` on.
#[track_caller]
pub fn gdb_backtrace(executable: &Path, core: &Path, count: usize) -> Vec<String> {
    let all = gdb(executable, core, &["echo \\n---\\n", &format!("bt {count}")]);
    let (_, shown) = all.rsplit_once("---\n").unwrap_or_else(|| panic!("gdb shows nothing:\n{all}"));
    shown.lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect()
}

/// How many threads gdb's `info threads` lists.
pub fn gdb_threads(shown: &str) -> usize {
    let rows = shown.lines().map(|line| line.trim_start_matches(['*', ' ']));
    rows.filter(|row| row.starts_with(|c: char| c.is_ascii_digit()) && (row.contains("LWP") || row.contains("Thread")))
        .count()
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

/// The core that gdb writes of a program which it ran to its first fatal signal.
#[track_caller]
pub fn gcore(executable: &Path, arguments: &[&str], core: &Path) {
    let mut command = Command::new(tool("gdb"));
    command.args(["-nx", "-batch", "-q", "-ex", "run", "-ex"]).arg(format!("generate-core-file {}", core.display()));
    let outcome = finish_with_input(command.arg("--args").arg(executable).args(arguments), b"");
    assert!(core.exists(), "gdb wrote no core:\n{}\n{}", outcome.stdout, outcome.stderr);
}
