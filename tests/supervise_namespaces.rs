//! As the init of a pid namespace, and around one.

mod common;

use std::ffi::OsString;
use std::fs;

use common::{Live, Scene, finish, fixture, mirrored, scenario, tool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

/// `unshare` with what makes a pid namespace here; `None` where the kernel is set up not to allow it, of which the
/// setting is printed. Any other refusal is a failure.
fn in_pid_namespace() -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = vec![tool("unshare").into()];
    if !geteuid().is_root() {
        words.extend(["--user".into(), "--map-root-user".into()]);
    }
    words.extend(["--pid".into(), "--fork".into(), "--mount-proc".into()]);
    let scene = Scene::new();
    let mut probe = words.clone();
    probe.push("true".into());
    let outcome = finish(&mut scene.alone(&probe));
    if outcome.code() == 0 {
        return Some(words);
    }
    let reason =
        forbidden_by().unwrap_or_else(|| panic!("no pid namespace, and no setting says so: {}", outcome.stderr));
    println!("pid namespaces are not permitted here: {reason}. {}", outcome.stderr);
    None
}

/// The setting that keeps a process of ours from making namespaces.
fn forbidden_by() -> Option<String> {
    let settings = [
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/user/max_pid_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
    ];
    let set = |(path, value): &(&str, &str)| fs::read_to_string(path).is_ok_and(|text| text.trim() == *value);
    let filtered = || fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nSeccomp:\t2"));
    let found = settings.iter().find(|setting| set(setting)).map(|(path, value)| format!("{path} is {value}"));
    found.or_else(|| filtered().then(|| "a seccomp filter, as containers have".to_owned()))
}

fn as_init(scene: &Scene, namespace: &[OsString], command: &[OsString]) -> std::process::Command {
    let traced = scene.trace(&["--quiet"]);
    let mut words = namespace.to_vec();
    words.push(traced.get_program().to_owned());
    words.extend(traced.get_args().map(ToOwned::to_owned));
    words.extend_from_slice(command);
    scene.alone(&words)
}

#[test]
fn as_init_we_mirror_the_exit_code_and_reap_orphans() {
    let Some(namespace) = in_pid_namespace() else { return };
    let scene = Scene::new();
    let outcome = finish(&mut as_init(&scene, &namespace, &scenario("namespaces.c", "orphans")));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (7, "pid 1, no zombies\n"), "{}", outcome.stderr);
}

/// No signal ends an init, so death by signal n is told as exit code 128 + n, as shells do.
#[test]
fn as_init_a_death_by_signal_becomes_an_exit_code() {
    let Some(namespace) = in_pid_namespace() else { return };
    let scene = Scene::new();
    let outcome = finish(&mut as_init(&scene, &namespace, &scenario("crash.c", "null")));
    assert_eq!(outcome.status.code(), Some(128 + 11), "{}", outcome.stderr);
    assert_eq!(scene.snapshots().len(), 1);
}

/// An init gets only those signals for which it has a handler: we have them.
#[test]
fn as_init_signals_are_forwarded() {
    let Some(namespace) = in_pid_namespace() else { return };
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
        let scene = Scene::new();
        let mut live = Live::start(&mut as_init(&scene, &namespace, &[fixture("supervise/receives.c").into()]));
        live.expect("ready");
        let unshare = live.pid();
        let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).unwrap();
        let init = Pid::from_raw(children.trim().parse().expect("unshare has one child"));
        kill(init, signal).unwrap();
        live.expect(&format!("got {}", signal as i32));
        live.poke();
        assert_eq!(live.rest(), "1 in all\n");
        assert_eq!(live.wait().code(), Some(0));
    }
}

/// An init in our tree that faults dies, as it does alone; traced it would meet its fault for ever.
#[test]
fn an_init_in_the_tree_that_crashes_dies_as_alone() {
    let Some(namespace) = in_pid_namespace() else { return };
    for name in ["null", "abort_plainly", "overflow", "handler_raises_again", "thread_crashes", "fault_blocked"] {
        mirrored(&[namespace.clone(), scenario("crash.c", name)].concat());
    }
}

#[test]
fn an_init_in_the_tree_that_faults_leaves_a_snapshot() {
    let Some(namespace) = in_pid_namespace() else { return };
    // Two died: unshare(1) ends itself by the signal that its child died of.
    mirrored(&[namespace, scenario("crash.c", "null")].concat()).leaves(2);
}

#[test]
fn an_init_in_the_tree_shrugs_off_what_it_would_alone() {
    let Some(namespace) = in_pid_namespace() else { return };
    for signal in ["-15", "-11", "-2", "-10"] {
        let ends = [fixture("supervise/ends.c").into_os_string(), signal.into()];
        let outcome = mirrored(&[namespace.clone(), ends.to_vec()].concat()).leaves(0).outcome;
        assert_eq!(outcome.code(), 99, "signal {signal} is not for an init");
    }
}

/// Inside, the process has another number; the file bears the one that it has for us.
#[test]
fn a_crash_below_an_init_in_the_tree_bears_our_pid() {
    let Some(namespace) = in_pid_namespace() else { return };
    let script: [OsString; 3] = ["sh".into(), "-c".into(), r#""$0" "$@"; exit 3"#.into()];
    let command = [namespace, script.to_vec(), scenario("crash.c", "null")].concat();
    let mirrored = mirrored(&command).leaves(1);
    assert_eq!(mirrored.outcome.code(), 3);
    let pid = i64::from(common::pid_of(&mirrored.scene.snapshot()));
    let started = mirrored.scene.journal().iter().any(|line| line["event"] == "start" && line["pid"] == pid);
    assert!(started, "{:#?}", mirrored.scene.journal());
}
