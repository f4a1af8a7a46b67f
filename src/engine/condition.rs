//! Whether an expression holds, for those who ask for a status and not for a value.

use dpdb_analyzer::{PythonValue, ValueTree};

use super::values::PrintedValue;
use super::{CommandError, Engine, Show};

impl Engine {
    /// Whether an expression is true in the selected frame, by the rules of its language: not zero, not null, and of
    /// Python what `bool()` says.
    ///
    /// # Errors
    /// It makes no sense, or its value is missing or neither true nor false.
    pub fn holds(&mut self, expression: &str) -> Result<bool, CommandError> {
        let python = self.selected_python()?.is_some();
        let asked = if python { format!("bool({expression})") } else { expression.to_owned() };
        let value = self.peek(&asked, Show::default())?.value;
        let truth = match &value {
            PrintedValue::Python(PythonValue::Bool(truth)) => Some(*truth),
            PrintedValue::Python(_) => None,
            PrintedValue::Native(tree) => truth(tree),
        };
        truth.ok_or_else(|| CommandError::refused(format!("'{expression}' is neither true nor false")))
    }
}

fn truth(tree: &ValueTree) -> Option<bool> {
    Some(match tree {
        ValueTree::Bool(truth) => *truth,
        ValueTree::Integer(value) | ValueTree::Enumerator { value, .. } => *value != 0,
        ValueTree::Character { code, .. } => *code != 0,
        ValueTree::Large(value) => *value != 0,
        ValueTree::Single(value) => *value != 0.0,
        ValueTree::Float(value) => *value != 0.0,
        ValueTree::Pointer { to, .. } => to.0 != 0,
        ValueTree::Reference { value, .. } | ValueTree::Named { value, .. } => truth(value)?,
        _ => return None,
    })
}
