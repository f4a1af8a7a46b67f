//! `interact`: a real Python on the terminal, in which the names of a frame of the dead process stand.
//!
//! The Python is the user's own, on this machine, and has nothing of the process but what it is told over a socket. It
//! asks by expressions in Python's syntax, which are evaluated as at the prompt, and gets JSON.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::engine::{CommandError, Engine, Interaction};
use crate::render::clean_str;

/// What runs in it.
const SESSION: &str = include_str!("session.py");

/// A question of the session; a number stands in front of it, and in front of its answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// The names of the frame.
    Names(()),
    /// The value of an expression.
    Evaluate(String),
}

/// Runs a session to its end.
///
/// # Errors
/// There is no terminal, or no such Python.
pub fn interact(engine: &mut Engine, interaction: &Interaction) -> Result<(), CommandError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CommandError::refused("interact needs a terminal: use 'p' where there is none"));
    }
    let python = &interaction.python;
    let failed = |error: io::Error| CommandError::refused(format!("'{python}' cannot be run: {error}"));
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let mut command = Command::new(python);
    command.args(["-q", "-c", SESSION]).stdin(Stdio::from(OwnedFd::from(theirs)));
    let mut child = command.spawn().map_err(failed)?;
    // The command keeps a copy of the session's end, without whose closing the end of the session is not seen.
    drop(command);
    let served = serve(engine, interaction, ours);
    end(&mut child);
    served.map_err(|error| CommandError::refused(format!("the session of '{python}' broke off: {error}")))
}

/// Answers questions until the session ends.
fn serve(engine: &mut Engine, interaction: &Interaction, stream: UnixStream) -> io::Result<()> {
    let mut answers = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let (number, question) = match serde_json::from_str::<(u64, Question)>(&line?) {
            Ok(question) => question,
            Err(error) => return Err(io::Error::other(error)),
        };
        let answer = match question {
            Question::Names(()) => {
                json!({"names": engine.names_for_session(interaction), "banner": interaction.banner})
            }
            Question::Evaluate(expression) => match engine.value_for_session(interaction, &expression) {
                Ok(value) => json!({"value": value}),
                Err(error) => json!({"error": clean_str(&error)}),
            },
        };
        if answers.write_all(format!("{}\n", json!([number, answer])).as_bytes()).is_err() {
            break;
        }
    }
    Ok(())
}

fn end(child: &mut Child) {
    // It ended its side, so it is ending; how it did is no concern of the shell.
    let _ = child.wait();
}
