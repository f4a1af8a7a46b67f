//! Cores that others wrote of the same programs show the same frames as our snapshots.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{finish, gcore, tool};
use crate::for_each_variant;
use crate::programs::{Capture, captures, small_stack};
use crate::report::{crashed_frames, report};

for_each_variant! {
    compare_kernel_cores:
    kernel_cores_of_unoptimised_c_show_the_same = "gcc-O0",
    kernel_cores_of_optimised_c_show_the_same = "gcc-O2",
    kernel_cores_of_rust_show_the_same = "rust-O2",
}

/// What it does depends on the garbage on its stack; at times it even survives.
const NEVER_TWICE_THE_SAME: &str = "c_corruptstack";

/// Where gdb stops at a first signal that is not yet the death, its core shows another moment.
const HANDLE_THEIR_SIGNAL: [&str; 4] = ["c_sighandler", "c_sigaltstack", "c_sigasync", "c_stale_regs"];

#[test]
fn the_cores_of_gcore_show_the_same() {
    for capture in captures("gcc-O0").iter() {
        if HANDLE_THEIR_SIGNAL.contains(&capture.program.as_str()) || capture.program == NEVER_TWICE_THE_SAME {
            continue;
        }
        let core = capture.dir.join("gcore");
        let arguments: Vec<_> = capture.arguments.iter().map(String::as_str).collect();
        gcore(&capture.executable, &arguments, &core);
        assert_same_frames(capture, &core);
    }
}

#[test]
fn a_core_in_one_zstd_frame_shows_the_same() {
    for capture in captures("gcc-O0").iter().take(5) {
        let packed = capture.dir.join("core.zst");
        let mut zstd = Command::new(tool("zstd"));
        finish(zstd.args(["-q", "-f", "-o"]).arg(&packed).arg(&capture.core)).success();
        assert_same_frames(capture, &packed);
    }
}

fn compare_kernel_cores(variant: &'static str) {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if pattern.starts_with(['|', '/', '@']) || pattern.trim().is_empty() {
        // The machine's choice, which a test must not change: the cores of gcore stand in for the kernel's.
        println!("kernel cores are not compared: core_pattern is {}", pattern.trim());
        return;
    }
    for capture in captures(variant).iter().filter(|capture| capture.program != NEVER_TWICE_THE_SAME) {
        assert_same_frames(capture, &kernel_core(capture));
    }
}

/// Lets the kernel write a core of the program, without us.
fn kernel_core(capture: &Capture) -> PathBuf {
    let dir = capture.dir.join("kernel");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).expect("target/tmp is ours");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited && exec \"$@\"", "sh"]).args(small_stack());
    finish(command.arg(&capture.executable).args(&capture.arguments).current_dir(&dir));
    let mut files = fs::read_dir(&dir).expect("target/tmp is ours").map(|entry| entry.expect("it is ours").path());
    files.next().unwrap_or_else(|| panic!("{}: the kernel wrote no core (is the hard limit 0?)", capture.name()))
}

#[track_caller]
fn assert_same_frames(capture: &Capture, core: &Path) {
    let none: [&str; 0] = [];
    let mut ours = crashed_frames(&report(&capture.snapshot, none));
    let mut theirs = crashed_frames(&report(core, none));
    assert!(!ours.is_empty());
    // How often a recursion fits on the stack, and which of its instructions meets the end, depends on where the kernel
    // lets the stack begin.
    if capture.program.ends_with("stackoverflow") || capture.program == "c_sigaltstack" {
        for frame in ours.iter_mut().chain(&mut theirs) {
            frame.line = None;
        }
    }
    ours.dedup();
    theirs.dedup();
    assert_eq!(ours, theirs, "{}: {}", capture.name(), core.display());
}
