//! What needs a process that runs. On a snapshot each says so, and what to use in its place.

use crate::shell::table::{Action, Command, Group, Modes, Repeat};

/// A row of this group; the example is the name itself.
const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    arguments: &'static str,
    modes: Modes,
    summary: &'static str,
    instead: &'static str,
) -> Command {
    Command {
        name,
        aliases,
        arguments,
        group: Group::Running,
        modes,
        summary,
        details: "",
        example: name,
        repeat: Repeat::No,
        action: Action::Instead(instead),
    }
}

const MOVE: &str = "'up' and 'down' to move along the stack";
const PAST: &str = "'bt' to see how it came here";
const PLACES: &str = "'list' and 'disas' to look at the place";
const VALUES: &str = "'x' and 'regs' to see what it held";
const AGAIN: &str = "'dpdb-trace -- COMMAND' to run the program again under supervision";

/// The rows.
pub const COMMANDS: &[Command] = &[
    row("step", &["s"], "[N]", Modes::MOVING, "Run to the next line, into calls", MOVE),
    row("next", &["n"], "[N]", Modes::MOVING, "Run to the next line, over calls", MOVE),
    row("stepi", &["si"], "[N]", Modes::MOVING, "Run one instruction, into calls", "'disas' to see the instructions"),
    row("nexti", &["ni"], "[N]", Modes::MOVING, "Run one instruction, over calls", "'disas' to see the instructions"),
    row("finish", &["return", "r"], "", Modes::MOVING, "Run until the function returns", "'up' to go to the caller"),
    row("until", &["unt"], "[LINE]", Modes::MOVING, "Run to a later line", MOVE),
    row("advance", &[], "PLACE", Modes::MOVING, "Run to a place", MOVE),
    row("continue", &["c"], "[N]", Modes::MOVING, "Let the process run on", AGAIN),
    row("back", &["reverse-step", "rs", "rn", "rc"], "[N]", Modes::TIMELINE, "Go back to an earlier state", PAST),
    row("goto", &[], "EVENT|TIME", Modes::TIMELINE, "Go to an event or a time", PAST),
    row("timeline", &[], "", Modes::TIMELINE, "List the recorded events", PAST),
    row("checkpoint", &[], "[NAME]", Modes::MOVING, "Keep a state to come back to", PAST),
    row("last-change", &["rwatch-back"], "EXPR", Modes::TIMELINE, "Find the last change of a value", VALUES),
    row("run", &["restart", "R"], "[ARGS]", Modes::LIVE, "Start the program again", AGAIN),
    row("rerun", &[], "[N|-N]", Modes::LIVE, "Start again and replay the commands", AGAIN),
    row("attach", &[], "PID", Modes::LIVE, "Attach to a process", "'dpdb-trace -- COMMAND' to supervise one"),
    row("detach", &[], "", Modes::LIVE, "Leave the process alone", "'quit' to leave"),
    row("kill", &[], "", Modes::LIVE, "Kill the process", "'quit' to leave: it is dead already"),
    row("interrupt", &[], "", Modes::LIVE, "Stop the process", "'threads' to see where it stood"),
    row("break", &["b", "tbreak", "hbreak"], "[PLACE] [if EXPR]", Modes::MOVING, "Stop at a place", PLACES),
    row("breakpoints", &["L", "info breakpoints", "info break"], "", Modes::MOVING, "List breakpoints", PLACES),
    row("enable", &[], "N", Modes::MOVING, "Switch a breakpoint on", PLACES),
    row("disable", &[], "N", Modes::MOVING, "Switch a breakpoint off", PLACES),
    row("delete", &["B", "clear", "clearall"], "N|PLACE", Modes::MOVING, "Delete a breakpoint", PLACES),
    row("condition", &[], "N EXPR", Modes::MOVING, "Give a breakpoint a condition", PLACES),
    row("ignore", &[], "N COUNT", Modes::MOVING, "Pass a breakpoint so many times", PLACES),
    row("watch", &["rwatch", "awatch"], "EXPR", Modes::MOVING, "Stop when a value changes", VALUES),
    row("commands", &["action"], "N", Modes::MOVING, "Run commands at a breakpoint", PLACES),
    row("trace", &["t"], "[on|off]", Modes::MOVING, "Print each line or call as it runs", PAST),
    row(
        "catch",
        &[],
        "EVENT",
        Modes::LIVE,
        "Stop at a signal, system call, fork or throw",
        "--signals when supervising",
    ),
    row("handle", &[], "SIGNAL ACTION", Modes::LIVE, "Choose what a signal does", "--signals when supervising"),
    row("skip", &[], "GLOB", Modes::MOVING, "Do not step into some modules", MOVE),
    row("call", &[], "FUNCTION(ARGS)", Modes::LIVE, "Call a function of the process", VALUES),
    row("jump", &["j"], "PLACE", Modes::LIVE, "Go on at another place", "'list' to look at another place"),
    row("snapshot", &[], "[FILE]", Modes::LIVE, "Write a snapshot now", "'dpdb-trace export' to write it as a core"),
];
