//! Thread-local variables of a program and of a module that it loads late, in each of its threads.

use std::path::Path;
use std::sync::OnceLock;

use crate::common::{Build, Crash, fixture, fixture_with, give_at, says_at};

fn crash() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("thread_locals.c"), fixture("thread_locals_module.c")])).snapshot
}

const FIRST: &[&str] = &["thread 1"];
const SECOND: &[&str] = &["thread 2"];
const THIRD: &[&str] = &["thread 3"];
/// In the C library.
const ABORT: &[&str] = &["frame 0"];

/// The static model: at a fixed distance from the thread pointer.
#[test]
fn each_thread_has_the_programs_own_variables() {
    give_at(crash(), FIRST, &[("number", "7"), ("state", "{id = 1, name = 0x… \"first\"}"), ("zero", "0")]);
    give_at(crash(), SECOND, &[("number", "70"), ("state", "{id = 2, name = 0x… \"second\"}"), ("zero", "3")]);
    give_at(crash(), THIRD, &[("number", "7"), ("state.id", "3"), ("zero", "0")]);
}

/// The dynamic model: where the thread's vector says, once the thread has used one of them.
#[test]
fn a_module_that_was_loaded_late_has_variables_in_the_threads_that_used_them() {
    let used = [("module_number", "500"), ("module_private", "522"), ("module_text", "\"text\\000\\000\\000\"")];
    give_at(crash(), SECOND, &used);
    let unused = "not allocated: this thread has used no variable of that module yet";
    for thread in [FIRST, THIRD] {
        says_at(crash(), thread, "p module_number", &format!("module_number\n^~~~~~~~~~~~~\n{unused}"));
    }
}

#[test]
fn names_of_other_modules_are_found_from_any_frame() {
    give_at(crash(), ABORT, &[("number", "7"), ("number * 2", "14"), ("main::count", "2")]);
    give_at(
        crash(),
        SECOND,
        &[
            ("module_number", "500"),
            ("$1 + number", "570"),
            ("$mine = module_number", "500"),
            ("number - $mine", "-430"),
        ],
    );
    says_at(crash(), ABORT, "p zzyzx", "zzyzx\n^~~~~\nnothing here is called \"zzyzx\"");
}

#[test]
fn a_type_that_is_only_declared_is_found_where_another_module_defines_it() {
    give_at(crash(), ABORT, &[("*declared_only", "{number = 5, name = 0x… \"elsewhere\"}")]);
}

/// Numbers need no names.
#[test]
fn a_program_without_debugging_information_leaves_the_names_of_the_others() {
    let program = fixture_with("thread_locals.c", Build { flags: &["-g0"], ..Build::default() });
    let crash = Crash::of([program, fixture("thread_locals_module.c")]);
    give_at(&crash.snapshot, SECOND, &[("1 + 1", "2"), ("(int)3.7", "3"), ("module_number", "500")]);
    let untyped = "main is at 0x…, but nothing tells its type: cast it, as in *(int *)0x…";
    says_at(&crash.snapshot, SECOND, "p main", &format!("main\n^~~~\n{untyped}"));
}

#[test]
fn globals_of_a_thread_are_its_own() {
    let shown = |thread: &'static [&'static str]| {
        let commands = thread.iter().chain(&["globals ^(number|zero)$"]).flat_map(|command| ["-c", command]);
        crate::common::inspect(crash(), commands).success().stdout
    };
    assert!(shown(FIRST).ends_with("number = 7\nzero = 0\n"), "{}", shown(FIRST));
    assert!(shown(SECOND).ends_with("number = 70\nzero = 3\n"), "{}", shown(SECOND));
}

/// It has one block, which no list of modules tells of.
#[test]
fn a_static_program_has_them_too() {
    let program = fixture_with("thread_locals.c", Build { flags: &["-static", "-w"], ..Build::default() });
    let crash = Crash::of([program]);
    give_at(&crash.snapshot, FIRST, &[("number", "7"), ("state.id", "1")]);
    give_at(&crash.snapshot, SECOND, &[("number", "70"), ("state.id", "2"), ("zero", "3")]);
}
