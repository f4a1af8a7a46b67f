//! Replies as JSON, an object per line; docs/json.md describes them.

use serde::Serialize;

use crate::engine::{CommandError, Reply};

#[derive(Serialize)]
struct Answer<'a> {
    command: &'a str,
    reply: &'a Reply,
}

#[derive(Serialize)]
struct Failure<'a> {
    command: &'a str,
    error: String,
}

/// `{"command": …, "reply": …}` and a newline.
pub fn answer(command: &str, reply: &Reply) -> String {
    line(&Answer { command, reply })
}

/// `{"command": …, "error": …}` and a newline.
pub fn failure(command: &str, error: &CommandError) -> String {
    line(&Failure { command, error: error.to_string() })
}

/// Any value as one line of JSON.
pub fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("replies have string keys and no failing serializer") + "\n"
}
