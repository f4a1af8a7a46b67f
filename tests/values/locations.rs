//! Where values are: the operations of DWARF over `fixtures/targets/locations.S`, and each reason why one is missing.

use std::path::Path;
use std::sync::OnceLock;

use crate::common::{Crash, fixture, give, inspect, says, says_at};

fn crash() -> &'static Path {
    static CRASH: OnceLock<Crash> = OnceLock::new();
    &CRASH.get_or_init(|| Crash::of([fixture("locations.S")])).snapshot
}

/// DWARF 5, section 2.5: whatever an expression can ask for, which is more than compilers do.
#[test]
fn every_operation_finds_its_value() {
    give(
        crash(),
        &[
            ("by_frame_base", "-12"),
            ("by_cfa", "11"),
            ("by_address", "22"),
            ("by_indexed_address", "21"),
            ("by_indexed_constant", "41"),
            ("in_register", "90194313219"),
            ("by_register", "23"),
            ("by_memory", "21"),
            ("by_typed_memory", "22"),
            ("by_typed_register", "3"),
            ("converted", "3"),
            ("thread_local", "31"),
            ("by_call2", "21"),
            ("by_call4", "22"),
            ("by_call_ref", "23"),
            ("by_entry_value", "7"),
            ("by_parameter", "7"),
            ("implicit_value", "42"),
            ("in_bits", "5379"),
        ],
    );
}

/// The last register is the callee's that saved it, and `in_parts` has no second part.
#[test]
fn a_value_in_parts_is_shown_part_by_part_and_through_a_pointer_that_is_nowhere() {
    give(
        crash(),
        &[
            ("in_parts", "{first = 11, second = <optimized out>, third = 9}"),
            ("in_parts.third", "9"),
            ("in_parts.first + 1", "12"),
            ("implicit_pointer->first", "11"),
            ("*implicit_pointer", "{first = 11, second = <optimized out>, third = 9}"),
        ],
    );
    let locals = inspect(crash(), ["-c", "locals implicit_pointer"]).success().stdout;
    let pointed = "implicit_pointer = <synthetic pointer>: {first = 11, second = <optimized out>, third = 9}\n";
    assert_eq!(locals, pointed);
    says_at(crash(), &["frame 1"], "p saved", "$1 = 71");
}

#[test]
fn what_only_the_caller_knows_is_shown_as_the_value_at_entry() {
    says(crash(), "args", "entered = <optimized out>\nentered@entry = 7");
    let backtrace = inspect(crash(), ["-c", "bt 1"]).success().stdout;
    assert!(backtrace.contains(" in fail (entered@entry=7)"), "{backtrace}");
}

#[test]
fn each_missing_value_says_why() {
    for (name, wanted) in [
        ("optimized_out", "<optimized out>"),
        ("without_a_caller", "<optimized out>"),
        ("not_captured", "<not captured: MADV_DONTDUMP>"),
        ("not_mapped", "<0x40 was not mapped>"),
        ("unsupported_operation", "<unsupported: operation 0xec>"),
        ("other_address_space", "<unsupported: an address space>"),
        ("endless", "<damaged debugging information: exceeded maximum expression iterations>"),
    ] {
        says(crash(), &format!("locals ^{name}$"), &format!("{name} = {wanted}"));
    }
    says_at(crash(), &["frame 1"], "locals ^unsaved$", "unsaved = <rdi was not saved>");
    let vector = "unsaved_vector = <a vector register was not saved>";
    says_at(crash(), &["frame 1"], "locals ^unsaved_vector$", vector);
    let nothing = "no debugging information tells the variables of this frame";
    says_at(crash(), &["frame 2"], "locals", nothing);
    says_at(crash(), &["frame 2"], "args", nothing);
    let untyped = "opaque\n^~~~~~\nopaque is at 0x…, but nothing tells its type: cast it, as in *(int *)0x…";
    says(crash(), "p opaque", untyped);
}
