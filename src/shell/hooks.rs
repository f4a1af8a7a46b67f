//! Commands that run by themselves: before each prompt, after each line, and where something else is looked at.

use std::collections::BTreeMap;

use super::Shell;
use crate::engine::{CommandError, HookCommands, Reply};

/// When a hook's commands run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookPoint {
    /// Before each prompt.
    PrePrompt,
    /// Once a line was typed, before it runs.
    PostPrompt,
    /// Where a crash was opened, or another process, thread or frame was selected.
    Stop,
}

impl HookPoint {
    /// All of them by name.
    pub const ALL: [(&'static str, HookPoint); 3] =
        [("pre-prompt", HookPoint::PrePrompt), ("post-prompt", HookPoint::PostPrompt), ("stop", HookPoint::Stop)];

    /// The one of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<HookPoint, CommandError> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, point)| point).ok_or_else(|| {
            CommandError::refused(format!("'{name}' is no hook: there are pre-prompt, post-prompt and stop"))
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, point)| *point == self).map_or("", |(name, _)| name)
    }
}

/// The commands of each hook.
#[derive(Debug, Default)]
pub struct Hooks(BTreeMap<HookPoint, Vec<String>>);

impl Hooks {
    /// Gives a hook one command, in the place of its others or behind them.
    pub fn set(&mut self, point: HookPoint, command: &str, adds: bool) {
        let commands = self.0.entry(point).or_default();
        if !adds {
            commands.clear();
        }
        commands.push(command.to_owned());
    }

    /// Takes the commands of a hook away.
    pub fn clear(&mut self, point: HookPoint) {
        self.0.remove(&point);
    }

    /// All hooks that have commands.
    pub fn list(&self) -> Vec<HookCommands> {
        self.0.iter().map(|(hook, commands)| HookCommands { hook: hook.name(), commands: commands.clone() }).collect()
    }

    fn commands(&self, point: HookPoint) -> Vec<String> {
        self.0.get(&point).cloned().unwrap_or_default()
    }
}

/// Whether something else is looked at after this answer.
pub fn is_stop(reply: &Reply) -> bool {
    matches!(reply, Reply::Opening(_) | Reply::Thread(_) | Reply::Frame(_))
}

impl Shell {
    /// Runs the commands of a hook; those that they cause do not run hooks again.
    pub(super) fn run_hook(&mut self, point: HookPoint) -> std::io::Result<()> {
        let commands = self.hooks.commands(point);
        // Nobody is there for whom a script's own steps were to be commented.
        if commands.is_empty() || self.nesting > 0 {
            return Ok(());
        }
        self.nested(|shell| commands.iter().try_for_each(|command| shell.line(command).map(drop)))
    }
}
