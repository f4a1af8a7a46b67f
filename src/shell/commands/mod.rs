//! The commands, one file per heading: the rows of the table, and under them the handlers they name.

pub mod crash;
pub mod machine;
pub mod process;
pub mod python;
pub mod running;
pub mod scripts;
pub mod session;
pub mod settings;
pub mod source;
pub mod stack;
pub mod threads;
pub mod values;
pub mod whole_run;

use crate::engine::CommandError;
use crate::shell::table::Invocation;

/// A count, where none means one.
fn count(invocation: &Invocation<'_>) -> Result<i64, CommandError> {
    match invocation.arguments {
        "" => Ok(1),
        text => text.parse().map_err(|_| invocation.usage()),
    }
}
