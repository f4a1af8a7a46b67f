//! Long work, as somebody at a terminal sees it: a line that says how far it is, and Ctrl-C, which ends the work and
//! nothing else.

use std::fs;
use std::process::Command;

use crate::common::{Build, Crash, Scene, Terminal, finish, fixture, fixture_with, tool};

/// More units than are read before somebody presses a key; all of their names are alike.
const UNITS: usize = 8000;
const ENUMERATORS: usize = 500;

/// `inspect` of a snapshot on a terminal, with nothing kept from before.
fn inspect_on_terminal(scene: &Scene, crash: &Crash) -> Terminal {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dpdb-trace"));
    command.current_dir(scene.out()).arg("inspect").arg(&crash.snapshot);
    command.env("DPDB_TRACE_CACHE", "off").env("XDG_STATE_HOME", scene.path("state")).env("TERM", "dumb");
    Terminal::start(&command)
}

/// The work stops at Ctrl-C, and the session goes on.
fn give_up(terminal: &mut Terminal, command: &str, progress: &str, after: &str) {
    terminal.until("] ");
    terminal.send(&format!("{command}\r"));
    terminal.until(progress);
    terminal.until(" % (Ctrl-C gives up)");
    terminal.send("\x03");
    terminal.until(after);
    terminal.until("] ");
    terminal.send("p 20 + 1\r");
    terminal.until("= 21");
}

#[test]
fn reading_names_shows_its_progress_and_is_given_up_at_ctrl_c() {
    let scene = Scene::new();
    let program = scene.path("many_names");
    let section = |name: &str, bytes: &[u8]| {
        let path = scene.path(name);
        fs::write(&path, bytes).expect("the scene is ours");
        format!("--add-section=.debug_{name}={}", path.display())
    };
    let mut objcopy = Command::new(tool("objcopy"));
    objcopy.arg(section("info", &unit().repeat(UNITS))).arg(section("abbrev", ABBREVIATIONS));
    let bare = fixture_with("null_read.c", Build { flags: &["-g0"], ..Build::default() });
    finish(objcopy.arg(bare).arg(&program)).success();
    let crash = Crash::of([&program]);

    let mut terminal = inspect_on_terminal(&scene, &crash);
    let given_up = "was interrupted";
    give_up(&mut terminal, "whatis struct no_such_type", "reading the names of many_names: ", given_up);
    terminal.send("quit\r");
    let (_, status) = terminal.end();
    assert!(status.success(), "{status}");
}

#[test]
fn looking_through_memory_shows_its_progress_and_is_given_up_at_ctrl_c() {
    let (scene, crash) = (Scene::new(), Crash::of([fixture("sparse_terabyte.c")]));
    let mut terminal = inspect_on_terminal(&scene, &crash);
    for command in ["find \"nobody wrote this\"", "strings -min 399"] {
        give_up(&mut terminal, command, "looking through memory: ", "; given up");
    }
    terminal.send("quit\r");
    let (_, status) = terminal.end();
    assert!(status.success(), "{status}");
}

/// A unit that is an enumeration (DWARF 4, section 7.5.1.1).
fn unit() -> Vec<u8> {
    let mut content = vec![4, 0, 0, 0, 0, 0, 8];
    content.extend(b"\x01unit.c\0\x0c");
    content.extend(b"\x02kinds\0\x04");
    for _ in 0..ENUMERATORS {
        content.extend(b"\x03one_of_many\0\x01");
    }
    content.extend([0, 0]);
    [&(content.len() as u32).to_le_bytes()[..], &content].concat()
}

/// A unit with a name and a language, an enumeration with a name and a size, an enumerator with a name and a value.
const ABBREVIATIONS: &[u8] =
    b"\x01\x11\x01\x03\x08\x13\x0b\0\0\x02\x04\x01\x03\x08\x0b\x0b\0\0\x03\x28\0\x03\x08\x1c\x0f\0\0\0";
