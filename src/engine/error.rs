//! Why a command gave no reply.

use dpdb_snapshot::Absent;

/// Why a command gave no reply: a sentence for the person who typed it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The arguments are not those it takes.
    #[error("usage: {usage} (help {name} says more)")]
    Usage {
        /// The usage line.
        usage: String,
        /// The command's name.
        name: &'static str,
    },
    /// No command is called so.
    #[error("no command is called '{typed}'{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// The word that was typed.
        typed: String,
        /// What it may have been meant for.
        nearest: Option<String>,
    },
    /// Several commands begin so.
    #[error("'{typed}' may mean: {}", candidates.join(", "))]
    Ambiguous {
        /// The word that was typed.
        typed: String,
        /// The spellings that begin so, sorted.
        candidates: Vec<&'static str>,
    },
    /// The command needs a process that runs.
    #[error("this is a snapshot: '{command}' needs a live process; use {instead}")]
    NotLive {
        /// The command's name.
        command: &'static str,
        /// What to do in its place.
        instead: &'static str,
    },
    /// Memory that the file does not hold.
    #[error("{0}")]
    Absent(#[from] Absent),
    /// An expression that makes no sense: its text, a line with a caret under the place, and a sentence.
    #[error("{0}")]
    Expression(String),
    /// Something else, said in a sentence.
    #[error("{0}")]
    Refused(String),
}

fn did_you_mean(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("; did you mean '{name}'?"),
        None => "; 'help' lists them".to_owned(),
    }
}

impl CommandError {
    /// A refusal in a sentence.
    pub fn refused(sentence: impl Into<String>) -> CommandError {
        CommandError::Refused(sentence.into())
    }
}
