//! Programs that crash: a small one, and one with as much debugging information as a browser's. They are built once
//! and kept in `target/`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::DPDB_TRACE;

/// Structures that every unit has from a header, and those of its own.
const SHARED: usize = 560;
const OWN: usize = 560;

/// Functions of each unit.
const FUNCTIONS: usize = 40;

/// Frames of the crash, each in another unit.
const FRAMES: usize = 26;

/// A program and what its crash left.
pub struct Crashed {
    pub name: String,
    pub executable: PathBuf,
    pub snapshot: PathBuf,
    pub core: PathBuf,
}

/// Three frames in one unit.
pub fn small(home: &Path) -> Crashed {
    let dir = home.join("small");
    fs::create_dir_all(&dir).expect("target/ can be written");
    let source = "#include <stdlib.h>\n\
        struct only_here_node { int value; struct only_here_node *next; char name[16]; };\n\
        static int visit(struct only_here_node *n) { int here = n ? n->value : 0; if (!n) abort(); return here + visit(n->next); }\n\
        int main(void) { struct only_here_node b = {2, 0, \"b\"}, a = {1, &b, \"a\"}; return visit(&a); }\n";
    fs::write(dir.join("small.c"), source).expect("target/ can be written");
    compile(&dir, &["-O0", "small.c", "-o", "program"]);
    crash("a small C program", &dir)
}

/// `units` units, each with its own structures and functions and those of a common header.
pub fn large(home: &Path, units: usize) -> Crashed {
    let dir = home.join(format!("large-{units}"));
    fs::create_dir_all(&dir).expect("target/ can be written");
    if !dir.join("program").exists() {
        build_large(&dir, units.max(FRAMES));
    }
    crash(&format!("{units} units"), &dir)
}

fn build_large(dir: &Path, units: usize) {
    println!("building {units} units in {} …", dir.display());
    fs::write(dir.join("common.h"), structures("shared", SHARED)).expect("target/ can be written");
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= units {
                break;
            }
            let name = format!("unit{number}.c");
            fs::write(dir.join(&name), unit(number, units)).expect("target/ can be written");
            // GCC describes types that nothing uses, as a program's headers are full of, only if asked.
            let object = format!("unit{number}.o");
            compile(dir, &["-O0", "-fno-eliminate-unused-debug-types", "-c", &name, "-o", &object]);
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from)).for_each(|_| drop(scope.spawn(work)));
    });
    let objects: String = (0..units).map(|number| format!("unit{number}.o\n")).collect();
    fs::write(dir.join("objects"), objects).expect("target/ can be written");
    compile(dir, &["@objects", "-o", "program"]);
    for number in 0..units {
        for end in ["c", "o"] {
            fs::remove_file(dir.join(format!("unit{number}.{end}"))).expect("it was made above");
        }
    }
}

fn structures(prefix: &str, count: usize) -> String {
    let kinds = ["int", "long", "char *", "double", "unsigned char"];
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(text, "struct {prefix}_{number} {{");
        for member in 0..9 {
            let kind = kinds[(number + member) % 5];
            let _ = write!(text, " {kind} {prefix}_field_{}_{member};", number % 40);
        }
        let before = number.saturating_sub(1);
        let _ = writeln!(text, " struct {prefix}_{before} *previous; }};");
    }
    text
}

/// A unit. The crash goes from unit to unit in steps that spread it over all of the program.
fn unit(number: usize, units: usize) -> String {
    let own = format!("u{number}");
    let mut text = format!("#include \"common.h\"\n{}", structures(&own, OWN));
    let _ = writeln!(text, "static struct {own}_1 table_{number}[4];");
    for function in 0..FUNCTIONS {
        let _ = writeln!(
            text,
            "static int work_{number}_{function}(int first, struct {own}_{function} *object, long *third) {{\n\
             \tint sum = first * 2; long wide = sum; double ratio = wide / 3.0; struct {own}_{function} copy = *object;\n\
             \tfor (int i = 0; i < first; i++) {{ int step = i + sum; wide += step; }}\n\
             \treturn (int)(wide + ratio) + (third ? (int)*third : 0) + (copy.previous != 0);\n}}"
        );
    }
    let step = (units / FRAMES).max(1);
    let (frame, target) = (number / step, number + step);
    if number.is_multiple_of(step) && frame + 1 < FRAMES && target < units {
        let _ = writeln!(text, "int step_{target}(int depth, struct shared_7 *state);");
        let call = format!("step_{target}(depth + 1, state) + work_{number}_3(depth, &local, 0)");
        let _ = writeln!(
            text,
            "int step_{number}(int depth, struct shared_7 *state) {{ struct {own}_3 local = {{0}}; int before = depth * 3; return {call} + before; }}"
        );
    } else {
        let _ = writeln!(
            text,
            "int step_{number}(int depth, struct shared_7 *state) {{ int *nowhere = 0; return *nowhere + depth; }}"
        );
    }
    if number == 0 {
        text.push_str("struct only_here_config { int size; };\nint only_here_function(struct only_here_config *c) { return c->size; }\n");
        text.push_str("int main(void) { struct shared_7 state = {0}; return step_0(1, &state); }\n");
    }
    text
}

fn compile(dir: &Path, arguments: &[&str]) {
    let status = Command::new("cc").current_dir(dir).args(["-g", "-w"]).args(arguments).status();
    assert!(status.expect("cc is installed").success(), "cc {arguments:?}");
}

/// Lets the program in `dir` crash under us.
fn crash(name: &str, dir: &Path) -> Crashed {
    let (executable, snapshot) = (dir.join("program"), dir.join("crash.snap"));
    if snapshot.exists() {
        fs::remove_file(&snapshot).expect("target/ can be written");
    }
    let mut command = Command::new(DPDB_TRACE);
    command.current_dir(dir).args(["--quiet", "--name", "crash.snap", "--"]).arg(&executable);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("our own binary runs");
    let core = plain_core(&snapshot, &dir.join("crash.core"));
    Crashed { name: name.to_owned(), executable, snapshot, core }
}

/// The core at `to` that gdb and lldb can read, made of a snapshot; what is no snapshot is one already.
pub fn plain_core(snapshot: &Path, to: &Path) -> PathBuf {
    let exported =
        Command::new(DPDB_TRACE).arg("export").arg(snapshot).arg("-o").arg(to).stderr(Stdio::null()).status();
    if exported.expect("our own binary runs").success() { to.to_owned() } else { snapshot.to_owned() }
}

/// The size of all `.debug_*` sections, in megabytes.
pub fn dwarf_megabytes(executable: &Path) -> u64 {
    let output = Command::new("readelf").args(["-SW"]).arg(executable).output().expect("binutils are installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let sizes = text.lines().filter_map(|line| {
        let rest = &line[line.find(" .debug_")?..];
        u64::from_str_radix(rest.split_whitespace().nth(4)?, 16).ok()
    });
    sizes.sum::<u64>() / 1_000_000
}
