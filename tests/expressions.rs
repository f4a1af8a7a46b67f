//! Expressions over small programs of C, C++ and Rust: what each must give is what the program's source says.

mod common;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{Scene, fixture, inspect};

/// An expression, with its format in front where it has one, and the text of its value.
type Row = (&'static str, &'static str);

struct Crash {
    _scene: Scene,
    snapshot: PathBuf,
}

fn crash(source: &str) -> Crash {
    let scene = Scene::new();
    let outcome = scene.run([fixture(source)]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let snapshot = scene.snapshot();
    Crash { _scene: scene, snapshot }
}

fn c() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("expressions.c")).snapshot
}

fn cpp() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("expressions.cpp")).snapshot
}

fn rust() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| crash("expressions.rs")).snapshot
}

/// Every row is evaluated in one session, so that `$N` counts the rows from 1 on.
#[track_caller]
fn give(snapshot: &Path, rows: &[Row]) {
    let commands = rows.iter().flat_map(|(expression, _)| {
        let separator = if expression.starts_with('/') { "" } else { " " };
        ["-c".to_owned(), format!("p{separator}{expression}")]
    });
    let outcome = inspect(snapshot, commands);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let wrong: Vec<String> = rows
        .iter()
        .enumerate()
        .filter_map(|(index, (expression, wanted))| {
            let head = format!("${} = ", index + 1);
            let found = lines.get(index).map_or("nothing", |line| line.strip_prefix(&head).unwrap_or(line));
            let found = without_addresses(found);
            (found != *wanted).then(|| format!("p {expression}\n  wanted {wanted}\n  found  {found}"))
        })
        .collect();
    assert!(wrong.is_empty() && lines.len() == rows.len(), "{}\n{}", wrong.join("\n"), outcome.stderr);
}

/// Addresses as `0x…`; numbers of up to eight digits stay.
fn without_addresses(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - at - 2);
        out.push_str(&rest[..at]);
        out.push_str(if digits > 8 { "0x…" } else { &rest[at..at + 2 + digits] });
        rest = &rest[at + 2 + digits..];
    }
    out + rest
}

/// The answer to a command, errors included.
#[track_caller]
fn says(snapshot: &Path, command: &str, wanted: &str) {
    let outcome = inspect(snapshot, ["-c", command]);
    let found = outcome.stdout + &outcome.stderr;
    assert_eq!(without_addresses(found.trim_end()), wanted, "{command}");
}

#[test]
fn values_of_c_are_what_the_source_says() {
    give(
        c(),
        &[
            ("n", "3"),
            ("d", "2.5"),
            ("uc", "200 '\\310'"),
            ("sc", "-3 '\\375'"),
            ("c", "65 'A'"),
            ("quote", "39 '\\''"),
            ("yes", "true"),
            ("buffer", "\"hi\", '\\000' <repeats 13 times>"),
            ("empty", "'\\000' <repeats 15 times>"),
            ("padded", "\"hello\", '\\000' <repeats 26 times>"),
            ("exact", "\"abc\""),
            ("f", "0.1"),
            ("ld", "3.25"),
            ("z", "1 + 2i"),
            ("matrix", "{{1, 2, 3}, {4, 5, 6}}"),
            ("zeros", "{0 <repeats 100 times>}"),
            ("col", "GREEN"),
            ("fl", "(FLAG_A | FLAG_C)"),
            ("un.i", "1094861636"),
            ("un.b", "\"DCBA\""),
            ("bt", "{a = 5, b = -3, c = 1}"),
            ("one.value", "1"),
            ("one.name", "0x… \"one\""),
            ("one.next->value", "2"),
            ("one.next.name", "0x… \"two\""),
            ("*one.next", "{value = 2, next = 0x0, name = 0x… \"two\"}"),
            ("ho", "{k = 1, {i = 2, u = 2}, {s = 3}}"),
            ("ho.u", "2"),
            ("ho.s", "3"),
            ("fn", "(operation) 0x… <add>"),
            ("add", "{int (int, int)} 0x… <add>"),
            ("&add == fn", "1"),
            ("nothing", "(int *) 0x0"),
            ("first == table", "1"),
            ("*first", "1"),
            ("first[4]", "5"),
            ("vp", "(void *) 0x… <counter>"),
            ("ul", "18446744073709551615"),
            ("sh", "-5"),
            ("ll", "1099511627776"),
            ("wide", "1267650600228229401496703205376"),
            ("text", "0x… \"hé\""),
            ("neg", "-1"),
            ("u", "4000000000"),
            ("pts", "{{x = 1, y = 2}, {x = 3, y = 4}, {x = 5, y = 6}}"),
            ("*p", "{x = 3, y = -4}"),
            ("p->x", "3"),
            ("p.y", "-4"),
            ("(*p).x * p->y", "-12"),
            ("name", "0x… \"say \\\"q\\\"\\n\""),
            ("*name", "115 's'"),
            ("name[4]", "34 '\"'"),
            ("counter", "42"),
            ("&counter", "(int *) 0x… <counter>"),
            ("*&counter", "42"),
            ("table", "{1, 2, 3, 4, 5, 0 <repeats 15 times>}"),
            ("table[1:3]", "{2, 3}"),
            ("table[0]@3", "{1, 2, 3}"),
            ("*first@4", "{1, 2, 3, 4}"),
            ("*(first + 2)", "3"),
            ("&table[4] - first", "4"),
            ("pts[1]", "{x = 3, y = 4}"),
            ("pts[2].y", "6"),
            ("pts[0].x + pts[1].x", "4"),
            ("*pts@2", "{{x = 1, y = 2}, {x = 3, y = 4}}"),
            ("matrix[1]", "{4, 5, 6}"),
            ("matrix[1][2]", "6"),
            ("sizeof matrix", "24"),
            ("sizeof(struct node)", "24"),
            ("sizeof table / sizeof table[0]", "20"),
            ("sizeof(int)", "4"),
            ("sizeof (char *)", "8"),
        ],
    );
}

#[test]
fn operators_of_c_compute_with_its_widths_and_signs() {
    give(
        c(),
        &[
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("10 / 3", "3"),
            ("-10 / 3", "-3"),
            ("-10 % 3", "-1"),
            ("10.0 / 4", "2.5"),
            ("1 << 10", "1024"),
            ("-8 >> 1", "-4"),
            ("0xf0 & 0x3c", "48"),
            ("0xf0 | 0x0f", "255"),
            ("0xff ^ 0x0f", "240"),
            ("~0", "-1"),
            ("!5", "0"),
            ("!0", "1"),
            ("1 && 0", "0"),
            ("0 || 7", "1"),
            ("3 > 2", "1"),
            ("neg < u", "0"),
            ("neg < 1", "1"),
            ("uc + sc", "197"),
            ("2147483647 + 1", "-2147483648"),
            ("2147483648", "2147483648"),
            ("4294967295u + 1", "0"),
            ("n == 3 ? 10 : 20", "10"),
            ("(char)65", "65 'A'"),
            ("(unsigned char)-1", "255 '\\377'"),
            ("(int)2.9", "2"),
            ("(double)1 / 2", "0.5"),
            ("(float)0.1", "0.1"),
            ("(short)70000", "4464"),
            ("(unsigned)neg", "4294967295"),
            ("(enum color)2", "BLUE"),
            ("(enum flags)3", "(FLAG_A | FLAG_B)"),
            ("(enum flags)8", "8"),
            ("(long)nothing", "0"),
            ("*(struct point *)p", "{x = 3, y = -4}"),
            ("((struct node *)&one)->next->value", "2"),
            ("*(unsigned char *)&un@4", "\"DCBA\""),
            ("(int *)0", "(int *) 0x0"),
            ("GREEN", "GREEN"),
            ("col == GREEN", "1"),
            ("GREEN + 1", "2"),
            ("'a'", "97 'a'"),
            ("'\\n'", "10 '\\n'"),
            ("'a' + 1", "98"),
            ("\"abc\"", "\"abc\""),
            ("sizeof \"abc\"", "4"),
            ("1, 2", "2"),
            ("010", "8"),
            ("0b101", "5"),
            ("1e3", "1000"),
            ("1.5f", "1.5"),
            ("bt.a + bt.c", "6"),
            ("bt.b", "-3"),
            ("u / 2", "2000000000"),
            ("fail == fail", "1"),
        ],
    );
}

#[test]
fn formats_history_and_variables_work_as_in_gdb() {
    give(
        c(),
        &[
            ("n", "3"),
            ("$", "3"),
            ("$1 + 1", "4"),
            ("$$2", "3"),
            ("$made = 20", "20"),
            ("$made * 2", "40"),
            ("/x 255", "0xff"),
            ("/x neg", "0xffffffff"),
            ("/x sh", "0xfffb"),
            ("/d uc", "-56"),
            ("/u neg", "4294967295"),
            ("/o 8", "010"),
            ("/t 10", "1010"),
            ("/c 65", "65 'A'"),
            ("/z 5", "0x00000005"),
            ("/x pts[0]", "{x = 0x1, y = 0x2}"),
            ("/x table", "{0x1, 0x2, 0x3, 0x4, 0x5, 0x0 <repeats 15 times>}"),
            ("/d exact", "{97, 98, 99}"),
            ("/x col", "0x1"),
            ("/x bt", "{a = 0x5, b = 0x1d, c = 0x1}"),
            ("/s exact", "\"abc\""),
            ("/f d", "2.5"),
            ("$rip == $pc", "1"),
            ("$sp == $rsp", "1"),
        ],
    );
}

#[test]
fn types_of_c_are_told_as_they_were_declared() {
    for (command, wanted) in [
        ("whatis n", "type = int"),
        ("whatis p", "type = struct point *"),
        ("whatis *p", "type = struct point"),
        ("whatis name", "type = const char *"),
        ("whatis fn", "type = operation"),
        ("ptype fn", "type = int (*)(int, int)"),
        ("whatis add", "type = int (int, int)"),
        ("whatis table", "type = int [20]"),
        ("whatis matrix", "type = int [2][3]"),
        ("whatis matrix[0]", "type = int [3]"),
        ("whatis n + d", "type = double"),
        ("whatis 'a'", "type = char"),
        ("whatis sizeof n", "type = unsigned long"),
        ("whatis &n", "type = int *"),
        ("whatis struct point", "type = struct point"),
        ("ptype col", "type = enum color {RED, GREEN, BLUE}"),
        ("ptype fl", "type = enum flags {FLAG_A = 1, FLAG_B, FLAG_C = 4}"),
        ("ptype p", "type = struct point {\n    int x;\n    int y;\n} *"),
        ("ptype struct node", "type = struct node {\n    int value;\n    struct node *next;\n    const char *name;\n}"),
    ] {
        says(c(), command, wanted);
    }
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (command, wanted) in [
        ("p nowhere", "nowhere\n^~~~~~~\nnothing here is called \"nowhere\""),
        ("p 1 + nowhere", "1 + nowhere\n    ^~~~~~~\nnothing here is called \"nowhere\""),
        ("p countr", "countr\n^~~~~~\nnothing here is called \"countr\""),
        ("p tabl[0]", "tabl[0]\n^~~~\nnothing here is called \"tabl\""),
        ("p p->z", "p->z\n^~~~\nstruct point has no member \"z\""),
        ("p n / 0", "n / 0\n^~~~~\ndivision by zero"),
        ("p add(1, 2)", "add(1, 2)\n^~~~~~~~~\ncalling a function needs a running process, and this one is dead"),
        ("p n.x", "n.x\n^~~\na int has no members"),
        ("p counter = 3", "counter = 3\n^~~~~~~\na snapshot cannot be changed; only $variables can be assigned to"),
        ("p/q n", "'q' is no format; formats are x d u o t c a s f z"),
        ("p *nothing", "$1 = <0x0 was not mapped>"),
    ] {
        says(c(), command, wanted);
    }
}

#[test]
fn values_of_cpp_are_what_the_source_says() {
    give(
        cpp(),
        &[
            ("n", "2"),
            ("at.x", "3"),
            ("copy", "{x = 3, y = -4}"),
            ("count + 1", "22"),
            ("&count == 0", "false"),
            ("own", "11"),
            ("this->own", "11"),
            ("base_value", "7"),
            ("other_value", "9"),
            ("this->base_value + this->other_value", "16"),
            ("flag", "true"),
            ("box", "{value = 5, items = {6, 7}}"),
            ("box.items[1]", "7"),
            ("geo::scale", "10"),
            ("geo::inner::depth", "3"),
            ("Derived::shared", "13"),
            ("(int)color", "5"),
            ("color == Color::Green", "true"),
            ("Color::Red", "Red"),
            ("wide", "233 U'é'"),
            ("nothing", "(int *) 0x0"),
            ("base->base_value", "7"),
            ("((Derived *)base)->own", "11"),
            ("sizeof(geo::Point)", "8"),
            ("sizeof(Box<int, 2>)", "12"),
            ("n == 2", "true"),
            ("!flag", "false"),
            ("true && false", "false"),
            ("static_cast<char>(66)", "66 'B'"),
            ("at.y", "-4"),
        ],
    );
}

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
        ],
    );
}
