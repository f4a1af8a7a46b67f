//! `dpdb-trace inspect`: open a file, then commands from the command line, a script, a pipe or a person.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::process::ExitCode;

use crate::cli::InspectArgs;
use crate::engine::Engine;
use crate::failure::{FAILED, after_output, complain, failed, partial_view};
use crate::shell::{BatchEnd, Form, Shell};

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
    let mut engine = match Engine::open(&arguments.file, &arguments.files) {
        Ok(engine) => engine,
        Err(error) => return failed(&error),
    };
    engine.limit_values(arguments.limits);
    let a_person = is_interactive(arguments);
    // A person is greeted with the damage.
    let whole = if a_person { ExitCode::SUCCESS } else { partial_view(&arguments.file, engine.damage()) };
    let form = if arguments.json { Form::Json } else { Form::Text };
    let mut shell = Shell::new(engine, form);
    if a_person {
        return after_output(shell.interact(), whole);
    }
    match talk(&mut shell, &arguments.commands, script) {
        Ok(BatchEnd::Clean) => whole,
        Ok(BatchEnd::Failed) => ExitCode::from(FAILED),
        Err(error) => after_output(Err(error), whole),
    }
}

/// Whether there is somebody to prompt.
fn is_interactive(arguments: &InspectArgs) -> bool {
    let nothing_to_run = arguments.script.is_none() && arguments.commands.is_empty();
    nothing_to_run && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The script's commands come first, then those of the command line; with neither, stdin's.
fn talk(shell: &mut Shell, commands: &[String], script: Option<File>) -> io::Result<BatchEnd> {
    if script.is_none() && commands.is_empty() {
        return shell.batch_from(io::stdin().lock());
    }
    let mut end = BatchEnd::Clean;
    if let Some(script) = script {
        end = shell.batch_from(BufReader::new(script))?;
    }
    let rest = shell.batch(commands.iter().cloned().map(Ok))?;
    Ok(if end == BatchEnd::Failed { end } else { rest })
}
