//! Names are found through an index that is made once and kept: the same answers with and without it, whatever lies in
//! the cache directory, and whatever tables the linker wrote.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Scene, export, finish, fixture, fixture_dir, gdb, inspect, tool};

/// What names are asked for, of kinds that are found in other ways: by pattern, by path, from another unit.
const QUESTIONS: [&str; 12] = [
    "functions there",
    "types there|twice|color",
    "vars there|hidden|color",
    "globals there|hidden",
    "whatis struct only_there",
    "ptype struct twice",
    "p hidden_count",
    "p only_there_global",
    "p &only_there_function",
    "p GREEN",
    "list only_there_function",
    "p (long)sizeof(struct only_there)",
];

/// That of the programs here, so that their files in the cache are known.
const BUILD_ID: &str = "0123456789abcdef";

/// A crash of a program of two units, and a cache directory of the test's own.
struct Indexed {
    scene: Scene,
    snapshot: PathBuf,
    cache: PathBuf,
}

impl Indexed {
    fn of(program: &Path) -> Indexed {
        let scene = Scene::new();
        let outcome = scene.run([program]);
        assert_eq!(outcome.signal(), Some(4), "{}", outcome.stderr);
        let (snapshot, cache) = (scene.snapshot(), scene.path("cache"));
        Indexed { scene, snapshot, cache }
    }

    fn command(&self, cache: &str, questions: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
        command.arg("inspect").arg(&self.snapshot).env("DPDB_TRACE_CACHE", cache);
        command.args(questions.iter().flat_map(|question| ["-c", question]));
        command
    }

    #[track_caller]
    fn answers(&self, questions: &[&str]) -> String {
        let cache = self.cache.to_str().expect("TMPDIR is UTF-8");
        finish(&mut self.command(cache, questions)).without_panic().stdout
    }

    /// The answers of a session that keeps nothing and finds nothing kept.
    #[track_caller]
    fn answers_without_cache(&self, questions: &[&str]) -> String {
        finish(&mut self.command("off", questions)).without_panic().stdout
    }

    /// The files in the cache directory: what tells whether one was written anew.
    fn kept(&self) -> BTreeMap<String, (u64, u64)> {
        let Ok(entries) = fs::read_dir(&self.cache) else { return BTreeMap::new() };
        let kept = entries.map(|entry| {
            let entry = entry.expect("the directory is ours");
            let metadata = entry.metadata().expect("nobody removes it");
            (entry.file_name().into_string().expect("our names are ASCII"), (metadata.ino(), metadata.len()))
        });
        kept.collect()
    }

    fn index(&self) -> PathBuf {
        self.cache.join(format!("{BUILD_ID}.names"))
    }
}

/// The program of `fixtures/targets/two_units/`, compiled and linked so.
fn program(compiler: &str, flags: &[&str], link_flags: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("TMPDIR can be written");
    let built = dir.path().join("two_units");
    let source = |name: &str| fixture_dir().join("targets/two_units").join(name);
    for (name, object) in [("here.c", "here.o"), ("there.c", "there.o")] {
        let mut command = Command::new(tool(compiler));
        command.current_dir(&dir).args(["-g", "-O0", "-c", "-o", object]).args(flags).arg(source(name));
        finish(&mut command).success();
    }
    let mut link = Command::new(tool(compiler));
    link.current_dir(&dir)
        .args(["here.o", "there.o", "-o"])
        .arg(&built)
        .arg(format!("-Wl,--build-id=0x{BUILD_ID}"))
        .args(link_flags);
    finish(&mut link).success();
    (dir, built)
}

fn has_section(program: &Path, section: &str) -> bool {
    finish(Command::new(tool("readelf")).args(["-SW"]).arg(program)).success().stdout.contains(section)
}

/// Without the addresses and the paths, which differ from build to build.
fn essence(answers: &str) -> Vec<String> {
    answers.lines().filter(|line| !line.contains("0x")).map(str::to_owned).collect()
}

#[test]
fn names_of_another_unit_are_found_and_the_index_is_kept_for_the_next_session() {
    let (_dir, built) = program("cc", &[], &[]);
    let crash = Indexed::of(&built);
    let whole = crash.answers_without_cache(&QUESTIONS);
    assert!(crash.kept().is_empty());
    for part in ["only_there_function", "struct only_there", "hidden_count = 7", "only_there_global = 42", " = GREEN"] {
        assert!(whole.contains(part), "{part} is not in\n{whole}");
    }
    assert_eq!(crash.answers(&QUESTIONS), whole);
    let kept = crash.kept();
    assert!(kept.keys().any(|name| name.ends_with(".names")), "{kept:?}");
    assert_eq!(crash.answers(&QUESTIONS), whole);
    assert_eq!(crash.kept(), kept, "the second session writes nothing");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!((mode(&crash.cache), mode(&crash.index())), (0o700, 0o600));
}

#[test]
fn a_name_that_two_files_have_is_taken_from_the_one_that_is_named() {
    let (_dir, built) = program("cc", &[], &[]);
    let crash = Indexed::of(&built);
    let asked = [
        "p in_both",
        "p 'here.c'::in_both",
        "p 'there.c'::in_both",
        "p 'two_units/there.c'::in_both * 10",
        "p 'there.c'::only_there_global",
        "p 'there.c'::local_in_both == 0",
        "p 'ere.c'::in_both",
        "p 'here.c'::hidden_count",
    ];
    let expected = ["$1 = 1", "$2 = 1", "$3 = 2", "$4 = 20", "$5 = 42", "$6 = 0"];
    for answers in [crash.answers(&asked), crash.answers(&asked), crash.answers_without_cache(&asked)] {
        assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_backtrace_reads_no_names_of_other_units() {
    let (_dir, built) = program("cc", &[], &[]);
    let crash = Indexed::of(&built);
    crash.answers(&["bt full", "p here_global", "whatis struct twice"]);
    assert!(!crash.index().exists());
}

#[test]
fn a_damaged_cut_or_foreign_cache_file_changes_no_answer() {
    let (_dir, built) = program("cc", &[], &[]);
    let crash = Indexed::of(&built);
    let whole = crash.answers(&QUESTIONS);
    let good = fs::read(crash.index()).expect("it is ours");
    let mut worse = vec![Vec::new(), b"not an index".to_vec(), good[..good.len() / 2].to_vec()];
    worse.push(vec![0; good.len()]);
    for at in [17, 40, 70, good.len() / 2, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[at] ^= 0x55;
        worse.push(flipped);
    }
    for bytes in worse {
        fs::write(crash.index(), &bytes).expect("it is ours");
        assert_eq!(crash.answers(&QUESTIONS), whole);
        // Not as the good one byte for byte: which name comes first depends on the threads that read the units.
        assert!(fs::read(crash.index()).expect("it is ours") != bytes, "it was not made anew");
    }
    let (_other_dir, other) = program("cc", &["-DOTHER"], &[]);
    let other = Indexed::of(&other);
    other.answers(&QUESTIONS);
    fs::copy(other.index(), crash.index()).expect("both are ours");
    assert_eq!(crash.answers(&QUESTIONS), whole);
}

#[test]
fn sessions_at_once_do_not_disturb_each_other() {
    let (_dir, built) = program("cc", &[], &[]);
    let crash = Indexed::of(&built);
    let whole = crash.answers_without_cache(&QUESTIONS);
    let cache = crash.cache.to_str().expect("TMPDIR is UTF-8");
    let start = || crash.command(cache, &QUESTIONS).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let running: Vec<_> = (0..6).map(|_| start().expect("the binary is there")).collect();
    for session in running {
        let output = session.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stdout), whole);
    }
    assert!(!crash.kept().keys().any(|name| name.ends_with(".tmp")), "{:?}", crash.kept());
    assert_eq!(crash.answers(&QUESTIONS), whole);
}

#[test]
fn a_cache_that_cannot_be_written_changes_no_answer() {
    let (_dir, built) = program("cc", &[], &[]);
    let mut crash = Indexed::of(&built);
    let whole = crash.answers_without_cache(&QUESTIONS);
    // To root no directory is read-only, but one that others can write to is not used either.
    fs::create_dir(&crash.cache).expect("the scene is ours");
    for mode in [0o500, 0o777] {
        fs::set_permissions(&crash.cache, fs::Permissions::from_mode(mode)).expect("it is ours");
        assert_eq!(crash.answers(&QUESTIONS), whole);
    }
    crash.cache = crash.scene.path("file");
    fs::write(&crash.cache, "no directory").expect("the scene is ours");
    assert_eq!(crash.answers(&QUESTIONS), whole);
    assert_eq!(fs::read(&crash.cache).expect("it is ours"), b"no directory");
}

#[test]
fn debug_names_and_gdb_index_give_the_answers_of_a_full_walk_and_need_none() {
    let plain = program("clang-19", &["-gdwarf-5"], &[]);
    let lld = "-fuse-ld=lld-19";
    let kinds: [(&str, (tempfile::TempDir, PathBuf)); 3] = [
        (".debug_names", program("clang-19", &["-gdwarf-5", "-gpubnames"], &[])),
        (".debug_names", program("clang-19", &["-gdwarf-5", "-gpubnames"], &[lld, "-Wl,--debug-names"])),
        (".gdb_index", program("clang-19", &["-gdwarf-4", "-ggnu-pubnames"], &[lld, "-Wl,--gdb-index"])),
    ];
    let expected = essence(&Indexed::of(&plain.1).answers_without_cache(&QUESTIONS));
    for (section, (_dir, built)) in kinds {
        assert!(has_section(&built, section) && !has_section(&plain.1, section), "{section}");
        let crash = Indexed::of(&built);
        assert_eq!(
            essence(&crash.answers(&QUESTIONS[4..10])),
            essence(&crash.answers_without_cache(&QUESTIONS[4..10]))
        );
        assert_eq!(essence(&crash.answers(&QUESTIONS)), expected, "{section}");
        let fresh = Indexed { cache: crash.scene.path("fresh"), ..crash };
        fresh.answers(&["p only_there_global", "whatis struct only_there", "p &only_there_function"]);
        assert!(!fresh.index().exists(), "{section}");
    }
}

/// Lines of the source, by what gdb or we list.
type Lines = BTreeSet<u64>;

fn lines_by_gdb(shown: &str, file: &str) -> Lines {
    let own = shown.split("\nFile ").skip(1).filter(|part| part.lines().next().is_some_and(|name| name.contains(file)));
    // What has no semicolon behind it is a namespace, which gdb counts among the types.
    let lines = own.flat_map(str::lines).filter(|line| line.ends_with(';'));
    lines.filter_map(|line| line.split_once(":\t")?.0.trim().parse().ok()).collect()
}

fn lines_by_us(answer: &str, file: &str) -> Lines {
    let answer: serde_json::Value = serde_json::from_str(answer).expect("it is JSON");
    let names = answer["reply"]["names"].as_array().unwrap_or_else(|| panic!("no names in {answer}"));
    let own = names.iter().filter(|name| name["file"].as_str().is_some_and(|path| path.ends_with(file)));
    own.filter_map(|name| name["line"].as_u64()).collect()
}

#[test]
fn gdb_lists_the_same_functions_types_and_variables_of_a_program_in_cpp() {
    let source = "programs/cpp_classes.cpp";
    let (program, scene) = (fixture(source), Scene::new());
    assert_eq!(scene.run([&program]).signal(), Some(6));
    let core = scene.path("core");
    export(&scene.snapshot(), &core);
    for (kind, at_gdb) in [("functions", "info functions -n"), ("types", "info types"), ("vars", "info variables -n")] {
        let question = format!("{kind} shapes|call|main");
        let answer = inspect(&scene.snapshot(), ["--json", "-c", &question]).success().stdout;
        let shown = gdb(&program, &core, &[&format!("{at_gdb} shapes\\|call\\|main")]);
        let (gdbs, ours) = (lines_by_gdb(&shown, "cpp_classes.cpp"), lines_by_us(&answer, "cpp_classes.cpp"));
        assert!(!gdbs.is_empty(), "{shown}");
        assert_eq!(ours, gdbs, "{kind}:\n{shown}\n{answer}");
    }
}
