//! Processes that are hard to capture: each leaves a snapshot all the same, which says what is missing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use common::{Scene, finish, fixture, gdb, install, tool};
use dpdb_snapshot::process::Step;
use dpdb_snapshot::{Absent, Avma, Memory, Snapshot};

const PAGE: u64 = 4096;

/// The only hexadecimal number that a fixture printed.
fn printed_address(stdout: &str) -> Option<u64> {
    u64::from_str_radix(stdout.trim(), 16).ok()
}

#[test]
fn memory_that_only_the_process_could_fill_in_is_not_waited_for() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("userfault.c")]);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    // A kernel or a sandbox without userfaultfd(2) has no such memory.
    let Some(filled) = printed_address(&outcome.stdout) else { return assert_eq!(outcome.stdout, "none\n") };
    assert_eq!(snapshot.read_u64(Avma(filled)).unwrap(), filled);
    let missing = snapshot.read_u64(Avma(filled + PAGE)).unwrap_err();
    assert!(matches!(&missing, Absent::NotCaptured { reason, .. } if reason.contains("userfaultfd")), "{missing}");
}

#[test]
fn guards_inside_a_mapping_are_not_read_and_their_neighbours_are() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("guard_pages.c")]);
    assert_eq!(outcome.code(), 128 + 11, "{outcome:?}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let Some(start) = printed_address(&outcome.stdout) else { return assert_eq!(outcome.stdout, "none\n") };
    let word = |page: u64| snapshot.read_u64(Avma(start + page * PAGE));
    assert_eq!((word(3), word(6)), (Ok(u64::from_le_bytes([b'g'; 8])), Ok(u64::from_le_bytes([b'g'; 8]))));
    for page in [4, 5] {
        // Linux 6.13 and 6.14 have guards and do not tell where: there they are unreadable.
        match word(page).unwrap_err() {
            Absent::NotCaptured { reason, .. } => assert!(reason.contains("MADV_GUARD_INSTALL"), "{reason}"),
            absent => assert!(matches!(absent, Absent::Unreadable { .. }), "{absent}"),
        }
    }
}

#[test]
fn pages_behind_the_end_of_a_file_are_unreadable_and_all_others_are_there() {
    let scene = Scene::new();
    let outcome = scene.run([fixture("truncated_file.c")]);
    assert_eq!(outcome.code(), 128 + 7, "{outcome:?}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let start = printed_address(&outcome.stdout).unwrap();
    let byte = |page: u64| {
        let mut byte = [0];
        snapshot.read(Avma(start + page * PAGE), &mut byte).map(|()| byte[0])
    };
    assert_eq!((byte(0), byte(2), byte(7)), (Ok(b't'), Ok(b'w'), Ok(b't')));
    for page in [8, 12, 15] {
        let absent = byte(page).unwrap_err();
        assert!(matches!(absent, Absent::Unreadable { .. }), "{absent}");
    }
    let [gone] = &snapshot.capture().unwrap().unreadable[..] else { panic!("{:?}", snapshot.capture()) };
    assert_eq!((gone.range.start.0, gone.range.len()), (start + 8 * PAGE, 8 * PAGE));
}

#[test]
fn sixty_thousand_mappings_are_all_there_and_pass_through_little_memory() {
    let scene = Scene::new();
    let program = fixture("many_mappings.c");
    let script = "\"$0\"; grep VmHWM /proc/$PPID/status";
    let outcome = finish(scene.trace(&["--quiet"]).args(["sh", "-c", script]).arg(program)).without_panic();
    let (made, peak) = outcome.stdout.split_once('\n').unwrap();
    let peak: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(peak < (64 + 4) << 10, "{outcome:?}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    assert!(snapshot.process().mappings.len() as u64 > made.parse().unwrap());
    assert_eq!(snapshot.process().soft_errors, []);
}

#[test]
fn a_crash_behind_a_leader_that_has_ended_shows_memory_files_and_both_threads() {
    let scene = Scene::new();
    let program = fixture("zombie_leader.c");
    scene.run([&program]);
    let path = scene.snapshot();
    let snapshot = Snapshot::open(&path).unwrap();
    let process = snapshot.process();
    let [crashed, leader] = &process.threads[..] else { panic!("{:?}", process.threads) };
    assert_ne!(crashed.tid, process.pid);
    assert_eq!((leader.tid, leader.state), (process.pid, Some('Z')));
    assert!(crashed.registers.is_some() && leader.registers.is_none());
    assert_eq!(process.executable.as_ref().unwrap().as_path(), program);
    assert!(!process.fds.is_empty() && !process.environment.is_empty() && !process.modules.is_empty());
    let core = scene.path("core");
    common::export(&path, &core);
    assert!(gdb(&program, &core, &["p mark"]).contains("$1 = 4711"));
}

#[test]
fn a_process_that_hides_its_memory_leaves_registers_and_says_what_could_not_be_read() {
    let scene = Scene::new();
    // Root may read all there is. An ordinary user needs to find the programs, wherever they were built.
    let (program, tracer) = (scene.path("secretive"), scene.path("dpdb-trace"));
    install(&fixture("secretive.c"), &program, 0o755);
    install(Path::new(env!("CARGO_BIN_EXE_dpdb-trace")), &tracer, 0o755);
    fs::set_permissions(scene.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(scene.out(), fs::Permissions::from_mode(0o1777)).unwrap();
    let mut command = if nix::unistd::geteuid().is_root() {
        let mut command = Command::new(tool("setpriv"));
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&tracer);
        command
    } else {
        Command::new(&tracer)
    };
    let outcome = finish(command.arg("--").arg(&program).current_dir(scene.out())).without_panic();
    assert_eq!(outcome.code(), 128 + 11, "{outcome:?}");
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let process = snapshot.process();
    assert!(process.threads[0].registers.is_some());
    assert_eq!(process.comm.to_string(), "secretive");
    let refused = process.soft_errors.iter().find(|error| error.message.contains("maps")).unwrap();
    assert_eq!((refused.step, refused.errno), (Step::Proc, Some(nix::errno::Errno::EACCES as i32)));
}

#[test]
fn a_process_without_a_file_of_its_own_any_more_keeps_its_build_id() {
    let scene = Scene::new();
    let program = scene.path("gone");
    install(&fixture("null_read.c"), &program, 0o755);
    // Two steps: the shell deletes the file that it is about to become.
    let script = "exec 9<\"$0\"; rm \"$0\"; exec /proc/self/fd/9";
    scene.run(["sh", "-c", script, program.to_str().unwrap()]);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let expected = snapshot.process().modules.iter().find(|module| module.path.as_path() == program).unwrap();
    assert!(expected.deleted && expected.build_id.is_some(), "{expected:?}");
}

#[test]
fn each_thread_has_registers_and_says_what_it_was_doing_before_it_was_stopped() {
    let scene = Scene::new();
    scene.run([fixture("many_threads.c")]);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let [crashed, others @ ..] = &snapshot.process().threads[..] else { panic!("there are threads") };
    assert_eq!((others.len(), crashed.syscall.as_ref()), (500, None));
    for thread in others {
        assert!(thread.registers.is_some() && matches!(thread.state, Some('S' | 'R' | 'D')), "{thread:?}");
        // All wait for a lock, or run on their way to it: no system call but futex(2).
        assert!(thread.syscall.as_ref().is_none_or(|call| call.number == 202), "{thread:?}");
    }
}

#[test]
fn what_proc_tells_is_in_the_snapshot() {
    let scene = Scene::new();
    let program = fixture("null_read.c");
    let script = "exec 7<\"$0\"; ulimit -n 123; exec \"$0\" one 'two three'";
    let mut command = scene.trace(&[]);
    command.env("SLURM_PROCID", "5").env("RANK_OTHER", "1").args(["sh", "-c", script]).arg(&program);
    assert_eq!(finish(&mut command).code(), 128 + 11);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let process = snapshot.process();
    assert_eq!(process.soft_errors, []);
    let arguments: Vec<String> = process.arguments.iter().map(ToString::to_string).collect();
    assert_eq!(arguments[1..], ["one", "two three"]);
    assert_eq!(process.rank.rank, Some(5));
    assert_eq!(process.cwd.as_ref().unwrap().as_path(), scene.out());
    let fd = process.fds.iter().find(|fd| fd.fd == 7).unwrap();
    assert_eq!((fd.target.as_path(), fd.position), (program.as_path(), Some(0)));
    let limit = process.limits.iter().find(|limit| limit.name == "Max open files").unwrap();
    assert_eq!(limit.soft, Some(123));
    assert!(process.tree.iter().any(|link| link.pid == process.pid));
    assert!(process.identity.is_some() && process.timing.started.is_some() && process.timing.crashed.is_some());
    assert_eq!(process.coredump_filter.map(|filter| filter & 1), Some(1));
    let paths: Vec<PathBuf> = process.modules.iter().map(|module| module.path.as_path().to_owned()).collect();
    assert!(paths.contains(&program), "{paths:?}");
}
