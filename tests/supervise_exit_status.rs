//! Our end is the command's end: its exit code, or death by its signal.

mod common;

use std::os::unix::process::ExitStatusExt;

use common::{Scene, finish, fixture, mirrored};

#[test]
fn every_exit_code_is_mirrored() {
    let scene = Scene::new();
    for code in 0..=255 {
        let outcome = finish(scene.trace(&["--quiet"]).arg(fixture("supervise/ends.c")).arg(code.to_string()));
        assert_eq!(outcome.status.into_raw(), code << 8);
    }
}

/// The status has no core flag: it is the command's own, not that of a core of ours.
#[test]
fn death_by_every_signal_is_mirrored() {
    for signal in (1..=64).filter(|signal| ![17, 18, 19, 20, 21, 22, 23, 28, 32, 33].contains(signal)) {
        let ends = fixture("supervise/ends.c");
        let mirrored = mirrored(&[ends.as_os_str(), format!("-{signal}").as_ref()]);
        assert_eq!(mirrored.outcome.status.into_raw(), signal, "signal {signal}");
        let crash = [3, 4, 5, 6, 7, 8, 11, 24, 25, 31].contains(&signal);
        mirrored.leaves(usize::from(crash));
    }
}

#[test]
fn no_core_of_ours_is_left_where_cores_are_wanted() {
    let scene = Scene::new();
    let script = r#"ulimit -c unlimited; exec "$@""#;
    let traced = scene.trace(&["--quiet"]);
    let mut words = vec!["sh".into(), "-c".into(), script.into(), "sh".into(), traced.get_program().to_owned()];
    words.extend(traced.get_args().map(ToOwned::to_owned));
    words.extend([fixture("supervise/ends.c").into(), "-11".into()]);
    let outcome = finish(&mut scene.alone(&words));
    assert_eq!(outcome.signal(), Some(11));
    assert!(!outcome.status.core_dumped(), "a core of the supervisor would be of no use to anybody");
    assert_eq!(scene.snapshots().len(), 1);
}

#[test]
fn the_end_of_the_command_is_our_end_whatever_still_runs() {
    let scene = Scene::new();
    let outcome = scene.run(["sh", "-c", "sleep 1000 & echo $!; exit 9"]);
    assert_eq!(outcome.code(), 9);
    let sleeper: i32 = outcome.stdout.trim().parse().unwrap();
    let sleeper = nix::unistd::Pid::from_raw(sleeper);
    nix::sys::signal::kill(sleeper, nix::sys::signal::Signal::SIGKILL).expect("it sleeps on");
}
