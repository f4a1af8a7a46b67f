//! `tasks`: what asyncio was doing.

use dpdb_analyzer::PythonTask;
use serde::Serialize;

use super::{CommandError, Engine, Reply};

/// The tasks of asyncio.
#[derive(Debug, Serialize)]
pub struct Tasks {
    /// Those of all threads.
    pub tasks: Vec<PythonTask>,
}

impl Engine {
    /// The tasks of asyncio in all threads.
    ///
    /// # Errors
    /// No Python runs in the process, or none of its threads has tasks.
    pub fn tasks(&self) -> Result<Reply, CommandError> {
        if let Err(why) = self.session.python() {
            return Err(CommandError::refused(why.to_string()));
        }
        let tasks = self.session.python_tasks();
        if tasks.is_empty() {
            return Err(CommandError::refused("the process has no tasks of asyncio"));
        }
        Ok(Reply::Tasks(Tasks { tasks }))
    }
}
