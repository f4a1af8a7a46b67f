//! Secrets in environment and command line do not reach the file, unless they are wanted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Scene, decompress, finish, fixture, inspect};
use dpdb_snapshot::Snapshot;

const SECRETS: [&str; 3] = ["wJalrXUtnFEMI", "hunter2-of-the-argument", "hunter3-of-the-url"];

/// Crashes a process with secrets, by our options, and returns which of them are in the core.
fn secrets_in_the_core(scene: &Scene, options: &[&str]) -> Vec<&'static str> {
    let mut command = scene.trace(options);
    command.arg(fixture("null_read.c")).args(["--password", SECRETS[1], "--verbose"]);
    command.env("AWS_SECRET_ACCESS_KEY", SECRETS[0]).env("DATABASE", format!("postgres://me:{}@db/x", SECRETS[2]));
    let outcome = finish(&mut command).without_panic();
    assert_eq!(outcome.signal(), Some(11), "{outcome:?}");
    let file = scene.path("core");
    decompress(&scene.snapshot(), &file);
    let core = std::fs::read(file).unwrap();
    let is_in = |secret: &&str| core.windows(secret.len()).any(|window| window == secret.as_bytes());
    SECRETS.into_iter().filter(is_in).collect()
}

#[test]
fn what_looks_secret_is_nowhere_in_the_file_and_counted() {
    let scene = Scene::new();
    assert_eq!(secrets_in_the_core(&scene, &[]), [""; 0]);
    let snapshot = Snapshot::open(&scene.snapshot()).unwrap();
    let scrubbed = snapshot.process().scrubbed.unwrap();
    // The tester's own environment may have more.
    assert!(scrubbed.arguments == 1 && scrubbed.variables >= 2, "{scrubbed:?}");
    let shown =
        inspect(&scene.snapshot(), ["-c", "info env AWS", "-c", "info env DATABASE", "-c", "info"]).success().stdout;
    assert!(shown.contains("AWS_SECRET_ACCESS_KEY=*************"), "{shown}");
    assert!(shown.contains("postgres://me:******************@db/x"), "{shown}");
    assert!(shown.contains("--password *********************** --verbose"), "{shown}");
    assert!(shown.contains("values of the environment, 1 argument that looked secret"), "{shown}");
    let journal = std::fs::read_to_string(scene.path("journal")).unwrap();
    assert!(!journal.contains(SECRETS[1]), "{journal}");
}

#[test]
fn who_wants_them_has_them() {
    let scene = Scene::new();
    assert_eq!(secrets_in_the_core(&scene, &["--no-scrub"]), SECRETS);
    assert_eq!(Snapshot::open(&scene.snapshot()).unwrap().process().scrubbed, None);
}
