//! Running the same command alone and under dpdb-trace: what it shows must be the same.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use super::fixture::fixture;
use super::outcome::{Outcome, finish};
use super::scene::Scene;

/// One scene in which a command ran twice, alone and then supervised, and showed the same both times.
#[derive(Debug)]
pub struct Mirrored {
    /// Where both ran. The snapshots and the journal are those of the supervised run.
    pub scene: Scene,
    /// What both runs showed.
    pub outcome: Outcome,
}

impl Mirrored {
    /// Itself, if `count` snapshots and no unfinished ones were left.
    #[track_caller]
    pub fn leaves(self, count: usize) -> Mirrored {
        let snapshots = self.scene.snapshots();
        assert_eq!(snapshots.len(), count, "snapshots: {snapshots:?}\njournal: {:#?}", self.scene.journal());
        assert!(self.scene.partials().is_empty(), "{:?}", self.scene.partials());
        self
    }
}

/// A program of `fixtures/supervise/` and the scenario that it is to play.
pub fn scenario(program: &str, name: &str) -> Vec<OsString> {
    vec![fixture(&format!("supervise/{program}")).into(), name.into()]
}

/// Runs `command` alone and under dpdb-trace, and holds stdout, stderr and the wait status of both against each other.
#[track_caller]
pub fn mirrored<S: AsRef<OsStr>>(command: &[S]) -> Mirrored {
    mirrored_through(&[] as &[&str], command)
}

/// The same below `wrapper`, a command that runs the arguments which follow it, such as `env --ignore-signal=INT`.
#[track_caller]
pub fn mirrored_through<W: AsRef<OsStr>, S: AsRef<OsStr>>(wrapper: &[W], command: &[S]) -> Mirrored {
    let scene = Scene::new();
    let alone = finish(&mut scene.alone(&through(wrapper, command)));
    assert!(scene.snapshots().is_empty(), "nobody supervised that run");
    let mut traced = scene.trace(&["--quiet"]);
    let supervisor: Vec<OsString> =
        [traced.get_program().to_owned()].into_iter().chain(traced.get_args().map(OsStr::to_owned)).collect();
    let whole: Vec<OsString> = supervisor.into_iter().chain(command.iter().map(|word| word.as_ref().into())).collect();
    let words = through(wrapper, &whole);
    traced = scene.alone(&words);
    let traced = finish(&mut traced).without_panic_of_ours();
    assert_eq!(alone.stdout, traced.stdout, "stdout: alone, and supervised (its stderr: {})", traced.stderr);
    assert_eq!(alone.stderr, traced.stderr, "stderr: alone, and supervised");
    assert_eq!(alone.status, traced.status, "wait status: alone, and supervised");
    Mirrored { scene, outcome: traced }
}

fn through<W: AsRef<OsStr>, S: AsRef<OsStr>>(wrapper: &[W], command: &[S]) -> Vec<OsString> {
    let wrapper = wrapper.iter().map(|word| word.as_ref().to_owned());
    wrapper.chain(command.iter().map(|word| word.as_ref().to_owned())).collect()
}

impl Outcome {
    /// Itself, if we did not panic; unlike `without_panic` it lets the command die of SIGABRT.
    #[track_caller]
    pub fn without_panic_of_ours(self) -> Outcome {
        assert!(!self.stderr.contains("panicked at"), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self
    }
}

impl Scene {
    /// `command` as it would run without dpdb-trace, with the surroundings that [`Scene::trace`] gives.
    pub fn alone<S: AsRef<OsStr>>(&self, command: &[S]) -> Command {
        let (program, arguments) = command.split_first().expect("a command has a name");
        let mut command = Command::new(program);
        command.current_dir(self.out()).args(arguments);
        command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE").env_remove("DEBUGINFOD_URLS");
        command
    }
}
