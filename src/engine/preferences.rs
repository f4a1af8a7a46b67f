//! What somebody set once for all answers, with `set` or on the command line.

use super::value_limits::LimitOptions;
use super::{Engine, WholeRun};

/// How answers are to be made where a command does not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// How much of a value is shown, where that is not the default.
    pub limits: LimitOptions,
    /// Values are shown as trees.
    pub tree: bool,
    /// Values are shown as they are laid out.
    pub raw: bool,
    /// Lines that `list` shows at once.
    pub list_lines: u32,
}

impl Default for Preferences {
    fn default() -> Preferences {
        // As many lines as pdb shows; gdb has ten.
        Preferences { limits: LimitOptions::default(), tree: false, raw: false, list_lines: 11 }
    }
}

impl Engine {
    /// What is set for all answers.
    pub fn preferences(&self) -> Preferences {
        self.preferences
    }

    /// Sets it from here on.
    pub fn prefer(&mut self, preferences: Preferences) {
        self.preferences = preferences;
    }
}

impl WholeRun {
    /// Changes what is set for all answers about all processes, those that are opened later too.
    pub fn change_preferences(&mut self, change: impl FnOnce(&mut Preferences)) {
        change(&mut self.preferences);
        self.engine.prefer(self.preferences);
        self.others.values_mut().for_each(|engine| engine.prefer(self.preferences));
    }
}
