//! The processes of a whole run.

use crate::engine::{CommandError, Comparison, Reply, WholeRun};
use crate::shell::execute;
use crate::shell::table::{Action, Command, Group, Invocation, Modes, Repeat, RunHandler};

/// A row of this group: nothing here repeats, all of it means something everywhere.
const fn row(
    (name, aliases): (&'static str, &'static [&'static str]),
    arguments: &'static str,
    summary: &'static str,
    details: &'static str,
    example: &'static str,
    handler: RunHandler,
) -> Command {
    Command {
        name,
        aliases,
        arguments,
        group: Group::WholeRun,
        modes: Modes::ALL,
        summary,
        details,
        example,
        repeat: Repeat::No,
        action: Action::RunOnAll(handler),
    }
}

/// The rows.
pub const COMMANDS: &[Command] = &[
    row(
        ("processes", &["ps"]),
        "[-tree]",
        "List the snapshots that were opened: order of death, rank, what happened",
        "They are numbered in the order of death. The last to die comes first and the first failure last, marked\n\
         'first'; '>' marks the selected one. -tree shows all processes that any of the snapshots knows of, each\n\
         below its parent.",
        "processes -tree",
        processes,
    ),
    row(
        ("process", &[]),
        "[N|PID|rank=N] | apply all|LIST COMMAND",
        "Select a process, or run a command in several of them",
        "A process is named by its number in 'processes', by its pid, or by its rank. LIST is such as 1,3 or\n\
         rank=0,rank=5. Thread, frame and all that was selected in a process stay selected while others are looked at.",
        "process apply all bt 3",
        process,
    ),
    row(
        ("stacks", &["bt -group", "threads -group"]),
        "",
        "Show the stacks of all threads of all processes, equal ones once",
        "Stacks are equal where they have the same functions at the same lines. The most frequent comes first, with\n\
         the number of threads that have it, and which these are.",
        "bt -group",
        stacks,
    ),
    row(
        ("diff", &[]),
        "[A] B [stack|COMMAND]",
        "Compare two processes: their stacks, locals, environment, or any command",
        "COMMAND is any that tells of one process, such as locals, maps, env or globals; without one it is the stack,\n\
         the locals and the environment. '-' marks what only A (else the selected process) says, '+' what only B\n\
         does. Addresses are left out of the comparison, since they differ in any two processes.",
        "diff 1 2 stack",
        diff,
    ),
];

fn processes(run: &mut WholeRun, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    match invocation.whole {
        "" => Ok(run.processes()),
        "-tree" => Ok(run.tree()),
        _ => Err(invocation.usage()),
    }
}

fn stacks(run: &mut WholeRun, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    Ok(run.equal_stacks())
}

fn process(run: &mut WholeRun, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.arguments.is_empty() {
        return run.opening();
    }
    match invocation.arguments.split_once(char::is_whitespace) {
        Some(("apply", rest)) => {
            let (wanted, command) = rest.trim().split_once(char::is_whitespace).ok_or_else(|| invocation.usage())?;
            let command = command.trim();
            run.apply(wanted, command, &mut |engine| execute(engine, command))
        }
        None if invocation.arguments != "apply" => run.select(invocation.arguments),
        _ => Err(invocation.usage()),
    }
}

fn diff(run: &mut WholeRun, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let (first, rest) = word(invocation.arguments);
    let (second, after) = word(rest);
    let selected = (run.engine().process().pid).to_string();
    // One process is compared with the selected one: the second word is the command's then.
    let is_process = |word: &str| word.starts_with("rank=") || word.bytes().all(|byte| byte.is_ascii_digit());
    let (left, right, command) = match (first, second) {
        ("", _) => return Err(invocation.usage()),
        (first, second) if !second.is_empty() && is_process(second) => (first, second, after),
        (first, _) => (selected.as_str(), first, rest),
    };
    let commands = match command.trim() {
        "" => vec!["bt", "locals", "env"],
        "stack" => vec!["bt"],
        command => vec![command],
    };
    let parts =
        commands.into_iter().map(|command| run.compare((left, right), command, &mut |engine| execute(engine, command)));
    Ok(Reply::Comparison(Comparison { parts: parts.collect::<Result<_, _>>()? }))
}

/// The first word of a text, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}
