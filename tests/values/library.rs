//! The C++ standard libraries of GCC and LLVM by what their values mean, over `fixtures/targets/std_values.cpp`.

use std::path::Path;
use std::sync::OnceLock;

use crate::common::{Crash, Row, fixture, fixture_with_libcxx, give, inspect};

fn libstdcxx() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("std_values.cpp")])).snapshot
}

fn libcxx() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture_with_libcxx("std_values.cpp")])).snapshot
}

/// What the source gives its variables, in either library.
const VALUES: &[Row] = &[
    ("string", "\"short\""),
    ("long_string", "'x' <repeats 100 times>"),
    ("empty_string", "\"\""),
    ("wstring", "L\"wïde\""),
    ("u8string", "\"hé\""),
    ("string_view", "\"view\""),
    ("vector", "{1, 2, 3}"),
    ("empty_vector", "{}"),
    ("vector_of_bool", "{true, false, true}"),
    ("-elements 3 -- deque", "{4, 5, 6, … 2,993 more}"),
    ("deque[2995]", "2999"),
    ("list", "{1, 2}"),
    ("forward_list", "{3, 4}"),
    ("array", "{5, 6, 7}"),
    ("map", "{[1] = 97 'a', [2] = 98 'b'}"),
    ("multimap", "{[1] = 10, [1] = 11}"),
    ("set", "{\"a\", \"b\"}"),
    ("multiset", "{3, 3}"),
    ("unordered_map", "{[\"key\"] = 7}"),
    ("unordered_multimap", "{[1] = 10, [1] = 10}"),
    ("unordered_set", "{9}"),
    ("unordered_multiset", "{8, 8}"),
    ("optional", "optional({first = 1, second = 2})"),
    ("nullopt", "nullopt"),
    ("variant", "variant[1](\"text\")"),
    ("any", "std::any containing int {[contained value] = 42}"),
    ("empty_any", "std::any [no contained value]"),
    ("tuple", "(1, \"two\", {first = 3, second = 4})"),
    ("empty_tuple", "()"),
    ("pair", "(1, true)"),
    ("span", "{1, 2, 3}"),
    ("fixed_span", "{5, 6, 7}"),
    ("unique_ptr", "unique_ptr(0x…) = {first = 5, second = 6}"),
    ("null_unique_ptr", "unique_ptr(0x0)"),
    ("unique_ptr_with_deleter", "unique_ptr(0x…) = {first = 7, second = 8}"),
    ("shared_ptr", "shared_ptr(0x…, use 1, weak 1) = {first = 9, second = 10}"),
    ("adopted", "shared_ptr(0x…, use 1, weak 0) = {first = 11, second = 12}"),
    ("null_shared_ptr", "shared_ptr(0x0)"),
    ("weak_ptr", "weak_ptr(0x…, use 1, weak 1) = {first = 9, second = 10}"),
    ("expired", "weak_ptr(0x…, use 0, weak 1)"),
    ("atomic", "std::atomic<int> = { 13 }"),
    ("atomic_pointer", "std::atomic<Item *> = { 0x… }"),
    ("atomic_bool", "std::atomic<bool> = { true }"),
    // What stands in the words is as deep as they are.
    ("-depth 0 -- atomic", "std::atomic<int> = { 13 }"),
    ("bitset", "std::bitset {[0] = 1, [2] = 1, [9] = 1}"),
    ("large_bitset", "std::bitset {[0] = 1}"),
    ("complex", "1 + -2i"),
    ("initializer_list", "{1, 2}"),
    ("iterator->second", "97 'a'"),
    ("*vector_iterator", "2"),
];

/// Values that are shown as they are laid out, and behind that what they mean.
const MEANINGS: &[Row] = &[
    ("function", "} twice"),
    ("empty_function", "} no function"),
    ("milliseconds", "} 1500 ms"),
    ("seconds", "} 2.5 s"),
    ("hours", "} 3 h"),
    ("time_point", "} 86400 s since the epoch of system_clock"),
    ("steady", "} 5000000000 ns since the epoch of steady_clock"),
    ("null_exception_ptr", "} no exception"),
    ("reference_wrapper", ": 2"),
];

#[track_caller]
fn mean(snapshot: &Path, meanings: &[Row]) {
    let commands = meanings.iter().flat_map(|(name, _)| ["-c".to_owned(), format!("locals ^{name}$")]);
    let shown = inspect(snapshot, commands).success().stdout;
    for ((name, meaning), line) in meanings.iter().zip(shown.lines()) {
        assert!(line.starts_with(&format!("{name} = {{")) && line.ends_with(meaning), "{name}: {meaning}\n{line}");
    }
}

#[test]
fn every_container_of_libstdcxx_is_shown_by_its_meaning() {
    give(libstdcxx(), VALUES);
    mean(libstdcxx(), MEANINGS);
    mean(libstdcxx(), &[("function_of_lambda", "} fail(int)::{lambda(int)#2}")]);
    give(libstdcxx(), &[("empty_path", "filesystem::path \"\""), ("empty_array", "{_M_elems = {}}")]);
    let shown = inspect(libstdcxx(), ["-c", "locals ^(path|exception_ptr|large_any)$"]).success().stdout;
    assert!(shown.contains("path = filesystem::path \"/usr/lib/file.so\" {"), "{shown}");
    assert!(shown.contains("} an exception of type std::runtime_error at 0x"), "{shown}");
    assert!(shown.contains("{[contained value] = \"a text\"}"), "{shown}");
}

#[test]
fn every_container_of_libcxx_is_shown_by_its_meaning() {
    give(libcxx(), VALUES);
    mean(libcxx(), MEANINGS);
    mean(libcxx(), &[("function_of_lambda", "} fail(int)::$_0")]);
    give(libcxx(), &[("path", "\"/usr/lib/file.so\""), ("empty_path", "\"\""), ("empty_array", "{}")]);
    let shown = inspect(libcxx(), ["-c", "locals ^(exception_ptr|large_any)$"]).success().stdout;
    assert!(shown.contains("} an exception of type std::runtime_error at 0x"), "{shown}");
    assert!(shown.contains("{[contained value] = \"a text\"}"), "{shown}");
}
