//! The call stack.

use super::count;
use crate::engine::{CommandError, Engine, Extent, FrameOf, Reply, View};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "bt",
        aliases: &["where", "w", "backtrace", "T", "info stack"],
        arguments: "[full] [-native|-python|-all|-first-chance] [N|-N]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the call stack, innermost frame first",
        details: "Python frames stand among the native ones, and the interpreter's own code between them is left out;\n\
                  -native, -python and -all choose other frames, and the numbers stay the same. N shows the\n\
                  innermost N frames, -N the outermost. '>' marks the selected frame. Inlined functions are frames\n\
                  of their own, marked [inlined]; a frame that was guessed says how. Of a stack deeper than 300\n\
                  frames the two ends are shown. full adds the locals of each frame.\n\
                  Where a handler of the process took the fault before it died, -first-chance shows the stack as it\n\
                  was at the fault, whatever the handler did to it.",
        example: "bt 5",
        repeat: Repeat::No,
        action: Action::Run(backtrace),
    },
    Command {
        name: "frame",
        aliases: &["f", "info frame"],
        arguments: "[N | function NAME | addr ADDRESS]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Select a frame by its number, function or address, or show it",
        details: "Of a function the innermost frame is meant; an address may be in its code, or be its CFA.",
        example: "frame 2",
        repeat: Repeat::No,
        action: Action::Run(frame),
    },
    Command {
        name: "up",
        aliases: &["u"],
        arguments: "[N]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Select the caller, or the frame N further out",
        details: "",
        example: "up",
        repeat: Repeat::Again,
        action: Action::Run(up),
    },
    Command {
        name: "down",
        aliases: &["d"],
        arguments: "[N]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Select the callee, or the frame N further in",
        details: "",
        example: "down",
        repeat: Repeat::Again,
        action: Action::Run(down),
    },
    Command {
        name: "frames",
        aliases: &[],
        arguments: "[N|-N]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show a table of frames: pc, CFA, trust, language, place, module",
        details: "Trust says how a frame was found: by registers, cfi (the compiler's own tables), prologue, return\n\
                  address, frame pointer, or scan (a word of the stack that looks like a return address).",
        example: "frames",
        repeat: Repeat::No,
        action: Action::Run(frames),
    },
];

fn backtrace(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if let Some(rest) = invocation.arguments.strip_prefix("-first-chance") {
        return Ok(Reply::Backtrace(engine.first_chance_backtrace(extent(rest.trim_start(), invocation)?)?));
    }
    let words: Vec<&str> = invocation.arguments.split_whitespace().collect();
    let (full, rest): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|word| matches!(*word, "full" | "-full"));
    let rest = rest.join(" ");
    let (view, rest) = view(&rest);
    let extent = extent(rest, invocation)?;
    Ok(Reply::Backtrace(engine.backtrace_with_values(engine.tid(), extent, view, !full.is_empty())?))
}

fn frames(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    Ok(Reply::Frames(engine.backtrace(engine.tid(), extent(invocation.arguments, invocation)?, View::All)?))
}

/// Which frames the first argument asks for, and the others.
fn view(arguments: &str) -> (View, &str) {
    for (option, view) in [("-native", View::Native), ("-python", View::Python), ("-all", View::All)] {
        if let Some(rest) = arguments.strip_prefix(option).filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            return (view, rest.trim());
        }
    }
    (View::Merged, arguments)
}

fn extent(arguments: &str, invocation: &Invocation<'_>) -> Result<Extent, CommandError> {
    if arguments.is_empty() {
        return Ok(Extent::All);
    }
    let count: i64 = arguments.parse().map_err(|_| invocation.usage())?;
    let frames = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if count < 0 { Extent::Outermost(frames) } else { Extent::Innermost(frames) })
}

fn frame(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => engine.show_frame(),
        text => match text.split_once(char::is_whitespace) {
            Some(("function", name)) => engine.select_frame_of(FrameOf::Function(name.trim())),
            Some(("addr" | "address", address)) => engine.select_frame_of(FrameOf::Address(address.trim())),
            _ => engine.select_frame(text.parse().map_err(|_| invocation.usage())?),
        },
    }
}

fn up(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.move_frame(count(invocation)?)
}

fn down(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    engine.move_frame(count(invocation)?.saturating_neg())
}
