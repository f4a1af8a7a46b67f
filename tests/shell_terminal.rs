//! The shell as somebody at a terminal has it: what is completed while a line is typed, and how all of it looks in a real
//! terminal emulator, tmux(1).
//!
//! The emulator is waited for by events: a last line typed into the shell runs `tmux wait-for -S`, which no key before
//! it can overtake.

mod common;

use std::process::Command;

use common::{Scene, Terminal, finish, tool};

/// The prompt, with a pager that can be told from none.
fn command(scene: &Scene) -> Command {
    let mut command = scene.shell();
    command
        .env_remove("NO_COLOR")
        .env_remove("DPDB_OPTS")
        .env_remove("COLORFGBG")
        .env_remove("PAGER")
        .env("DPDB_PAGER", "sed s/^/paged:/");
    command
}

#[test]
fn what_is_typed_is_completed_by_what_the_selected_frame_has() {
    let scene = Scene::new();
    std::fs::write(scene.out().join("triage.dpdb"), "p 1\n").expect("out/ is ours");
    let mut command = command(&scene);
    command.env("NO_COLOR", "1").env("TERM", "xterm");
    let mut terminal = Terminal::start_sized(&command, Some((24, 100)));
    terminal.until("] ");
    for (typed, completed) in [
        // Commands, options and their values, files.
        ("longl\t", "longlist "),
        ("set comm\t", "set commandset"),
        ("set commandset pe\t", "set commandset perl"),
        ("source tri\t", "source triage.dpdb"),
        // A variable of the frame, a member behind it, a register, a function.
        ("p nod\t", "p node"),
        ("p first.ne\t", "p first.next"),
        ("p first.next->val\t", "p first.next->value"),
        ("p $ri\t", "p $rip"),
        ("frame function wal\t", "frame function walk"),
    ] {
        terminal.send(typed);
        terminal.until(completed);
        // Ctrl-U takes the line away, Ctrl-L shows what is left.
        terminal.send("\u{15}\u{c}");
        terminal.until("] ");
    }
    // Several lines are one while brackets are open.
    terminal.send("p (40 +\r");
    terminal.send("2)\r");
    terminal.until("= 42");
    terminal.send("quit\r");
    assert!(terminal.end().1.success());
}

/// A tmux server of one window.
struct Emulator<'s> {
    scene: &'s Scene,
}

impl Emulator<'_> {
    fn start<'s>(scene: &'s Scene, theme: &str) -> Emulator<'s> {
        let inner = command(scene);
        let server = Emulator { scene };
        let mut emulator = server.tmux();
        emulator.args(["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40"]);
        let environment = inner.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
        environment.chain([("DPDB_THEME", theme)]).for_each(|(name, value)| {
            emulator.arg("-e").arg(format!("{name}={value}"));
        });
        let words = std::iter::once(inner.get_program()).chain(inner.get_args());
        let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        emulator.arg(line.join(" ")).current_dir(scene.out()).env_remove("NO_COLOR");
        finish(&mut emulator).success();
        server
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new(tool("tmux"));
        command.arg("-u").arg("-S").arg(self.scene.path("tmux"));
        command.env_remove("TMUX").env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        finish(self.tmux().args(arguments)).success().stdout
    }

    /// Types keys, and waits until all of them have been read and answered. The next ones may come before the prompt has
    /// the terminal again: none of them may mean something to the line discipline (termios(3): ^U, ^R).
    fn type_and_wait(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
        let signal =
            format!("!!'{}' -S '{}' wait-for -S answered", tool("tmux").display(), self.scene.path("tmux").display());
        self.run(&["send-keys", &signal, "Enter"]);
        self.run(&["wait-for", "answered"]);
    }

    /// What is on the screen, with its colours or without.
    fn screen(&self, colours: bool) -> String {
        let mut arguments = vec!["capture-pane", "-p"];
        if colours {
            arguments.push("-e");
        }
        self.run(&arguments)
    }
}

impl Drop for Emulator<'_> {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").status();
    }
}

#[test]
fn a_terminal_shows_colours_of_its_theme_the_menu_of_completion_and_fits_its_size() {
    let scene = Scene::new();
    let emulator = Emulator::start(&scene, "dark");
    emulator.type_and_wait(&["bt 1", "Enter"]);
    let dark = emulator.screen(true);
    assert!(dark.contains("\u{1b}[33mmark"), "a function is yellow on dark: {dark}");
    emulator.type_and_wait(&["set theme light", "Enter", "bt 1", "Enter"]);
    let light = emulator.screen(true);
    assert!(light.contains("\u{1b}[36mmark"), "and cyan on light: {light}");
    emulator.type_and_wait(&["set theme none", "Enter", "C-l", "bt 1", "Enter"]);
    assert!(emulator.screen(true).contains("in mark "), "and nothing without colours: {}", emulator.screen(true));
    emulator.type_and_wait(&["C-l", "thr", "Tab", "Tab", "C-a", "C-k"]);
    let menu = emulator.screen(false);
    assert!(menu.lines().any(|line| line.contains("thread") && line.contains("threads")), "{menu}");
    // What is typed before the prompt is there waits for it.
    emulator.type_and_wait(&["C-l", "!!true", "Enter", "p 6 * 7", "Enter", "Up", "Enter"]);
    assert_eq!(emulator.screen(false).matches("= 42").count(), 2, "{}", emulator.screen(false));
    emulator.run(&["resize-window", "-x", "60", "-y", "12"]);
    emulator.type_and_wait(&["C-l", "tutorial", "Enter"]);
    let paged = emulator.screen(false);
    assert!(paged.contains("paged:"), "an answer longer than the screen is paged: {paged}");
}
