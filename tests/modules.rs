//! The files of a crashed program when they are not where it had them: rebuilt, moved, deleted, or never here. The
//! debug-info formats themselves are compared with gdb elsewhere.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Build, Outcome, Scene, finish, fixture, fixture_dir, fixture_with, inspect, install, tool};

/// `null_read.c` with another name for its innermost function: what a rebuilt program or a wrong file would show.
fn impostor() -> PathBuf {
    fixture_with("null_read.c", Build { flags: &["-Dinnermost=impostor"], ..Build::default() })
}

/// A program that crashed, as a file that may be moved and replaced, and its snapshot.
struct Crashed {
    scene: Scene,
    program: PathBuf,
    snapshot: PathBuf,
}

impl Crashed {
    /// Runs a copy of `built`.
    #[track_caller]
    fn copy_of(built: &Path) -> Crashed {
        Crashed::copy_through(built, &[])
    }

    /// Runs a copy of `built` by the words of `wrapper`.
    #[track_caller]
    fn copy_through(built: &Path, wrapper: &[&str]) -> Crashed {
        let scene = Scene::new();
        let program = scene.path("prog");
        install(built, &program, 0o755);
        let outcome = scene.run(wrapper.iter().map(Path::new).chain([&*program]));
        assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
        let snapshot = scene.snapshot();
        Crashed { scene, program, snapshot }
    }

    /// What `command` prints when the snapshot is opened with `options`.
    #[track_caller]
    fn shows(&self, options: &[&str], command: &str) -> Outcome {
        inspect(&self.snapshot, options.iter().copied().chain(["-c", command])).success()
    }

    #[track_caller]
    fn backtrace(&self, options: &[&str]) -> Outcome {
        self.shows(options, "bt")
    }
}

/// The three functions of `null_read.c` with their lines.
#[track_caller]
fn assert_whole(backtrace: &Outcome) {
    let frames: Vec<&str> = backtrace.stdout.lines().collect();
    for (number, function, line) in [(0, "innermost", 3), (1, "middle", 4), (2, "main", 5)] {
        let frame = frames.get(number).copied().unwrap_or_default();
        let place = format!("null_read.c:{line}");
        let right = frame.contains(&format!("#{number}")) && frame.contains(function) && frame.contains(&place);
        assert!(right, "frame {number} is not {function} at {place}:\n{}{}", backtrace.stdout, backtrace.stderr);
    }
}

/// Nothing of a wrong file was used, and one warning has all of `parts`.
#[track_caller]
fn assert_refused(backtrace: &Outcome, parts: &[&str]) {
    assert!(!backtrace.stdout.contains("impostor"), "{}", backtrace.stdout);
    let refusals = backtrace.stderr.lines().filter(|line| parts.iter().all(|part| line.contains(part)));
    assert_eq!(refusals.count(), 1, "one warning with {parts:?}:\n{}", backtrace.stderr);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("our own paths are UTF-8")
}

fn build_id(file: &Path) -> String {
    let notes = finish(Command::new(tool("readelf")).arg("-n").arg(file)).success().stdout;
    let (_, id) = notes.split_once("Build ID: ").expect("the linker makes one");
    id.lines().next().unwrap_or_default().trim().to_owned()
}

fn run_tool(name: &str, arguments: &[&str]) {
    finish(Command::new(tool(name)).args(arguments)).success();
}

#[test]
fn a_program_that_was_rebuilt_after_the_crash_is_refused() {
    let crashed = Crashed::copy_of(&fixture("null_read.c"));
    let ran = build_id(&crashed.program);
    fs::remove_file(&crashed.program).unwrap();
    fs::copy(impostor(), &crashed.program).unwrap();
    let backtrace = crashed.backtrace(&[]);
    assert_refused(&backtrace, &[text(&crashed.program), "not used", &ran, &build_id(&crashed.program)]);
    assert!(!backtrace.stdout.contains("null_read.c"), "{}", backtrace.stdout);
    // Its frame pointers lead to main and on into libc, whose file is the right one.
    assert!(backtrace.stdout.contains("libc_start"), "{}", backtrace.stdout);
    let code = inspect(&crashed.snapshot, ["-c", "x/i $pc"]);
    assert!(code.stderr.contains("not captured") || code.stdout.contains("not captured"), "{code:?}");
    assert_whole(&crashed.backtrace(&["--exe", text(&fixture("null_read.c"))]));
}

#[test]
fn a_wrong_executable_is_refused_and_the_right_one_still_found() {
    let crashed = Crashed::copy_of(&fixture("null_read.c"));
    let wrong = impostor();
    let backtrace = crashed.backtrace(&["--exe", text(&wrong)]);
    assert_refused(&backtrace, &[text(&wrong), "not used", &build_id(&wrong)]);
    assert_whole(&backtrace);
}

#[test]
fn a_moved_executable_is_named_by_exe_or_found_under_a_sysroot() {
    let crashed = Crashed::copy_of(&fixture("null_read.c"));
    let moved = crashed.scene.path("moved");
    fs::rename(&crashed.program, &moved).unwrap();
    let lost = crashed.backtrace(&[]);
    assert_refused(&lost, &[text(&crashed.program), "not found here"]);
    assert!(lost.stdout.lines().count() > 3 && !lost.stdout.contains("null_read.c"), "{}", lost.stdout);
    assert_whole(&crashed.backtrace(&["--exe", text(&moved)]));

    let root = crashed.scene.path("root");
    let inside = root.join(crashed.program.strip_prefix("/").unwrap());
    fs::create_dir_all(inside.parent().unwrap()).unwrap();
    fs::copy(&moved, &inside).unwrap();
    let rooted = crashed.backtrace(&["--sysroot", text(&root)]);
    assert_whole(&rooted);
    assert!(crashed.shows(&["--sysroot", text(&root)], "modules").stdout.contains(text(&inside)), "{rooted:?}");
    fs::copy(impostor(), &inside).unwrap();
    assert_refused(&crashed.backtrace(&["--sysroot", text(&root)]), &[text(&inside), "not used"]);
}

#[test]
fn a_missing_program_is_unwound_by_what_the_snapshot_kept_of_it() {
    let built = fixture_with("null_read.c", Build { flags: &["-fomit-frame-pointer"], ..Build::default() });
    // With bit 2 the pages of private file mappings are kept, and the call frame information with them (core(5)).
    let keep_files = ["sh", "-c", "echo 0x37 > /proc/self/coredump_filter; exec \"$0\""];
    let crashed = Crashed::copy_through(&built, &keep_files);
    fs::remove_file(&crashed.program).unwrap();
    let backtrace = crashed.shows(&[], "frames");
    assert_refused(&backtrace, &[text(&crashed.program), "not found here"]);
    let by_cfi: Vec<&str> = backtrace.stdout.lines().filter(|line| line.contains("cfi")).collect();
    assert!(by_cfi.len() >= 4 && !backtrace.stdout.contains("scan"), "{}", backtrace.stdout);
    assert!(backtrace.stdout.contains("libc_start"), "{}", backtrace.stdout);
}

#[test]
fn a_debug_directory_gives_a_stripped_program_its_lines_by_build_id() {
    let crashed = Crashed::copy_of(&stripped(&fixture("null_read.c")));
    let bare = crashed.backtrace(&[]);
    assert!(bare.stdout.contains("innermost") && !bare.stdout.contains("null_read.c"), "{}", bare.stdout);

    let directory = crashed.scene.path("debug");
    let id = build_id(&crashed.program);
    let place = directory.join(".build-id").join(&id[..2]).join(format!("{}.debug", &id[2..]));
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    run_tool("objcopy", &["--only-keep-debug", text(&fixture("null_read.c")), text(&place)]);
    assert_whole(&crashed.backtrace(&["--debug-dir", text(&directory)]));

    run_tool("objcopy", &["--only-keep-debug", text(&impostor()), text(&place)]);
    let refused = crashed.backtrace(&["--debug-dir", text(&directory)]);
    assert_refused(&refused, &[text(&place), "not used", &build_id(&impostor())]);
    assert!(!refused.stdout.contains("null_read.c"), "{}", refused.stdout);
}

#[test]
fn a_debug_link_to_the_debug_file_of_another_build_is_refused() {
    let scene = Scene::new();
    let (linking, linked) = (scene.path("linking"), scene.path("prog.debug"));
    run_tool("objcopy", &["--only-keep-debug", text(&impostor()), text(&linked)]);
    run_tool(
        "objcopy",
        &["-g", &format!("--add-gnu-debuglink={}", text(&linked)), text(&fixture("null_read.c")), text(&linking)],
    );
    let crashed = Crashed::copy_of(&linking);
    let beside = crashed.scene.path("prog.debug");
    fs::copy(&linked, &beside).unwrap();
    let backtrace = crashed.backtrace(&[]);
    assert_refused(&backtrace, &[text(&beside), "not used", &build_id(&impostor())]);
    assert!(backtrace.stdout.contains("innermost") && !backtrace.stdout.contains("null_read.c"), "{backtrace:?}");
}

#[test]
fn sources_that_moved_are_found_through_the_source_map() {
    let moved = format!("-ffile-prefix-map={}=/nowhere/built", text(&fixture_dir()));
    let built = fixture_with("null_read.c", Build { flags: &[&moved], ..Build::default() });
    let crashed = Crashed::copy_of(&built);
    let lost = inspect(&crashed.snapshot, ["-c", "list"]);
    assert!(lost.stderr.contains("/nowhere/built/targets/null_read.c"), "{lost:?}");
    let map = format!("/nowhere/built={}", text(&fixture_dir()));
    let found = crashed.shows(&["--source-map", &map], "list");
    assert!(found.stdout.contains("static int innermost(const int *p)"), "{found:?}");
}

#[test]
fn a_program_and_a_library_that_were_deleted_while_they_ran_are_found_by_their_ids() {
    let library_flags = ["-shared", "-fPIC", "-DLIBRARY"];
    let library = fixture_with("deleted_library.c", Build { flags: &library_flags, ..Build::default() });
    let program = fixture("deleted_library.c");
    let scene = Scene::new();
    let (prog, lib) = (scene.path("prog"), scene.path("libgone.so"));
    fs::copy(&program, &prog).unwrap();
    fs::copy(&library, &lib).unwrap();
    assert_eq!(scene.run([&prog, &lib]).signal(), Some(11));
    assert!(!prog.exists() && !lib.exists(), "they unlink themselves");
    let crashed = Crashed { snapshot: scene.snapshot(), program: prog, scene };
    let lost = crashed.backtrace(&[]);
    assert_refused(&lost, &["libgone.so", "not found here"]);
    assert_refused(&lost, &[text(&crashed.program), "not found here"]);

    // Another library that took its place is not it.
    fs::copy(&program, &lib).unwrap();
    assert_refused(&crashed.backtrace(&[]), &["libgone.so", "not used", &build_id(&library)]);

    let directory = crashed.scene.path("files");
    for file in [&program, &library] {
        let id = build_id(file);
        let place = directory.join(".build-id").join(&id[..2]).join(&id[2..]);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(file, place).unwrap();
    }
    let found = crashed.backtrace(&["--debug-dir", text(&directory)]);
    for part in ["read_through", "deleted_library.c:5", "main", "deleted_library.c:16"] {
        assert!(found.stdout.contains(part), "{part} is not in\n{}", found.stdout);
    }
}

#[test]
fn the_oldest_debug_information_that_a_compiler_still_writes_is_read() {
    let built = fixture_with("null_read.c", Build { flags: &["-gdwarf-2", "-gstrict-dwarf"], ..Build::default() });
    assert_whole(&Crashed::copy_of(&built).backtrace(&[]));
}

/// A copy of `built` with its symbols and without its debugging information.
fn stripped(built: &Path) -> PathBuf {
    let made = built.with_extension("stripped");
    if !made.exists() {
        // Renamed into place: a test in another process may make the same one.
        let aside = built.with_extension(format!("stripped.{}", std::process::id()));
        run_tool("objcopy", &["-g", text(built), text(&aside)]);
        fs::rename(&aside, &made).expect("target/tmp can be written");
    }
    made
}

/// Overwrites `count` bytes with `0xff` in a section of `file`: at its start, or in its middle.
#[track_caller]
fn damage(file: &Path, section: &str, at_start: bool, count: usize) {
    let headers = finish(Command::new(tool("readelf")).arg("-SW").arg(file)).success().stdout;
    let row = headers.lines().find(|line| line.contains(&format!(" {section} "))).expect("the section is there");
    let (_, rest) = row.split_once(section).expect("it was just found");
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |digits: &str| usize::from_str_radix(digits, 16).expect("readelf writes hexadecimal numbers");
    let (offset, size) = (number(fields[2]), number(fields[3]));
    let mut bytes = fs::read(file).expect("it is ours");
    let from = if at_start { offset } else { offset + size / 2 };
    bytes[from..(from + count).min(offset + size)].fill(0xff);
    fs::write(file, bytes).expect("it is ours");
}

/// `parts` are told in one warning, once, however many commands run into it.
#[track_caller]
fn assert_told_once(crashed: &Crashed, parts: &[&str]) {
    let twice = inspect(&crashed.snapshot, ["-c", "bt", "-c", "frames", "-c", "whatat $pc"]).success();
    assert_refused(&twice, parts);
    let info = inspect(&crashed.snapshot, ["-c", "bt", "-c", "info"]).success().stdout;
    assert!(info.lines().any(|line| parts.iter().all(|part| line.contains(part))), "info tells it, too:\n{info}");
}

#[test]
fn debug_information_that_cannot_be_decompressed_is_told_once() {
    for (kind, flag) in [("zlib", "--compress-debug-sections=zlib"), ("zstd", "--compress-debug-sections=zstd")] {
        let scene = Scene::new();
        let compressed = scene.path(kind);
        run_tool("objcopy", &[flag, text(&fixture("null_read.c")), text(&compressed)]);
        damage(&compressed, ".debug_info", false, 40);
        let crashed = Crashed::copy_of(&compressed);
        assert_told_once(&crashed, &[text(&crashed.program), "section .debug_info"]);
        // The symbol table is whole.
        assert!(crashed.backtrace(&[]).stdout.contains("in innermost"));
    }
}

#[test]
fn a_damaged_minidebuginfo_is_told_once() {
    let scene = Scene::new();
    let (mini, with_mini) = (scene.path("mini"), scene.path("with_mini"));
    run_tool("objcopy", &["-S", "--keep-symbol=innermost", text(&fixture("null_read.c")), text(&mini)]);
    run_tool("xz", &["-k", text(&mini)]);
    let section = format!(".gnu_debugdata={}.xz", text(&mini));
    run_tool("objcopy", &["-S", "--add-section", &section, text(&fixture("null_read.c")), text(&with_mini)]);
    let whole = Crashed::copy_of(&with_mini).backtrace(&[]);
    assert!(whole.stdout.contains("in innermost") && whole.stderr.is_empty(), "{whole:?}");
    damage(&with_mini, ".gnu_debugdata", false, 100);
    let crashed = Crashed::copy_of(&with_mini);
    assert_told_once(&crashed, &[text(&crashed.program), ".gnu_debugdata"]);
}

#[test]
fn a_unit_that_cannot_be_read_is_told_once() {
    let built = fixture_with("null_read.c", Build { flags: &["-gno-pubnames"], ..Build::default() });
    let crashed = Crashed::copy_of(&built);
    // Without its address table a file is searched unit by unit; the first one's length becomes reserved.
    run_tool("objcopy", &["--remove-section=.debug_aranges", text(&crashed.program)]);
    let headers = finish(Command::new(tool("readelf")).arg("-SW").arg(&crashed.program)).success().stdout;
    assert!(!headers.contains(".debug_aranges"), "{headers}");
    damage(&crashed.program, ".debug_info", true, 12);
    assert_told_once(&crashed, &[text(&crashed.program), "section .debug_info", "damaged at 0x0"]);
}
