//! What the command finds when it starts is what it would find without us.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::{Live, Scene, finish, fixture, mirrored_through};

/// A program that prints all that it inherited, below a shell that is not replaced: so its parent is another process in
/// both runs.
fn surroundings_are_the_same(arrange: &str) -> String {
    let script = format!(r#"{arrange} "$@"; exit $?"#);
    let command = [fixture("supervise/surroundings.c").into_os_string(), "one two".into(), "".into(), "--three".into()];
    let outcome = mirrored_through(&["sh", "-c", &script, "sh"], &command).leaves(0).outcome;
    assert_eq!(outcome.code(), 0, "{}\n{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}

#[test]
fn descriptors_masks_limits_and_environment_are_inherited() {
    let shown = surroundings_are_the_same("");
    assert!(shown.contains("argument 2: \n") && shown.contains("fd 2:"), "{shown}");
}

#[test]
fn what_the_caller_changed_is_inherited() {
    let arrange = "umask 027; ulimit -n 200; ulimit -s 4096; ulimit -c 0; exec 5</dev/null 9>/dev/null; cd /;
        RANK=3 LD_LIBRARY_PATH=/nonexistent nice -n 3";
    let shown = surroundings_are_the_same(arrange);
    assert!(shown.contains("umask 27") && shown.contains("fd 9:") && shown.contains("nice 3"), "{shown}");
}

#[test]
fn ignored_and_blocked_signals_are_inherited() {
    let ignore = "env --ignore-signal=PIPE,INT,QUIT,CHLD,USR1,TSTP,TTOU,SEGV --block-signal=TERM,USR2,CHLD,SEGV,ALRM";
    let shown = surroundings_are_the_same(ignore);
    assert!(shown.contains("signal 13 ignored") && shown.contains("signal 15 blocked"), "{shown}");
    let shown = surroundings_are_the_same("env --default-signal=PIPE");
    assert!(!shown.contains("signal 13 ignored"), "{shown}");
}

#[test]
fn closed_standard_descriptors_stay_closed() {
    let shown = surroundings_are_the_same("exec <&- 2>&-;");
    assert!(!shown.contains("fd 0:") && !shown.contains("fd 2:"), "{shown}");
}

#[test]
fn an_empty_environment_is_inherited() {
    surroundings_are_the_same("env -i");
}

/// Exit codes as of env(1), nohup(1) and the shells, and a line that names the command.
#[test]
fn a_command_that_cannot_be_run_is_127_or_126_with_one_line() {
    let scene = Scene::new();
    let file = |name: &str, text: &str, mode: u32| {
        let path = scene.out().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    file("data", "no program", 0o644);
    file("lost", "#!/nonexistent/interpreter\n", 0o755);
    for (command, code) in
        [("no-such-command", 127), ("./no-such-file", 127), ("", 127), ("./lost", 127), ("./data", 126), ("/", 126)]
    {
        // A directory of PATH that we may not search would make "not found" a "permission denied", as for execvp(3).
        let path = "/usr/local/bin:/usr/bin:/bin";
        assert_eq!(finish(scene.alone(&["env", command]).env("PATH", path)).code(), code, "{command:?} by env(1)");
        let outcome = finish(scene.trace(&[]).arg(command).env("PATH", path)).without_panic();
        assert_eq!(outcome.code(), code, "{command:?}: {}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{command:?}: {}", outcome.stderr);
        assert!(outcome.stderr.starts_with("dpdb-trace: "), "{command:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(command), "{command:?}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
    assert!(scene.snapshots().is_empty());
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_sh_as_execvp_does() {
    let scene = Scene::new();
    let path = scene.out().join("script");
    fs::write(&path, "echo \"$1\"; exit 8\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = scene.run(["./script", "hello"]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (8, "hello\n"));
}

/// Whoever reads from the command sees its end of file when the command closes its stdout: we hold no copy.
#[test]
fn we_hold_no_end_of_the_commands_stdout() {
    let scene = Scene::new();
    let mut live = Live::start(scene.trace(&["--quiet"]).args(["sh", "-c", "echo ready; exec >&-; read go; exit 5"]));
    live.expect("ready");
    assert_eq!(live.rest(), "", "the end of file comes while the command still runs");
    live.close();
    assert_eq!(live.wait().code(), Some(5));
}

/// Whoever writes to the command gets SIGPIPE when the command closes its stdin.
#[test]
fn we_hold_no_end_of_the_commands_stdin() {
    let scene = Scene::new();
    let mut traced = scene.trace(&["--quiet"]);
    // `yes` ends when nobody can read it any more; the command ends when `yes` has.
    fs::write(scene.out().join("go"), "").unwrap();
    let script = "exec <&-; echo closed; cat fifo >/dev/null; exit 6";
    traced.args(["sh", "-c", script]);
    let mut words = vec!["sh".into(), "-c".into()];
    words.push(r#"mkfifo fifo; { yes 2>/dev/null; echo >fifo; } | "$@""#.into());
    words.extend(["sh".into(), traced.get_program().to_owned()]);
    words.extend(traced.get_args().map(ToOwned::to_owned));
    let outcome = finish(&mut scene.alone(&words));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (6, "closed\n"), "{}", outcome.stderr);
}
