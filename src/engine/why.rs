//! `why`: the fault in one paragraph.

use dpdb_analyzer::Finding;
use serde::Serialize;

use super::{CommandError, Engine, Reply};

/// The fault explained.
#[derive(Debug, Serialize)]
pub struct Why {
    /// The paragraph.
    pub text: String,
    /// What it says, a piece each.
    pub findings: Vec<Finding>,
}

impl Engine {
    /// The fault in one paragraph.
    ///
    /// # Errors
    /// Nothing died here.
    pub fn why(&mut self) -> Result<Reply, CommandError> {
        let explanation = self.session.explain().ok_or_else(|| CommandError::refused("nothing says that it died"))?;
        Ok(Reply::Why(Why { text: explanation.to_string(), findings: explanation.findings }))
    }
}
