//! The source text that a snapshot carries: what is shown where the script is another by now, or is not here.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Scene, finish, inspect, list, reply, tool};

/// Line 3 calls line 9; far below them and what is carried around them the module's own line calls `outer`.
const SCRIPT: &str = "def outer(number):\n    text = 'before'\n    inner(number)\n\n\
                      # between\n\n\ndef inner(number):\n    raise ValueError(number)  # the line that ran\n\n\n";

fn whole_script() -> String {
    let unused: String = (12..=412).map(|number| format!("unused_{number} = {number}\n")).collect();
    format!("{SCRIPT}{unused}outer(7)\n")
}

/// Runs a script of these lines until its exception ends it; the script and the snapshot.
fn raise(scene: &Scene, options: &[&str]) -> (PathBuf, PathBuf) {
    let script = scene.path("script.py");
    fs::write(&script, whole_script()).expect("the scene can be written");
    let outcome = finish(scene.trace(options).arg(tool("python3")).arg(&script));
    assert_eq!(outcome.code(), 1, "{}", outcome.stderr);
    (script, scene.snapshot())
}

/// What a command prints, with its warnings.
fn says(snapshot: &Path, command: &str) -> String {
    let outcome = inspect(snapshot, ["-c", command]);
    outcome.stdout + &outcome.stderr
}

#[test]
fn a_script_that_was_edited_or_deleted_is_listed_as_it_was() {
    let scene = Scene::new();
    let (script, snapshot) = raise(&scene, &[]);
    let fresh = inspect(&snapshot, ["-c", "list", "-c", "longlist", "-c", "exception", "-c", "source outer"]).success();
    assert!(!fresh.stderr.contains("snapshot's own"), "{}", fresh.stderr);
    assert!(fresh.stdout.contains("the line that ran"), "{}", fresh.stdout);

    fs::write(&script, SCRIPT.replace("number", "letter") + "outer(7)\n").expect("the scene can be written");
    let edited =
        inspect(&snapshot, ["-c", "list", "-c", "longlist", "-c", "exception", "-c", "source outer"]).success();
    assert_eq!(edited.stdout, fresh.stdout);
    let why = "is not what it was when the snapshot was taken: these lines are the snapshot's own";
    assert!(edited.stderr.contains(why), "{}", edited.stderr);

    fs::remove_file(&script).expect("the scene can be written");
    let gone = inspect(&snapshot, ["-c", "list", "-c", "longlist", "-c", "exception", "-c", "source outer"]).success();
    assert_eq!(gone.stdout, fresh.stdout);
    assert!(gone.stderr.contains("script.py is not here: these lines are the snapshot's own"), "{}", gone.stderr);
    assert!(
        says(&snapshot, "list 150").contains("the snapshot carries no line 145"),
        "{}",
        says(&snapshot, "list 150")
    );

    // The same bytes elsewhere are the file itself again, with all of its lines.
    let elsewhere = scene.path("elsewhere");
    fs::create_dir(&elsewhere).expect("the scene can be written");
    fs::write(&script, "").expect("the scene can be written");
    fs::write(elsewhere.join("script.py"), whole_script()).expect("the scene can be written");
    let map = format!("{}={}", script.parent().expect("it has one").display(), elsewhere.display());
    let mapped = inspect(&snapshot, ["--source-map", &map, "-c", "list 150"]).success();
    assert!(
        mapped.stdout.contains("unused_150 = 150") && !mapped.stderr.contains("snapshot's own"),
        "{}",
        mapped.stderr
    );
}

#[test]
fn whole_files_are_carried_on_wish_and_the_core_stays_what_stock_tools_read() {
    let scene = Scene::new();
    let (script, snapshot) = raise(&scene, &["--embed-sources"]);
    fs::remove_file(&script).expect("the scene can be written");
    assert!(says(&snapshot, "list 150").contains("unused_150 = 150"));
    let tested = finish(std::process::Command::new(tool("zstd")).arg("-tq").arg(&snapshot));
    assert_eq!(tested.code(), 0, "{}", tested.stderr);
    let exported = scene.path("core");
    finish(std::process::Command::new(tool("zstd")).arg("-dqo").arg(&exported).arg(&snapshot)).success();
    let core_size = fs::metadata(&exported).expect("it was written").len();
    assert!(core_size.is_multiple_of(4096), "{core_size}: nothing stands behind the trailer");
}

/// A code object may claim any file: what is no regular file is not touched, and the snapshot is there all the same.
#[test]
fn files_that_are_none_are_not_read() {
    let scene = Scene::new();
    let fifo = scene.path("fifo.py");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("the scene can be written");
    let names = [fifo.to_str().expect("UTF-8"), "/dev/zero", "/proc/kmsg", "/", "a\0b", "../../../../dev/tty", ""];
    let code = format!(
        "import os\nnames = {names:?}\n\
         def call(rest):\n    exec(compile('call(rest[1:]) if rest[1:] else os.kill(os.getpid(), 11)', rest[0], 'exec'), dict(globals(), rest=rest))\n\
         call([name.replace(chr(0), '/../') for name in names])\n"
    )
    .replace("\\0", "\\x00");
    let script = scene.path("hostile.py");
    fs::write(&script, code).expect("the scene can be written");
    let outcome = scene.run([tool("python3"), script.clone()]);
    assert_eq!(outcome.signal(), Some(11), "{}", outcome.stderr);
    let snapshot = scene.snapshot();
    fs::remove_file(&script).expect("the scene can be written");
    let stack = reply(&snapshot, &["bt -python"]);
    let of =
        |end: &str| list(&stack["frames"]).iter().find(|frame| frame["file"].as_str().unwrap_or("").ends_with(end));
    assert!(of("/dev/zero").is_some(), "{stack:#}");
    let own = &of("hostile.py").expect("its own frame")["number"];
    assert!(says(&snapshot, &format!("frame {own}")).contains("exec(compile("), "what could be read is carried");
}
