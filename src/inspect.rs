//! `dpdb-trace inspect`: open a file, then commands from the command line, a script, a pipe or a person.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::process::ExitCode;

use crate::cli::InspectArgs;
use crate::engine::WholeRun;
use crate::failure::{FAILED, after_output, complain, failed, partial_view, sentence};
use crate::shell::{self, BatchEnd, Form, Shell};
use crate::snapshot_files;

/// A condition of --fail-if holds. 2 is what mistakes on the command line end with.
const CONDITION_HOLDS: u8 = 3;

/// Runs the subcommand.
pub fn inspect(arguments: &InspectArgs) -> ExitCode {
    let script = match arguments.script.as_ref().map(File::open).transpose() {
        Ok(script) => script,
        Err(error) => {
            let path = arguments.script.as_deref().unwrap_or_else(|| "".as_ref()).display();
            complain(&format!("cannot open the script {path}: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let paths = match snapshot_files::named_by_all(&arguments.paths) {
        Ok(paths) => paths,
        Err(error) => return failed(&error),
    };
    if paths.is_empty() {
        complain("no snapshots there");
        return ExitCode::from(FAILED);
    }
    let (run, unreadable) = match WholeRun::open(&paths, &arguments.files, arguments.limits) {
        Ok((run, unreadable)) => (Some(run), unreadable),
        Err(unreadable) => (None, unreadable),
    };
    for (file, error) in &unreadable {
        // Who named one file knows which it is.
        let file = if paths.len() == 1 { String::new() } else { format!("{}: ", file.display()) };
        complain(&format!("{file}{}", sentence(error)));
    }
    let Some(run) = run else { return ExitCode::from(FAILED) };
    let a_person = is_interactive(arguments);
    // A person is greeted with the damage.
    let whole = match (a_person, unreadable.is_empty()) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => partial_view(run.file(), run.engine().damage()),
        (false, false) => ExitCode::from(FAILED),
    };
    let form = if arguments.json { Form::Json } else { Form::Text };
    let mut shell = Shell::new(run, form);
    if a_person {
        return after_output(shell::talk(shell), whole);
    }
    match run_all(&mut shell, arguments, script) {
        Ok(BatchEnd::Clean) => judged(&mut shell, &arguments.fail_if, whole),
        Ok(BatchEnd::Failed) => ExitCode::from(FAILED),
        Err(error) => after_output(Err(error), whole),
    }
}

/// The status after the conditions of --fail-if. One that cannot be told is a failure of its own.
fn judged(shell: &mut Shell, conditions: &[String], whole: ExitCode) -> ExitCode {
    let found: Vec<Option<bool>> = conditions.iter().map(|condition| shell.holds(condition)).collect();
    if found.contains(&None) {
        ExitCode::from(FAILED)
    } else if found.contains(&Some(true)) && whole == ExitCode::SUCCESS {
        ExitCode::from(CONDITION_HOLDS)
    } else {
        whole
    }
}

/// Whether there is somebody to prompt.
fn is_interactive(arguments: &InspectArgs) -> bool {
    let nothing_to_run = arguments.script.is_none() && arguments.commands.is_empty() && arguments.fail_if.is_empty();
    nothing_to_run && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The script's commands come first, then those of the command line; with neither, stdin's.
fn run_all(shell: &mut Shell, arguments: &InspectArgs, script: Option<File>) -> io::Result<BatchEnd> {
    let InspectArgs { commands, fail_if, .. } = arguments;
    let (none, asked) = (script.is_none() && commands.is_empty(), !fail_if.is_empty());
    // With a condition alone, a person at a terminal has nothing to type.
    if none && !(asked && io::stdin().is_terminal()) {
        return shell.batch_from(io::stdin().lock());
    }
    let mut end = BatchEnd::Clean;
    if let Some(script) = script {
        end = shell.batch_from(BufReader::new(script))?;
    }
    let rest = shell.batch(commands.iter().cloned().map(Ok))?;
    Ok(if end == BatchEnd::Failed { end } else { rest })
}
