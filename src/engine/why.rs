//! `why`: the fault in one paragraph.

use serde::Serialize;

use super::{CommandError, Engine, Reply};

/// The fault explained.
#[derive(Debug, Serialize)]
pub struct Why {
    /// The paragraph.
    pub text: String,
}

impl Engine {
    /// The fault in one paragraph.
    ///
    /// # Errors
    /// Nothing died here.
    pub fn why(&mut self) -> Result<Reply, CommandError> {
        Ok(Reply::Why(Why { text: String::new() }))
    }
}
