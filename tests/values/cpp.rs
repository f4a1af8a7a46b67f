//! Types and scopes of C++ by gcc and clang, over `fixtures/targets/kinds.cpp`.

use std::path::Path;
use std::sync::OnceLock;

use crate::common::{Build, Crash, Row, fixture, fixture_with, give_at, inspect, says_at};

fn gcc() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("kinds.cpp")])).snapshot
}

fn clang() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    let build = Build { compiler: Some("clang++-19"), ..Build::default() };
    &CRASH.get_or_init(|| Crash::of([fixture_with("kinds.cpp", build)])).snapshot
}

/// Both compilers, in the frame of this number.
#[track_caller]
fn both(frame: &str, rows: &[Row]) {
    for snapshot in [gcc(), clang()] {
        give_at(snapshot, &[frame], rows);
    }
}

const CRASHED: &str = "frame 0";
const INLINED: &str = "frame 1";
const COROUTINE: &str = "frame 2";
const RUN: &str = "frame 4";
const LAMBDA: &str = "frame 5";
const WORK: &str = "frame 6";
const MAIN: &str = "frame 7";

#[test]
fn functions_inlined_into_each_other_have_their_own_arguments_and_locals() {
    both(CRASHED, &[("deep", "4"), ("text", "0x… \"inlined\""), ("local", "8")]);
    both(INLINED, &[("shallow", "3"), ("local", "4")]);
    let backtrace = inspect(clang(), ["-c", "bt 2"]).success().stdout;
    assert!(backtrace.contains(" in inner_inlined (deep=4, text=0x") && backtrace.contains("[inlined]"), "{backtrace}");
}

#[test]
fn a_coroutine_has_its_parameters_and_locals_in_its_frame() {
    both(COROUTINE, &[("from", "2"), ("to", "9"), ("k", "4"), ("square", "16")]);
    give_at(gcc(), &[COROUTINE], &[("frame_ptr->_Coro_promise.current", "16"), ("frame_ptr->_Coro_resume_index", "4")]);
    give_at(clang(), &[COROUTINE], &[("__promise.current", "16"), ("__coro_frame.to", "9")]);
}

#[test]
fn captures_are_seen_in_the_lambda_and_from_outside() {
    both(RUN, &[("limit", "1")]);
    both(
        LAMBDA,
        &[("by_value", "4"), ("by_reference", "(int &) @0x…: 5"), ("made", "8"), ("last", "1"), ("gear", "3")],
    );
    give_at(
        gcc(),
        &[WORK],
        &[(
            "lambda",
            "{__this = 0x…, __by_value = 4, __by_reference = @0x…: 5, __made = 8, __run = {__generator = @0x…: {handle = {_M_fr_ptr = 0x…}}}}",
        )],
    );
    give_at(
        clang(),
        &[WORK],
        &[(
            "lambda",
            "{this = 0x…, by_value = 4, by_reference = @0x…: 5, made = 8, run = {generator = @0x…: {handle = {_M_fr_ptr = 0x…}}}}",
        )],
    );
}

/// Three variables of one name in blocks inside each other, and a fourth in the function around the lambda.
#[test]
fn the_innermost_of_several_names_hides_the_others() {
    both(LAMBDA, &[("shadowed", "3"), ("Machine::work::shadowed", "1")]);
    both(WORK, &[("shadowed", "1")]);
    let locals = inspect(gcc(), ["-c", LAMBDA, "-c", "locals shadowed"]).success().stdout;
    assert!(locals.ends_with("shadowed = 3\nshadowed = 2\n"), "{locals}");
}

#[test]
fn references_pointers_to_members_and_dynamic_types_are_shown() {
    both(
        WORK,
        &[
            ("moved", "(int &&) @0x…: 6"),
            ("array", "(const int (&)[3]) @0x…: {1, 2, 3}"),
            ("array[2]", "3"),
            ("root", "(shapes::Root *) 0x… shapes::Diamond"),
            ("other", "(shapes::Other *) 0x… shapes::Diamond"),
            ("root->root", "1"),
            ("root_reference.root", "1"),
            ("data", "(int shapes::Diamond::*) &shapes::Left::left"),
            ("no_data", "NULL"),
            ("method", "(int (shapes::Diamond::*)(const shapes::Diamond *, int)) &shapes::Diamond::plain"),
            ("virtual_method", "(int (shapes::Root::*)(shapes::Root *, int)) &virtual shapes::Root::act"),
        ],
    );
}

#[test]
fn bases_virtual_ones_too_and_static_members_are_found() {
    both(
        WORK,
        &[
            ("diamond.left", "2"),
            ("diamond.right", "114 'r'"),
            ("diamond.root", "1"),
            ("diamond.other", "5"),
            ("diamond.Left::left", "2"),
            ("diamond.mode", "fast"),
            ("diamond.narrow", "9"),
            ("diamond.inner.depth", "3"),
            ("diamond.inner.owner == &diamond", "true"),
            ("shapes::Root::instances", "77"),
            ("shapes::Root::limit", "99"),
            ("diamond.mode == shapes::Diamond::Mode::fast", "true"),
            ("calls", "93"),
        ],
    );
    let shown = inspect(gcc(), ["-c", MAIN, "-c", "p diamond"]).success().stdout;
    assert!(shown.contains("<Left> = {<Root> = {_vptr = 0x") && shown.contains("<Other> = {_vptr = 0x"), "{shown}");
}

#[test]
fn templates_scopes_and_small_types_are_shown() {
    both(
        WORK,
        &[
            ("templated", "{value = {held = 6}}"),
            ("shapes::Templated<short, 42, shapes::Holder>::shared", "42"),
            ("unscoped", "second"),
            ("sizeof(unscoped)", "2"),
            ("null", "(std::nullptr_t) 0x0"),
            ("one", "1"),
            ("two", "2.5"),
            ("by_value + by_reference", "9"),
            ("(anonymous namespace)::hidden", "31"),
            ("hidden", "31"),
            ("own", "8"),
            ("this->gear", "3"),
            ("gear", "3"),
        ],
    );
}

#[test]
fn a_class_is_declared_with_its_static_members_and_functions() {
    let root = "type = struct shapes::Root {\n  public:\n    int root;\n    static int instances;\n    static const long limit;\n\n    \
                virtual ~Root(void);\n    virtual int act(int);\n}";
    let machine = "type = struct Machine {\n    int gear;\n  public:\n    int work(shapes::Diamond &, int &&, const int (&)[3]);\n}";
    for snapshot in [gcc(), clang()] {
        says_at(snapshot, &[WORK], "ptype shapes::Root", root);
        says_at(snapshot, &[WORK], "ptype *this", machine);
        let diamond = inspect(snapshot, ["-c", WORK, "-c", "ptype diamond"]).success().stdout;
        assert!(diamond.contains("    int plain(int) const;\n"), "{diamond}");
    }
}
