//! The fault behind a handler: what is shown of it, though the death's own stack no longer has it.

mod common;

use common::{Scene, fixture, inspect};

#[test]
fn the_stack_of_a_fault_is_shown_though_its_handler_wiped_it_out() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("first_chance.c")]);
    assert_eq!(outcome.signal(), Some(6), "{}", outcome.stderr);
    let shown = |command: &str| inspect(&scene.snapshot(), ["-c", command]).success().stdout;
    let death = shown("bt");
    assert!(death.contains(" in handler "), "{death}");
    assert!(!death.contains(" in middle ") && !death.contains(" in main "), "the handler wiped it out:\n{death}");

    let fault = shown("bt -first-chance");
    let frames: Vec<&str> = fault.lines().collect();
    for (number, place) in [
        (0, "in innermost at fixtures/targets/first_chance.c:21"),
        (1, "in middle at fixtures/targets/first_chance.c:26"),
        (2, "in main at fixtures/targets/first_chance.c:36"),
        (3, "in __libc_start_call_main"),
    ] {
        let frame =
            frames.get(number).copied().unwrap_or_default().replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "");
        assert!(
            frame.contains(&format!("#{number}")) && frame.contains(place),
            "{place} is not frame {number}:\n{fault}"
        );
    }
    assert_eq!(shown("bt -first-chance 2").lines().count(), 2);
    assert_eq!(shown("bt -first-chance -1").lines().collect::<Vec<_>>(), frames[frames.len() - 1..]);

    let why = shown("why");
    for part in ["SIGABRT", "a handler of the process was called for a SIGSEGV", "innermost+", "'bt -first-chance'"] {
        assert!(why.contains(part), "{part:?} is not in\n{why}");
    }
}

#[test]
fn where_no_handler_took_the_fault_bt_is_the_stack_at_it() {
    let scene = Scene::new();
    scene.run([fixture("null_read.c")]);
    let refused = inspect(&scene.snapshot(), ["-c", "bt -first-chance"]);
    assert_eq!((refused.code(), refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("no handler of the process took the fault first"), "{}", refused.stderr);
}
