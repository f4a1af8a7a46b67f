//! What is wrong with an expression, and where in its text.

use std::fmt;

/// A stretch of an expression's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
}

impl Span {
    /// From the start of this one to the end of `last`.
    pub fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.start) }
    }
}

/// An expression that cannot be read or evaluated, and the place in it that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// The place.
    pub span: Span,
    /// What may have been meant, such as `did you mean "counter"?`.
    pub hint: Option<String>,
    /// A name in it means nothing where it was looked for, which is not everywhere.
    pub(crate) is_unknown: bool,
}

impl ExprError {
    /// An error at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> ExprError {
        ExprError { message: message.into(), span, hint: None, is_unknown: false }
    }

    /// The error that a name at `span` means nothing here, though it may elsewhere.
    pub(crate) fn unknown(span: Span, message: impl Into<String>) -> ExprError {
        ExprError { is_unknown: true, ..ExprError::new(span, message) }
    }

    /// The same error with something that may have been meant.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> ExprError {
        self.hint = hint;
        self
    }

    /// The message with the expression above it and a caret under the place.
    pub fn render(&self, text: &str) -> String {
        let before = text.get(..self.span.start).unwrap_or(text).chars().count();
        let marked = text.get(self.span.start..self.span.end).map_or(0, |marked| marked.chars().count());
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        let tail = "~".repeat(marked.saturating_sub(1));
        format!("{text}\n{}^{tail}\n{}{hint}", " ".repeat(before), self.message)
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExprError {}
