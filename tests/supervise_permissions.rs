//! What privileges change, and what tracing costs there. These are limits: docs/limits.md says the same in words.

mod common;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Scene, finish, fixture, install, mirrored, scenario};
use nix::unistd::geteuid;

/// A user that is nobody in particular.
const STRANGER: u32 = 54321;

/// Lets everybody into the scene.
fn open_to_all(scene: &Scene) {
    for dir in [scene.out(), scene.path("")] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o1777)).expect("a scene is ours");
    }
}

fn as_stranger(command: Vec<OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> =
        vec!["setpriv".into(), format!("--reuid={STRANGER}").into(), "--clear-groups".into()];
    words.extend(command);
    words
}

fn copy(scene: &Scene, of: &Path, name: &str, mode: u32) -> PathBuf {
    let path = scene.path(name);
    install(of, &path, mode);
    path
}

/// Our binary and what it is to run, both where a stranger may execute them.
fn traced(scene: &Scene, command: &[OsString]) -> Vec<OsString> {
    let traced = scene.trace(&["--quiet"]);
    let binary = copy(scene, Path::new(traced.get_program()), "dpdb-trace", 0o755);
    let mut words: Vec<OsString> = vec![binary.into()];
    words.extend(traced.get_args().map(ToOwned::to_owned));
    words.extend_from_slice(command);
    words
}

/// The kernel drops what the file would grant, when the tracer could not have it (execve(2), "ptrace"). With the
/// privilege to trace anything, nothing is dropped.
#[test]
fn a_setuid_program_gets_its_privilege_only_under_a_privileged_tracer() {
    let program = fixture("supervise/permissions.c");
    if !geteuid().is_root() {
        println!(
            "only root can make a file that grants another user: here it grants what one has, and nothing changes"
        );
        let scene = Scene::new();
        let setuid = copy(&scene, &program, "setuid", 0o4755);
        mirrored(&[setuid.as_os_str(), "identity".as_ref()]).leaves(0);
        return;
    }
    let scene = Scene::new();
    open_to_all(&scene);
    let setuid: Vec<OsString> = vec![copy(&scene, &program, "setuid", 0o4755).into(), "identity".into()];
    let alone = finish(&mut scene.alone(&as_stranger(setuid.clone())));
    assert_eq!(
        alone.stdout,
        format!("uid {STRANGER} euid 0\n"),
        "is {} on a nosuid file system?",
        scene.out().display()
    );
    let under_stranger = finish(&mut scene.alone(&as_stranger(traced(&scene, &setuid))));
    assert_eq!(under_stranger.stdout, format!("uid {STRANGER} euid {STRANGER}\n"), "{}", under_stranger.stderr);
    let under_root = finish(&mut scene.alone(&traced(&scene, &as_stranger(setuid))));
    assert_eq!(under_root.stdout, alone.stdout, "{}", under_root.stderr);
}

#[test]
fn an_undumpable_process_ends_as_alone() {
    mirrored(&scenario("permissions.c", "undumpable_ends")).leaves(0);
    mirrored(&scenario("permissions.c", "undumpable_crashes"));
}

/// Root may read it; an ordinary tracer may not, so its snapshot holds registers and facts, and says what is missing.
#[test]
fn an_undumpable_process_is_captured_as_far_as_the_kernel_lets_us() {
    let scene = Scene::new();
    open_to_all(&scene);
    let program = copy(&scene, &fixture("supervise/permissions.c"), "permissions", 0o755);
    let command: Vec<OsString> = vec![program.into(), "undumpable_crashes".into()];
    let traced = traced(&scene, &command);
    let words = if geteuid().is_root() { as_stranger(traced) } else { traced };
    let outcome = finish(&mut scene.alone(&words)).without_panic();
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    assert_eq!(scene.snapshots().len(), 1, "{:#?}", scene.journal());
    assert!(scene.partials().is_empty());
}

/// A process has one tracer: a debugger, strace or sanitizer inside our tree is told EPERM.
#[test]
fn a_tracer_inside_the_tree_is_refused() {
    let scene = Scene::new();
    let command = scenario("tree.c", "traces");
    assert_eq!(finish(&mut scene.alone(&command)).success().stdout, "PTRACE_TRACEME: Success\n");
    let outcome = finish(scene.trace(&["--quiet"]).args(command)).success();
    assert_eq!(outcome.stdout, "PTRACE_TRACEME: Operation not permitted\n");
}

/// Under another tracer (here: ourselves) the command runs all the same, and mirrors its end; one line says that
/// nothing will be captured.
#[test]
fn inside_another_tracer_the_command_runs_untraced() {
    let scene = Scene::new();
    let inner = scene.trace(&[]);
    let words = [inner.get_program()].into_iter().chain(inner.get_args()).map(ToOwned::to_owned);
    let command = [words.collect(), vec!["sh".into(), "-c".into(), "echo runs; exit 7".into()]].concat();
    let outcome = finish(scene.trace(&["--quiet"]).args(command)).without_panic();
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (7, "runs\n"), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("trace"), "{}", outcome.stderr);
}
