//! Every way to make processes and threads: each ends as it would alone, and each crash in the tree is seen.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Live, Scene, finish, mirrored, scenario};

macro_rules! trees {
    ($($behaviour:ident: $scenario:ident leaves $count:literal;)*) => {$(
        #[test]
        fn $behaviour() {
            mirrored(&scenario("tree.c", stringify!($scenario))).leaves($count);
        }
    )*};
}

trees! {
    thirty_generations_of_forks_end_as_alone: deep leaves 0;
    forks_and_vforks_with_execs_twenty_deep_end_as_alone: execs_deep leaves 0;
    every_kind_of_child_ends_as_alone: kinds leaves 0;
    children_without_sigchld_are_waited_for_as_alone: exit_signals leaves 0;
    a_clone_made_for_the_grandparent_is_its_child: sibling leaves 0;
    an_untraced_clone_runs_unseen: untraced leaves 0;
    a_clone_that_shares_its_tracer_ends_as_alone: ptraced leaves 0;
    a_hundred_newborns_killed_at_once_end_as_alone: newborns_killed leaves 0;
    two_processes_with_one_memory_end_as_alone: shared_memory leaves 0;
    a_crash_in_shared_memory_is_one_death: shared_memory_crash leaves 1;
    a_crash_between_vfork_and_exec_is_a_death: vfork_crash leaves 1;
    a_crash_of_a_grandchild_is_a_death: fork_crash leaves 1;
    an_exec_by_a_thread_keeps_the_pid: exec_by_thread leaves 0;
    an_exec_ends_the_other_threads: exec_by_leader leaves 0;
    an_exec_after_the_leader_has_left_keeps_the_pid: exec_after_leader leaves 0;
    a_crash_after_an_exec_by_a_thread_is_a_death: exec_by_thread_and_crash leaves 1;
    forks_by_threads_end_as_alone: fork_by_threads leaves 0;
    a_failed_exec_is_told_to_its_caller: failed_exec leaves 0;
    a_process_outlives_its_leading_thread: leader_leaves leaves 0;
    a_process_ends_with_its_last_thread: last_thread_leaves leaves 0;
    a_crash_beside_a_process_in_vfork_waits_for_nobody: crash_beside_vfork leaves 1;
    a_crash_beside_a_thread_in_vfork_waits_for_nobody: crash_with_thread_in_vfork leaves 1;
}

/// `(cat & exec dpdb-trace …)`: a child that we never made ends while we supervise, and changes nothing.
#[test]
fn an_inherited_child_is_reaped_and_disturbs_nothing() {
    let scene = Scene::new();
    // It ends when its stdin does, which is ours too: while we supervise, and no earlier.
    let script = r#"cat <&0 >/dev/null & exec "$@""#;
    let mut traced = scene.trace(&["--quiet"]);
    traced.args(["sh", "-c", "echo ready; cat >/dev/null; exit 7"]);
    let mut words = vec!["sh".into(), "-c".into(), script.into(), "sh".into(), traced.get_program().to_owned()];
    words.extend(traced.get_args().map(ToOwned::to_owned));
    let mut live = Live::start(&mut scene.alone(&words));
    live.expect("ready");
    live.close();
    assert_eq!(live.wait().code(), Some(7));
}

#[test]
fn a_crash_deep_in_the_tree_is_found_with_its_own_pid() {
    let scene = Scene::new();
    let outcome = finish(scene.trace(&["--quiet"]).args(scenario("tree.c", "fork_crash"))).success();
    assert_eq!(outcome.stdout, "grandchild died of 11\nchild exited with 0\n");
    let pid = common::pid_of(&scene.snapshot());
    let journal = scene.journal();
    let death = journal.iter().find(|line| line["event"] == "death").expect("a death is in the journal");
    assert_eq!((death["pid"].as_i64(), death["signal"].as_str()), (Some(pid.into()), Some("SIGSEGV")));
}

/// Every process is started once, by a parent that was started before it, and ends once, after its start; what dies
/// has its snapshot in the journal, and an exec lies within the life of its process.
#[test]
fn the_journal_is_complete_and_in_order() {
    for name in ["kinds", "execs_deep", "fork_crash", "exec_by_thread", "many_processes", "vfork_crash"] {
        let scene = Scene::new();
        finish(scene.trace(&["--quiet"]).args(scenario("tree.c", name)));
        let journal = scene.journal();
        let mut alive = BTreeMap::new();
        let mut known = BTreeSet::new();
        let mut ended = 0;
        let mut snapshots = 0;
        for (number, line) in journal.iter().enumerate() {
            let pid = line["pid"].as_i64();
            match line["event"].as_str().unwrap() {
                "start" => {
                    let parent = line["ppid"].as_i64();
                    assert!(number == 0 || alive.contains_key(&parent), "{name}: an orphan: {line}\n{journal:#?}");
                    known.insert(pid);
                    assert_eq!(alive.insert(pid, line), None, "{name}: started twice: {line}\n{journal:#?}");
                }
                "exec" => assert!(alive.contains_key(&pid), "{name}: exec before its start: {line}\n{journal:#?}"),
                "exit" | "death" => {
                    assert!(alive.remove(&pid).is_some(), "{name}: ends without a start: {line}\n{journal:#?}");
                    ended += 1;
                }
                "snapshot" => {
                    // It may have died meanwhile: its clone was read.
                    assert!(known.contains(&pid), "{name}: a snapshot of nobody: {line}");
                    snapshots += 1;
                }
                other => panic!("{name}: an unexpected line, {other}: {line}"),
            }
        }
        assert!(alive.is_empty(), "{name}: never ended: {alive:?}\n{journal:#?}");
        assert_eq!(scene.snapshots().len(), snapshots, "{name}");
        let times: Vec<_> = journal.iter().map(|line| line["time"].as_u64().unwrap()).collect();
        assert!(times.is_sorted(), "{name}: {times:?}");
        let expected = match name {
            "many_processes" => 201,
            "execs_deep" => 21,
            "fork_crash" => 3,
            "vfork_crash" => 2,
            "exec_by_thread" => 1,
            _ => ended,
        };
        assert_eq!(ended, expected, "{name}: {journal:#?}");
    }
}
