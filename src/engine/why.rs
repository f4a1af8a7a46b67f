//! `why`: the fault in one paragraph.

use dpdb_analyzer::Explanation;
use serde::Serialize;

use super::{CommandError, Engine, Reply};

/// The fault explained.
#[derive(Debug, Serialize)]
pub struct Why {
    /// The findings as one paragraph.
    pub text: String,
    /// What was found out, in the order in which it is told.
    #[serde(flatten)]
    pub explanation: Explanation,
}

impl Engine {
    /// The fault in one paragraph.
    ///
    /// # Errors
    /// Nothing died here.
    pub fn why(&self) -> Result<Reply, CommandError> {
        let explanation = self.session.explain();
        let explanation = explanation.ok_or_else(|| {
            CommandError::refused("nothing in the file says that the process died or raised an exception")
        })?;
        Ok(Reply::Why(Why { text: explanation.to_string(), explanation }))
    }
}
