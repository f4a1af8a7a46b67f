//! Expressions of Rust over `fixtures/targets/expressions.rs`.

use super::{Row, give, rust, says};

#[test]
fn values_of_rust_are_what_the_source_says() {
    give(
        rust(),
        &[
            ("n", "3"),
            ("*point", "Point {x: 3, y: -4}"),
            ("point.y", "-4"),
            ("meters", "Meters(1.5)"),
            ("meters.0", "1.5"),
            ("pair", "Pair {first: 3, second: 4}"),
            ("pair.first + pair.second", "7"),
            ("unit", "Unit"),
            ("circle", "Circle(4)"),
            ("rect", "Rect {w: 2, h: 300}"),
            ("empty", "Empty"),
            ("level", "High"),
            ("some", "Some(5)"),
            ("none", "None"),
            ("ok", "Ok(6)"),
            ("tuple", "(1, 2, 99 'c')"),
            ("tuple.1", "2"),
            ("array", "[1, 2, 3]"),
            ("array[1]", "2"),
            ("array.len()", "3"),
            ("bytes", "[104, 105]"),
            ("letter", "233 'é'"),
            ("yes", "true"),
            ("whole", "1.0"),
            ("half", "0.5"),
            ("big", "18446744073709551615"),
            ("small", "-128"),
            ("huge", "1267650600228229401496703205376"),
            ("*boxed", "8"),
            ("slice", "[2, 3]"),
            ("slice[1]", "3"),
            ("slice.len()", "2"),
            ("word", "\"hello\""),
            ("word.len()", "5"),
            ("n as i64 + 1", "4"),
            ("-1i32 as u8", "255"),
            ("300 as u8", "44"),
            ("LIMIT", "77"),
            ("!n", "-4"),
            ("n == 3", "true"),
            ("n > 3 || yes", "true"),
            ("1.5 + 1.0", "2.5"),
            ("array[1..3]", "[2, 3]"),
            ("circle.0", "4"),
            ("rect.w", "2"),
            ("some.0", "5"),
            ("self::LIMIT", "77"),
            ("crate::LIMIT", "77"),
            ("expressions::LIMIT", "77"),
            ("\"abc\"", "\"abc\""),
            ("b\"ab\"", "[97, 98]"),
            ("b'a'", "97"),
            ("'é'", "233 'é'"),
            ("255u8 + 1u8", "0"),
            ("!0u8", "255"),
            ("3.7 as i32", "3"),
            ("-1 as u32", "4294967295"),
            ("65u8 as char", "65 'A'"),
            ("1_000 + 0xff + 0b11 + 0o7", "1265"),
            ("*&n", "3"),
            ("1 - -1", "2"),
            ("5 / 2 * 2 + 5 % 2", "5"),
        ],
    );
}

#[test]
fn types_and_mistakes_of_rust_are_told_in_its_words() {
    for (command, wanted) in [
        ("whatis array", "type = [i16; 3]"),
        ("whatis word", "type = &str"),
        ("whatis \"abc\"", "type = &str"),
        ("whatis some", "type = core::option::Option<i32>"),
        ("whatis 1", "type = i32"),
        ("ptype *point", "type = struct expressions::Point {\n    x: i32,\n    y: i32,\n}"),
        ("ptype unit", "type = struct expressions::Unit"),
        ("ptype meters", "type = struct expressions::Meters(f64)"),
        ("ptype level", "type = enum expressions::Level {Low = 1, High = 9}"),
        (
            "ptype circle",
            "type = enum expressions::Shape {\n    Circle(i32),\n    Rect { w: u8, h: u16 },\n    Empty,\n}",
        ),
        ("p array[9]", "array[9]\n^~~~~~~\nthere is no element 9: it has 3 elements"),
        ("p point.z", "point.z\n^~~~~~~\nexpressions::Point has no member \"z\""),
    ] {
        says(rust(), command, wanted);
    }
}

#[test]
fn arrays_and_tuples_of_rust_are_written_as_in_the_source() {
    give(rust(), LITERALS);
    for (command, wanted) in [
        ("whatis [1, 2u8]", "type = [u8; 2]"),
        ("whatis (1, 2.5)", "type = (i32, f64)"),
        ("whatis ()", "type = ()"),
        ("p [1, point]", "[1, point]\n    ^~~~~\nthis is &expressions::Point, and the elements before it are i32"),
        ("p (1, 2).2", "(1, 2).2\n^~~~~~~~\na tuple of 2 has no 2"),
        ("p [0; 9999999999]", "[0; 9999999999]\n    ^~~~~~~~~~\nwhat is written here has at most 1048576 bytes"),
    ] {
        says(rust(), command, wanted);
    }
}

const LITERALS: &[Row] = &[
    ("[1, 2]", "[1, 2]"),
    ("[1, 2u8][1]", "2"),
    ("[0u8; 4]", "[0, 0, 0, 0]"),
    ("[array[0], 7]", "[1, 7]"),
    ("[*point, *point][1].x", "3"),
    ("(1, 'c', true)", "(1, 99 'c', true)"),
    ("(1,)", "(1,)"),
    ("((1, 2), 3).0.1", "2"),
    ("(n, meters).1", "Meters(1.5)"),
    ("[(1, 2), (3, 4)][1].0", "3"),
    ("[1, 2, 3][1..]", "[2, 3]"),
    ("(n + 1) * 2", "8"),
    ("sizeof([1u16; 5])", "10"),
];
