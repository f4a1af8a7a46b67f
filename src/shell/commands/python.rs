//! Python frames; the names are those of CPython's own extension of gdb.

use crate::engine::{CommandError, Engine, HeapQuestion, Reply};
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat};

/// The rows.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "py-bt",
        aliases: &[],
        arguments: "[full]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the Python frames of the thread; full adds their variables",
        details: "The numbers are those of bt, so 'frame N' selects one.",
        example: "py-bt full",
        repeat: Repeat::No,
        action: Action::Run(backtrace),
    },
    Command {
        name: "py-locals",
        aliases: &[],
        arguments: "",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the variables of the selected Python frame",
        details: "Where a native frame is selected, those of the Python frame that called it.",
        example: "py-locals",
        repeat: Repeat::No,
        action: Action::Run(locals),
    },
    Command {
        name: "exception",
        aliases: &["exceptions"],
        arguments: "[N|none]",
        group: Group::Stack,
        modes: Modes::ALL,
        summary: "Show the exception of the thread as Python prints it, or select another",
        details: "Shown is the exception in flight, the one being handled, or the last that was printed, with what it came\n\
                  of. Where there are several, they are numbered. With N the stack of the thread is the traceback of\n\
                  that exception: bt, frame, up, down, locals and list work on its frames, though their calls have\n\
                  ended. 'exception none' goes back to where the thread is.",
        example: "exception",
        repeat: Repeat::No,
        action: Action::Run(exception),
    },
    Command {
        name: "tasks",
        aliases: &[],
        arguments: "",
        group: Group::Threads,
        modes: Modes::ALL,
        summary: "Show the tasks of asyncio and what each of them waits for",
        details: "Of each task the coroutines that await one another, the outermost first, and the future or task that the\n\
                  innermost waits for. Up to 3.13, tasks that have ended are shown as long as the program holds them.",
        example: "tasks",
        repeat: Repeat::No,
        action: Action::Run(tasks),
    },
    Command {
        name: "pyheap",
        aliases: &[],
        arguments: "types|top|objects TYPE|referrers NAME [COUNT]",
        group: Group::Values,
        modes: Modes::ALL,
        summary: "Show the objects that Python's garbage collector knows",
        details: "types counts them, top shows the largest, objects those of a type, and referrers those that refer to\n\
                  one, which is a name in the selected frame (with attributes: a.b) or an address. Texts, numbers and\n\
                  arrays cannot be parts of cycles, and the collector does not know them. Bytes are those of an object\n\
                  itself, without what it refers to. COUNT is how many are shown, 20 unless it is given.",
        example: "pyheap types",
        repeat: Repeat::No,
        action: Action::Run(heap),
    },
    Command {
        name: "interact",
        aliases: &[],
        arguments: "[PYTHON]",
        group: Group::Values,
        modes: Modes::ALL,
        summary: "Start a real Python with the names of the selected Python frame",
        details: "The Python is 'python3' of this machine, or PYTHON. Numbers, texts and containers are made again in it;\n\
                  all else are proxies, whose attributes and items are read from the process when they are asked for, and\n\
                  which cannot be changed or called.",
        example: "interact",
        repeat: Repeat::No,
        action: Action::Run(interact),
    },
];

fn backtrace(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => engine.python_backtrace(engine.tid(), false),
        "full" => engine.python_backtrace(engine.tid(), true),
        _ => Err(invocation.usage()),
    }
}

fn locals(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.python_locals()
}

fn exception(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.arguments {
        "" => engine.exceptions(),
        "none" => engine.select_exception(None),
        number => engine.select_exception(Some(number.parse().map_err(|_| invocation.usage())?)),
    }
}

fn heap(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let words: Vec<&str> = invocation.arguments.split_whitespace().collect();
    let (question, rest) = match words.as_slice() {
        ["types", rest @ ..] => (HeapQuestion::Types, rest),
        ["top", rest @ ..] => (HeapQuestion::Largest, rest),
        ["objects", name, rest @ ..] => (HeapQuestion::Objects(name), rest),
        ["referrers", object, rest @ ..] => (HeapQuestion::Referrers(object), rest),
        _ => return Err(invocation.usage()),
    };
    let limit = match rest {
        [] => None,
        [count] => Some(count.parse().map_err(|_| invocation.usage())?),
        _ => return Err(invocation.usage()),
    };
    engine.python_heap(question, limit)
}

fn interact(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let python = if invocation.whole.is_empty() { "python3" } else { invocation.whole };
    Ok(Reply::Interact(Box::new(engine.interaction(python)?)))
}

fn tasks(engine: &mut Engine, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    engine.tasks()
}
