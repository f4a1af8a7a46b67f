//! Job control: stops and continuations as a parent sees them, and a shell on a terminal, above us and below us.

mod common;

use std::process::{Command, ExitStatus};

use common::{Scene, Terminal, fixture, mirrored, scenario};

macro_rules! stops {
    ($($behaviour:ident: $scenario:ident leaves $count:literal;)*) => {$(
        #[test]
        fn $behaviour() {
            mirrored(&scenario("stops.c", stringify!($scenario))).leaves($count);
        }
    )*};
}

stops! {
    each_stop_signal_stops_and_continues: each_stop_signal leaves 0;
    fifty_stops_are_fifty_stops: often leaves 0;
    handlers_of_stop_and_continuation_run: handled leaves 0;
    an_ignored_stop_is_none: ignored leaves 0;
    an_orphaned_group_does_not_stop_for_the_terminal: orphaned leaves 0;
    a_stopped_process_can_be_killed: killed_while_stopped leaves 0;
    a_signal_waits_for_the_end_of_a_stop: ended_while_stopped leaves 0;
    a_crash_after_a_stop_is_a_death: crashed_after_stop leaves 1;
    a_stop_stops_all_threads_for_as_long_as_it_lasts: threads_stand_still leaves 0;
    a_group_stops_and_continues_as_one: group leaves 0;
}

const PROMPT: &str = "prompt> ";

/// Holds the same dialogue with an interactive bash twice: `$T COMMAND` runs the command alone in the one and under us
/// in the other. The terminal must show the same.
fn in_bash(dialogue: impl Fn(&mut Terminal)) -> Scene {
    let scene = Scene::new();
    let traced = scene.trace(&["--quiet"]);
    let words = [traced.get_program()].into_iter().chain(traced.get_args());
    let supervisor: Vec<_> = words.map(|word| word.to_str().expect("our path is UTF-8")).collect();
    let alone = talk(bash(&scene).env("T", ""), &dialogue);
    let under_us = talk(bash(&scene).env("T", supervisor.join(" ")), &dialogue);
    assert_eq!(alone, under_us, "what the terminal shows: alone, and supervised");
    scene
}

/// The same dialogue with a bash that runs by itself, and with one that runs under us, jobs and all.
fn around_bash(dialogue: impl Fn(&mut Terminal)) {
    let scene = Scene::new();
    let mut traced = scene.trace(&["--quiet"]);
    let shell = bash(&scene);
    traced.arg(shell.get_program()).args(shell.get_args());
    let alone = talk(bash(&scene).env("T", ""), &dialogue);
    let under_us = talk(surround(&mut traced).env("T", ""), &dialogue);
    assert_eq!(alone, under_us, "what the terminal shows: alone, and supervised");
    assert!(scene.snapshots().is_empty());
}

fn bash(scene: &Scene) -> Command {
    let mut bash = scene.alone(&["bash", "--norc", "--noprofile", "--noediting", "-i"]);
    surround(&mut bash);
    bash
}

/// No history, no wrapping terminal features, and messages in English; the fixtures by short names.
fn surround(command: &mut Command) -> &mut Command {
    command.env("PS1", PROMPT).env("TERM", "dumb").env("LC_ALL", "C").env("HISTFILE", "").env_remove("PROMPT_COMMAND");
    command.env("RECEIVES", fixture("supervise/receives.c"))
}

fn talk(command: &Command, dialogue: &impl Fn(&mut Terminal)) -> (String, ExitStatus) {
    let mut terminal = Terminal::start(command);
    terminal.until(PROMPT);
    dialogue(&mut terminal);
    terminal.send("exit 12\n");
    let (shown, status) = terminal.end();
    (shown.lines().filter(|line| !line.contains(WAITS_FOR_STOPPED)).map(without_pid).collect(), status)
}

/// What bash says if the job that it is told to wait for has been faster, and is stopped already.
const WAITS_FOR_STOPPED: &str = "wait_for_job";

/// `[1] 4711`, which announces a background job, without the pid.
fn without_pid(line: &str) -> String {
    let is_number = |word: &str| word.parse::<i32>().is_ok();
    match line.trim_end().rsplit_once("] ") {
        Some((job, pid)) if job.starts_with('[') && is_number(pid) => format!("{job}]\n"),
        _ => format!("{line}\n"),
    }
}

/// Waits for the prompt, says a line.
fn line(terminal: &mut Terminal, line: &str) {
    terminal.send(line);
    terminal.send("\n");
    terminal.until(&format!("{line}\r\n"));
}

/// The status of the last command.
fn status(terminal: &mut Terminal, code: i32) {
    line(terminal, "echo status $?");
    terminal.until(&format!("status {code}\r\n"));
    terminal.until(PROMPT);
}

fn interrupt_once(terminal: &mut Terminal) {
    line(terminal, "$T $RECEIVES");
    terminal.until("ready\r\n");
    for times in 1..=3 {
        terminal.send("\x03");
        terminal.until("got 2\r\n");
        // What a second delivery would say comes before this: the process says what it gets in its order.
        if times == 3 {
            terminal.send("x\n");
            terminal.until("3 in all\r\n");
        }
    }
    terminal.until(PROMPT);
    terminal.until(PROMPT);
    status(terminal, 0);
}

fn interrupt_kills(terminal: &mut Terminal) {
    line(terminal, "$T sh -c 'echo up; exec cat'");
    terminal.until("up\r\n");
    terminal.send("\x03");
    terminal.until(PROMPT);
    status(terminal, 130);
}

fn stop_and_foreground(terminal: &mut Terminal) {
    line(terminal, "$T sh -c 'echo up; exec cat'");
    terminal.until("up\r\n");
    terminal.send("one\n");
    terminal.until("one\r\none\r\n");
    for word in ["two", "three"] {
        terminal.send("\x1a");
        terminal.until("Stopped");
        terminal.until(PROMPT);
        status(terminal, 148);
        line(terminal, "fg");
        terminal.until("exec cat'\r\n");
        terminal.send(&format!("{word}\n"));
        terminal.until(&format!("{word}\r\n{word}\r\n"));
    }
    terminal.send("\x04");
    terminal.until(PROMPT);
    status(terminal, 0);
}

/// `wait` returns when its job stops, too (bash(1), without -f). It stands on the line of its job: between two lines
/// bash might tell of the stop, or might not yet.
fn background_write(terminal: &mut Terminal) {
    line(terminal, "stty tostop");
    terminal.until(PROMPT);
    line(terminal, "$T sh -c 'echo written; exit 4' & wait %1; echo waited $?");
    terminal.until("waited 150\r\n");
    terminal.until(PROMPT);
    line(terminal, "fg");
    terminal.until("exit 4'\r\nwritten\r\n");
    terminal.until(PROMPT);
    status(terminal, 4);
    line(terminal, "stty -tostop");
    terminal.until(PROMPT);
}

fn background_read(terminal: &mut Terminal) {
    line(terminal, "$T cat & wait %1; echo waited $?");
    terminal.until("waited 149\r\n");
    terminal.until(PROMPT);
    line(terminal, "fg");
    terminal.until("cat\r\n");
    terminal.send("read\n");
    terminal.until("read\r\nread\r\n");
    terminal.send("\x04");
    terminal.until(PROMPT);
    status(terminal, 0);
}

fn stops_itself(terminal: &mut Terminal) {
    line(terminal, "$T sh -c 'kill -STOP $$; echo after; exit 6'");
    terminal.until("Stopped");
    terminal.until(PROMPT);
    line(terminal, "fg");
    terminal.until("exit 6'\r\nafter\r\n");
    terminal.until(PROMPT);
    status(terminal, 6);
}

fn quits(terminal: &mut Terminal) {
    line(terminal, "ulimit -c 0");
    terminal.until(PROMPT);
    line(terminal, "$T sh -c 'echo up; exec cat'");
    terminal.until("up\r\n");
    terminal.send("\x1c");
    terminal.until("Quit");
    terminal.until(PROMPT);
    status(terminal, 131);
}

#[test]
fn ctrl_c_reaches_the_command_once_each_time() {
    in_bash(interrupt_once);
}

#[test]
fn ctrl_c_ends_the_command_and_us() {
    assert!(in_bash(interrupt_kills).snapshots().is_empty());
}

#[test]
fn ctrl_z_stops_the_job_and_fg_continues_it() {
    in_bash(stop_and_foreground);
}

#[test]
fn a_background_write_stops_the_job_where_the_terminal_says_so() {
    in_bash(background_write);
}

#[test]
fn a_background_read_stops_the_job() {
    in_bash(background_read);
}

#[test]
fn a_command_that_stops_itself_is_a_stopped_job() {
    in_bash(stops_itself);
}

#[test]
fn ctrl_backslash_leaves_a_snapshot() {
    assert_eq!(in_bash(quits).snapshots().len(), 1);
}

#[test]
fn a_shell_under_us_controls_its_own_jobs() {
    around_bash(|terminal| {
        interrupt_once(terminal);
        stop_and_foreground(terminal);
        background_write(terminal);
        background_read(terminal);
        stops_itself(terminal);
        interrupt_kills(terminal);
    });
}
