//! The harness itself: debuggees are built and crash as they say.

mod common;

use common::{Build, fixture, fixture_with};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

#[test]
fn a_debuggee_is_built_once_and_crashes() {
    let built = fixture("null_read.c");
    assert_eq!(built, fixture("null_read.c"));
    let status = Command::new(&built).status().unwrap();
    assert_eq!(status.signal(), Some(11));
}

#[test]
fn other_flags_make_another_debuggee() {
    let optimised = fixture_with("null_read.c", Build { compiler: None, flags: &["-O2"] });
    assert_ne!(optimised, fixture("null_read.c"));
}

#[test]
fn a_missing_tool_fails_the_test_and_names_it() {
    let message = std::panic::catch_unwind(|| common::tool("no-such-tool")).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("apt-get install"), "{message}");
}
