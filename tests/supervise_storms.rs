//! Many at once: nothing is lost, nothing is left behind.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::{Scene, finish, mirrored, scenario};

#[test]
fn ten_thousand_short_threads_end_as_alone() {
    mirrored(&scenario("tree.c", "many_threads")).leaves(0);
}

#[test]
fn two_hundred_short_processes_end_as_alone() {
    let mirrored = mirrored(&scenario("tree.c", "many_processes")).leaves(0);
    let ends = mirrored.scene.journal().iter().filter(|line| line["event"] == "exit").count();
    assert_eq!(ends, 201);
}

#[test]
fn fifty_programs_in_a_row_end_as_alone() {
    let mirrored = mirrored(&scenario("tree.c", "many_programs")).leaves(0);
    let execs = mirrored.scene.journal().iter().filter(|line| line["event"] == "exec").count();
    assert_eq!(execs, 51);
}

/// A fork bomb runs into its user's limit on processes, is told so, and ends. Root has no such limit, so as root it is
/// run as nobody.
#[test]
fn a_fork_bomb_within_its_limit_ends_as_alone() {
    let scene = Scene::new();
    let bomb = scenario("tree.c", "bomb_in_child");
    let traced = scene.trace(&["--quiet"]);
    let mut limited: Vec<std::ffi::OsString> = Vec::new();
    if nix::unistd::geteuid().is_root() {
        for dir in [scene.out(), scene.path("")] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o1777)).unwrap();
        }
        limited.extend(["setpriv", "--reuid=54321", "--clear-groups"].map(Into::into));
    }
    limited.extend(["prlimit", "--nproc=120:120"].map(Into::into));
    let alone = finish(&mut scene.alone(&[limited.clone(), bomb.clone()].concat()));
    let words = [traced.get_program()].into_iter().chain(traced.get_args()).map(ToOwned::to_owned);
    let supervised = finish(&mut scene.alone(&[limited, words.collect(), bomb].concat()));
    assert_eq!(alone.stdout, supervised.stdout, "{}", supervised.stderr);
    assert_eq!(alone.status, supervised.status, "{}", supervised.stderr);
}
