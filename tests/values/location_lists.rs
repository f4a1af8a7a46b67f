//! What an optimising compiler leaves of variables, by location lists: the same answers whatever version of DWARF and
//! however the debugging information is kept, over `fixtures/programs/c_optimized.c`.

use crate::common::{Build, Crash, fixture_with, inspect, without_addresses};

/// All frames of the program itself with their variables.
fn told(flags: &[&str]) -> String {
    let all = [&["-O2", "-g"], flags].concat();
    let crash = Crash::of([fixture_with("programs/c_optimized.c", Build { flags: &all, ..Build::default() })]);
    let shown = inspect(&crash.snapshot, ["-c", "bt full"]).success().stdout;
    let start = shown.find(" in boom (").unwrap_or_else(|| panic!("it is not there:\n{shown}"));
    let last = start + shown[start..].find(" in clobber (").unwrap_or_else(|| panic!("it is not there:\n{shown}"));
    let end = last + shown[last..].find("\n  #").unwrap_or(shown.len() - last);
    // Where frames and pointers are differs from run to run.
    without_addresses(&shown[start..end])
}

#[test]
fn values_by_location_lists_are_the_same_in_every_format() {
    let by_default = told(&["-gdwarf-5"]);
    assert!(by_default.starts_with(" in boom (code=1234, "), "{by_default}");
    for flags in [
        &["-gdwarf-4"][..],
        &["-gdwarf-5", "-gsplit-dwarf"],
        &["-gdwarf-4", "-gsplit-dwarf"],
        &["-gdwarf-5", "-gz=zlib"],
    ] {
        assert_eq!(told(flags), by_default, "{flags:?}");
    }
    // Before version 4 nothing tells what an argument was at entry.
    for flags in [&["-gdwarf-2"], &["-gdwarf-3"]] {
        let told = told(flags);
        assert!(told.contains("constant = 1234\n") && told.contains("kept = 20\n"), "{flags:?}\n{told}");
    }
}
