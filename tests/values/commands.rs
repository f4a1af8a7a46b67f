//! Variables, types, displays and searches through the binary, on a program whose source says what they must show.

use std::path::Path;
use std::sync::OnceLock;

use dpdb_analyzer::{Memo, Options, Place, Session};
use dpdb_snapshot::Snapshot;

use crate::common::{Crash, fixture, inspect};

fn crash() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("expressions.c")])).snapshot
}

#[track_caller]
fn answer(commands: &[&str]) -> String {
    inspect(crash(), commands.iter().flat_map(|command| ["-c", command])).success().stdout
}

/// The line of the answer that begins so.
#[track_caller]
fn line(text: &str, beginning: &str) -> String {
    let found = text.lines().find(|line| line.trim_start().starts_with(beginning));
    found.unwrap_or_else(|| panic!("no line begins with {beginning:?} in\n{text}")).trim_start().to_owned()
}

#[test]
fn locals_and_arguments_are_kept_apart_and_filtered_by_name() {
    let locals = answer(&["locals"]);
    assert_eq!(line(&locals, "matrix ="), "matrix = {{1, 2, 3}, {4, 5, 6}}");
    assert_eq!(line(&locals, "fl ="), "fl = (FLAG_A | FLAG_C)");
    assert!(!locals.lines().any(|line| line.starts_with("n = ")), "{locals}");
    assert_eq!(answer(&["locals ^un$", "info locals ^neg"]).lines().count(), 2);
    let args = answer(&["args"]);
    let names: Vec<&str> = args.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["p", "name", "n", "d"]);
    assert_eq!(answer(&["a ^n$"]), "n = 3\n");
    assert_eq!(answer(&["args nothing_is_called_so"]), "no arguments match\n");
    let all = answer(&["p"]);
    assert!(all.contains("n = 3\n") && all.contains("neg = -1\n"), "{all}");
}

#[test]
fn a_backtrace_shows_arguments_and_in_full_the_locals_of_each_frame() {
    let short = answer(&["bt"]);
    assert!(line(&short, "> #0").contains(" in fail (p=0x"), "{short}");
    assert!(line(&short, "> #0").contains("\"say \\\"q\\\"\\n\", n=3, d=2.5) at "), "{short}");
    assert!(line(&short, "#1").contains(" in main at "), "{short}");
    let full = answer(&["bt full 2"]);
    let main = full.split("#1").nth(1).expect("main is there");
    assert_eq!(line(main, "p ="), "p = {x = 3, y = -4}");
    assert_eq!(line(&full, "sh ="), "sh = -5");
    assert_eq!(answer(&["bt -full 2"]), full);
}

#[test]
fn ptype_with_offsets_shows_holes_and_sizes() {
    let shown = answer(&["ptype/o struct node"]);
    for (member, place) in [("int value;", "0      |       4"), ("struct node *next;", "8      |       8")] {
        let found = shown.lines().find(|line| line.ends_with(member));
        assert!(found.is_some_and(|line| line.contains(place)), "{member}\n{shown}");
    }
    assert!(shown.contains(" 4-byte hole ") && shown.contains("/* total size (bytes):   24 */"), "{shown}");
}

#[test]
fn displays_follow_the_selected_frame_until_they_are_taken_back() {
    let shown = answer(&["display n", "display/x sizeof(int)", "up", "undisplay 2", "down"]);
    let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with(['1', '2'])).collect();
    assert_eq!(lines[..2], ["1: n = 3", "2: /x sizeof(int) = 0x4"]);
    assert_eq!(lines[2..4], ["1: n = <nothing here is called \"n\">", "2: /x sizeof(int) = 0x4"]);
    assert_eq!(lines.last(), Some(&"1: n = 3"));
}

#[test]
fn globals_functions_types_and_variables_are_listed() {
    let globals = answer(&["globals"]);
    assert_eq!(line(&globals, "counter"), "counter = 42");
    assert_eq!(line(&globals, "table"), "table = {1, 2, 3, 4, 5, 0 <repeats 15 times>}");
    assert!(answer(&["functions ^add$"]).contains("int add(int, int)"));
    assert!(answer(&["types ^point$"]).contains("struct point\n"));
    assert!(answer(&["vars ^table$"]).contains("int table[20]\n"));
}

#[test]
fn memory_is_searched_for_numbers_pointers_and_texts() {
    let pointers = answer(&["find -type ptr stack &counter", "p &vp"]);
    let place = pointers.lines().last().and_then(|line| line.rsplit("0x").next()).expect("vp has an address");
    assert!(pointers.lines().any(|line| line.starts_with("0x") && line.contains(place)), "{pointers}");
    assert!(answer(&["find \"hello\""]).contains("<large>"));
    let texts = answer(&["strings -min 5 expressions"]);
    assert!(texts.lines().any(|line| line.contains("say \"q\"")), "{texts}");
    let matching = answer(&["strings -min 5 -match say.*q expressions"]);
    let all: Vec<&str> = matching.lines().collect();
    let (count, found) = all.split_last().expect("the count comes last");
    assert!(!found.is_empty() && found.iter().all(|line| line.contains("say \"q")), "{matching}");
    assert!(count.starts_with(&format!("{} found in ", found.len())), "{matching}");
}

#[test]
fn a_line_that_is_no_command_is_an_expression() {
    assert_eq!(answer(&["1 + 2", "$1 * 2", "pts[1].x"]), "$1 = 3\n$2 = 6\n$3 = 3\n");
    assert_eq!(answer(&["pp pts[0]"]), "$1 = {\n  x = 1,\n  y = 2\n}\n");
    assert!(answer(&["x/3dw table"]).ends_with("<table>:  1  2  3\n"));
}

#[test]
fn a_condition_is_true_where_its_expression_is() {
    let opened = Snapshot::open(crash()).expect("the snapshot is whole");
    let session = Session::new(Box::new(opened), Options::default());
    let tid = session.process().threads[0].tid;
    let frames = session.backtrace(tid, 10).frames;
    let place = Place { tid, frames: &frames, index: 0, function: 0 };
    let holds = |text: &str| session.condition(place, text, &mut Memo::default());
    assert_eq!(holds("n == 3 && p->x > 0"), Ok(true));
    assert_eq!(holds("nothing"), Ok(false));
    assert!(holds("*p").is_err() && holds("nowhere").is_err());
}
