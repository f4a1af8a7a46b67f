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

/// Which of these texts are in the core of the only snapshot.
fn in_the_core(scene: &Scene, texts: &[&str]) -> Vec<bool> {
    let file = scene.path("core");
    decompress(&scene.snapshot(), &file);
    let core = std::fs::read(file).unwrap();
    texts.iter().map(|text| core.windows(text.len()).any(|window| window == text.as_bytes())).collect()
}

/// A Python process that has made copies of its environment, and numbers of cards.
fn crash_python(scene: &Scene, options: &[&str]) {
    let program = "import os; cards = ['-'.join([str(4111 + i)] * 4) for i in range(3)]; os.kill(os.getpid(), 11)";
    let mut command = scene.trace(options);
    let outcome = finish(
        command.args(["python3", "-c", program]).env("API_TOKEN", "tok-of-the-process").env("PLAIN", "plain-value"),
    );
    assert_eq!(outcome.without_panic().signal(), Some(11));
}

#[test]
fn what_matches_a_pattern_is_nowhere_in_memory_and_counted() {
    let cards = ["4111-4111-4111-4111", "4113-4113-4113-4113"];
    let scene = Scene::new();
    crash_python(&scene, &["--scrub-pattern", r"\d{4}(-\d{4}){3}"]);
    assert_eq!(in_the_core(&scene, &cards), [false; 2]);
    let replaced = Snapshot::open(&scene.snapshot()).unwrap().capture().unwrap().replaced;
    let info = inspect(&scene.snapshot(), ["-c", "info"]).success().stdout;
    assert!(replaced >= 3 && info.contains(&format!("{replaced} places that matched")), "{info}");
    let scene = Scene::new();
    crash_python(&scene, &[]);
    assert_eq!(in_the_core(&scene, &cards), [true; 2]);
}

#[test]
fn the_environment_is_wiped_with_the_copies_of_its_secrets() {
    let texts = ["tok-of-the-process", "PLAIN=plain-value"];
    let scene = Scene::new();
    crash_python(&scene, &["--scrub-env-memory"]);
    assert_eq!(in_the_core(&scene, &texts), [false; 2]);
    let shown = inspect(&scene.snapshot(), ["-c", "info env PLAIN"]).success().stdout;
    assert!(shown.contains("PLAIN=***********"), "{shown}");
    // What the program made of it is not looked for unless that is asked for.
    let scene = Scene::new();
    crash_python(&scene, &[]);
    assert_eq!(in_the_core(&scene, &texts), [true; 2]);
}

#[test]
fn a_pattern_that_is_none_is_a_mistake_on_the_command_line() {
    for pattern in ["(", "x*"] {
        let outcome = finish(Scene::new().trace(&["--scrub-pattern", pattern]).arg("true"));
        assert_eq!(outcome.code(), 2, "{outcome:?}");
    }
}

#[test]
fn who_wants_them_has_them() {
    let scene = Scene::new();
    assert_eq!(secrets_in_the_core(&scene, &["--no-scrub"]), SECRETS);
    assert_eq!(Snapshot::open(&scene.snapshot()).unwrap().process().scrubbed, None);
}
