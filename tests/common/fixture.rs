//! Building debuggees: once per content and flags, whichever test asks first.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::tool;

/// Compiler and flags that stand in place of those in the source's `build:` line.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Build<'a> {
    /// Another compiler, such as `clang-19`.
    pub compiler: Option<&'a str>,
    /// Flags after those of the source, so that they win.
    pub flags: &'a [&'a str],
}

/// The executable built from `fixtures/targets/NAME` (with its extension, such as `fork_pool.c`), or from
/// `fixtures/FOLDER/NAME` for `FOLDER/NAME`, by the flags in its `build:` line.
pub fn fixture(name: &str) -> PathBuf {
    fixture_with(name, Build::default())
}

/// The same, by another compiler or with more flags.
pub fn fixture_with(name: &str, build: Build<'_>) -> PathBuf {
    let folder = if name.contains('/') { "" } else { "targets" };
    let source = fixture_dir().join(folder).join(name);
    let text = fs::read_to_string(&source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    let (compiler, mut arguments) = compiler_for(name, build);
    arguments.extend(own_flags(&text).map(OsString::from));
    arguments.extend(build.flags.iter().map(OsString::from));
    // Libraries come last: ld takes from an archive only what it already misses.
    let (libraries, flags): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|flag| flag.as_encoded_bytes().starts_with(b"-l"));

    let mut hasher = DefaultHasher::new();
    (&text, compiler, &flags, &libraries, included(&source, &text)).hash(&mut hasher);
    let stem = source.file_stem().expect("a fixture has a name").to_owned();
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    let kept = home.join(format!("{}-{:016x}", stem.display(), hasher.finish()));
    let built = kept.join(&stem);
    if built.exists() {
        return built;
    }

    // Built aside and renamed as a whole: a test in another process may want the same one.
    fs::create_dir_all(&home).expect("target/tmp can be written");
    let aside = tempfile::tempdir_in(&home).expect("target/tmp can be written");
    let mut command = Command::new(tool(compiler));
    command.current_dir(fixture_dir()).arg("-o").arg(aside.path().join(&stem)).args(flags);
    let output = command.arg(&source).args(libraries).output().expect("the compiler was found and can be run");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    if fs::rename(aside.path(), &kept).is_err() {
        assert!(built.exists(), "{} can neither be placed nor found", built.display());
    } else {
        // The directory moved away under its name: nothing is left to remove.
        let _ = aside.keep();
    }
    built
}

/// A program of C++ by clang and with the standard library of LLVM.
pub fn fixture_with_libcxx(name: &str) -> PathBuf {
    // As fixtures/packages.txt names it.
    tool("/usr/lib/llvm-19/lib/libc++.so");
    fixture_with(name, Build { compiler: Some("clang++-19"), flags: &["-stdlib=libc++"] })
}

/// The `fixtures/` directory of the source tree.
pub fn fixture_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn compiler_for<'a>(name: &str, build: Build<'a>) -> (&'a str, Vec<OsString>) {
    let (usual, first): (&str, &[&str]) = match name.rsplit('.').next() {
        Some("c" | "S") => ("cc", &["-g", "-Wall", "-Wno-unused"]),
        Some("cpp") => ("c++", &["-g", "-Wall", "-Wno-unused"]),
        Some("rs") => ("rustc", &["--edition=2024", "-g", "-Awarnings"]),
        _ => panic!("{name}: a fixture is .c, .cpp, .S or .rs"),
    };
    (build.compiler.unwrap_or(usual), first.iter().map(OsString::from).collect())
}

/// The flags of the comment line `build: FLAGS` within the first lines of a source.
fn own_flags(source: &str) -> impl Iterator<Item = &str> {
    let line = source.lines().take(20).find_map(|line| line.split_once("build:")).map_or("", |(_, flags)| flags);
    line.split_whitespace().filter(|flag| *flag != "*/")
}

/// The text of the files beside a source that it includes, so that a change there builds it anew.
fn included(source: &Path, text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("#include \""));
    names
        .filter_map(|rest| rest.split('"').next())
        .filter_map(|name| fs::read_to_string(source.with_file_name(name)).ok())
        .collect()
}
