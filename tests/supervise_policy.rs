//! What is a death and what is none, and that each death leaves one snapshot (case numbers: docs/limits.md).
//!
//! Each scenario of `fixtures/supervise/crash.c` runs alone and supervised; both must show and end the same.

mod common;

use std::collections::BTreeSet;

use common::{Scene, finish, inspect, mirrored, pid_of, scenario};

/// A test per line: the behaviour, the scenario that shows it, and how many snapshots it leaves.
macro_rules! deaths {
    ($($behaviour:ident: $scenario:ident leaves $count:literal;)*) => {$(
        #[test]
        fn $behaviour() {
            mirrored(&scenario("crash.c", stringify!($scenario))).leaves($count);
        }
    )*};
}

deaths! {
    a_null_read_is_a_death: null leaves 1;
    a_division_by_zero_is_a_death: divide leaves 1;
    an_illegal_instruction_is_a_death: illegal leaves 1;
    a_breakpoint_of_its_own_is_a_death: int3 leaves 1;
    a_noncanonical_address_is_a_death: noncanonical leaves 1;
    a_read_behind_the_end_of_a_file_is_a_death: bus leaves 1;
    a_file_over_its_limit_is_a_death: file_size leaves 1;
    a_quit_is_a_death: sigquit leaves 1;
    a_limit_on_time_is_a_death: sigxcpu leaves 1;
    a_fault_sent_from_outside_is_a_death: kill_default leaves 1;

    an_abort_is_a_death: abort_plainly leaves 1;
    an_ignored_abort_is_one_death: abort_ignored leaves 1;
    a_blocked_abort_is_a_death: abort_blocked leaves 1;
    an_abort_whose_handler_returns_is_one_death: abort_handled leaves 1;
    an_abort_that_is_escaped_is_none: abort_escaped leaves 0;

    a_handler_that_exits_is_no_death: handler_exits leaves 0;
    a_handler_that_raises_again_is_one_death: handler_raises_again leaves 1;
    a_handler_that_restores_the_default_is_one_death: handler_gives_up leaves 1;
    a_handler_for_once_is_one_death: handler_once leaves 1;
    a_fault_in_a_handler_is_one_death: handler_faults leaves 1;
    a_handler_that_faults_until_its_stack_ends_is_one_death: handler_faults_recursively leaves 1;
    a_bad_signal_frame_is_a_death: handler_returns_to_nowhere leaves 1;
    a_fault_that_is_escaped_is_no_death: handler_escapes leaves 0;
    a_fault_that_is_mended_is_no_death: handler_mends leaves 0;

    an_ignored_fault_kills_all_the_same: fault_ignored leaves 1;
    a_blocked_fault_kills_all_the_same: fault_blocked leaves 1;
    an_ignored_signal_kills_nobody: kill_ignored leaves 0;
    a_blocked_signal_kills_nobody: kill_blocked leaves 0;
    a_handled_signal_kills_nobody: kill_handled leaves 0;

    a_stack_overflow_is_a_death: overflow leaves 1;
    an_overflow_whose_handler_has_no_stack_is_one_death: overflow_handled_on_same_stack leaves 1;
    an_overflow_handled_on_an_alternate_stack_is_none: overflow_handled leaves 0;
    an_overflow_of_the_alternate_stack_too_is_one_death: overflow_twice leaves 1;

    a_trap_by_seccomp_is_a_death: seccomp_trap leaves 1;
    a_handled_trap_by_seccomp_is_none: seccomp_trap_handled leaves 0;
    a_kill_by_seccomp_which_gives_no_signal_stop_is_a_death: seccomp_kill_process leaves 1;
    a_thread_killed_by_seccomp_is_no_death_of_its_process: seccomp_kill_thread leaves 0;
    strict_seccomp_kills_without_a_snapshot: seccomp_strict leaves 0;

    a_kill_leaves_nothing: sigkill leaves 0;
    a_termination_leaves_nothing: sigterm leaves 0;
    an_interrupt_leaves_nothing: sigint leaves 0;
    a_hangup_leaves_nothing: sighup leaves 0;
    a_user_signal_leaves_nothing: sigusr1 leaves 0;
    an_alarm_leaves_nothing: sigalrm leaves 0;
    a_real_time_signal_leaves_nothing: sigrtmax leaves 0;
    a_broken_pipe_leaves_nothing: broken_pipe leaves 0;

    a_core_of_the_kernels_is_dumped_as_alone: kernel_core leaves 1;

    eight_threads_that_fault_at_once_are_one_death: threads_crash leaves 1;
    eight_threads_that_abort_at_once_are_one_death: threads_abort leaves 1;
    a_fault_in_a_thread_is_a_death: thread_crashes leaves 1;
    a_fault_after_the_leader_has_left_is_a_death: thread_outlives_leader_and_crashes leaves 1;
}

/// Runs a race of a crash against another end thirty times. Who wins is luck, but each process that died has its
/// snapshot. Some that did not die may have one, too: their fault was on its way to kill when the other end overtook it.
fn race(name: &str) {
    let scene = Scene::new();
    let command = scenario("crash.c", name);
    finish(&mut scene.alone(&command)).success();
    let outcome = finish(scene.trace(&["--quiet"]).args(command)).without_panic().success();
    let crashed = outcome.stdout.trim().strip_prefix("crashed ").and_then(|count| count.parse().ok());
    let journal = scene.journal();
    let pids_of = |event: &str| -> BTreeSet<i64> {
        journal.iter().filter(|line| line["event"] == event).filter_map(|line| line["pid"].as_i64()).collect()
    };
    let (died, captured) = (pids_of("death"), pids_of("snapshot"));
    assert_eq!(Some(died.len()), crashed, "{journal:#?}");
    assert!(died.is_subset(&captured), "died: {died:?}, captured: {captured:?}");
    assert_eq!(scene.snapshots().len(), captured.len());
    assert!(scene.partials().is_empty());
}

#[test]
fn a_crash_that_races_with_exit_leaves_a_snapshot_if_it_wins() {
    race("race_with_exit");
}

#[test]
fn a_crash_that_races_with_exec_leaves_a_snapshot_if_it_wins() {
    race("race_with_exec");
}

#[test]
fn other_signals_are_asked_for_by_name() {
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--quiet", "--signals", "+TERM,-SEGV"]).args(scenario("crash.c", "sigterm")));
    assert_eq!((outcome.signal(), scene.snapshots().len()), (Some(15), 1));
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--quiet", "--signals", "+TERM,-SEGV"]).args(scenario("crash.c", "null")));
    assert_eq!((outcome.signal(), scene.snapshots().len()), (Some(11), 0));
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--quiet", "--signals", "KILL"]).args(scenario("crash.c", "sigkill")));
    assert_eq!((outcome.signal(), scene.snapshots().len()), (Some(9), 1), "the exit stop is the net for SIGKILL");
}

#[test]
fn the_line_on_stderr_says_who_died_of_what_and_where_the_snapshot_is() {
    let scene = Scene::new();
    let outcome = scene.run(scenario("crash.c", "null"));
    let pid = pid_of(&scene.snapshot());
    let said = outcome.stderr.lines().next().unwrap_or_default();
    assert!(said.starts_with(&format!("dpdb-trace: pid {pid} (crash) died of SIGSEGV (address 0x8")), "{said}");
    assert!(outcome.stderr.contains(&format!("-> pid_{pid}.snap (")), "{}", outcome.stderr);
}

/// Behind faulthandler, which prints its traceback, restores the default and raises again, the site of the first fault
/// is still what the snapshot shows.
#[test]
fn the_site_of_the_first_fault_is_kept_behind_a_handler_that_raises_again() {
    let scene = Scene::new();
    finish(scene.trace(&["--quiet"]).args(scenario("crash.c", "handler_raises_again")));
    let shown = inspect(&scene.snapshot(), ["-c", "bt"]).success().stdout;
    assert!(shown.contains("read_null"), "{shown}");
}

/// Whatever announced the death, and whichever thread is left to read by: the stack is there, and leads to the fault.
#[test]
fn each_kind_of_death_is_read_back_with_its_stack() {
    for (name, function) in [
        ("null", "read_null"),
        ("abort_handled", "abort_handled"),
        ("handler_faults", "faults_too"),
        ("handler_faults_recursively", "faults_too"),
        ("overflow", "deeper"),
        ("overflow_twice", "overflows_too"),
        ("fault_blocked", "read_null"),
        ("seccomp_kill_process", "seccomp_kill_process"),
        ("seccomp_trap", "seccomp_trap"),
        ("thread_crashes", "crashes"),
        ("threads_crash", "crashes_at_gate"),
        ("thread_outlives_leader_and_crashes", "crashes_after_leader"),
    ] {
        let scene = Scene::new();
        finish(scene.trace(&["--quiet"]).args(scenario("crash.c", name)));
        let shown = inspect(&scene.snapshot(), ["-c", "bt"]).success().stdout;
        assert!(shown.contains(function), "{name}: {shown}");
    }
}
