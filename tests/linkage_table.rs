//! Code that belongs to no function of any source: the stubs through which a program calls its libraries.

mod common;

use common::{Build, Scene, export, fixture_with, gdb_backtrace, inspect};

/// The name in a line of a backtrace: what stands behind `in `.
fn function(line: &str) -> &str {
    line.split_once(" in ").map_or("", |(_, rest)| rest.split([' ', '+']).next().unwrap_or_default())
}

/// A crash inside a stub, built by a linker that was told `flags`, has gdb's name there and the caller below it.
#[track_caller]
fn assert_named(flags: &[&str], section: &str) {
    let built = fixture_with("stub_fault.c", Build { flags, ..Build::default() });
    let scene = Scene::new();
    assert_eq!(scene.run([&built]).signal(), Some(11));
    let shown =
        inspect(&scene.snapshot(), ["-c", "bt 2", "-c", "frame 0", "-c", "whatat $pc", "-c", "disas"]).success().stdout;
    let ours: Vec<&str> = shown.lines().take(2).map(function).collect();
    assert_eq!(ours, ["getppid@plt", "main"], "{flags:?}\n{shown}");
    assert!(
        shown.contains("getppid@plt+") && shown.contains("<getppid@plt"),
        "whatat and disas know it as well:\n{shown}"
    );

    let core = scene.path("core");
    export(&scene.snapshot(), &core);
    let theirs = gdb_backtrace(&built, &core, 2);
    let theirs: Vec<&str> = theirs.iter().map(|line| function(line)).collect();
    assert_eq!(theirs, ours, "by gdb");
    let sections = common::finish(std::process::Command::new(common::tool("readelf")).arg("-SW").arg(&built)).stdout;
    assert!(sections.contains(&format!(" {section} ")), "{flags:?} no longer make a {section}\n{sections}");
}

#[test]
fn a_stub_that_binds_lazily_is_named_after_its_function() {
    assert_named(&["-Wl,-z,lazy", "-fcf-protection=none", "-DLAZY"], ".plt");
}

#[test]
fn a_stub_of_a_function_whose_address_is_known_anyway_is_named_after_it() {
    assert_named(&["-Wl,-z,now", "-fcf-protection=none"], ".plt.got");
}

#[test]
fn a_stub_under_branch_tracking_is_named_after_its_function() {
    assert_named(&["-Wl,-z,lazy", "-Wl,-z,ibtplt", "-fcf-protection=full", "-DLAZY"], ".plt.sec");
}
