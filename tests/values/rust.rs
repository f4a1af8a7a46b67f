//! Types and library of Rust, over `fixtures/targets/kinds.rs`.

use std::path::Path;
use std::sync::OnceLock;

use crate::common::{Crash, fixture, give, inspect};

fn crash() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("kinds.rs")])).snapshot
}

#[test]
fn enums_of_every_layout_show_the_variant_that_is_alive() {
    give(
        crash(),
        &[
            // In the niches of a pointer: one and several variants.
            ("full", "Full(0x… Box(0x…) = 4)"),
            ("vacant", "Vacant"),
            ("gone", "Gone"),
            ("many", "[Text(\"many\"), Flag(true), Unit, Point {x: -1, y: 2}]"),
            ("many[3].x", "-1"),
            ("low", "Low"),
            ("high", "High(-5)"),
            ("single", "Only(1, 2)"),
            ("some_ref", "Some(0x… <kinds::TABLE+1>)"),
            ("none_ref", "None"),
            ("some_box", "Some(0x… Box(0x…) = 9)"),
            ("nonzero", "Some(12)"),
            ("zero", "None"),
            ("nested", "Some(None)"),
            ("none_char", "None"),
            ("ok", "Ok(6)"),
            ("err", "Err(\"broken\")"),
        ],
    );
}

#[test]
fn types_without_a_size_tuples_slices_and_numbers_are_shown() {
    give(
        crash(),
        &[
            ("unit", "()"),
            ("marker", "Marker"),
            ("empty", "Empty"),
            ("markers", "[Empty, Empty, Empty]"),
            ("bits", "{float: 1.0, word: 1065353216}"),
            ("text", "\"text é\""),
            ("slice", "[10, 20, 30]"),
            ("pointer", "{data_ptr: 0x…, length: 3} [10, 20, 30]"),
            ("smallest", "-170141183460469231731687303715884105728"),
            ("largest", "340282366920938463463374607431768211455"),
            ("function", "0x… <kinds::twice>"),
            ("GREETING", "\"hello\""),
            ("TABLE[2]", "3"),
        ],
    );
}

#[test]
fn trait_objects_show_the_type_that_they_are_of() {
    let dog = "{pointer: 0x…, vtable: 0x…} kinds::Dog at 0x… {value: Dog {age: 7}}";
    give(
        crash(),
        &[
            ("dog", dog),
            ("boxed", "{pointer: 0x…, vtable: 0x…} kinds::Cat at 0x… {value: Cat(300)}"),
            ("counted", "Rc(0x…, use 1, weak 0) = kinds::Dog at 0x… {value: Dog {age: 7}}"),
        ],
    );
}

#[test]
fn closures_show_their_captures_and_futures_their_state() {
    let suspended = |name: &str, length: u32| {
        format!(
            "__state: 3, 3: {{name: \"{name}\", length: {length}, __awaitee: {{async_fn_env#0}} {{__state: 3, 3: \
             {{doubled: {}, __awaitee: Never, number: {length}}}}}, name: \"{name}\"}}",
            2 * length
        )
    };
    let shown = inspect(crash(), ["-c", "locals ^(by_|future|state|fresh)"]).success().stdout;
    for part in [
        "by_move = {closure_env#1} {owned: \"owned\"}",
        "by_reference = {closure_env#0} {_ref__number: 0x",
        "fresh = {async_fn_env#0} {__state: 0, 0: {name: \"fresh\"}}",
        &suspended("state", 5),
        &suspended("future", 6),
        "kinds::outer::{{closure}} at 0x",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn values_of_the_library_are_shown_by_their_meaning() {
    give(
        crash(),
        &[
            ("string", "\"string\""),
            ("vec", "[1, 2, 3]"),
            ("empty_vec", "[]"),
            ("vec_of_units", "[(), (), (), ()]"),
            ("deque", "[-1, 4, 5, 0, 1, 2, 3]"),
            ("hash_map", "{\"key\": 1}"),
            ("hash_set", "{2}"),
            ("btree_map.len()", "40"),
            ("btree_map[39]", "120 'x'"),
            ("btree_set", "{\"a\", \"b\"}"),
            ("rc", "Rc(0x…, use 2, weak 1) = 5"),
            ("arc", "Arc(0x…, use 1, weak 1) = \"arc\""),
            ("weak", "{ptr: NonNull {pointer: 0x…}, alloc: Global} Weak(0x…, use 2, weak 1) = 5"),
            ("cell", "Cell(11)"),
            ("ref_cell", "Cell(\"inside\", borrowed once)"),
            ("path", "\"/tmp/file\""),
            ("os_string", "\"os\""),
            ("c_string", "{inner: {data_ptr: 0x…, length: 2} [99, 0]} \"c\""),
            ("borrowed", "Borrowed(\"cow\")"),
            ("cow", "Owned(\"moo\")"),
            ("range", "Range {start: 3, end: 9}"),
            ("from", "RangeFrom {start: 4}"),
            ("inclusive", "RangeInclusive {start: 1, end: 4, exhausted: false}"),
            ("atomic", "99"),
        ],
    );
    let shown = inspect(crash(), ["-c", "locals ^(mutex|guard|duration|instant|rw_lock)$"]).success().stdout;
    for part in [
        " Mutex (locked) {data: [1, 2]}",
        " Ref(borrow=1) {*value: \"inside\", borrow: 1}",
        " 1.5s",
        " s since the machine started",
        " RwLock (unlocked) {data: 0.5}",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn a_thread_local_of_the_library_is_that_of_the_thread() {
    let shown = inspect(crash(), ["-c", "globals OWN"]).success().stdout;
    assert!(shown.contains("__RUST_STD_INTERNAL_VAL = Cell(5)"), "{shown}");
}

#[test]
fn variables_of_blocks_deep_inside_each_other_are_listed() {
    let crash = Crash::of([fixture("nested_lets.rs")]);
    let shown = inspect(&crash.snapshot, ["-c", "locals"]).success().stdout;
    let all = "one two three four five six seven eight nine ten eleven twelve";
    let lines: Vec<_> = all.split(' ').map(|name| format!("{name} = <optimized out>")).collect();
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines);
}
