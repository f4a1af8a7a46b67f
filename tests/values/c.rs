//! Types of C, as several compilers and versions of DWARF describe them, over `fixtures/targets/kinds.c`.

use crate::common::{Build, Crash, Row, fixture_with, give, says};

/// What the source gives its variables.
const VALUES: &[Row] = &[
    // Bit-fields, also of an enumeration and of `_Bool`.
    ("bits", "{a = 5, b = -3, set = (FLAG_A | FLAG_D), wide = 1094624909430, yes = true, low = -200}"),
    ("bits.wide + bits.low", "1094624909230"),
    // Arrays of variable length, of one to three dimensions; parameters and pointers of such types.
    ("line", "{0, 10, 20, 30}"),
    ("table", "{{0, 1, 2}, {3, 4, 5}}"),
    ("table[1][2]", "5"),
    ("cube", "{{{0, 1, 2}, {3, 4, 5}}, {{6, 7, 8}, {9, 10, 11}}}"),
    ("cube[1][0]", "{6, 7, 8}"),
    ("sizeof(table)", "24"),
    // A flexible array member has no length of its own.
    ("flexible->count", "3"),
    ("flexible->items[2]", "{x = 2, y = -2}"),
    ("*flexible->items@3", "{{x = 0, y = 0}, {x = 1, y = -1}, {x = 2, y = -2}}"),
    // Members without a name, inside each other.
    ("anonymous", "{tag = 1, {number = 2, ratio = 3e-45}, {lo = 3, {deep = 100 'd'}}}"),
    ("anonymous.deep", "100 'd'"),
    ("mix", "{word = 1078530011, real = 3.1415927, bytes = \"\\333\\017I@\"}"),
    // Enumerations: a number of no enumerator, a negative one, sets of flags.
    ("unknown", "77"),
    ("negative", "BLUE"),
    ("set", "(FLAG_A | FLAG_C)"),
    ("none", "0"),
    // Numbers of every width.
    ("complex_float", "0.5 + -2i"),
    ("complex_long_double", "1 + 0.25i"),
    ("smallest", "-170141183460469231731687303715884105728"),
    ("largest", "340282366920938463463374607431768211455"),
    ("long_doubles", "{1.125, -2.5}"),
    ("quad", "-1.5"),
    ("half", "0.3330078125"),
    ("infinite", "-inf"),
    ("nothing_real", "nan"),
    ("small", "5e-324"),
    ("vector", "{1, 2.5, -3, 4}"),
    ("vector[1] + 1", "3.5"),
    ("wide_vector", "{1, 2, 3, 4, 5, 6, 7, 8}"),
    // Qualified types.
    ("atomic", "21"),
    ("atomic_point", "{x = 3, y = -4}"),
    ("*qualified", "2"),
    // Pointers to functions, alone and in arrays; pointers to arrays.
    ("operations", "{0x… <add>, 0x… <subtract>}"),
    ("*operations[1]", "{int (int, int)} 0x… <subtract>"),
    ("chooser", "(operation (*)(int)) 0x… <choose>"),
    ("texts", "{0x… \"one\", 0x0, 0x… \"three\"}"),
    ("array[1][0].y", "6"),
    ("grid", "{\"ab\\000\", \"cd\\000\"}"),
    ("grid[1][0]", "99 'c'"),
    ("by_value", "{x = 3, y = -4}"),
    ("utf32", "233 U'é'"),
];

/// clang leaves out how long the arrays are that these point to.
const VALUES_BY_GCC: &[Row] = &[("*row", "{3, 4, 5}"), ("*matrix", "{9, 8, 7}"), ("matrix[1][1]", "5")];

#[track_caller]
fn hold(compiler: &str, flags: &[&str]) {
    let crash = Crash::of([fixture_with("kinds.c", Build { compiler: Some(compiler), flags })]);
    let more = if compiler == "cc" { VALUES_BY_GCC } else { &[] };
    give(&crash.snapshot, &[VALUES, more].concat());
}

#[test]
fn types_of_c_by_gcc_in_dwarf_5() {
    hold("cc", &["-gdwarf-5"]);
}

/// DWARF 4 and before place a bit-field by `DW_AT_bit_offset`, from the most significant bit.
#[test]
fn types_of_c_by_gcc_in_dwarf_4() {
    hold("cc", &["-gdwarf-4", "-gstrict-dwarf"]);
}

#[test]
fn types_of_c_by_gcc_in_dwarf_2() {
    hold("cc", &["-gdwarf-2", "-gstrict-dwarf"]);
}

#[test]
fn types_of_c_by_clang_in_dwarf_5() {
    hold("clang-19", &["-gdwarf-5"]);
}

#[test]
fn types_of_c_by_clang_in_dwarf_2() {
    hold("clang-19", &["-gdwarf-2"]);
}

#[test]
fn types_of_c_are_spelled_as_they_were_declared() {
    let crash = Crash::of([fixture_with("kinds.c", Build::default())]);
    for (command, wanted) in [
        ("whatis chooser", "type = operation (*)(int)"),
        ("whatis operations", "type = operation [2]"),
        ("whatis qualified", "type = const volatile int * const volatile"),
        ("whatis array", "type = struct point (*)[2]"),
        ("whatis complex_float", "type = complex float"),
        ("whatis smallest", "type = __int128"),
        ("whatis half", "type = _Float16"),
        ("whatis atomic", "type = _Atomic int"),
        ("whatis flexible->items", "type = struct point []"),
        (
            "ptype/o struct bits",
            "/* offset      |    size */  type = struct bits {\n\
             /*      0: 0   |       4 */    unsigned int a : 3;\n\
             /*      0: 3   |       4 */    int b : 5;\n\
             /* XXX  2-bit hole       */\n\
             /*      1: 2   |       4 */    enum flags set : 4;",
        ),
    ] {
        let shown = crate::common::inspect(&crash.snapshot, ["-c", command]).success().stdout;
        assert!(shown.starts_with(wanted), "{command}\n{shown}");
    }
    says(&crash.snapshot, "p flexible->items[0]@2", "$1 = {{x = 0, y = 0}, {x = 1, y = -1}}");
}
