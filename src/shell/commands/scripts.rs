//! Scripts, definitions, history, transcripts, and commands of the user's shell.

use std::io::Write;
use std::path::PathBuf;

use super::settings::row;
use crate::engine::{AliasList, CommandError, Done, History, Reply, ShellStatus};
use crate::shell::table::{Command, Invocation};
use crate::shell::{Shell, output, redirect};

/// The rows.
pub const COMMANDS: &[Command] = &[
    row(
        ("define", &[]),
        "NAME",
        "Give several lines a name: those that follow, up to 'end'",
        "%1 to %9 in them are the arguments, %* all of them, and gdb's $arg0 the first. 'alias' lists the names.",
        "define crash-report",
        define,
    ),
    row(
        ("run-script", &["@"]),
        "FILE",
        "Run the commands in a file, a line each",
        "Lines that begin with # are comments. Scripts may run scripts. 'source FILE' does the same.",
        "run-script triage.dpdb",
        run_script,
    ),
    row(
        ("save", &[]),
        "FILE",
        "Write the lines of this session into a file, as a script",
        "The file is made anew. 'run-script' and -x run it.",
        "save triage.dpdb",
        save,
    ),
    row(
        ("history", &["H", "info history"]),
        "[-N | RE]",
        "List the lines that were typed, in this session and before",
        "-N lists the last N, RE those in which a regular expression is found. !N runs line N again, !-N the one\n\
         N lines before; Ctrl-R searches.",
        "history -20",
        history,
    ),
    row(
        ("transcript", &[]),
        "[FILE | off]",
        "Write all that is typed and answered into a file, too",
        "At its end, without colours, and readable by its owner alone.",
        "transcript crash.log",
        transcript,
    ),
    row(
        ("trust", &[]),
        "",
        "Run the project's .dpdbrc, now and in every session from here on",
        "An .dpdbrc of the working directory came with the sources, and may run any command: it is not read before you\n\
         say so, nor once it has changed. Neither it nor ~/.config/dpdb-trace/rc is read if others could have\n\
         written it.",
        "trust",
        trust,
    ),
    row(
        ("shell", &["!!"]),
        "[COMMAND]",
        "Run a command of the user's shell, or the shell itself",
        "'!!COMMAND' does the same. The exit status is told unless it is 0.",
        "shell date",
        run_shell,
    ),
    row(
        ("pipe", &[]),
        "LINE | COMMAND",
        "Send the answer of a line into a command of the user's shell",
        "Most lines take '| COMMAND' and '> FILE' at their own end. In those with an expression the signs are operators:\n\
         'pipe p a | b | less' takes the last one for its own. Without any, the answer goes into the pager.",
        "pipe p $rip | cat",
        pipe,
    ),
];

fn define(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    if invocation.whole.is_empty() {
        return Err(invocation.usage());
    }
    shell.begin_definition(invocation.whole)?;
    Ok(Reply::Aliases(AliasList { aliases: Vec::new() }))
}

/// The file that a command's whole argument names.
fn file_of(invocation: &Invocation<'_>) -> Result<PathBuf, CommandError> {
    match invocation.whole {
        "" => Err(invocation.usage()),
        path => Ok(redirect::file(path)),
    }
}

fn run_script(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    shell.run_script(&file_of(invocation)?)
}

fn save(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let path = file_of(invocation)?;
    let failed = |error: std::io::Error| CommandError::refused(format!("{}: {error}", path.display()));
    let lines: Vec<&str> = shell.history.of_session().collect();
    let mut file = std::fs::File::create(&path).map_err(failed)?;
    lines.iter().try_for_each(|line| writeln!(file, "{line}")).map_err(failed)?;
    Ok(Reply::Done(Done { what: format!("{} lines are in {}", lines.len(), path.display()) }))
}

fn history(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let all = shell.history.numbered();
    let lines = match invocation.whole.strip_prefix('-').map(str::parse::<usize>) {
        Some(Ok(count)) => all.into_iter().rev().take(count).rev().collect(),
        _ => {
            let wanted = crate::engine::pattern(invocation.whole)?;
            all.into_iter().filter(|line| wanted(&line.line)).collect()
        }
    };
    Ok(Reply::History(History { lines }))
}

fn transcript(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let what = match invocation.whole {
        "" | "off" => {
            shell.output.transcribe(None)?;
            "no transcript is written".to_owned()
        }
        _ => {
            let path = file_of(invocation)?;
            shell.output.transcribe(Some(&path))?;
            format!("the transcript goes to {}", path.display())
        }
    };
    Ok(Reply::Done(Done { what }))
}

fn trust(shell: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    invocation.no_arguments()?;
    shell.trust_project()
}

fn run_shell(_: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    let status = output::run_shell(invocation.whole)?;
    Ok(Reply::ShellStatus(ShellStatus { command: invocation.whole.to_owned(), status }))
}

/// What stands behind the last sign was taken away before: this is left where there was nothing to send.
fn pipe(_: &mut Shell, invocation: &Invocation<'_>) -> Result<Reply, CommandError> {
    Err(invocation.usage())
}
