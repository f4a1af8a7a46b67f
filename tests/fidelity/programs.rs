//! The programs of `fixtures/programs`, built by their Makefile and captured once per test run.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use crate::common::{export, finish, fixture_dir, tool};
use crate::comparison::Subject;

/// A program that died under dpdb-trace.
#[derive(Debug)]
pub struct Capture {
    /// The variant it was built in, such as `gcc-O2`.
    pub variant: String,
    /// Its name, such as `c_threads`.
    pub program: String,
    /// The executable.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// A directory of its own, for files about it.
    pub dir: PathBuf,
    /// What it left.
    pub snapshot: PathBuf,
    /// The snapshot as a plain core, by `export`.
    pub core: PathBuf,
}

impl Capture {
    /// `variant/program`, for messages.
    pub fn name(&self) -> String {
        format!("{}/{}", self.variant, self.program)
    }

    /// It as one of a comparison.
    pub fn subject(&self) -> Subject<'_> {
        Subject { executable: &self.executable, snapshot: &self.snapshot, core: &self.core, own_printers: true }
    }
}

/// The variants of the Makefile's goal `main`, and how many programs of each die at least: fewer captures mean that the
/// build or the capture lost some.
const MAIN: [(&str, usize); 6] =
    [("gcc-O0", 34), ("gcc-O2", 34), ("clang-O0", 34), ("clang-O2", 34), ("rust-O0", 9), ("rust-O2", 9)];

/// All programs of a variant that die of a signal (at -O0 one of them happens to survive what it does).
pub fn captures(variant: &'static str) -> Arc<Vec<Capture>> {
    type Slot = Arc<OnceLock<Arc<Vec<Capture>>>>;
    static SLOTS: LazyLock<Mutex<HashMap<&'static str, Slot>>> = LazyLock::new(Mutex::default);
    let slot = SLOTS.lock().expect("no test panics while it holds the list").entry(variant).or_default().clone();
    slot.get_or_init(|| Arc::new(capture_all(variant))).clone()
}

/// Runs the Makefile's goal `main` or `formats`, each at most once.
fn build(goal: &'static str) {
    static BUILT: LazyLock<Mutex<HashMap<&'static str, bool>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().expect("a build that failed has failed its test already");
    if built.insert(goal, true).is_none() {
        for needed in ["cc", "c++", "clang-19"] {
            tool(needed);
        }
        let mut make = Command::new(tool("make"));
        make.args(["-s", "-j2", "-C"]).arg(fixture_dir().join("programs")).arg(goal);
        // A make or cargo above us must not lend its job server.
        make.env_remove("MAKEFLAGS").env_remove("MFLAGS").arg(format!("W={}", home().display()));
        finish(&mut make).success();
    }
}

/// Where the Makefile puts a directory per variant.
pub fn build_dir() -> PathBuf {
    home().join("build")
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs")
}

fn capture_all(variant: &str) -> Vec<Capture> {
    let main = MAIN.iter().find(|(name, _)| *name == variant);
    build(if main.is_some() { "main" } else { "formats" });
    let built = build_dir().join(variant);
    let entries = fs::read_dir(&built).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    let mut executables: Vec<_> =
        entries.map(|entry| entry.expect("target/tmp is ours").path()).filter(|path| is_program(path)).collect();
    executables.sort();
    let captures: Vec<_> = executables.iter().filter_map(|executable| capture(variant, executable)).collect();
    let fewest = main.map_or(2, |(_, count)| *count);
    assert!(captures.len() >= fewest, "{variant}: only {} programs left a snapshot", captures.len());
    captures
}

fn is_program(path: &Path) -> bool {
    let executable = path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    executable && path.extension().is_none()
}

/// Runs one program under dpdb-trace; `None` where it ended by itself.
fn capture(variant: &str, executable: &Path) -> Option<Capture> {
    let program = executable.file_name().expect("a program has a name").to_string_lossy().into_owned();
    let dir = home().join("captures").join(variant).join(&program);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("target/tmp is ours");
    let arguments = arguments_of(executable);

    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.args(["--quiet", "--name", "snap", "--"]).args(small_stack()).arg(executable).args(&arguments);
    let outcome = finish(command.current_dir(&dir)).without_panic();
    let (snapshot, core) = (dir.join("snap"), dir.join("core"));
    assert_eq!(
        outcome.signal().is_some(),
        snapshot.exists(),
        "{variant}/{program}: a snapshot means a death and a death a snapshot; {}\n{}",
        outcome.status,
        outcome.stderr
    );
    outcome.signal()?;
    export(&snapshot, &core);
    Some(Capture {
        variant: variant.to_owned(),
        program,
        executable: executable.to_owned(),
        arguments,
        dir,
        snapshot,
        core,
    })
}

/// The words that a program's name stands behind so that its stack ends at 2 MiB: overflowing it is soon done then.
pub fn small_stack() -> [&'static str; 4] {
    ["sh", "-c", "ulimit -s 2048; exec \"$@\"", "sh"]
}

fn arguments_of(executable: &Path) -> Vec<String> {
    if executable.ends_with("c_dlopen") {
        return vec![executable.with_file_name("libplugin.so").display().to_string()];
    }
    Vec::new()
}
