//! A tree of processes, some of which crash: who leaves a snapshot, and what the rest notice of it.

mod common;

use std::collections::BTreeSet;

use common::{Scene, fixture, inspect, pid_of};

#[test]
fn of_eight_forked_workers_the_two_that_crash_leave_a_snapshot_and_six_finish() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("fork_pool.c")]);

    assert_eq!(outcome.code(), 42, "{}", outcome.stderr);
    let mut finished: Vec<_> = outcome.stdout.lines().collect();
    finished.sort_unstable();
    assert_eq!(finished, [0, 1, 2, 4, 6, 7].map(|number| format!("worker {number} done")));

    let snapshots = scene.snapshots();
    assert_eq!(snapshots.len(), 2, "{snapshots:?}\n{}", outcome.stderr);
    assert!(scene.partials().is_empty());
    let crash_sites: BTreeSet<_> = snapshots
        .iter()
        .map(|snapshot| {
            let shown = inspect(snapshot, ["-c", "bt 1"]).success().stdout;
            ["crash_in_thread", "crash_after_exec"].into_iter().find(|site| shown.contains(site)).unwrap_or("elsewhere")
        })
        .collect();
    assert_eq!(crash_sites, BTreeSet::from(["crash_after_exec", "crash_in_thread"]));
    for snapshot in &snapshots {
        assert!(outcome.stderr.contains(&format!("pid {}", pid_of(snapshot))), "{}", outcome.stderr);
    }
}

#[test]
fn the_crashing_thread_is_the_one_shown_first() {
    let scene = Scene::new();
    scene.run([fixture("fork_pool.c")]);
    let threaded = scene
        .snapshots()
        .into_iter()
        .find(|snapshot| inspect(snapshot, ["-c", "bt 1"]).stdout.contains("crash_in_thread"))
        .expect("one worker crashes in a thread");
    let threads = inspect(&threaded, ["-c", "threads"]).success().stdout;
    let crashed = threads.lines().next().unwrap_or_default();
    assert!(crashed.contains("crash_in_thread") && crashed.contains("SIGSEGV"), "{threads}");
    // The main thread has started it, and may or may not wait for it already.
    let stacks = inspect(&threaded, ["-c", "thread apply all bt"]).success().stdout;
    assert!(stacks.contains(" in work "), "{stacks}");
}

#[test]
fn a_32_bit_process_is_supervised_and_its_death_reported_without_a_snapshot() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("thirty_two_bits.c")]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("SIGSEGV") && outcome.stderr.contains("32-bit"), "{}", outcome.stderr);
    assert!(scene.snapshots().is_empty() && scene.partials().is_empty());
}
